/**
 * Answers of language models on this device, as text, for whoever sits before it. A page reads one piece by piece, by
 * calls: so it can be read through other tabs, a reader that has gone is noticed, and nothing is sent that nobody reads.
 */
import { inputTokens, withoutPadding, type Manifest } from '../../core/manifest.ts';
import { AppError } from '../../lib/errors.ts';
import type { Finish } from '../../miner/generator/answer.ts';
import type { Generation } from '../../miner/generator/generation.ts';
import { encodeOptions, optionsOf, seedFromText } from '../../miner/generator/options.ts';
import type { AskApi, GeneratedText } from '../api.ts';
import type { Answerer } from '../mining/answerer.ts';
import type { Texts } from './texts.ts';

/** Answers that are read at once: one in each of some tabs. */
const STREAMS_MAX = 8;
/** ms without a reader after which an answer is stopped: a tab that was closed says nothing. */
export const UNREAD_MS = 30_000;

export interface GenerateHereDeps {
  readonly texts: Pick<Texts, 'textBytes'>;
  /** What is known of a language model; its generation.json is fetched first. @throws AppError MODEL_REFUSED, … */
  language(modelId: Uint8Array): Promise<{ manifest: Manifest; generation: Generation }>;
  readonly answerer: Pick<Answerer, 'generate'>;
  /** From 0 to below 2^53. */
  randomId(): number;
  /** Default: UNREAD_MS. */
  readonly unreadMs?: number;
}

/** An answer between its maker and its reader. It is no longer than the model's context. */
class Stream {
  readonly stop = new AbortController();
  #text = '';
  #tokens = 0;
  #finish: Finish | undefined;
  #error: AppError | undefined;
  #isNew = false;
  #isRead = false;
  #wake: () => void = () => undefined;
  #unread: ReturnType<typeof setTimeout> | undefined;
  readonly #unreadMs: number;

  constructor(unreadMs: number) {
    this.#unreadMs = unreadMs;
    this.#awaitReader();
  }

  #awaitReader(): void {
    this.#unread = setTimeout(() => this.stop.abort(), this.#unreadMs);
  }

  add(text: string, finish: Finish | undefined): void {
    this.#text += text;
    this.#tokens++;
    this.#finish = finish;
    this.#isNew = true;
    this.#wake();
  }

  fail(error: AppError): void {
    this.#error = error;
    this.#wake();
  }

  /** What came before a failure is given first. */
  async read(): Promise<GeneratedText> {
    if (this.#isRead) throw new AppError('BUSY', 'this answer is read by another call');
    this.#isRead = true;
    clearTimeout(this.#unread);
    while (!this.#isNew && !this.#error)
      await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#isRead = false;
    if (!this.#isNew) throw this.#error!;
    const came = { text: this.#text, tokens: this.#tokens, finish: this.#finish };
    [this.#text, this.#isNew] = ['', false];
    if (!came.finish) this.#awaitReader();
    return came;
  }

  end(): void {
    clearTimeout(this.#unread);
    this.stop.abort();
  }
}

export type GeneratingApi = Pick<
  AskApi,
  'generation' | 'generate' | 'generated' | 'stopGenerating'
>;

export function generateHere(deps: GenerateHereDeps): GeneratingApi {
  const { texts, answerer, language, randomId, unreadMs = UNREAD_MS } = deps;
  const streams = new Map<number, Stream>();

  async function write(
    stream: Stream,
    job: Omit<Parameters<Answerer['generate']>[0], 'signal'>,
  ): Promise<void> {
    const { signal } = stream.stop;
    const letters = new TextDecoder();
    try {
      for await (const { token, finish } of answerer.generate({ ...job, signal })) {
        const bytes = await texts.textBytes(job.model, Uint32Array.of(token));
        stream.add(letters.decode(bytes, { stream: !finish }), finish);
      }
    } catch (e) {
      stream.fail(AppError.from(e));
    }
  }

  return {
    async generation(modelId) {
      const { defaults, context } = (await language(modelId)).generation;
      return { defaults, context };
    },
    async generate({ model, input, options, seed }) {
      const { manifest, generation } = await language(model);
      const said = { ...options, ...(seed !== undefined && { seed: seedFromText(seed) }) };
      const chosen = encodeOptions(optionsOf(generation.defaults, said));
      // Before the model is fetched.
      const ids = tokensOf(input, manifest, generation.context);
      if (streams.size >= STREAMS_MAX)
        throw new AppError('BUSY', `${STREAMS_MAX} answers are made here`);
      const stream = new Stream(unreadMs);
      const id = randomId();
      streams.set(id, stream);
      stream.stop.signal.addEventListener('abort', () => streams.delete(id));
      void write(stream, { model, input: ids, options: chosen, rank: 'own' });
      return id;
    },
    async generated(answer) {
      const stream = streams.get(answer);
      if (!stream) throw new AppError('PASS_ABORTED', 'this answer is not made here any more');
      try {
        const came = await stream.read();
        if (came.finish) stream.end();
        return came;
      } catch (e) {
        if (AppError.from(e).code !== 'BUSY') stream.end();
        throw e;
      }
    },
    async stopGenerating(answer) {
      streams.get(answer)?.end();
    },
  };
}

/** Tokens of an input, without padding. @throws AppError INPUT_EMPTY, INPUT_LONG where no answer has room */
function tokensOf(input: Uint8Array, m: Manifest, context: number): Uint32Array {
  const all = inputTokens(input, m);
  if (!all) throw new AppError('INPUT_LONG', `${input.length} bytes do not fit ${m.name}`);
  const ids = withoutPadding(all);
  if (!ids.length) throw new AppError('INPUT_EMPTY', 'nothing is asked');
  if (ids.length >= context)
    throw new AppError(
      'INPUT_LONG',
      `${ids.length} tokens, where input and answer may have ${context}`,
    );
  return ids;
}
