/**
 * Mining of a light client: it chooses the model and the payee, and makes a template from proven state for the
 * miner's worker whenever there is something new to work on. A win is completed to a whole block.
 */
import type { LightChain } from '../../chain/light/light-chain.ts';
import { modelIndex } from '../../core/header/tables.ts';
import { PROOF_KEYS_MAX } from '../../core/messages.ts';
import { toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { Emitter } from '../../lib/events.ts';
import type { BackendChoice, FoundBlock } from '../../miner/engine/miner-api.ts';
import type { ModelService } from '../models/model-service.ts';
import { modelNamed, type ChainNetwork } from '../models/networks.ts';
import type { PeerEvents } from '../peer-events.ts';
import type { ChainReader } from '../sync/chain-reader.ts';
import type { LightPool } from '../wallet/light-pool.ts';
import type { MinerWorker, NamedModel } from './miner-worker.ts';
import { createTemplateFeed, type TemplateFeed } from './template-feed.ts';

export interface MiningDeps {
  readonly network: ChainNetwork;
  readonly chain: LightChain;
  readonly pool: LightPool;
  readonly reader: Pick<ChainReader, 'state' | 'heads'>;
  readonly worker: MinerWorker;
  readonly modelService: Pick<ModelService, 'stop'>;
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

  /** Number of blocks found here that are being imported into the chain. */
  #adopting = 0;
  #resting = false;

  constructor(deps: MiningDeps) {
    this.#deps = deps;
  }

  payTo(address: Uint8Array): void {
    this.#payout = address;
  }

  /** Starts mining; fetches the model if it is not here. @throws AppError NO_MINER, NO_PAYOUT, and the worker's */
  async start(options: { model?: string; backend?: BackendChoice }): Promise<void> {
    const { network, worker } = this.#deps;
    const { model: name = network.names[0], backend = 'auto' } = options;
    const chosen = name && modelNamed(network, name);
    if (!name || !chosen) throw new AppError('MODEL_MISSING', `no model ${name ?? ''} here`);
    if (!this.#payout) throw new AppError('NO_PAYOUT', 'nobody to pay: watch an address first');

    const model: NamedModel = { name, id: chosen.id };
    await worker.makeRoomFor(model);
    if (!(await this.#fetch(model))) return;

    worker.setModel(model);
    this.#feed ??= createTemplateFeed(
      () => this.#makeTemplate(),
      (template) => worker.work(template),
      Math.max(1000, network.params.blockTimeMs / 2),
    );
    this.#feed.refresh();
    await worker.mine(model, backend);
  }

  /** Gives the model to the worker. @returns false when the start was paused or overtaken meanwhile */
  async #fetch(model: NamedModel): Promise<boolean> {
    const { worker } = this.#deps;
    const hasModel = await worker.has(model.id);
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
    if (this.#fetching) {
      modelService.stop(this.#fetching.id);
      this.#fetching = undefined;
      worker.setStatus({ state: 'paused' });
    }
    await worker.pause();
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

  #makeTemplate() {
    const { chain, pool, reader, worker, nowMs } = this.#deps;
    const [miner, model] = [this.#payout, worker.model];
    if (!miner || !model || !reader.heads.everCaughtUp) return undefined;
    // A block found now would be a rival of the one that is being adopted, and lose against it.
    if (this.#adopting || this.#resting) return undefined;
    const height = chain.headers.head().header.height + 1;
    if (modelIndex(chain.params, toHex(model.id), height) < 0) return undefined;

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
