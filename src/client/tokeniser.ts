/**
 * Token ids of texts, for models of words: who asks makes them, consensus never does. The library is
 * loaded when the first such model is asked.
 */
import { plainHash } from '../core/hash.ts';
import { inputBytesMax, sequenceBytes, type Manifest } from '../core/manifest.ts';
import { equal } from '../lib/bytes.ts';
import { AppError } from '../lib/errors.ts';

export const TOKENIZER_FILE = 'tokenizer.json';
/** bytes; those of 30,522 words have 0.7 MB. */
export const TOKENIZER_BYTES_MAX = 16 * 2 ** 20;

export interface Tokeniser {
  /** Ids of one text, its special tokens included; one that is too long loses its end. */
  encode(text: string, lengthMax: number): Uint16Array;
  /** Text of ids, without special tokens. */
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
  return {
    encode(text, lengthMax) {
      const { ids } = tokenizer.encode(text);
      const odd = ids.find((id) => !Number.isInteger(id) || id < 0 || id > 0xffff);
      if (odd !== undefined) throw new AppError('MODEL_CORRUPT', `the tokeniser made token ${odd}`);
      // The last token ends the sequence ([SEP]).
      return Uint16Array.from(
        ids.length > lengthMax ? [...ids.slice(0, lengthMax - 1), ids.at(-1)!] : ids,
      );
    },
    decode: (ids) =>
      tokenizer.decode(
        Array.from(ids).filter((id) => id !== 0),
        { skip_special_tokens: true },
      ),
  };
}

/** The tokeniser that a manifest names. @throws AppError MODEL_CORRUPT when the file is another */
export async function tokeniserOf(manifest: Manifest, file: Uint8Array): Promise<Tokeniser> {
  const named = manifest.tokenizer;
  if (!named || file.length !== named.size || !equal(plainHash(file), named.hash))
    throw new AppError('MODEL_CORRUPT', `${TOKENIZER_FILE} is not the one of ${manifest.name}`);
  return createTokeniser(file);
}

/**
 * A request's input: each text is a sequence of its own, filled up with padding.
 * @throws AppError INPUT_LONG for more texts than a request holds
 */
export function packTexts(texts: readonly string[], t: Tokeniser, m: Manifest): Uint8Array {
  const input = new Uint8Array(texts.length * sequenceBytes(m));
  if (input.length > inputBytesMax(m))
    throw new AppError('INPUT_LONG', `${texts.length} texts of ${m.sequences - 1}`);
  const view = new DataView(input.buffer);
  for (const [i, text] of texts.entries())
    for (const [j, id] of t.encode(text, m.tokens).entries())
      view.setUint16(i * sequenceBytes(m) + 2 * j, id, true);
  return input;
}
