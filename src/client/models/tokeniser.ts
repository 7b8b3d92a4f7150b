/**
 * Token ids of texts, for models of words. The asker computes them; consensus knows only ids. The library is
 * loaded when the first such model is used.
 */
import type { Tokenizer } from '@huggingface/tokenizers';
import { plainHash } from '../../core/hash.ts';
import {
  inputBytesMax,
  sequenceBytes,
  tokensMax,
  VOCABULARY_MAX,
  withoutPadding,
  type Manifest,
} from '../../core/manifest.ts';
import { equal, utf8 } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { TOKENIZER_FILE } from '../../miner/package/package.ts';
import type { Tokenised } from '../api.ts';
import { requireBounded } from './tokenizer-bounds.ts';

/** Characters of all texts of one call: far more than any input holds, and tokenised in milliseconds. */
export const TEXT_CHARS_MAX = 65_536;

export interface Tokeniser {
  /** Ids of one text, its special tokens included; a text that is too long is cut at its end. */
  encode(text: string, lengthMax?: number): Uint32Array;
  /** Nothing of it is left for the model to read, as of a mark without a letter. */
  isEmpty(text: string): boolean;
  /**
   * The control word of the model that stands in a text, such as `[SEP]`: its token would be read as the
   * model's own mark, and not as what was written.
   */
  controlWord(text: string): string | undefined;
  /**
   * The text of ids, whoever wrote them: '' for none. What frames every sequence and the padding after it
   * are left out; every other id is there, control tokens and unknown words as their names. Never throws:
   * ids that have no text are told as numbers.
   */
  decode(ids: Uint32Array): string;
}

/** tokenizer.json, of which nothing is known yet. */
export type TokenizerJson = Readonly<
  Partial<Record<'added_tokens', unknown> & Record<'model' | 'decoder', TokenizerPart | null>>
>;
type TokenizerPart = Readonly<Record<string, unknown>>;

/** @param file bytes of tokenizer.json @throws AppError MODEL_CORRUPT */
export function parseTokenizer(file: Uint8Array): TokenizerJson {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(file);
    return Object(JSON.parse(text)) as TokenizerJson;
  } catch (cause) {
    throw unusable(cause);
  }
}

const unusable = (cause: unknown): AppError =>
  new AppError('MODEL_CORRUPT', 'tokenizer.json can not be used', { cause });

/** The library's tokenizer. @throws AppError MODEL_CORRUPT, MODEL_REFUSED */
export async function openTokenizer(json: TokenizerJson): Promise<Tokenizer> {
  requireBounded(json);
  const library = await import('@huggingface/tokenizers');
  try {
    return new library.Tokenizer(json, {});
  } catch (cause) {
    throw unusable(cause);
  }
}

/** @param file bytes of tokenizer.json @throws AppError MODEL_CORRUPT, MODEL_REFUSED */
export async function createTokeniser(file: Uint8Array): Promise<Tokeniser> {
  const tokenizer = await openTokenizer(parseTokenizer(file));
  const { before, after } = frameOf(tokenizer);
  const controls = controlsOf(tokenizer);
  return {
    encode(text, lengthMax = Infinity) {
      const { ids } = tokenizer.encode(text);
      // A word that has no id, nor one for unknown words, gets undefined.
      const odd = ids.findIndex((id) => !Number.isInteger(id) || id < 0 || id >= VOCABULARY_MAX);
      if (odd >= 0) throw new AppError('MODEL_CORRUPT', `the tokeniser made token ${ids[odd]}`);
      // The last token ends the sequence ([SEP]).
      return Uint32Array.from(
        ids.length > lengthMax ? [...ids.slice(0, lengthMax - 1), ids.at(-1)!] : ids,
      );
    },
    isEmpty: (text) => !tokenizer.encode(text, { add_special_tokens: false }).ids.length,
    controlWord(text) {
      const { ids } = tokenizer.encode(text, { add_special_tokens: false });
      return ids.map((id) => controls.get(id)).find((name) => name !== undefined);
    },
    decode(ids) {
      const used = Array.from(withoutPadding(ids));
      const from = startsWith(used, before) ? before.length : 0;
      const to = used.length - from >= after.length && endsWith(used, after) ? after.length : 0;
      const own = used.slice(from, used.length - to);
      if (!own.length) return '';
      try {
        return tokenizer.decode(own, { skip_special_tokens: false });
      } catch {
        return own.join(' ');
      }
    },
  };
}

const startsWith = (ids: readonly number[], part: readonly number[]): boolean =>
  part.every((id, i) => ids[i] === id);
const endsWith = (ids: readonly number[], part: readonly number[]): boolean =>
  part.every((id, i) => ids[ids.length - part.length + i] === id);

/** The ids that the tokenizer puts before and after every sequence. */
function frameOf(tokenizer: Tokenizer): { before: number[]; after: number[] } {
  const { ids } = tokenizer.encode('a');
  const own = tokenizer.encode('a', { add_special_tokens: false }).ids;
  const places = ids.map((_, at) => at);
  const at = places.find((from) => own.every((id, i) => ids[from + i] === id)) ?? 0;
  return { before: ids.slice(0, at), after: ids.slice(at + own.length) };
}

/** Names of the model's marks by id. The one for unknown words stands for what was written. */
function controlsOf(tokenizer: Tokenizer): Map<number, string> {
  const unknown = (tokenizer.model as { unk_token?: string } | null)?.unk_token;
  const marks = [...tokenizer.get_added_tokens_decoder()].filter(
    ([, token]) => token.special && token.content !== unknown,
  );
  return new Map(marks.map(([id, { content }]) => [id, content]));
}

/** @throws AppError MODEL_CORRUPT when `file` is not the tokenizer.json that the manifest names */
export function requireTokenizer({ tokenizer: named, name }: Manifest, file: Uint8Array): void {
  if (!named || file.length !== named.size || !equal(plainHash(file), named.hash))
    throw new AppError('MODEL_CORRUPT', `${TOKENIZER_FILE} is not the one of ${name}`);
}

/** One text as its bytes, which fill sequence after sequence. */
export function packBytes(texts: readonly string[], m: Manifest): Tokenised {
  const bytes = texts.map(utf8);
  const fits = bytes.length === 1 && bytes[0]!.length <= inputBytesMax(m);
  return { tokens: bytes.map(({ length }) => length), input: fits ? bytes[0] : undefined };
}

/**
 * Each text is a sequence of its own, filled up with padding.
 * @throws AppError MODEL_CORRUPT, INPUT_CONTROL with the control word that a text has, INPUT_EMPTY
 */
export function packTexts(texts: readonly string[], t: Tokeniser, m: Manifest): Tokenised {
  const control = texts.map((text) => t.controlWord(text)).find((word) => word !== undefined);
  if (control !== undefined) throw new AppError('INPUT_CONTROL', control);
  if (texts.some((text) => t.isEmpty(text)))
    throw new AppError('INPUT_EMPTY', 'a text has nothing to read');
  return packSequences(
    texts.map((text) => t.encode(text)),
    m,
  );
}

/** Token ids of sequences, each filled up with padding. @throws AppError MODEL_CORRUPT */
export function packSequences(sequences: readonly Uint32Array[], m: Manifest): Tokenised {
  const tokens = sequences.map(({ length }) => length);
  const length = tokensMax(m);
  const size = sequenceBytes(m) / length;
  const input = new Uint8Array(sequences.length * sequenceBytes(m));
  if (input.length > inputBytesMax(m) || tokens.some((n) => n > length))
    return { tokens, input: undefined };
  for (const [i, ids] of sequences.entries())
    for (const [j, id] of ids.entries()) {
      if (id >= m.vocabulary) throw new AppError('MODEL_CORRUPT', `the model has no token ${id}`);
      for (let b = 0; b < size; b++) input[(i * length + j) * size + b] = id >>> (8 * b);
    }
  return { tokens, input };
}
