/**
 * How an asker wants tokens to be chosen (docs/generation.md): whole numbers underneath, so that every device reads
 * them the same.
 */
import {
  bytes,
  encode,
  list,
  struct,
  tryDecode,
  u16,
  u32,
  u8,
  type Value,
} from '../../core/codec.ts';
import { hash } from '../../core/hash.ts';
import { VOCABULARY_MAX } from '../../core/manifest.ts';
import { utf8 } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';

/** One in units of `temperature` and `penalty`, and of `topP`. */
export const UNIT = 256;
export const TOP_P_ONE = 65_536;
/** Tokens of one list that end an answer. */
export const STOPS_MAX = 16;
export const SEED_BYTES = 32;
export const OPTIONS_FORM = 1;

/** Options as they travel with a question (docs/protocol.md §9.1). */
export const Options = struct({
  form: u8,
  /** In 1/256; 0: always the best token. */
  temperature: u16,
  /** Tokens that may be chosen at most; 0: all. */
  topK: u32,
  /** Share of the weight that may be chosen, in 1/65,536. */
  topP: u32,
  /** By what a token that was there before is made less likely, in 1/256; 256: not at all. */
  penalty: u16,
  /** Tokens of the answer at most. */
  maxTokens: u16,
  seed: bytes(SEED_BYTES),
  /** Tokens that end the answer beside those of the model. */
  stops: list(u32, STOPS_MAX),
});
export type Options = Value<typeof Options>;

/** The part of the options that a model has defaults for. */
export type Choosing = Pick<Options, 'temperature' | 'topK' | 'topP' | 'penalty' | 'maxTokens'>;

/** Least and largest of each. Products with these stay below 2^53 (choice.ts). */
const RANGES: { readonly [K in keyof Choosing]: readonly [least: number, most: number] } = {
  temperature: [0, 4 * UNIT],
  topK: [0, VOCABULARY_MAX],
  topP: [1, TOP_P_ONE],
  penalty: [UNIT, 4 * UNIT],
  maxTokens: [1, 65_535],
};

/** First number that is out of its range as a sentence, or undefined. */
export function choosingProblem(choosing: Choosing): string | undefined {
  for (const [name, [least, most]] of Object.entries(RANGES)) {
    const value = choosing[name as keyof Choosing];
    if (!Number.isInteger(value) || value < least || value > most)
      return `${name} is not a whole number of ${least} to ${most}`;
  }
  return undefined;
}

/** A model's defaults with what an asker says. @throws AppError OPTION_RANGE */
export function optionsOf(defaults: Choosing, said: Partial<Omit<Options, 'form'>> = {}): Options {
  const seed = new Uint8Array(SEED_BYTES);
  return checked({ ...defaults, seed, stops: [], ...said, form: OPTIONS_FORM });
}

function checked(options: Options): Options {
  const problem = choosingProblem(options);
  if (problem) throw new AppError('OPTION_RANGE', problem);
  if (options.seed.length !== SEED_BYTES)
    throw new AppError('OPTION_RANGE', `a seed of ${options.seed.length} bytes`);
  if (options.stops.length > STOPS_MAX)
    throw new AppError('OPTION_RANGE', `${options.stops.length} stops, over ${STOPS_MAX}`);
  return options;
}

/** @throws AppError OPTION_RANGE */
export const encodeOptions = (options: Options): Uint8Array => encode(Options, checked(options));

/**
 * Options from the bytes of a question; of no bytes the model's defaults with a seed of zeros.
 * @throws AppError OPTION_MALFORMED, OPTION_RANGE
 */
export function decodeOptions(data: Uint8Array, defaults: Choosing): Options {
  if (!data.length) return optionsOf(defaults);
  const options = tryDecode(Options, data);
  if (options?.form !== OPTIONS_FORM)
    throw new AppError('OPTION_MALFORMED', 'these are no options of this version');
  return checked(options);
}

/** The seed that a text stands for, such as `42`. */
export const seedFromText = (text: string): Uint8Array => hash('sample-seed', utf8(text));

/** Characters of a decimal that somebody types. */
const DECIMAL_CHARS_MAX = 16;

/**
 * The whole number of `one`-ths that is nearest to a decimal as it is typed, a half upwards: `0.7` of 256 is 179.
 * @throws AppError OPTION_MALFORMED
 */
export function unitsFromText(text: string, one: number, mark: '.' | ',' = '.'): number {
  const [whole = '', decimals = '', ...rest] = text.trim().split(mark);
  const isDecimal = /^[0-9]+$/.test(whole) && /^[0-9]*$/.test(decimals) && !rest.length;
  if (!isDecimal || text.trim().length > DECIMAL_CHARS_MAX || text.trim().endsWith(mark))
    throw new AppError('OPTION_MALFORMED', `not a number with decimal mark ${mark}`);
  const scale = 10n ** BigInt(decimals.length);
  return Number((2n * BigInt(whole + decimals) * BigInt(one) + scale) / (2n * scale));
}
