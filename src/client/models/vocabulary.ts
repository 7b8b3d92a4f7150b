/**
 * The vocabulary of a language model's tokenizer.json, which a stranger wrote: which tokens are control words, and
 * the bytes of all others.
 */
import { utf8 } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { TokenizerJson } from './tokeniser.ts';
import { ADDED_MAX } from './tokenizer-bounds.ts';

/** Bytes of one word: the longest known ones are 128 spaces. */
const WORD_BYTES_MAX = 256;

export interface Vocabulary {
  /** Ids of control words: what the file calls special. */
  readonly controls: ReadonlyMap<string, number>;
  /** Bytes of each token; control tokens have none, and undefined are those that are no words. */
  readonly words: readonly (Uint8Array | undefined)[];
}

interface AddedToken {
  readonly id: number;
  readonly content: string;
  readonly isControl: boolean;
}

const refused = (why: string): AppError => new AppError('MODEL_REFUSED', `tokenizer.json ${why}`);

/** @param size tokens of the model @throws AppError MODEL_REFUSED */
export function readVocabulary(json: TokenizerJson, size: number): Vocabulary {
  const { model, decoder } = json;
  if (model?.type !== 'BPE' || decoder?.type !== 'ByteLevel')
    throw refused('is no byte-level BPE, as language models here have it');
  const entries = Object.entries(Object(model.vocab) as Record<string, unknown>);
  if (entries.length > size) throw refused(`has ${entries.length} words; the model has ${size}`);
  const words: (Uint8Array | undefined)[] = [];
  const put = (word: string, id: unknown, bytes: Uint8Array | undefined): void => {
    if (!bytes || bytes.length > WORD_BYTES_MAX)
      throw refused(`has a word that is not of bytes, at most ${WORD_BYTES_MAX}: ${shown(word)}`);
    words[idOf(word, id, size)] = bytes;
  };
  const added = addedTokens(json, size);
  const names = new Set(added.map(({ content }) => content));
  for (const [word, id] of entries) if (!names.has(word)) put(word, id, bytesOfWord(word));
  for (const { content, id, isControl } of added)
    put(content, id, isControl ? new Uint8Array() : utf8(content));
  const controls = added.filter(({ isControl }) => isControl);
  return { words, controls: new Map(controls.map(({ content, id }) => [content, id])) };
}

/** The same tokenizer, to which control words are text like any other. */
export const withoutControls = (json: TokenizerJson): TokenizerJson => ({
  ...json,
  added_tokens: listOf(json.added_tokens).filter((token) => fieldsOf(token).special !== true),
});

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> => Object(value) as never;
const shown = (word: string): string => JSON.stringify(word.slice(0, 40));

function addedTokens({ added_tokens: added }: TokenizerJson, size: number): AddedToken[] {
  const list = listOf(added);
  if (list.length > ADDED_MAX) throw refused(`has ${list.length} added tokens, over ${ADDED_MAX}`);
  return list.map((value) => {
    const { id, content, special, ...flags } = fieldsOf(value);
    if (typeof content !== 'string' || content.length < 2)
      throw refused('has an added token of less than two letters');
    if (special === true && (flags.lstrip || flags.rstrip || flags.single_word))
      throw refused(`has ${shown(content)} change the text beside it`);
    return { id: idOf(content, id, size), content, isControl: special === true };
  });
}

function idOf(word: string, id: unknown, size: number): number {
  if (Number.isInteger(id) && (id as number) >= 0 && (id as number) < size) return id as number;
  throw refused(`has ${shown(word)} as token ${String(id)}, not one below ${size}`);
}

/** Bytes by the letters that byte-level BPE writes them with: those that print, others from U+0100 on (GPT-2). */
const BYTES: ReadonlyMap<string, number> = (() => {
  const prints = (b: number): boolean => (b > 32 && b < 127) || (b > 160 && b !== 173);
  let next = 256;
  const letters = Array.from({ length: 256 }, (_, b): [string, number] => [
    String.fromCharCode(prints(b) ? b : next++),
    b,
  ]);
  return new Map(letters);
})();

function bytesOfWord(word: string): Uint8Array | undefined {
  const bytes = Array.from(word, (letter) => BYTES.get(letter));
  return bytes.includes(undefined) ? undefined : Uint8Array.from(bytes as number[]);
}
