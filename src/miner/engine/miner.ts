/**
 * The mining engine: loads a model, tests that the device computes right, then turns templates into units and
 * winning units into blocks. It holds one device backend and, besides it, the CPU backend that re-checks
 * wins and replays other people's blocks.
 */
import type { Fault } from '../../core/faults.ts';
import type { Header, Proof } from '../../core/formats.ts';
import type { Claim } from '../../core/header/header.ts';
import { unitMacs } from '../../core/manifest.ts';
import { proofDigest } from '../../core/pow/proof.ts';
import { replayFaults } from '../../core/pow/replay.ts';
import { equal } from '../../lib/bytes.ts';
import type { Made, Verdict } from '../generator/answer.ts';
import type { ErrorCode } from '../../lib/error-codes.ts';
import { AppError } from '../../lib/errors.ts';
import { SerialQueue } from '../../lib/queue.ts';
import type { Analysis } from '../checker/checker.ts';
import type { Backend, BackendKind, ModelPackage } from './backend.ts';
import {
  MINER_OFF,
  type AnswerJob,
  type AnswerClaim,
  type BackendChoice,
  type FoundBlock,
  type GenerateJob,
  type MinerStatus,
  type ShownBackend,
  type Work,
} from './miner-api.ts';
import { Answering, type Place } from './answering.ts';
import { Generating } from './generating.ts';
import { LoadedModels, type Loaded, type ModelParts } from './loaded.ts';
import { createProof } from './prove.ts';
import { RateMeter } from './rate.ts';
import { StepLost } from './self-test.ts';
import { Throttle } from './throttle.ts';
import { trust, type TrustParts, type TrustedBackend } from './trust/trusted.ts';
import { beginUnit, passInput, runPlain, sameWork, type Unit } from './unit.ts';
import { Judge } from './trust/judge.ts';

/** What lanes are trusted with, as the other backends are. */
export type LaneTrust = Pick<TrustParts, 'verdicts' | 'onLost'>;

/** What differs between a browser's worker and Node's. */
export interface MinerParts extends ModelParts {
  /** undefined where there is no WebGPU to try. */
  createWebgpu: ((model: ModelPackage, analysis: Analysis) => Promise<Backend>) | undefined;
  /** The CPU as the device that mines, on more of its cores where it has them. */
  spread?(loaded: Loaded, parts: LaneTrust): Promise<Backend>;
  nowMs(): number;
  randomNonce(): bigint;
  /** From 0 to below 1: which units and steps are judged again. Default: Math.random */
  random?(): number;
  onStatus(status: MinerStatus): void;
  onBlock(block: FoundBlock): void;
}

/** ms for which units rest after a pass of the person's own: texts are read one pass after another. */
const NEXT_OWN_MS = 250;
/** ms between two words on units alone: a fast device makes hundreds a second, and each word is drawn by every page. */
const UNITS_TOLD_MS = 500;
/** Losses of the device after which the CPU takes over. */
const LOSSES_MAX = 3;
/** Units in a row without a loss after which earlier losses are forgotten; a device that keeps dying is given up. */
const FORGIVEN_UNITS = 100;
/** ms before the first request for a new device after a loss; doubles with each further loss. */
const LOSS_WAIT_MS = 1000;

/** Failures after which a device is replaced. */
const REPLACED: readonly string[] = [
  'DEVICE_LOST',
  'DEVICE_MEMORY',
  'EXACTNESS_LOST',
] satisfies ErrorCode[];
/** The failure of a device whose answer was wrong: in which step is not known. */
const WRONG: ErrorCode = 'SELF_TEST_FAILED';
const STEP_UNKNOWN = 0;
/** Failures that may be temporary: the device is worth another try. */
const AGAIN: readonly string[] = ['DEVICE_LOST', 'NO_WEBGPU'] satisfies ErrorCode[];

/** Starts and releases that may wait for the one before them. */
const STARTS_MAX = 8;

/** What one start of mining works with, until it is paused. */
interface Session extends Loaded {
  readonly signal: AbortSignal;
}

/** What each device is called in a status. */
const SHOWN_AS: Readonly<Record<BackendKind, ShownBackend>> = {
  cpu: 'cpu',
  webgpu: 'webgpu',
  oracle: 'cpu',
};

/** Whether a backend of which a step was wrong runs on something else now. */
const fallsBack = async (backend: Backend, step: number): Promise<boolean> =>
  (await backend.lose?.(step).then(
    () => true,
    () => false,
  )) ?? false;

export class Miner {
  readonly #parts: MinerParts;
  #status: MinerStatus = MINER_OFF;
  /** Whether the status is what was told last, and when that was. */
  #isTold = true;
  #toldMs = 0;
  readonly #models: LoadedModels;
  #device: Backend | undefined;
  /** The CPU backend of the device's model; it may be the device itself. */
  #cpu: Backend | undefined;
  /** What to work on. */
  #template: Work | undefined;
  /** Head on which a block was found, until whoever gives the work has answered that. */
  #won: Uint8Array | undefined;
  /** The running loop's controller; `pause` aborts it. */
  #run: AbortController | undefined;
  #finishing = false;
  #wake: (() => void) | undefined;
  #rate = new RateMeter();
  readonly #throttle: Throttle;
  readonly #judge: Judge;
  readonly #answering: Answering;
  readonly #generating: Generating;
  /** Of passes alone. */
  #passes = MINER_OFF.answering;
  /** Passes of the person's own, those of the last moment among them. */
  #ownPasses = 0;
  /** The run whose units answers take turns with; another than `#run`, or none, while nothing is mined. */
  #atWork: AbortController | undefined;
  /** What an answer has found of a device, until the device is replaced. */
  #faulty: { readonly device: Backend; readonly code: ErrorCode } | undefined;
  readonly #preparing = new SerialQueue(STARTS_MAX);

  constructor(parts: MinerParts) {
    this.#parts = parts;
    this.#models = new LoadedModels(parts, this.#onLost);
    this.#throttle = new Throttle(parts.nowMs);
    const { nowMs, random = Math.random } = parts;
    this.#judge = new Judge({ nowMs, random });
    this.#answering = new Answering({
      modelOf: (id) => parts.modelOf(id),
      place: (name) => this.#place(name),
      width: () => this.#atOnce(),
      isMining: () =>
        this.#generating.hasOwn || (this.#run !== undefined && this.#run === this.#atWork),
      throttle: this.#throttle,
      nowMs: parts.nowMs,
      onFault: (device, code) => this.#onFault(device, code),
      onStatus: (passes) => {
        this.#passes = passes;
        this.#tellAnswering();
      },
    });
    this.#generating = new Generating({
      modelOf: (id) => parts.modelOf(id),
      loaded: (name) => this.#models.named(name),
      throttle: this.#throttle,
      nowMs: parts.nowMs,
      onChange: () => this.#onGenerating(),
    });
  }

  get status(): MinerStatus {
    return this.#status;
  }

  #set(change: Partial<MinerStatus>): void {
    this.#status = { ...this.#status, ...change };
    this.#tell();
  }

  #tell(): void {
    this.#isTold = true;
    this.#toldMs = this.#parts.nowMs();
    this.#parts.onStatus(this.#status);
  }

  /** Counts a unit, which is told with the next word, some time after the last, or before units rest. */
  #count(): void {
    const { units } = this.#status;
    this.#status = { ...this.#status, units: units + 1, macsPerSecond: this.#rate.perSecond() };
    this.#isTold = false;
    if (this.#parts.nowMs() - this.#toldMs >= UNITS_TOLD_MS) this.#tell();
  }

  #tellUntold(): void {
    if (!this.#isTold) this.#tell();
  }

  #tellAnswering(): void {
    const { waiting, waitSeconds, tokenMs } = this.#generating;
    this.#set({
      answering: {
        ...this.#passes,
        waiting: this.#passes.waiting + waiting,
        waitSeconds: Math.max(this.#passes.waitSeconds, waitSeconds),
        tokenMs,
      },
    });
  }

  /** Units and passes go on once no answer of the person's own is made. */
  #onGenerating(): void {
    this.#tellAnswering();
    if (this.#generating.hasOwn) return;
    this.#wake?.();
    this.#answering.kick();
  }

  /** Units rest. Passes for others do so beside an own answer alone: an index of texts is read for minutes. */
  get #unitsRest(): boolean {
    return this.#ownPasses > 0 || this.#generating.hasOwn;
  }

  #reject(reason: string): void {
    const { rejected } = this.#status;
    this.#set({ rejected: { ...rejected, [reason]: (rejected[reason] ?? 0) + 1 } });
  }

  work(template: Work | undefined): void {
    // It was on its way when that block was found: a second one on the same head would lose against it.
    if (template && this.#won && equal(template.core.prevHash, this.#won)) return;
    this.#won = undefined;
    this.#template = template;
    this.#wake?.();
  }

  /** Share of the time that units may take, 0 to 1; 0 holds the work after the unit in it. */
  throttle(duty: number): void {
    this.#throttle.set(duty);
    if (this.#throttle.held) {
      this.#answering.hold();
      this.#generating.hold();
    }
    if (!this.#throttle.held || !this.#run) return;
    // A rate measured across the wait would be meaningless.
    this.#rate = new RateMeter();
    this.#set({ macsPerSecond: 0 });
  }

  pause(): void {
    if (!this.#run) return;
    this.#run.abort();
    this.#run = undefined;
    this.#wake?.();
    this.#throttle.wake();
    this.#set({ state: 'paused', macsPerSecond: 0 });
    this.#answering.kick();
  }

  finish(): void {
    if (!this.#run || this.#finishing) return;
    this.#finishing = true;
    this.#set({ state: 'finishing' });
    this.#wake?.();
    this.#throttle.wake();
  }

  async start(name: string, choice: BackendChoice): Promise<void> {
    if (this.#run) return this.#resume();
    const run = (this.#run = new AbortController());
    this.#finishing = false;
    try {
      // Starts run one after another: a start after a pause must not make a second device beside the first.
      await this.#preparing.run(() =>
        run.signal.aborted ? undefined : this.#prepare(name, choice),
      );
    } catch (e) {
      const { code } = AppError.from(e);
      if (this.#run === run) this.#run = undefined;
      if (!this.#run) this.#set({ state: 'failed', problem: code });
      throw e;
    }
    // It was paused while loading: the state that loading has set last is no longer right.
    if (run.signal.aborted) return this.#run ? undefined : this.#set({ state: 'paused' });
    this.#set({ state: this.#finishing ? 'finishing' : 'running', problem: undefined });
    void this.#loop(name, run)
      .catch((e: unknown) => {
        // A later start has a run of its own, which this failure does not concern.
        if (this.#run !== run) return;
        this.#run = undefined;
        this.#set({ state: 'failed', problem: AppError.from(e).code, macsPerSecond: 0 });
      })
      .finally(() => this.#answering.kick());
  }

  /** A start during the last unit cancels the finish. */
  #resume(): void {
    if (!this.#finishing) return;
    this.#finishing = false;
    this.#set({ state: 'running' });
  }

  /** Releases a model after the passes that wait for it. @throws AppError MODEL_BUSY */
  release(name: string): Promise<void> {
    return this.#preparing.run(async () => {
      if (this.#run && this.#status.model === name)
        throw new AppError('MODEL_BUSY', `${name} is mined with`);
      if (this.#answering.isBusy(name) || this.#generating.isBusy(name))
        throw new AppError('MODEL_BUSY', `${name} answers`);
      this.#generating.release(name);
      const loaded = await this.#models.take(name);
      if (this.#device && this.#status.model === name) {
        if (this.#device !== loaded?.cpu) await this.#device.close();
        this.#device = undefined;
      }
      await loaded?.cpu.close();
    });
  }

  async #prepare(name: string, choice: BackendChoice): Promise<void> {
    if (this.#device && this.#status.model === name && this.#fits(this.#device.kind, choice))
      return;
    if (this.#device && this.#device !== this.#cpu) await this.#device.close();
    this.#device = undefined;
    this.#set({ state: 'loading', model: name, problem: undefined });
    const loaded = await this.#models.named(name);
    this.#cpu = loaded.cpu;
    const webgpu = choice !== 'cpu' && this.#webgpu(loaded);
    this.#use(
      (webgpu &&
        (await webgpu.catch((e: unknown) => {
          if (choice === 'webgpu') throw e;
          this.#reject(`gpu: ${AppError.from(e).code}`);
        }))) ||
        (await this.#spread(loaded)),
    );
  }

  async #spread(loaded: Loaded): Promise<Backend> {
    const { verdicts } = this.#models;
    return (await this.#parts.spread?.(loaded, { verdicts, onLost: this.#onLost })) ?? loaded.cpu;
  }

  #fits(kind: BackendKind, choice: BackendChoice): boolean {
    return choice === 'auto' ? kind === 'webgpu' || !this.#parts.createWebgpu : kind === choice;
  }

  #use(backend: Backend): void {
    this.#device = backend;
    this.#faulty = undefined;
    const { kind, device, kernel } = backend;
    this.#set({ backend: SHOWN_AS[kind], device, kernel });
  }

  /**
   * A trusted WebGPU device, tested `anew` where one was lost.
   * @throws AppError NO_WEBGPU, SELF_TEST_FAILED, EXACTNESS_LOST, DEVICE_*
   */
  async #webgpu({ model, cpu, analysis }: Loaded, anew = false): Promise<TrustedBackend> {
    if (!this.#parts.createWebgpu) throw new AppError('NO_WEBGPU', 'this program has no WebGPU');
    const device = await this.#parts.createWebgpu(model, analysis);
    this.#set({ state: 'testing', backend: 'webgpu', device: device.device });
    const { verdicts } = this.#models;
    try {
      return await trust(device, { model, verdicts, onLost: this.#onLost, reference: cpu, anew });
    } catch (e) {
      await device.close();
      throw e;
    }
  }

  /** Goes on after a unit that failed, if it can. @returns the losses so far */
  async #recover(session: Session, e: unknown, losses: number): Promise<number> {
    if (e instanceof StepLost && (await this.#distrust(session, e))) return losses;
    // After a pause the device may be that of a later start.
    if (session.signal.aborted) return losses;
    const { code } = AppError.from(e);
    if (!REPLACED.includes(code)) throw e;
    return await this.#replaceDevice(session, code, losses);
  }

  /**
   * A step was wrong: what gave it runs on ONNX Runtime from now on. @returns false where a device must be replaced
   * @throws the same where the processor itself, which checks all others, can't be believed any more
   */
  async #distrust({ cpu, signal }: Session, wrong: StepLost): Promise<boolean> {
    const device = signal.aborted ? wrong.backend : this.#device!;
    const own = wrong.backend.kind === 'cpu' ? [device, cpu] : [device];
    for (const backend of new Set(own)) {
      if (backend.kind !== wrong.backend.kind) continue;
      const goesOn = await fallsBack(backend, wrong.step);
      if (!goesOn && backend.kind === 'cpu') throw wrong;
      if (!goesOn) return false;
    }
    return true;
  }

  /** Code of ours was wrong on this device, and ONNX Runtime runs instead. */
  #onLost = ({ kind }: Backend, step: number, model: string): void => {
    this.#set({ inexact: { backend: SHOWN_AS[kind], model, step } });
  };

  async #loop(name: string, run: AbortController): Promise<void> {
    const loaded = await this.#models.named(name);
    const { model } = loaded;
    const session: Session = { ...loaded, signal: run.signal };
    let losses = 0;
    let good = 0;
    let workedMs = 0;
    const queue = this.#queueUnits(session);

    while (!run.signal.aborted) {
      if (!queue.length || this.#throttle.held) {
        if (this.#throttle.held) this.#tellUntold();
        await this.#throttle.rest(workedMs, () => run.signal.aborted || this.#finishing);
        workedMs = 0;
      }
      if (this.#finishing) break;
      const fault = this.#faultOf(this.#device);
      if (fault) {
        queue.drop();
        losses = await this.#replaceDevice(session, fault, losses);
        continue;
      }

      const template = this.#unitsRest ? undefined : this.#templateFor(model);
      queue.keepOnly(template);
      if (!template) {
        this.#atWork = undefined;
        this.#tellUntold();
        this.#answering.kick();
        await new Promise<void>((resolve) => (this.#wake = resolve));
        continue;
      }

      this.#atWork = run;
      const started = this.#parts.nowMs();
      try {
        const { full } = this.#throttle;
        // The pass goes first: who asked has waited for a whole unit at most.
        const answers = this.#answering.turn();
        await this.#finish(session, queue.next(template, full));
        // A rest begins when both have ended.
        if (!full) await answers;
        if (++good >= FORGIVEN_UNITS) losses = 0;
        workedMs += full ? 0 : this.#parts.nowMs() - started;
      } catch (e) {
        const { code } = AppError.from(e);
        if (code === 'PASS_ABORTED') break;
        queue.drop();
        good = 0;
        losses = await this.#recover(session, e, losses);
      }
    }

    queue.drop();
    if (this.#run !== run) return;
    this.#run = undefined;
    this.#set({ state: 'paused', macsPerSecond: 0 });
  }

  /** Units of a template for another model would be refused by every verifier. */
  #templateFor({ id }: ModelPackage): Work | undefined {
    return this.#template && equal(this.#template.modelId, id) ? this.#template : undefined;
  }

  #faultOf = (device: Backend | undefined): ErrorCode | undefined =>
    this.#faulty && this.#faulty.device === device ? this.#faulty.code : undefined;

  /** The queue of units: a device gets further units before the result of the last one is read. */
  #queueUnits({ model, signal }: Session) {
    const ahead: Unit[] = [];
    let nonce = this.#parts.randomNonce();

    const begin = (template: Work): Unit => {
      nonce = (nonce + 1n) & 0xffff_ffff_ffff_ffffn;
      const startedMs = this.#parts.nowMs();
      return beginUnit(this.#device!, model, template, { nonce, startedMs, signal });
    };
    const drop = (): void => ahead.splice(0).forEach((unit) => unit.drop());

    return {
      get length(): number {
        return ahead.length;
      },
      drop,
      /** Drops the queued units unless they have the template's head and target. */
      keepOnly(template: Work | undefined): void {
        if (ahead[0] && !(template && sameWork(ahead[0].work, template))) drop();
      },
      /** The next unit to wait for; begins also the units after it. `full`: there is no rest between units. */
      next: (template: Work, full: boolean): Unit => {
        const isFirst = !ahead.length;
        const unit = ahead.shift() ?? begin(template);

        // Before a rest, all lanes run once.
        const { depth, lanes = 1 } = this.#device!;
        const more = full || isFirst ? (full ? depth : lanes) - 1 : 0;
        while (ahead.length < more) ahead.push(begin(template));
        return unit;
      },
    };
  }

  /**
   * Requests a new device after a loss, waiting longer each time: a browser whose GPU process died has no adapter
   * for a while. Without an adapter, or without memory, the CPU takes over. @returns the losses so far
   */
  async #replaceDevice(session: Session, code: string, before: number): Promise<number> {
    const { signal } = session;
    let losses = before + 1;
    let device: Backend | undefined;
    this.#reject(`gpu: ${code}`);
    if (this.#device) await this.#dismiss(this.#device, code);
    for (let last = code; AGAIN.includes(last) && losses <= LOSSES_MAX && !device;) {
      await new Promise((r) => setTimeout(r, LOSS_WAIT_MS * 2 ** (losses - 1)));
      if (signal.aborted) break;
      device = await this.#webgpu(session, true).catch((e: unknown) => {
        last = AppError.from(e).code;
        losses++;
        this.#reject(`gpu: ${last}`);
        return undefined;
      });
    }
    this.#use(device ?? (await this.#spread(session)));
    if (this.#status.state !== 'testing') return losses;
    // A pause during the device's test stays in force; a later start sets its own state.
    if (!signal.aborted) this.#set({ state: this.#finishing ? 'finishing' : 'running' });
    else if (!this.#run) this.#set({ state: 'paused' });
    return losses;
  }

  /** Waits for a unit; a win is re-checked on the CPU, proven and reported. */
  async #finish({ model, cpu, signal }: Session, unit: Unit): Promise<void> {
    const { work, input, startedMs, result: running } = unit;
    const { core } = work;
    const device = this.#device!;
    const result = await running;
    await this.#judge.maybe({ model, cpu }, { device, input: { ...input, signal }, result });
    this.#rate.add(startedMs, this.#parts.nowMs(), Number(unitMacs(model.manifest)));
    this.#count();
    if (!result.winner) return;
    if (this.#template && !equal(this.#template.core.prevHash, core.prevHash)) {
      this.#reject('stale');
      return;
    }
    const { linear } = result.winner;
    const again = await cpu.pass({ ...input, stopAfter: linear, capture: linear, signal });
    const same = again.winner?.linear === linear && again.winner.tile === result.winner.tile;
    if (!same || !again.captured) {
      this.#reject('recheck');
      return;
    }
    const proof = createProof(model, again);
    const header: Header = { ...core, proofDigest: proofDigest(proof) };
    // The next template comes with the new head; until then there is nothing more to do for the present template.
    if (this.#template && equal(this.#template.core.prevHash, core.prevHash))
      this.#template = undefined;
    this.#won = core.prevHash;
    this.#set({ blocksFound: this.#status.blocksFound + 1 });
    this.#parts.onBlock({ header, proof });
  }

  async check({ header, modelId, target }: Claim, proof: Proof): Promise<readonly Fault[]> {
    const { model, cpu } = await this.#models.of(modelId);
    const input = passInput(model, header, target);
    const stopAfter = Math.min(Math.max(proof.linear, 1), model.manifest.linears.length);
    const replayed = await cpu.pass({ ...input, stopAfter });
    return replayFaults({ proof, replayed });
  }

  /** @throws AppError as MinerApi's */
  answer(id: number, job: AnswerJob): Promise<readonly Uint8Array[]> {
    return this.#answering.answer(id, job);
  }

  dropAnswer(id: number): void {
    this.#answering.drop(id);
    this.#generating.drop(id);
  }

  /** @throws AppError as MinerApi's */
  generate(id: number, job: GenerateJob): Promise<Made> {
    return this.#generating.generate(id, job);
  }

  /** @throws AppError as MinerApi's */
  nextToken(id: number): Promise<Made> {
    return this.#generating.nextToken(id);
  }

  /** @throws AppError as MinerApi's */
  verifyAnswer(claim: AnswerClaim): Promise<Verdict> {
    return this.#generating.verify(claim);
  }

  /** Where a model answers: on the device that mines with it, unless that was found faulty. */
  #place(name: string): Place | Promise<Place> {
    const loaded = this.#models.ready(name);
    return loaded
      ? this.#placeOf(name, loaded)
      : this.#models.named(name).then((given) => this.#placeOf(name, given));
  }

  #placeOf(name: string, { model, cpu }: Loaded): Place {
    const device = this.#status.model === name ? this.#device : undefined;
    return { model, cpu, device: device && !this.#faultOf(device) ? device : cpu };
  }

  /** Passes of answers at once: as many as keep the device busy; with rests between, one on each lane. */
  #atOnce(): number {
    const { depth, lanes } = this.#device ?? { depth: 1 };
    return lanes ?? (this.#throttle.full ? depth : 1);
  }

  /** A device that failed under an answer, or gave a wrong one, is treated as one that failed under a unit. */
  #onFault(device: Backend, code: ErrorCode): void {
    if (device !== this.#device || device.kind === 'cpu' || this.#faultOf(device)) return;
    this.#faulty = { device, code };
    // While units run, they stop at the next one's turn and the device is replaced.
    if (this.#run) return this.#wake?.();
    this.#reject(`gpu: ${code}`);
    this.#device = undefined;
    void this.#dismiss(device, code);
  }

  /** Closes a device that failed. Of one that gave a wrong answer the code is not used at a later start either. */
  async #dismiss(device: Backend, code: string): Promise<void> {
    if (code === WRONG) await fallsBack(device, STEP_UNKNOWN);
    await device.close().catch(() => undefined);
  }

  async load(modelId: Uint8Array): Promise<void> {
    await this.#models.of(modelId);
  }

  async execute(modelId: Uint8Array, input: Uint8Array): Promise<Uint8Array> {
    this.#ownPasses++;
    try {
      const { model, cpu } = await this.#models.of(modelId);
      return await runPlain(model, cpu, input);
    } finally {
      setTimeout(() => {
        this.#ownPasses--;
        if (!this.#unitsRest) this.#wake?.();
      }, NEXT_OWN_MS);
    }
  }
}
