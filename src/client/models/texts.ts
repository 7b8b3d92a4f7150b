/** Texts to a model's inputs and back, by the model’s tokenizer, which is fetched once and kept parsed. */
import {
  inputTokens,
  KIND,
  tokensMax,
  withoutPadding,
  type Manifest,
} from '../../core/manifest.ts';
import { toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { ChatMessage, Conversation, InputReading, Tokenised } from '../api.ts';
import type { PackageStore } from './package-store.ts';
import { TokenThread, type TextFiles } from './token-thread.ts';
import { packBytes, packSequences, TEXT_CHARS_MAX } from './tokeniser.ts';

/** Tokens of one call: more than any answer has. */
const ANSWER_TOKENS_MAX = 65_536;

/** Signals give a text up before its turn: PASS_ABORTED. */
export interface Texts {
  /**
   * @throws AppError MODEL_MISSING, INPUT_EMPTY where a text is, INPUT_LONG over TEXT_CHARS_MAX,
   * INPUT_CONTROL, TOKENIZER_MISSING, TOKENISER_SLOW, and those of fetching the tokenizer
   */
  tokenise(modelId: Uint8Array, texts: readonly string[], signal?: AbortSignal): Promise<Tokenised>;
  /** `fetch`: the tokenizer may be fetched. @throws AppError as tokenise, only then */
  readInput(modelId: Uint8Array, input: Uint8Array, fetch?: boolean): Promise<InputReading>;
  /**
   * A conversation as a language model's input.
   * @throws AppError MODEL_MISSING, INPUT_EMPTY where it ends without a question, INPUT_LONG over TEXT_CHARS_MAX,
   * INPUT_CONTROL, MODEL_REFUSED, TOKENIZER_MISSING, TOKENISER_SLOW, and those of fetching two files of the package
   */
  converse(
    modelId: Uint8Array,
    messages: readonly ChatMessage[],
    signal?: AbortSignal,
  ): Promise<Conversation>;
  /**
   * Bytes of the text of tokens, in UTF-8; a letter's may come with the next tokens. @throws AppError as `converse`
   */
  textBytes(modelId: Uint8Array, tokens: Uint32Array, signal?: AbortSignal): Promise<Uint8Array>;
}

export function createTexts(
  models: ReadonlyMap<string, Manifest>,
  packages: Pick<PackageStore, 'tokenizer' | 'generation'> | undefined,
  thread = new TokenThread(),
): Texts {
  const filesOf = async (id: string, m: Manifest, fetch: boolean) => {
    const isGenerator = m.kind === KIND.generator && m.template;
    const tokenizer = await packages?.tokenizer(id, fetch);
    const generation = isGenerator ? await packages?.generation(id, fetch) : undefined;
    if (!tokenizer || (isGenerator && !generation)) return undefined;
    return { tokenizer, generation } satisfies TextFiles;
  };
  const modelOf = (id: string): Manifest => {
    const m = models.get(id);
    if (!m) throw new AppError('MODEL_MISSING', 'this model is not admitted here');
    return m;
  };
  /** In the thread, with the model's files fetched. */
  async function ask<T>(
    id: string,
    m: Manifest,
    call: Parameters<typeof thread.use<T>>[2],
    signal?: AbortSignal,
  ) {
    const done = await thread.use([id, m], () => filesOf(id, m, true), call, signal);
    if (!done) throw new AppError('MODEL_MISSING', 'no packages are kept here');
    return done;
  }

  return {
    async tokenise(modelId, texts, signal) {
      const id = toHex(modelId);
      const m = modelOf(id);
      // An empty text has no answer, and would be paid for.
      if (!texts.length || texts.some((text) => !/[^\s\p{C}]/u.test(text)))
        throw new AppError('INPUT_EMPTY', 'a text is empty');
      if (texts.reduce((sum, { length }) => sum + length, 0) > TEXT_CHARS_MAX)
        throw new AppError('INPUT_LONG', `over ${TEXT_CHARS_MAX} characters`);
      if (m.packing === 'bytes') return packBytes(texts, m);
      return ask(id, m, (api) => api.pack(id, texts), signal);
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
      const used = sequences.map((sequence) => Array.from(withoutPadding(sequence)));
      const files = () => filesOf(id, m, fetch);
      const read = thread.use([id, m], files, (api) => api.read(id, sequences));
      const texts = await read.catch((e: unknown) => {
        if (fetch) throw e;
        return undefined;
      });
      return { ids: used, texts };
    },
    async converse(modelId, messages, signal) {
      const id = toHex(modelId);
      const m = modelOf(id);
      const { tokens, limit } = await ask(id, m, (api) => api.encode(id, messages), signal);
      const isLong = tokens.length > limit;
      const input = isLong ? undefined : packSequences([tokens], m).input;
      return { tokens: tokens.length, limit, input };
    },
    async textBytes(modelId, tokens, signal) {
      const id = toHex(modelId);
      if (tokens.length > ANSWER_TOKENS_MAX)
        throw new AppError('INPUT_LONG', `${tokens.length} tokens, over ${ANSWER_TOKENS_MAX}`);
      return ask(id, modelOf(id), (api) => api.bytesOf(id, tokens), signal);
    },
  };
}
