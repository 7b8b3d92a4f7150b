/** Texts to a model's inputs and back, by the model’s tokenizer, which is fetched once and kept parsed. */
import { inputTokens, tokensMax, type Manifest } from '../../core/manifest.ts';
import { toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { InputReading, Tokenised } from '../api.ts';
import type { PackageStore } from './package-store.ts';
import { TokenThread } from './token-thread.ts';
import { packBytes, TEXT_CHARS_MAX } from './tokeniser.ts';

export interface Texts {
  /**
   * @throws AppError MODEL_MISSING, INPUT_EMPTY where a text is, INPUT_LONG over TEXT_CHARS_MAX,
   * INPUT_CONTROL, TOKENIZER_MISSING, TOKENISER_SLOW, and those of fetching the tokenizer
   */
  tokenise(modelId: Uint8Array, texts: readonly string[]): Promise<Tokenised>;
  /** `fetch`: the tokenizer may be fetched. @throws AppError as tokenise, only then */
  readInput(modelId: Uint8Array, input: Uint8Array, fetch?: boolean): Promise<InputReading>;
}

export function createTexts(
  models: ReadonlyMap<string, Manifest>,
  packages: Pick<PackageStore, 'tokenizer'> | undefined,
  thread = new TokenThread(),
): Texts {
  return {
    async tokenise(modelId, texts) {
      const id = toHex(modelId);
      const m = models.get(id);
      if (!m) throw new AppError('MODEL_MISSING', 'this model is not admitted here');
      // An empty text has no answer, and would be paid for.
      if (!texts.length || texts.some((text) => !/[^\s\p{C}]/u.test(text)))
        throw new AppError('INPUT_EMPTY', 'a text is empty');
      if (texts.reduce((sum, { length }) => sum + length, 0) > TEXT_CHARS_MAX)
        throw new AppError('INPUT_LONG', `over ${TEXT_CHARS_MAX} characters`);
      if (m.packing === 'bytes') return packBytes(texts, m);
      const fetch = async () => packages?.tokenizer(id, true);
      const packed = await thread.use([id, m], fetch, (api) => api.pack(id, m, texts));
      if (!packed) throw new AppError('MODEL_MISSING', 'no packages are kept here');
      return packed;
    },
    async readInput(modelId, input, fetch = false) {
      const id = toHex(modelId);
      const m = models.get(id);
      const ids = m && m.packing !== 'bytes' ? inputTokens(input, m) : undefined;
      if (!m || !ids) return { ids: undefined, texts: undefined };
      const tokens = tokensMax(m);
      const sequences = Array.from({ length: Math.ceil(ids.length / tokens) }, (_, i) =>
        ids.subarray(i * tokens, (i + 1) * tokens),
      );
      const used = sequences.map(withoutPadding);
      const file = async () => packages?.tokenizer(id, fetch);
      const read = thread.use([id, m], file, (api) => api.read(id, sequences));
      const texts = await read.catch((e: unknown) => {
        if (fetch) throw e;
        return undefined;
      });
      return { ids: used, texts };
    },
  };
}

/** The ids up to the last one that is not padding. */
const withoutPadding = (ids: Uint32Array): number[] => {
  const used = ids.findLastIndex((id) => id !== 0) + 1;
  return Array.from(ids.subarray(0, used));
};
