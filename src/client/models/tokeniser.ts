/**
 * Token ids of texts, for models of words. The asker computes them; consensus knows only ids. The library is
 * loaded when the first such model is used.
 */
import { plainHash } from '../../core/hash.ts';
import { inputBytesMax, sequenceBytes, type Manifest } from '../../core/manifest.ts';
import { equal, utf8 } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { TOKENIZER_FILE } from '../../miner/package/package.ts';
import type { Tokenised } from '../api.ts';

/** Characters of all texts of one call: far more than any input holds, and tokenised in milliseconds. */
export const TEXT_CHARS_MAX = 65_536;

export interface Tokeniser {
  /** Ids of one text, its special tokens included; a text that is too long is cut at its end. */
  encode(text: string, lengthMax?: number): Uint16Array;
  /** The text of ids, without padding and special tokens; an unknown word appears as `[UNK]`. */
  decode(ids: Uint16Array): string;
}

/** @param file bytes of tokenizer.json @throws AppError MODEL_CORRUPT */
export async function createTokeniser(file: Uint8Array): Promise<Tokeniser> {
  const { Tokenizer } = await import('@huggingface/tokenizers');
  let tokenizer: InstanceType<typeof Tokenizer>;
  try {
    const json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(file)) as object;
    tokenizer = new Tokenizer(json, {});
  } catch (cause) {
    throw new AppError('MODEL_CORRUPT', 'tokenizer.json can not be used', { cause });
  }
  const frame = new Set([0, ...tokenizer.encode('').ids]);
  return {
    encode(text, lengthMax = Infinity) {
      const { ids } = tokenizer.encode(text);
      const odd = ids.find((id) => !Number.isInteger(id) || id < 0 || id > 0xffff);
      if (odd !== undefined) throw new AppError('MODEL_CORRUPT', `the tokeniser made token ${odd}`);
      // The last token ends the sequence ([SEP]).
      return Uint16Array.from(
        ids.length > lengthMax ? [...ids.slice(0, lengthMax - 1), ids.at(-1)!] : ids,
      );
    },
    decode: (ids) => tokenizer.decode(Array.from(ids).filter((id) => !frame.has(id))),
  };
}

/** The tokeniser that a manifest names. @throws AppError MODEL_CORRUPT when `file` is another file */
export async function tokeniserOf(manifest: Manifest, file: Uint8Array): Promise<Tokeniser> {
  const named = manifest.tokenizer;
  if (!named || file.length !== named.size || !equal(plainHash(file), named.hash))
    throw new AppError('MODEL_CORRUPT', `${TOKENIZER_FILE} is not the one of ${manifest.name}`);
  return createTokeniser(file);
}

/** One text as its bytes, which fill sequence after sequence. */
export function packBytes(texts: readonly string[], m: Manifest): Tokenised {
  const bytes = texts.map(utf8);
  const fits = bytes.length === 1 && bytes[0]!.length <= inputBytesMax(m);
  return { tokens: bytes.map(({ length }) => length), input: fits ? bytes[0] : undefined };
}

/** Each text is a sequence of its own, filled up with padding. @throws AppError MODEL_CORRUPT */
export function packTexts(texts: readonly string[], t: Tokeniser, m: Manifest): Tokenised {
  const all = texts.map((text) => t.encode(text));
  const tokens = all.map(({ length }) => length);
  const input = new Uint8Array(texts.length * sequenceBytes(m));
  if (input.length > inputBytesMax(m) || tokens.some((n) => n > m.tokens))
    return { tokens, input: undefined };
  const view = new DataView(input.buffer);
  for (const [i, ids] of all.entries())
    for (const [j, id] of ids.entries()) {
      if (id >= m.vocabulary) throw new AppError('MODEL_CORRUPT', `the model has no token ${id}`);
      view.setUint16(i * sequenceBytes(m) + 2 * j, id, true);
    }
  return { tokens, input };
}
