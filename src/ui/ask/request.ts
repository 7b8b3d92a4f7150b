/** Asking: checks what a person typed, and what its answer says in words. Pure. */
import type { InputReading, ModelInfo, Receipt } from '../../client/api.ts';
import type { ModelName } from '../../client/models/networks.ts';
import {
  cosine,
  readEmbedding,
  readRow,
  usedRows,
  type Embedding,
  type Reading,
} from '../../core/reading.ts';
import { REQUEST_LIFETIME_MAX, REQUEST_LIFETIME_MIN } from '../../core/params.ts';
import { equal } from '../../lib/bytes.ts';
import type { TxSummary } from '../../wallet/vault/vault-api.ts';
import { plainText } from '../../wallet/plain-text.ts';
import { parseVolts } from '../kit/format.ts';
import { languageName } from '../kit/outside.ts';

/** Blocks that a request may stay open, as offered. */
export const LIFETIMES = [REQUEST_LIFETIME_MIN, 120, 480, REQUEST_LIFETIME_MAX] as const;

export interface AskForm {
  readonly reward: string;
  readonly lifetime: number;
}
export interface Ask {
  readonly modelId: Uint8Array;
  readonly input: Uint8Array;
  /** nV. */
  readonly reward: bigint;
  /** Blocks. */
  readonly lifetime: number;
}
export type AskFault =
  'inputMissing' | 'inputLong' | 'rewardMalformed' | 'rewardOver' | 'summaryDiffers';
export type AskFaults = Partial<Record<'input' | 'reward', AskFault>>;

export const isOfWords = (model: ModelInfo): boolean => model.packing === 'u16';

/** Texts of what was typed: for a model of words each line is one. */
export const typedTexts = (typed: string, model: ModelInfo): string[] =>
  isOfWords(model) ? typed.split('\n').filter((line) => line.trim()) : [typed];

/** `input`: what the client made of the texts; undefined: they do not fit the model. */
export function checkAsk(
  form: AskForm,
  input: Uint8Array | undefined,
  model: ModelInfo,
  { locale, spendable, fee }: { locale: string; spendable: bigint; fee: bigint },
): { ask?: Ask; faults: AskFaults } {
  const reward = parseVolts(form.reward, locale);
  const faults: AskFaults = {};
  if (!input) faults.input = 'inputLong';
  else if (!input.length) faults.input = 'inputMissing';
  if (reward === undefined) faults.reward = 'rewardMalformed';
  else if (reward + fee > spendable) faults.reward = 'rewardOver';
  if (!input || reward === undefined || Object.keys(faults).length) return { faults };
  return { ask: { modelId: model.id, input, reward, lifetime: form.lifetime }, faults };
}

/** Whether the vault read in the bytes what was meant. */
export const asksTheSame = (read: TxSummary, meant: Ask, fee: bigint): boolean =>
  read.asks !== undefined &&
  equal(read.asks.modelId, meant.modelId) &&
  equal(read.asks.input, meant.input) &&
  read.asks.lifetime === meant.lifetime &&
  read.amount === meant.reward &&
  read.fee === fee;

/** How far a request has come, in the order that screens show. */
export const STAGES = ['waiting', 'open', 'unconfirmed', 'confirmed', 'paid'] as const;
export type Stage = (typeof STAGES)[number] | 'refunded' | 'dropped';

export function stageOf({ state, answers }: Pick<Receipt, 'state' | 'answers'>): Stage {
  if (state === 'answered') return 'confirmed';
  return state === 'open' && answers.length ? 'unconfirmed' : state;
}

export const isClosed = ({ state }: Pick<Receipt, 'state'>): boolean =>
  state === 'paid' || state === 'refunded' || state === 'dropped';

export interface Row {
  /** The part of the input that it is about; empty where only its token ids are known. */
  readonly text: string;
  /** Highest first, the first of equals first; none where the model names no labels. */
  readonly scores: readonly { readonly label: string; readonly score: number }[];
  /** What the scores say; undefined where there are none. */
  readonly reading?: Reading;
  /** Of a model without labels. */
  readonly embedding?: Embedding;
}

/** An answer's rows that have a part of the input; undefined when its size is not the model's. */
export function rowsOf(
  answer: Uint8Array,
  input: Uint8Array,
  model: ModelInfo,
  texts: readonly string[] = [],
): Row[] | undefined {
  const { answerSize, sequenceBytes, inputBytesMax } = model;
  if (answer.length !== (inputBytesMax / sequenceBytes) * answerSize) return undefined;
  return rowsSoFar(answer, input, model, texts);
}

/**
 * Rows of a prepaid answer, which has one for each sequence of the input, as far as they have come; undefined when
 * it ends within a row.
 */
export function rowsSoFar(
  answer: Uint8Array,
  input: Uint8Array,
  model: ModelInfo,
  texts: readonly string[] = [],
): Row[] | undefined {
  const { answerSize, sequenceBytes, labels } = model;
  if (answer.length % answerSize) return undefined;
  const came = usedRows(answer, input, model).slice(0, answer.length / answerSize);
  return came.map((row, i) => {
    const part = input.subarray(i * sequenceBytes, (i + 1) * sequenceBytes);
    const text = isOfWords(model) ? readable(texts[i] ?? '') : readableText(part);
    if (!labels.length) return { text, scores: [], embedding: readEmbedding(row) };
    const scores = [...row]
      .map((score, at) => ({ label: labels[at] ?? String(at), score }))
      .sort((a, b) => b.score - a.score);
    return { text, scores, reading: readRow([...row], labels) };
  });
}

/** Cosines of each two embeddings, the most alike first; places count from 0. */
export function likeness(rows: readonly Row[]): { a: number; b: number; cosine: number }[] {
  const embeddings = rows.flatMap(({ embedding }) => embedding ?? []);
  return embeddings
    .flatMap((one, b) => embeddings.slice(0, b).map((of, a) => ({ a, b, cosine: cosine(of, one) })))
    .sort((x, y) => y.cosine - x.cosine);
}

/** What a request asks, for people: its texts, or where nobody can read them, its token ids. */
export function shownTexts(
  input: Uint8Array,
  model: ModelInfo | undefined,
  reading: InputReading | undefined,
): string[] {
  if (reading?.texts) return reading.texts.map(readable);
  if (reading?.ids) return reading.ids.map((ids) => ids.join(' '));
  return [model && isOfWords(model) ? '…' : readableText(input)];
}

/** Line ends stay. */
const readable = (text: string): string => plainText(text, 'lines');

export const readableText = (bytes: Uint8Array): string =>
  readable(new TextDecoder().decode(bytes));

const SCRIPTS: Readonly<Record<string, string>> = { zh: 'zh-Hans', zht: 'zh-Hant' };

/** What the labels of each model are. */
const LABELS: Readonly<Record<ModelName, 'words' | 'languages'>> = {
  lingua: 'languages',
  tiny: 'words',
  polyglot: 'words',
  broad: 'words',
};

/** A label in words: those of a language identifier are language codes. */
export function labelText(label: string, model: string, locale: string): string {
  if ((LABELS as Readonly<Record<string, string>>)[model] !== 'languages') return label;
  const code = Object.hasOwn(SCRIPTS, label) ? SCRIPTS[label]! : label;
  const name = languageName(code, locale) ?? label;
  return name.charAt(0).toLocaleUpperCase(locale) + name.slice(1);
}

const SPANS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
] as const;

/** That long, in the largest unit of which there are two: `90 minutes`, `4 hours`. */
export function formatSpan(ms: number, locale: string): string {
  const [unit, size] = SPANS.find(([, one]) => ms >= 2 * one) ?? SPANS[3];
  const options = { style: 'unit', unit, unitDisplay: 'long', maximumFractionDigits: 0 } as const;
  return new Intl.NumberFormat(locale, options).format(ms / size);
}
