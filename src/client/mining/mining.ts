/**
 * Mining of a light client: it chooses the model and the payee, and makes a template from proven state for the
 * miner's worker whenever there is something new to work on, and it may be built on. A win is completed to a whole
 * block.
 */
import type { LightChain } from '../../chain/light/light-chain.ts';
import { modelIndex } from '../../core/header/tables.ts';
import type { Header } from '../../core/formats.ts';
import { PROOF_KEYS_MAX } from '../../core/messages.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { Emitter } from '../../lib/events.ts';
import type { FoundBlock } from '../../miner/engine/miner-api.ts';
import type { Holding, MiningOptions, StoredModel } from '../api.ts';
import type { ModelService } from '../models/model-service.ts';
import { modelNamed, type ChainNetwork } from '../models/networks.ts';
import type { PeerEvents } from '../peer-events.ts';
import type { ChainReader } from '../sync/chain-reader.ts';
import type { Standing } from '../sync/full-check.ts';
import type { LightPool } from '../wallet/light-pool.ts';
import type { HeldModels } from './held-models.ts';
import type { MinerWorker, NamedModel } from './miner-worker.ts';
import { createTemplateFeed, type TemplateFeed } from './template-feed.ts';
import type { UncheckedTime } from './unchecked-time.ts';

export interface MiningDeps {
  readonly network: ChainNetwork;
  readonly chain: LightChain;
  readonly pool: LightPool;
  readonly reader: Pick<ChainReader, 'state' | 'heads'>;
  readonly worker: MinerWorker;
  readonly modelService: Pick<ModelService, 'stop'>;
  /** All mined models, to check blocks with. */
  readonly held: HeldModels;
  /** How long it may go on where blocks could not be checked. */
  readonly time: UncheckedTime;
  /** How the blocks below the head were checked; undefined before they were looked at. */
  readonly standing: () => Standing | undefined;
  readonly events: Emitter<PeerEvents>;
  readonly nowMs: () => number;
}

export class Mining {
  readonly #deps: MiningDeps;
  /** Address that blocks found here pay. */
  #payout: Uint8Array | undefined;
  /** undefined before the first start. */
  #feed: TemplateFeed | undefined;
  /** The model being fetched for a start; undefined once that start is paused or overtaken by another start. */
  #fetching: NamedModel | undefined;
  /** What was started last, until it is paused. */
  #run: MiningOptions | undefined;
  /** Of the last start, pause or end. */
  #turn = 0;
  /** Models that did not run on this device since the program was started. */
  readonly #unfit = new Set<string>();
  /** What was last reported of the models, in JSON. */
  #told = '';

  /** Number of blocks found here that are being imported into the chain. */
  #adopting = 0;
  #resting = false;

  constructor(deps: MiningDeps) {
    this.#deps = deps;
    const { held, time, events } = deps;
    held.onChange = () => this.#tellHolding();
    held.onArrival = () => void this.#onArrival().catch(this.#report);
    time.onDue = () => this.#feed?.refresh();
    events.on('report', (event) => {
      if (event.type === 'model' && event.model.state !== 'fetching') this.#noteModel(event.model);
    });
    void held.look().catch(this.#report);
  }

  /** A person fetched or freed a model. */
  #noteModel({ id, state }: StoredModel): void {
    const { held, worker } = this.#deps;
    void held.look().catch(this.#report);
    const isNew = state === 'stored' && this.#run !== undefined && !worker.canReplay(id);
    // What is fetched behind the work is given to the worker anyway.
    if (isNew && held.consent !== 'fetch') held.begin(held.consent);
  }

  /** The mined models on this device, and what follows from a missing one. */
  holding(): Holding {
    const { held, time, standing } = this.#deps;
    const isOwed = this.#run !== undefined && standing()?.owedFrom !== undefined;
    return {
      missing: held.missing,
      consent: held.consent,
      problem: held.problem,
      uncheckedMs: isOwed ? 1000 * Math.ceil(time.leftMs / 1000) : undefined,
    };
  }

  #tellHolding(): void {
    const holding = this.holding();
    const told = JSON.stringify(holding);
    if (told === this.#told) return;
    this.#told = told;
    this.#deps.events.emit('report', { type: 'holding', holding });
  }

  /** Whether it pays the address that is mined for. */
  isOwn({ miner }: Pick<Header, 'miner'>): boolean {
    return this.#payout !== undefined && equal(miner, this.#payout);
  }

  payTo(address: Uint8Array): void {
    this.#payout = address;
  }

  /**
   * Starts mining; fetches the model if it is not here, and then the others behind the work.
   * @throws AppError NO_MINER, NO_PAYOUT, MODELS_DECLINED, and the worker's
   */
  async start(options: MiningOptions): Promise<void> {
    const { held } = this.#deps;
    const turn = ++this.#turn;
    const stored = await held.look();
    // It was paused, or started again, before it began.
    if (turn !== this.#turn) return;
    const choices = this.#choose(options.model, stored);
    if (options.others === 'decline' && held.missing.length)
      throw new AppError('MODELS_DECLINED', held.missing.map(({ name }) => name).join(', '));
    if (!this.#payout) throw new AppError('NO_PAYOUT', 'nobody to pay: watch an address first');

    this.#run = options;
    await this.#begin(options, choices);
  }

  /** Mines with the first of these that runs on this device. */
  async #begin(run: MiningOptions, choices: readonly NamedModel[]): Promise<void> {
    const { worker, held, events } = this.#deps;
    for (const [i, model] of choices.entries()) {
      worker.hasNext = i < choices.length - 1;
      try {
        await this.#mine(run, model);
        break;
      } catch (e) {
        if (!worker.hasNext || this.#run !== run) throw e;
        this.#unfit.add(model.name);
        this.#report(e);
      } finally {
        worker.hasNext = false;
      }
    }
    if (this.#run !== run) return;
    this.#feed?.refresh();
    held.begin(run.others ?? 'fetch');
    events.emit('modelsHeld');
  }

  /** Until the worker runs, or the start was paused or overtaken. */
  async #mine(run: MiningOptions, model: NamedModel): Promise<void> {
    const { network, worker } = this.#deps;
    await worker.makeRoomFor(model);
    if (!(await this.#fetch(run, model))) return;

    worker.setModel(model);
    this.#feed ??= createTemplateFeed(
      () => this.#nextTemplate(),
      (template) => worker.work(template),
      Math.max(1000, network.params.blockTimeMs / 2),
    );
    await worker.mine(model, run.backend ?? 'auto');
  }

  /** Models to mine with, the best first. @throws AppError MODEL_MISSING */
  #choose(wanted: string | undefined, stored: readonly StoredModel[]): NamedModel[] {
    const { network } = this.#deps;
    const { preferred = network.names.slice(0, 1) } = network;
    const here = preferred.filter((name) =>
      stored.some((model) => model.name === name && !model.isServed && model.state === 'stored'),
    );
    const fit = here.filter((name) => !this.#unfit.has(name));
    const best = [fit, here].find((names) => names.length) ?? preferred.slice(-1);
    const names = wanted === undefined ? best : [wanted];
    const chosen = names.flatMap((name) => {
      const found = modelNamed(network, name);
      return found ? [{ name, id: found.id }] : [];
    });
    if (!chosen.length) throw new AppError('MODEL_MISSING', `no model ${names.join(' ')} here`);
    return chosen;
  }

  /** Another model is here: blocks wait for it, and with the last of them the default is mined with. */
  async #onArrival(): Promise<void> {
    const { worker, held, events } = this.#deps;
    events.emit('modelsHeld');
    const run = this.#run;
    if (!run || run.model !== undefined || held.missing.length) return;
    const choices = this.#choose(undefined, await held.look());
    if (this.#run !== run || worker.status().state !== 'running') return;
    if (worker.model?.name !== choices[0]?.name) await this.#begin(run, choices);
  }

  /** Gives the model to the worker. @returns false when the start was paused or overtaken meanwhile */
  async #fetch(run: MiningOptions, model: NamedModel): Promise<boolean> {
    const { worker } = this.#deps;
    const hasModel = await worker.has(model.id);
    if (this.#run !== run) return false;
    if (!hasModel) worker.setStatus({ state: 'loading', model: model.name, problem: undefined });
    this.#fetching = model;
    try {
      await worker.give(model.id);
      return this.#fetching === model;
    } catch (e) {
      if (this.#fetching !== model) return false;
      worker.setStatus({ state: 'failed', problem: AppError.from(e).code });
      throw e;
    } finally {
      if (this.#fetching === model) this.#fetching = undefined;
    }
  }

  async pause(): Promise<void> {
    const { worker, modelService } = this.#deps;
    this.#endRun();
    if (this.#fetching) {
      modelService.stop(this.#fetching.id);
      this.#fetching = undefined;
      worker.setStatus({ state: 'paused' });
    }
    await worker.pause();
  }

  /** Ends after the unit in work. */
  async finish(): Promise<void> {
    this.#endRun();
    await this.#deps.worker.finish();
  }

  #endRun(): void {
    const { held, time } = this.#deps;
    this.#turn++;
    this.#run = undefined;
    held.end();
    time.stop();
    this.#tellHolding();
  }

  /** There is nothing to work on while the store does not keep what is found. */
  rest(resting: boolean): void {
    this.#resting = resting;
    this.#feed?.refresh();
  }

  /** Makes another template, for a new head or payee. */
  async refresh(): Promise<void> {
    await this.#learnState().catch(this.#report);
    this.#feed?.refresh();
  }

  /** Makes another template soon, for a new transaction. */
  async refreshSoon(): Promise<void> {
    await this.#learnState().catch(this.#report);
    this.#feed?.refreshSoon();
  }

  stop(): void {
    this.#feed?.stop();
    this.#endRun();
    this.#deps.worker.stop();
  }

  /** Called when the worker has won: reports the whole block, unless its template is no longer kept. */
  onWon(found: FoundBlock): void {
    const block = this.#feed?.complete(found);
    if (!block) return;
    this.#adopting++;
    this.#deps.events.emit('blockFound', block);
  }

  /** Called when a block found here is in the chain, or was refused. */
  onAdopted(): void {
    this.#adopting--;
    this.#feed?.refresh();
  }

  #nextTemplate() {
    const template = this.#makeTemplate();
    if (!template || !this.#run) this.#deps.time.stop();
    this.#tellHolding();
    return template;
  }

  /** Nobody builds on what was not checked in full, but for a while where a model is on its way. */
  #mayBuildOn(head: Uint8Array): boolean {
    const { time, worker, standing } = this.#deps;
    const known = standing();
    if (known?.owedFrom !== undefined) return time.take(known.owedFrom, worker.isWorking);
    if (!known || !equal(known.head, head)) return false;
    time.giveBack();
    return true;
  }

  #makeTemplate() {
    const { chain, pool, reader, worker, nowMs } = this.#deps;
    const [miner, model] = [this.#payout, worker.model];
    if (!miner || !model || !reader.heads.everCaughtUp) return undefined;
    // A block found now would be a rival of the one that is being adopted, and lose against it.
    if (this.#adopting || this.#resting) return undefined;
    const { header, id } = chain.headers.head();
    const height = header.height + 1;
    if (modelIndex(chain.params, toHex(model.id), height) < 0) return undefined;
    if (!this.#mayBuildOn(id)) return undefined;

    return chain.blocks.template({ miner, modelId: model.id, nowMs: nowMs(), txs: pool.judged() });
  }

  /** Asks peers for the state that the pool needs to judge its transactions; with the whole state nothing is needed. */
  async #learnState(): Promise<void> {
    const { chain, pool, reader } = this.#deps;
    const { header, id } = chain.headers.head();
    // A channel's leaf says which other leaves its close reads.
    for (let round = 0; round < 2; round++) {
      const missing = pool.missing(header.height);
      if (!missing.length || !this.#feed || chain.state.isWhole) return;

      const keys = [...(await chain.blocks.templateKeys()), ...missing].slice(0, PROOF_KEYS_MAX);
      if (await reader.state.read(header, keys)) pool.setHead(header, chain.state.after(id));
    }
  }

  readonly #report = (e: unknown): void => {
    const { code, message } = AppError.from(e);
    this.#deps.events.emit('report', { type: 'problem', code, message });
  };
}
