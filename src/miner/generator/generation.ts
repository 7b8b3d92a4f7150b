/**
 * generation.json: what a generator's answers follow from beside its passes (docs/generation.md). The manifest names it
 * as its `template`, so whoever has the model's id has these bytes.
 */
import { plainHash } from '../../core/hash.ts';
import {
  K_MAX,
  KIND,
  OPERAND_MAX,
  tokensMax,
  VOCABULARY_MAX,
  type Manifest,
} from '../../core/manifest.ts';
import { equal } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { array, corrupt, number, numbers, parseJson, text } from '../package/json.ts';
import { GENERATION_BYTES_MAX, GENERATION_FILE } from '../package/package.ts';
import { choosingProblem, STOPS_MAX, type Choosing } from './options.ts';

export const GENERATION_VERSION = 1;
/** Tokens that stand before every input. */
const PREFIX_MAX = 16;
/** UTF-16 units of a chat's template. */
export const TEMPLATE_CHARS_MAX = 65_536;
/** Logit steps of one nat: with the hottest temperature and the last weight's place still a product below 2^53. */
const PER_NAT_MAX = 2 ** 32;

export interface Generation {
  readonly version: number;
  /** Tokens that the model's constants put before every input; no input holds them. */
  readonly prefix: readonly number[];
  /** Tokens that end an answer. */
  readonly stops: readonly number[];
  /** Steps of a logit that are one nat. */
  readonly perNat: number;
  readonly head: HeadTables;
  /** Jinja: a conversation as text. */
  readonly template: string;
  /** Of an asker who says nothing else. */
  readonly defaults: Choosing;
  /** Most tokens of an input and its answer together. */
  readonly context: number;
}

/** Where the head's numbers lie. */
export interface HeadTables {
  /** Table of the rows, V × answerSize int8 within ±63. */
  readonly rows: number;
  /** Table of the multipliers, int16, and the column that holds them. */
  readonly multipliers: number;
  readonly column: number;
}

/**
 * Reads the file that a generator's manifest names.
 * @throws AppError MODEL_REFUSED where the model has none, is none, or its tables do not fit; MODEL_CORRUPT with the
 * place that is wrong
 */
export function readGeneration(m: Manifest, file: Uint8Array): Generation {
  if (m.kind !== KIND.generator || !m.template)
    throw new AppError('MODEL_REFUSED', `${m.name} generates nothing`);
  if (file.length !== m.template.size || !equal(plainHash(file), m.template.hash))
    throw corrupt(`${GENERATION_FILE} is not the one of ${m.name}`);
  const found = parseGeneration(file);
  const problem = fitProblem(m, found);
  if (problem) throw new AppError('MODEL_REFUSED', `${GENERATION_FILE}: ${problem}`);
  return found;
}

const NUMBERS = ['version', 'perNat', 'context'] as const;
const OTHERS = ['prefix', 'stops', 'head', 'template', 'defaults'] as const;
const CHOOSING = ['temperature', 'topK', 'topP', 'penalty', 'maxTokens'] as const;

/** The file by itself, whatever model it is of. @throws AppError MODEL_CORRUPT with the place that is wrong */
export function parseGeneration(file: Uint8Array): Generation {
  if (file.length > GENERATION_BYTES_MAX)
    throw corrupt(`${GENERATION_FILE} is over ${GENERATION_BYTES_MAX} bytes`);
  const value = parseJson(file, GENERATION_FILE);
  // Of another version nothing else is known, so its number is looked at first.
  const { version } = (value ?? {}) as Record<string, unknown>;
  if (typeof version === 'number' && version !== GENERATION_VERSION)
    throw new AppError('MODEL_REFUSED', `${GENERATION_FILE} is of version ${version}`);
  const { found, rest } = numbers(value, 'generation', NUMBERS, OTHERS);
  const template = text(rest.template, 'generation.template');
  if (template.length > TEMPLATE_CHARS_MAX)
    throw corrupt(`generation.template is over ${TEMPLATE_CHARS_MAX} characters`);
  const defaults = numbers(rest.defaults, 'generation.defaults', CHOOSING, []).found;
  const problem = choosingProblem(defaults);
  if (problem) throw corrupt(`generation.defaults: ${problem}`);
  const head = numbers(rest.head, 'generation.head', ['rows', 'multipliers', 'column'], []).found;
  return {
    version: GENERATION_VERSION,
    prefix: tokens(rest.prefix, 'generation.prefix', [0, PREFIX_MAX]),
    stops: tokens(rest.stops, 'generation.stops', [1, STOPS_MAX]),
    perNat: within(found.perNat, 'generation.perNat', [1, PER_NAT_MAX]),
    context: within(found.context, 'generation.context', [2, 65_535]),
    head: {
      rows: within(head.rows, 'generation.head.rows', [0, 3]),
      multipliers: within(head.multipliers, 'generation.head.multipliers', [0, 3]),
      column: within(head.column, 'generation.head.column', [0, 65_535]),
    },
    template,
    defaults,
  };
}

function within(value: number, at: string, [least, most]: readonly [number, number]): number {
  if (!Number.isInteger(value) || value < least || value > most)
    throw corrupt(`${at} is not a whole number of ${least} to ${most}`);
  return value;
}

/** Different token ids. */
function tokens(value: unknown, at: string, [least, most]: readonly [number, number]): number[] {
  if (Array.isArray(value) && (value.length < least || value.length > most))
    throw corrupt(`${at} has ${value.length} tokens, not ${least} to ${most}`);
  const ids = array(value, at, (x, place) =>
    within(number(x, place), place, [0, VOCABULARY_MAX - 1]),
  );
  if (new Set(ids).size < ids.length) throw corrupt(`${at} has a token twice`);
  return ids;
}

/** First thing that does not fit the manifest, or undefined. */
function fitProblem(m: Manifest, g: Generation): string | undefined {
  const rows = m.tables[g.head.rows];
  const multipliers = m.tables[g.head.multipliers];
  const odd = [...g.prefix, ...g.stops].find((id) => id >= m.vocabulary);
  if (odd !== undefined) return `token ${odd} is not below ${m.vocabulary}`;
  if (g.context > tokensMax(m)) return `a context of ${g.context} tokens, over ${tokensMax(m)}`;
  if (!rows || !multipliers) return `the model has ${m.tables.length} tables`;
  if (rows.wide !== 1 || rows.width !== m.answerSize)
    return "the head's rows are no int8 rows of the answer's size";
  if (rows.low < -OPERAND_MAX || rows.high > OPERAND_MAX)
    return "the head's rows are not within ±63";
  if (multipliers.wide !== 2 || g.head.column >= multipliers.width) return 'no multipliers there';
  // What the kernel multiplies. So |logit| ≤ 127·63·8192·2^15 < 2^41.
  if (m.answerSize % 16 || m.answerSize > K_MAX) return `rows of ${m.answerSize}`;
  return undefined;
}
