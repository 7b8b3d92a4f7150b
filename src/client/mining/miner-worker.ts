/**
 * The miner's worker as the client sees it: started when it is first needed, given models, replaced when
 * it has died. It holds the miner's status, and reports wins as events.
 */
import type { Fault } from '../../core/faults.ts';
import type { Proof } from '../../core/formats.ts';
import type { Claim } from '../../core/header/header.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { toHex } from '../../lib/bytes.ts';
import type { ErrorCode } from '../../lib/error-codes.ts';
import { AppError } from '../../lib/errors.ts';
import type { Emitter } from '../../lib/events.ts';
import type { RpcClient } from '../../lib/rpc.ts';
import {
  MINER_OFF,
  type BackendChoice,
  type MinerApi,
  type MinerEvents,
  type MinerState,
  type MinerStatus,
  type Work,
} from '../../miner/engine/miner-api.ts';
import type { ModelSupply } from '../models/model-supply.ts';
import type { PeerEvents } from '../peer-events.ts';
import type { Platform } from '../platform.ts';

type Worker = RpcClient<MinerApi, MinerEvents>;

/** Models in a worker's memory for answers: one of ours takes up to 300 MiB on the CPU. */
const ANSWERING_MODELS_MAX = 2;

/** States in which units run. */
const USES_TIME: ReadonlySet<MinerState> = new Set(['running', 'finishing']);
const WORKING: ReadonlySet<MinerState> = new Set(['testing', 'running', 'finishing']);

export interface MinerWorkerDeps {
  readonly platform: Pick<Platform, 'createMiner'>;
  /** Packages for the worker. */
  readonly supply: ModelSupply;
  readonly events: Emitter<PeerEvents>;
}

/** A model by its name and id. */
export interface NamedModel {
  readonly name: string;
  readonly id: Uint8Array;
}

export class MinerWorker {
  readonly #deps: MinerWorkerDeps;
  #status: MinerStatus = MINER_OFF;
  #pausedUntilMs: number | undefined;
  #worker: Promise<Worker> | undefined;
  /** The worker that was started last and has not died. */
  #live: Worker | undefined;
  /** The worker with a model loaded: it can replay blocks. */
  #loaded: Worker | undefined;
  /** The model that the worker mines with, or mined with last. */
  #model: NamedModel | undefined;
  /** Models that blocks are checked with. */
  #held: readonly Uint8Array[] = [];
  /** Models that answered last, by hex id: the worker keeps them beside those. */
  readonly #answering = new BoundedMap<string, Uint8Array>(ANSWERING_MODELS_MAX);
  /** Why blocks could not be replayed, as it was told last. */
  #unchecked: ErrorCode | undefined;
  /** Whether another model is tried where this one fails: then nothing has failed yet. */
  hasNext = false;
  /** Share of the time that units may take; kept for a worker that is started later. */
  #duty = 1;

  constructor(deps: MinerWorkerDeps) {
    this.#deps = deps;
  }

  status(): MinerStatus {
    return this.#status;
  }

  setStatus(change: Partial<MinerStatus>): void {
    this.#note({ ...this.#status, ...change });
  }

  #note(status: MinerStatus): void {
    const goesOn = status.state === 'failed' && this.hasNext;
    const shown = goesOn ? { ...status, state: 'loading' as const, problem: undefined } : status;
    this.#status = { ...shown, pausedUntilMs: this.#pausedUntilMs };
    this.#deps.events.emit('report', { type: 'miner', status: this.#status });
  }

  /** It pauses, and is started again then; undefined: as it is told. */
  waitUntil(pausedUntilMs: number | undefined): void {
    if (pausedUntilMs === this.#pausedUntilMs) return;
    this.#pausedUntilMs = pausedUntilMs;
    this.setStatus(pausedUntilMs === undefined ? {} : { state: 'paused', problem: undefined });
  }

  /** Starts the worker where none runs. @throws AppError NO_MINER, and the platform's */
  launch(): Promise<Worker> {
    const worker = (this.#worker ??= this.#start());
    worker.catch(() => {
      if (this.#worker === worker) this.#worker = undefined;
    });
    return worker;
  }

  async #start(): Promise<Worker> {
    const { platform, events } = this.#deps;
    if (!platform.createMiner) throw new AppError('NO_MINER', 'this program cannot mine');
    const worker = (this.#live = await platform.createMiner());
    worker.on('status', (status) => this.#note(status));
    worker.on('block', (found) => events.emit('won', found));
    if (this.#duty < 1) this.#run(worker.throttle(this.#duty));
    return worker;
  }

  /** Whether the worker has this model, or is about to. */
  async has(id: Uint8Array): Promise<boolean> {
    return this.#deps.supply.has(await this.launch(), id);
  }

  /** Gives the worker a model's package. @throws the errors of fetching it */
  async give(id: Uint8Array): Promise<void> {
    await this.#deps.supply.give(await this.launch(), id);
  }

  /** Mines with a model that was given. @throws the worker's */
  async mine(model: NamedModel, backend: BackendChoice): Promise<void> {
    const worker = await this.launch();
    try {
      await worker.start(model.name, backend);
    } catch (e) {
      this.noteFailure(e, worker);
      throw e;
    }
    this.#loaded = worker;
    // The previous model is released, unless blocks are checked with it.
    void this.#deps.supply.keepOnly([model.id, ...this.#inUse()]);
  }

  /** Models that the worker is to keep, whatever it works on. */
  hold(ids: readonly Uint8Array[]): void {
    this.#held = ids;
  }

  /** Whether time goes by in units. */
  get isWorking(): boolean {
    return this.#duty > 0 && USES_TIME.has(this.#status.state);
  }

  /** Pauses the worker when it works on another model than this. */
  async makeRoomFor({ name }: NamedModel): Promise<void> {
    const worker = await this.launch();
    if (this.#status.model !== name && WORKING.has(this.#status.state)) await worker.pause();
  }

  /** The next template; undefined: nothing to work on. */
  work(template: Work | undefined): void {
    if (this.#worker) this.#run(this.#worker.then((worker) => worker.work(template)));
  }

  get model(): NamedModel | undefined {
    return this.#model;
  }

  /** The model that templates are made for from now on. */
  setModel(model: NamedModel): void {
    this.#model = model;
  }

  async throttle(duty: number): Promise<void> {
    this.#duty = duty;
    await (await this.#worker)?.throttle(duty);
  }

  async pause(): Promise<void> {
    await (await this.#worker)?.pause();
  }

  /** Ends after the unit in work. */
  async finish(): Promise<void> {
    await (await this.#worker)?.finish();
  }

  /** Runs any admitted model on an input; the model is fetched first. @throws AppError NO_MINER, … */
  async execute(id: Uint8Array, input: Uint8Array): Promise<Uint8Array> {
    const worker = await this.launch();
    void this.#deps.supply.keepOnly([...this.#inUse(), id]);
    await this.#deps.supply.give(worker, id);
    return await worker.execute(id, input);
  }

  /** The worker with this model in it, to answer with; the model is fetched first. @throws AppError NO_MINER, … */
  async workerWith(model: Uint8Array): Promise<Worker> {
    const worker = await this.launch();
    if (!this.#answering.get(toHex(model))) {
      this.#answering.set(toHex(model), model);
      void this.#deps.supply.keepOnly(this.#inUse());
    }
    await this.#deps.supply.give(worker, model);
    return worker;
  }

  /** Loads a model that will be asked soon; the model is fetched first. @throws AppError NO_MINER, … */
  async load(model: Uint8Array): Promise<void> {
    const worker = await this.workerWith(model);
    await worker.load(model);
  }

  /** Models that the worker is to keep. */
  #inUse(): Uint8Array[] {
    const answering = [...this.#answering].map(([, id]) => id);
    return [...this.#held, ...(this.#model ? [this.#model.id] : []), ...answering];
  }

  get isLoaded(): boolean {
    return this.#loaded !== undefined;
  }

  /** Whether blocks of this model can be replayed. */
  canReplay(modelId: Uint8Array): boolean {
    return this.#loaded !== undefined && this.#deps.supply.holds(this.#loaded, modelId);
  }

  /** @returns every fault that the replay shows; undefined where the worker fails */
  async replay(claim: Claim, proof: Proof): Promise<readonly Fault[] | undefined> {
    try {
      return await this.#loaded?.check(claim, proof);
    } catch (e) {
      // The block is not to blame: this client follows it like a client without the model.
      this.noteFailure(e, this.#loaded);
      this.#tellUnchecked(AppError.from(e));
      return undefined;
    }
  }

  /** Blocks that cannot be checked end the work after a while: a person learns why, once. */
  #tellUnchecked({ code, message }: AppError): void {
    if (code === this.#unchecked) return;
    this.#unchecked = code;
    if (code !== 'WORKER_DIED')
      this.#deps.events.emit('report', { type: 'problem', code, message });
  }

  /** Learns from a failed call whether that worker has died; its other calls fail with it, one after another. */
  noteFailure(e: unknown, worker: object | undefined): void {
    if (AppError.from(e).code === 'WORKER_DIED' && worker === this.#live) this.#onWorkerDeath();
  }

  /** A worker that died is replaced at the next start; until then blocks get only the light check. */
  #onWorkerDeath(): void {
    this.#worker = undefined;
    this.#live = undefined;
    this.#loaded = undefined;
    this.setStatus({ ...MINER_OFF, state: 'failed', problem: 'WORKER_DIED' });
  }

  /** Reports the failure of a call that nobody waits for. */
  #run(call: Promise<unknown>): void {
    call.catch((e: unknown) => {
      const { code, message } = AppError.from(e);
      this.#deps.events.emit('report', { type: 'problem', code, message });
    });
  }

  stop(): void {
    void this.#worker?.then((worker) => worker.pause()).catch(() => undefined);
  }
}
