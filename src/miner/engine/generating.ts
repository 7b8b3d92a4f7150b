/**
 * Answers of language models, token by token, beside passes (answering.ts): on the CPU, whose passes and steps yield to
 * each other. While the person's own is made, units and passes for others rest; steps for others alone keep to the
 * throttle, and their answers are given up while the work is held.
 */
import { KIND } from '../../core/manifest.ts';
import { toHex } from '../../lib/bytes.ts';
import { AppError, assert } from '../../lib/errors.ts';
import { SerialQueue } from '../../lib/queue.ts';
import type { Made, Verdict } from '../generator/answer.ts';
import { openLanguage, type Language } from '../generator/course.ts';
import { Generator } from '../generator/generate.ts';
import { decodeOptions } from '../generator/options.ts';
import type { Stepper } from '../generator/stepper.ts';
import { verify } from '../generator/verify.ts';
import type { Backend, ModelPackage } from './backend.ts';
import type { Loaded } from './loaded.ts';
import { WAIT_SECONDS_MAX, type AnswerClaim, type GenerateJob, type Rank } from './miner-api.ts';
import type { Throttle } from './throttle.ts';

/** Tokens of a step, and conversations of a model in work, of which each has its caches. */
export const STEP = { together: 16, conversations: 4 };
/** Others' answers in work at once: one place is the person's own. */
const PLACES = STEP.conversations - 1;
/** Claims that are checked or wait for it. */
const CLAIMS_MAX = 16;
/** Answers over whose times a wait is foretold, and steps over which a token's time is told. */
const WINDOW = 16;

export interface GeneratingParts {
  modelOf(id: Uint8Array): ModelPackage | undefined;
  /** Loads the model where it is not loaded. @throws AppError MODEL_REFUSED, SELF_TEST_FAILED */
  loaded(model: string): Promise<Loaded>;
  readonly throttle: Throttle;
  nowMs(): number;
  /** An answer has begun, has its first token, or has ended. */
  onChange(): void;
}

/** A language model that answers. */
interface Speaker {
  readonly language: Language;
  readonly cpu: Pick<Backend, 'pass'>;
  readonly generator: Generator;
  /** With a conversation more than the generator has, for who looks again at an answer that seems wrong. */
  readonly steps: Stepper;
}

/** An answer that somebody reads. */
interface Open {
  readonly rank: Rank;
  /** The model's name. */
  readonly model: string;
  readonly sinceMs: number;
  readonly stop: AbortController;
  /** Once the model is loaded. */
  made: AsyncGenerator<Made, void, void> | undefined;
}

export class Generating {
  readonly #parts: GeneratingParts;
  readonly #open = new Map<number, Open>();
  /** Claims that are checked. */
  readonly #claims = new Set<{ readonly model: string }>();
  readonly #checks = new SerialQueue(CLAIMS_MAX, 'BUSY');
  /** By the model's name: of models that are loaded, which are few. */
  readonly #speakers = new Map<string, Promise<Speaker>>();
  /** ms of steps for others since the last rest. */
  #workedMs = 0;
  /** ms that each of the last answers took. */
  #times: readonly number[] = [];
  /** By the model's name: ms of its last steps for others that took one token, with the rests before them. */
  readonly #tokenMs = new Map<string, readonly number[]>();

  constructor(parts: GeneratingParts) {
    this.#parts = parts;
  }

  /** Whether an answer of the person's own is made: units rest meanwhile. */
  get hasOwn(): boolean {
    return [...this.#open.values()].some(({ rank }) => rank === 'own');
  }

  /** Answers of others beyond those that may be in work at once. */
  get waiting(): number {
    const others = [...this.#open.values()].filter(({ rank }) => rank !== 'own');
    return Math.max(0, others.length - PLACES);
  }

  /** As AnsweringStatus.tokenMs. */
  get tokenMs(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#tokenMs].map(([name, ms]) => [name, meanOf(ms)]));
  }

  /** Seconds until another answer would begin, at the pace of the last ones. */
  get waitSeconds(): number {
    const { throttle } = this.#parts;
    if (throttle.held) return WAIT_SECONDS_MAX;
    const others = [...this.#open.values()].filter(({ rank }) => rank !== 'own');
    if (others.length < PLACES || !this.#times.length) return 0;
    const ms = (meanOf(this.#times) * (others.length - PLACES + 1)) / PLACES / throttle.duty;
    return Math.min(WAIT_SECONDS_MAX, Math.ceil(ms / 1000));
  }

  /** @throws AppError as MinerApi.generate */
  async generate(id: number, { model, input, options, rank }: GenerateJob): Promise<Made> {
    const { throttle, nowMs, onChange } = this.#parts;
    assert(!this.#open.has(id), 'an answer has an id of its own');
    const name = this.#nameOf(model);
    if (throttle.held && rank !== 'own') throw new AppError('BUSY', 'the work is held');
    const stop = new AbortController();
    const open: Open = { rank, model: name, sinceMs: nowMs(), stop, made: undefined };
    this.#open.set(id, open);
    onChange();
    // A step that rests is not waited for.
    if (rank === 'own') throttle.wake();
    try {
      const { language, generator } = await this.#speakerOf(name);
      const chosen = decodeOptions(options, language.generation.defaults);
      const { signal } = stop;
      open.made = generator.generate({ input, options: chosen, rank, signal });
    } catch (e) {
      this.#end(id, open);
      throw e;
    }
    const first = await this.#next(id, open, open.made);
    onChange();
    return first;
  }

  /** @throws AppError as MinerApi.nextToken */
  async nextToken(id: number): Promise<Made> {
    const open = this.#open.get(id);
    const { held } = this.#parts.throttle;
    if (!open?.made)
      throw new AppError(held ? 'BUSY' : 'PASS_ABORTED', 'this answer is not made any more');
    return await this.#next(id, open, open.made);
  }

  async #next(id: number, open: Open, made: AsyncGenerator<Made, void, void>): Promise<Made> {
    try {
      const { value } = await made.next();
      if (!value) throw new AppError('PASS_ABORTED', 'this answer has ended');
      if (value.finish) {
        this.#times = [...this.#times, this.#parts.nowMs() - open.sinceMs].slice(-WINDOW);
        this.#end(id, open);
      }
      return value;
    } catch (e) {
      this.#end(id, open);
      throw e;
    }
  }

  #end(id: number, open: Open): void {
    if (this.#open.get(id) !== open) return;
    this.#open.delete(id);
    this.#parts.onChange();
  }

  /** Whether it follows from model, input and options. @throws AppError as MinerApi.verifyAnswer */
  async verify({ model, input, options, answer }: AnswerClaim): Promise<Verdict> {
    const claim = { model: this.#nameOf(model) };
    this.#claims.add(claim);
    try {
      return await this.#checks.run(async () => {
        const { language, cpu, steps } = await this.#speakerOf(claim.model);
        const chosen = decodeOptions(options, language.generation.defaults);
        const said = { input, options: chosen, answer };
        return await verify(language, cpu, said, { stepper: steps });
      });
    } finally {
      this.#claims.delete(claim);
    }
  }

  /** Nobody reads the answer any more. */
  drop(id: number): void {
    this.#stop(id, new AppError('PASS_ABORTED', 'the answer was given up'));
  }

  /** Gives up what is not the person's own, since the work is held. */
  hold(): void {
    for (const [id, { rank }] of [...this.#open])
      if (rank !== 'own') this.#stop(id, new AppError('BUSY', 'the work is held'));
  }

  #stop(id: number, why: AppError): void {
    const open = this.#open.get(id);
    if (!open) return;
    open.stop.abort(why);
    this.#end(id, open);
  }

  /** Whether somebody waits for something of this model. */
  isBusy(name: string): boolean {
    return [...this.#open.values(), ...this.#claims].some(({ model }) => model === name);
  }

  /** Forgets a model with all its caches. */
  release(name: string): void {
    this.#speakers.delete(name);
    this.#tokenMs.delete(name);
  }

  /** @throws AppError MODEL_MISSING, MODEL_REFUSED */
  #nameOf(id: Uint8Array): string {
    const model = this.#parts.modelOf(id);
    if (!model)
      throw new AppError('MODEL_MISSING', `no package of model ${toHex(id).slice(0, 16)}`);
    const { name, kind } = model.manifest;
    // Before it is loaded.
    if (kind !== KIND.generator)
      throw new AppError('MODEL_REFUSED', `${name} makes no answer token by token`);
    return name;
  }

  #speakerOf(name: string): Promise<Speaker> {
    let speaker = this.#speakers.get(name);
    if (!speaker) {
      speaker = this.#begin(name);
      this.#speakers.set(name, speaker);
      // What is refused stays so until the model is released: whoever asks again makes nobody try again.
      const made = speaker;
      made.catch((e: unknown) => {
        const isRefused = AppError.from(e).code === 'MODEL_REFUSED';
        if (!isRefused && this.#speakers.get(name) === made) this.#speakers.delete(name);
      });
    }
    return speaker;
  }

  async #begin(name: string): Promise<Speaker> {
    const { model, cpu } = await this.#parts.loaded(name);
    if (!cpu.steps || !model.generation)
      throw new AppError('MODEL_REFUSED', `${name} has no steps here`);
    const { manifest, tables, generation } = model;
    const language = await openLanguage(manifest, tables, generation, (i) => cpu.rows?.(i));
    const steps = await cpu.steps({ ...STEP, conversations: STEP.conversations + 1 });
    return { language, cpu, steps, generator: this.#paced(name, language, steps) };
  }

  /** Takes steps for others alone with the rests of the throttle between them, and tells how long they take. */
  #paced(name: string, language: Language, steps: Stepper): Generator {
    const { throttle, nowMs } = this.#parts;
    let sinceMs: number | undefined;
    const paced: Stepper = {
      together: steps.together,
      conversations: STEP.conversations,
      open: () => steps.open(),
      close: (conversation) => steps.close(conversation),
      step: async (requests) => {
        sinceMs = this.hasOwn ? undefined : nowMs();
        if (!this.hasOwn) {
          await throttle.rest(this.#workedMs, () => this.hasOwn || throttle.held);
          this.#workedMs = 0;
        }
        const startedMs = nowMs();
        const rows = await steps.step(requests);
        if (!this.hasOwn) this.#workedMs += nowMs() - startedMs;
        return rows;
      },
    };
    return new Generator(language, paced, (tokens) => {
      if (tokens !== 1 || sinceMs === undefined || this.hasOwn) return;
      const before = this.#tokenMs.get(name) ?? [];
      this.#tokenMs.set(name, [...before, nowMs() - sinceMs].slice(-WINDOW));
    });
  }
}

const meanOf = (all: readonly number[]): number =>
  all.reduce((sum, each) => sum + each, 0) / all.length;
