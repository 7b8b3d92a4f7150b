/**
 * Answers for the person here and for askers who pay: plain passes beside mining. While units are mined, passes take
 * turns with them, one each, so that neither waits for the other's end; else they run one after the other, with the
 * rests of the throttle. A person's own question waits for neither.
 */
import { answerBytes, sequenceBytes, type Manifest } from '../../core/manifest.ts';
import { toHex } from '../../lib/bytes.ts';
import type { ErrorCode } from '../../lib/error-codes.ts';
import { AppError, assert } from '../../lib/errors.ts';
import { AnswerQueue, SEQUENCES_MAX, type Batch } from './answer-queue.ts';
import type { Backend, ModelPackage, PassInput, PassResult } from './backend.ts';
import {
  ANSWERING_OFF,
  WAIT_SECONDS_MAX,
  type AnswerJob,
  type AnsweringStatus,
  type Rank,
} from './miner-api.ts';
import { joinTokens, sequencesOf, type Placed } from './shapes.ts';
import type { Throttle } from './throttle.ts';

/**
 * Of a GPU's passes the first and then one in so many is run again on the CPU before its rows are given out.
 * On a GPU that is a hundred times as fast, this keeps the core beside it busy, and no more.
 */
export const CHECKED_EVERY = 64;
/** Passes over whose times a wait is foretold. */
const WINDOW = 16;

/** Where a model runs now. */
export interface Place {
  readonly model: ModelPackage;
  /** The device that mines with it, or else its CPU backend. */
  readonly device: Backend;
  readonly cpu: Backend;
}

export interface AnsweringParts {
  modelOf(id: Uint8Array): ModelPackage | undefined;
  /** Loads the model where it is not loaded. @throws AppError MODEL_REFUSED, SELF_TEST_FAILED */
  place(model: string): Place | Promise<Place>;
  /** Passes that may run at once. */
  width(): number;
  /** Whether units run, with which passes take turns: `turn` is called for each. */
  isMining(): boolean;
  readonly throttle: Throttle;
  nowMs(): number;
  /** The device failed in a pass, or gave another answer than the CPU. */
  onFault(device: Backend, code: ErrorCode): void;
  onStatus(status: AnsweringStatus): void;
}

/** An answer that somebody waits for. */
interface Open {
  readonly rank: Rank;
  readonly model: string;
  /** Bytes that a sequence's rows have in each shape. */
  readonly sizes: readonly number[];
  /** Each sequence's rows in their order, as far as they are there. */
  readonly rows: (Uint8Array | undefined)[];
  readonly done: PromiseWithResolvers<readonly Uint8Array[]>;
}

interface Running {
  /** Jobs that the pass is for, and that somebody still waits for. */
  readonly wanted: Set<number>;
  readonly stop: AbortController;
  /** Never rejects. */
  done: Promise<void>;
}

export class Answering {
  readonly #parts: AnsweringParts;
  readonly #queue = new AnswerQueue();
  readonly #open = new Map<number, Open>();
  readonly #running = new Set<Running>();
  /** Passes of each device that is checked. */
  readonly #passes = new WeakMap<Backend, number>();
  #status = ANSWERING_OFF;
  /** ms that each of the last passes added. */
  #times: readonly number[] = [];
  #endedMs = -Infinity;
  #isAlone = false;

  constructor(parts: AnsweringParts) {
    this.#parts = parts;
  }

  /**
   * Rows of each of the input's sequences. `id`: for `drop`, not in use.
   * @throws AppError MODEL_MISSING, INPUT_EMPTY, INPUT_LONG, BUSY, PASS_ABORTED after `drop`, and the backend's
   */
  async answer(id: number, job: AnswerJob): Promise<readonly Uint8Array[]> {
    const { throttle, modelOf } = this.#parts;
    assert(!this.#open.has(id), 'an answer has an id of its own');
    const model = modelOf(job.model);
    if (!model)
      throw new AppError('MODEL_MISSING', `no package of model ${toHex(job.model).slice(0, 16)}`);
    if (throttle.held && job.rank !== 'own') throw new AppError('BUSY', 'the work is held');
    const { name, shapes } = model.manifest;
    const sizes = shapes.map((shape) => answerBytes(model.manifest, shape));
    const batches = shapes.map((shape) => shape.sequences);
    const { rank } = job;
    const sequences = readInput(job.input, model.manifest);
    this.#queue.add({ id, rank, model: name, batches, sequences });

    const done = Promise.withResolvers<readonly Uint8Array[]>();
    const rows = sequences.map(() => undefined);
    this.#open.set(id, { rank, model: name, sizes, rows, done });
    this.kick();
    this.#report();
    return done.promise;
  }

  /** Nobody waits for the answer any more. A pass that only it was for is stopped. */
  drop(id: number): void {
    this.#fail(id, new AppError('PASS_ABORTED', 'the answer was given up'));
    for (const { wanted, stop } of this.#running)
      if (wanted.delete(id) && !wanted.size) stop.abort();
    this.#report();
  }

  /** Gives up what waits, but for the person's own questions, since the work is held. */
  hold(): void {
    for (const [id, { rank }] of [...this.#open])
      if (rank !== 'own') this.#fail(id, new AppError('BUSY', 'the work is held'));
    this.#report();
  }

  /** Whether somebody waits for an answer of this model. */
  isBusy(model: string): boolean {
    return [...this.#open.values()].some((open) => open.model === model);
  }

  /** One pass for the unit that begins now, if any waits. @returns its end, which is no failure */
  turn(): Promise<void> | undefined {
    return this.#next(this.#parts.width());
  }

  /** Something changed: begins what need not wait for a unit. */
  kick(): void {
    // One more than fits, so that a person does not wait for the end of strangers' passes.
    while (this.#queue.has('own') && this.#running.size <= this.#parts.width())
      void this.#begin(this.#queue.take('own')!);
    void this.#alone();
  }

  /** Runs passes while nothing is mined. */
  async #alone(): Promise<void> {
    const { throttle, nowMs, isMining } = this.#parts;
    const isOver = (): boolean => !this.#queue.size || isMining() || throttle.held;
    if (this.#isAlone) return;
    this.#isAlone = true;
    while (!isOver()) {
      const startedMs = nowMs();
      while (this.#next(this.#parts.width()));
      const ends = [...this.#running].map(({ done }) => done);
      // With rests between, all that ran at once has ended before one: else it would run on in it.
      await (throttle.full ? Promise.race(ends) : Promise.all(ends));
      if (!throttle.full) await throttle.rest(nowMs() - startedMs, isOver);
    }
    this.#isAlone = false;
  }

  #next(atOnce: number): Promise<void> | undefined {
    const batch = this.#running.size < atOnce ? this.#queue.take() : undefined;
    return batch && this.#begin(batch);
  }

  #begin(batch: Batch): Promise<void> {
    const { nowMs } = this.#parts;
    const startedMs = nowMs();
    const wanted = new Set(batch.seats.map(({ id }) => id));
    const running: Running = { wanted, stop: new AbortController(), done: Promise.resolve() };
    this.#running.add(running);
    running.done = this.#run(batch, running.stop.signal)
      .then(
        ({ answer }) => this.#deliver(batch, answer),
        (e: unknown) => wanted.forEach((id) => this.#fail(id, AppError.from(e))),
      )
      .then(() => {
        this.#running.delete(running);
        this.#noteTime(startedMs, nowMs());
        this.#report();
        this.kick();
      });
    this.#report();
    return running.done;
  }

  async #run({ model: name, shape, seats }: Batch, signal: AbortSignal): Promise<PassResult> {
    const place = this.#parts.place(name);
    // Without a wait where there is none: what is begun next, a unit, must come behind this pass.
    const { model, device, cpu } = place instanceof Promise ? await place : place;
    const plain: PassInput = {
      shape,
      tokens: joinTokens(seats),
      sigma0: undefined,
      limits: [],
      answerOnly: true,
      signal,
    };
    if (device === cpu || device.shapes?.includes(shape) === false) return await cpu.pass(plain);

    const isChecked = this.#isChecked(device);
    // The last operand shows what a row happens not to.
    const capture = model.manifest.linears.length;
    const input = isChecked ? { ...plain, answerOnly: false, capture } : plain;
    const result = await device.pass(input).catch((e: unknown) => {
      if (signal.aborted) throw e;
      // A device that is closed, as for another model, is not to blame.
      const { code } = AppError.from(e);
      if (code !== 'PASS_ABORTED') this.#parts.onFault(device, code);
    });
    if (!result) return await cpu.pass(input);
    if (!isChecked) return result;
    const again = await cpu.pass(input);
    if (!isSame(result, again)) this.#parts.onFault(device, 'SELF_TEST_FAILED');
    return again;
  }

  #isChecked(device: Backend): boolean {
    if (device.kind === 'cpu') return false;
    const before = this.#passes.get(device) ?? 0;
    this.#passes.set(device, before + 1);
    return before % CHECKED_EVERY === 0;
  }

  #deliver({ shape, seats }: Batch, answer: Int8Array): void {
    let given = 0;
    for (const [i, { id, at }] of seats.entries()) {
      const open = this.#open.get(id);
      if (!open) continue;
      given++;
      const size = open.sizes[shape]!;
      open.rows[at] = Uint8Array.from(answer.subarray(i * size, (i + 1) * size));
      const rows = open.rows.filter((row) => row !== undefined);
      if (rows.length < open.rows.length) continue;
      this.#open.delete(id);
      open.done.resolve(rows);
    }
    const { passes, sequences } = this.#status;
    this.#status = { ...this.#status, passes: passes + 1, sequences: sequences + given };
  }

  #fail(id: number, why: AppError): void {
    this.#queue.drop(id);
    this.#open.get(id)?.done.reject(why);
    this.#open.delete(id);
  }

  /** Of passes that overlap, only the time since the last one's end counts. */
  #noteTime(fromMs: number, toMs: number): void {
    this.#times = [...this.#times, toMs - Math.max(fromMs, this.#endedMs)].slice(-WINDOW);
    this.#endedMs = toMs;
  }

  #report(): void {
    this.#status = {
      ...this.#status,
      waiting: this.#queue.size,
      waitSeconds: this.#waitSeconds(),
    };
    this.#parts.onStatus(this.#status);
  }

  #waitSeconds(): number {
    const { throttle, width } = this.#parts;
    if (throttle.held) return WAIT_SECONDS_MAX;
    const ahead = this.#running.size + this.#queue.passes;
    if (ahead < width() || !this.#times.length) return 0;
    const meanMs = this.#times.reduce((sum, ms) => sum + ms, 0) / this.#times.length;
    return Math.min(WAIT_SECONDS_MAX, Math.ceil((ahead * meanMs) / 1000 / throttle.duty));
  }
}

/** Activations too: of a whole unit all of them are hashed. */
const isSame = (one: PassResult, other: PassResult): boolean =>
  isEqual(one.answer, other.answer) &&
  isEqual(one.captured ?? [], other.captured ?? []) &&
  isEqual(one.x.map(toHex), other.x.map(toHex));

const isEqual = <T>(one: ArrayLike<T>, other: ArrayLike<T>): boolean =>
  one.length === other.length && Array.prototype.every.call(one, (x, i) => x === other[i]);

/** @throws AppError INPUT_EMPTY, INPUT_LONG */
function readInput(input: Uint8Array, manifest: Manifest): Placed[] {
  if (!input.length) throw new AppError('INPUT_EMPTY', 'nothing is asked');
  const count = Math.ceil(input.length / sequenceBytes(manifest));
  const sequences = count <= SEQUENCES_MAX ? sequencesOf(input, manifest) : undefined;
  if (sequences) return sequences;
  throw new AppError('INPUT_LONG', `${input.length} bytes do not fit ${manifest.name}`);
}
