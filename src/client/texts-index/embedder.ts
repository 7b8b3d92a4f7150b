/**
 * Texts to rows of an embedding model on this device, several a pass. Whatever a text is made of, it has a row: what
 * the model would take for a mark of its own is spelt out, what is too long is read at its beginning, and one in which
 * nothing can be read is a row of zeros, which is like nothing.
 */
import { tokensMax } from '../../core/manifest.ts';
import { AppError } from '../../lib/errors.ts';
import type { AskApi, ModelInfo } from '../api.ts';

/** Tokens of a passage at most: the model was made for passages of this length, and short ones are quick. */
export const PASSAGE_TOKENS_MAX = 128;
/** Texts and characters of one call of the tokenizer. */
const CALL_TEXTS = 256;
const CALL_CHARS = 48_000;
/** Characters of one text that are read. */
const TEXT_CHARS = 8_000;
/** Marks of one model that may stand in texts: it has five. */
const MARKS_MAX = 16;

export interface Embedder {
  readonly model: Uint8Array;
  /** Values of a row. */
  readonly size: number;
  /** Tokens that a passage may have. */
  readonly limit: number;
  /** Tokens of each text, those that frame it included. @throws AppError as AskApi.tokenise */
  count(texts: readonly string[]): Promise<readonly number[]>;
  /**
   * One row for each text.
   * @throws AppError as AskApi.tokenise and execute; the signal's reason between two passes
   */
  embed(texts: readonly string[], signal?: AbortSignal): Promise<readonly Int8Array[]>;
}

/** The model that texts are compared with: of those without labels the one with the longest rows. */
export const embeddingModel = (models: readonly ModelInfo[]): ModelInfo | undefined =>
  models
    .filter(
      ({ labels, packing, kind }) => !labels.length && packing !== 'bytes' && kind !== 'generator',
    )
    .toSorted((a, b) => b.answerSize - a.answerSize)[0];

export function createEmbedder(
  peer: Pick<AskApi, 'tokenise' | 'execute'>,
  model: ModelInfo,
): Embedder {
  const { id, answerSize, inputBytesMax, sequenceBytes } = model;
  const sequences = inputBytesMax / sequenceBytes;
  /** Marks of the model that stood in texts, and what is read instead. */
  const marks = new Map<string, string>();
  const plain = (text: string): string => {
    const flat = text.replace(/[\s\p{C}]+/gu, ' ').trim();
    const short = flat.slice(0, TEXT_CHARS).toWellFormed();
    return [...marks].reduce((said, [mark, spelt]) => said.replaceAll(mark, spelt), short);
  };

  /** What the model makes of texts; undefined where nothing can be read. */
  async function tokenise(texts: readonly string[]) {
    for (;;) {
      try {
        return await peer.tokenise(id, texts.map(plain));
      } catch (e) {
        const { code, message } = AppError.from(e);
        if (code === 'INPUT_EMPTY' && texts.length === 1) return undefined;
        if (code !== 'INPUT_CONTROL' || marks.has(message) || marks.size >= MARKS_MAX) throw e;
        marks.set(message, Array.from(message).join(' '));
      }
    }
  }

  /** Tokens of texts of one call. */
  async function countSome(texts: readonly string[]): Promise<readonly number[]> {
    try {
      const made = await tokenise(texts);
      return made?.tokens ?? [0];
    } catch (e) {
      if (AppError.from(e).code !== 'INPUT_EMPTY') throw e;
      // Which of them is empty is not told.
      const counts: number[] = [];
      for (const text of texts) counts.push((await tokenise([text]))?.tokens[0] ?? 0);
      return counts;
    }
  }

  async function count(texts: readonly string[]): Promise<readonly number[]> {
    const counts: number[] = [];
    for (const some of calls(texts)) counts.push(...(await countSome(some)));
    return counts;
  }

  /** Texts that the model can read whole, and their places. */
  async function fitting(texts: readonly string[]) {
    let asked = texts.map((text, at) => ({ text: plain(text), at, tokens: 0 }));
    const most = tokensMax(model);
    const done: typeof asked = [];
    while (asked.length) {
      const counts = await count(asked.map(({ text }) => text));
      const sized = asked.map((each, i) => ({ ...each, tokens: counts[i]! }));
      done.push(...sized.filter(({ tokens }) => tokens && tokens <= most));
      asked = sized
        .filter(({ tokens, text }) => tokens > most && text.length > 1)
        .map(({ text, at }) => ({
          text: text.slice(0, text.length >>> 1).toWellFormed(),
          at,
          tokens: 0,
        }));
    }
    // Those of one length run together.
    return done.sort((a, b) => a.tokens - b.tokens);
  }

  return {
    model: id,
    size: answerSize,
    limit: Math.min(PASSAGE_TOKENS_MAX, tokensMax(model)),
    count,
    async embed(texts, signal) {
      const rows = texts.map(() => new Int8Array(answerSize));
      const asked = await fitting(texts);
      for (let i = 0; i < asked.length; i += sequences) {
        signal?.throwIfAborted();
        const some = asked.slice(i, i + sequences);
        const made = await tokenise(some.map(({ text }) => text));
        const answer = await peer.execute(id, made!.input!);
        for (const [seat, { at }] of some.entries())
          rows[at]!.set(
            new Int8Array(answer.slice(seat * answerSize, (seat + 1) * answerSize).buffer),
          );
      }
      return rows;
    },
  };
}

function* calls(texts: readonly string[]): Generator<string[]> {
  let some: string[] = [];
  let chars = 0;
  for (const text of texts) {
    const length = Math.min(text.length, TEXT_CHARS);
    if (some.length === CALL_TEXTS || (some.length && chars + length > CALL_CHARS)) {
      yield some;
      [some, chars] = [[], 0];
    }
    some.push(text);
    chars += length;
  }
  if (some.length) yield some;
}
