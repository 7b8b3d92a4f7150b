/** Texts to inputs of requests and back, by the model’s tokenizer, which is fetched once and kept parsed. */
import { inputTokens, type Manifest } from '../../core/manifest.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { InputReading, Tokenised } from '../api.ts';
import type { PackageStore } from './package-store.ts';
import { packBytes, packTexts, TEXT_CHARS_MAX, tokeniserOf, type Tokeniser } from './tokeniser.ts';

export interface Texts {
  /**
   * @throws AppError MODEL_MISSING, INPUT_EMPTY where a text is, INPUT_LONG over TEXT_CHARS_MAX,
   * INPUT_CONTROL, TOKENIZER_MISSING, and those of fetching the tokenizer
   */
  tokenise(modelId: Uint8Array, texts: readonly string[]): Promise<Tokenised>;
  /** `fetch`: the tokenizer may be fetched. @throws AppError as tokenise, only then */
  readInput(modelId: Uint8Array, input: Uint8Array, fetch?: boolean): Promise<InputReading>;
}

/** Tokenisers in memory: some 10 MB for 30,000 words. */
const TOKENISERS_MAX = 4;

export function createTexts(
  models: ReadonlyMap<string, Manifest>,
  packages: Pick<PackageStore, 'tokenizer'> | undefined,
): Texts {
  const tokenisers = new BoundedMap<string, Tokeniser>(TOKENISERS_MAX);

  async function find(id: string, m: Manifest, fetch: boolean): Promise<Tokeniser | undefined> {
    const known = tokenisers.get(id);
    if (known) return known;
    const file = await packages?.tokenizer(id, fetch);
    if (!file) return undefined;
    const made = await tokeniserOf(m, file);
    tokenisers.set(id, made);
    return made;
  }

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
      const tokeniser = await find(id, m, true);
      if (!tokeniser) throw new AppError('MODEL_MISSING', 'no packages are kept here');
      return packTexts(texts, tokeniser, m);
    },
    async readInput(modelId, input, fetch = false) {
      const id = toHex(modelId);
      const m = models.get(id);
      const ids = m?.packing === 'u16' ? inputTokens(input, m) : undefined;
      if (!m || !ids) return { ids: undefined, texts: undefined };
      const sequences = Array.from({ length: Math.ceil(ids.length / m.tokens) }, (_, i) =>
        ids.subarray(i * m.tokens, (i + 1) * m.tokens),
      );
      const reading = { ids: sequences.map(withoutPadding), texts: undefined };
      const tokeniser = await find(id, m, fetch).catch((e: unknown) => {
        if (fetch) throw e;
        return undefined;
      });
      return tokeniser
        ? { ids: reading.ids, texts: sequences.map((own) => tokeniser.decode(own)) }
        : reading;
    },
  };
}

/** The ids up to the last one that is not padding. */
const withoutPadding = (ids: Uint16Array): number[] => {
  const used = ids.findLastIndex((id) => id !== 0) + 1;
  return Array.from(ids.subarray(0, used));
};
