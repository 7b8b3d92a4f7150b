/** Asking: what a person typed for a model, and what its answer says in words. Pure. */
import type { InputReading, ModelInfo } from '../../client/api.ts';
import type { ModelName } from '../../client/models/networks.ts';
import {
  cosine,
  readEmbedding,
  readRow,
  usedRows,
  type Embedding,
  type Reading,
} from '../../core/reading.ts';
import { toHex } from '../../lib/bytes.ts';
import { plainText } from '../../wallet/plain-text.ts';
import type { AskText } from '../i18n/en/ask.ts';
import { languageName } from '../kit/outside.ts';

export type AskFault = keyof AskText['faults'];

export const isOfWords = (model: ModelInfo): boolean => model.packing !== 'bytes';

/** Texts of what was typed: for a model of words each line is one. */
export const typedTexts = (typed: string, model: ModelInfo): string[] =>
  isOfWords(model) ? typed.split('\n').filter((line) => line.trim()) : [typed];

/** Characters of an id that tell two models of one name apart. */
const ID_CHARS = 8;

/** What a model is called among others: its name, with the beginning of its id where another has the name too. */
export function calledAmong({ name, id }: ModelInfo, all: readonly ModelInfo[]): string {
  const isAlone = all.filter((other) => other.name === name).length < 2;
  return isAlone ? name : `${name} (${toHex(id).slice(0, ID_CHARS)}…)`;
}

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

/**
 * An answer's rows, one for each sequence of the input, as far as they have come; undefined when it ends within a
 * row.
 */
export function rowsOf(
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

/** How the figures that rows are shown with come about. */
export const rowNotes = (rows: readonly Row[] | undefined, t: AskText['proof']): string[] => [
  ...(rows?.[0]?.embedding ? [t.embedding] : []),
  ...(rows?.[0]?.reading?.confidence !== undefined ? [t.reading] : []),
];

/** What was asked, for people: its texts, or where nobody can read them, its token ids. */
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
  minilm: 'words',
};

/** A label in words: those of a language identifier are language codes. */
export function labelText(label: string, model: string, locale: string): string {
  if ((LABELS as Readonly<Record<string, string>>)[model] !== 'languages') return label;
  const code = Object.hasOwn(SCRIPTS, label) ? SCRIPTS[label]! : label;
  const name = languageName(code, locale) ?? label;
  return name.charAt(0).toLocaleUpperCase(locale) + name.slice(1);
}
