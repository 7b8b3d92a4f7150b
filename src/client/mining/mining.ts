/** Mining of a light client: the miner worker, templates from proven state, wins into the chain. */
import type { LightStore } from '../../chain/light/light-store.ts';
import { tryDecode } from '../../core/codec.ts';
import { isFault, type Fault } from '../../core/faults.ts';
import { OpenRequest, type Header } from '../../core/formats.ts';
import { stateKey } from '../../core/tree/keys.ts';
import { PROOF_KEYS_MAX, type Block } from '../../core/messages.ts';
import { verifyLight } from '../../core/pow/proof.ts';
import { hasJob } from '../../core/pow/seed.ts';
import { verifyJob } from '../../core/state.ts';
import { toHex } from '../../lib/bytes.ts';
import type { ErrorCode } from '../../lib/error-codes.ts';
import { AppError } from '../../lib/errors.ts';
import type { RpcClient } from '../../lib/rpc.ts';
import {
  MINER_OFF,
  type BackendChoice,
  type FoundBlock,
  type MinerApi,
  type MinerEvents,
  type MinerState,
  type MinerStatus,
} from '../../miner/engine/miner-api.ts';
import type { ClientConfig } from '../api.ts';
import type { Follower } from '../sync/follow.ts';
import type { LightPool } from '../wallet/light-pool.ts';
import type { ModelService } from '../models/model-service.ts';
import { modelNamed, type ChainNetwork } from '../models/networks.ts';
import type { Platform } from '../platform.ts';
import { known } from './open-requests.ts';
import { createResults } from './results.ts';
import type { Serving } from './serving.ts';
import type { StateReader } from '../sync/state-reader.ts';
import { createTemplateFeed, withInput, type TemplateFeed } from './template-feed.ts';

export interface Mining {
  status(): MinerStatus;
  /** @throws AppError NO_MINER, NO_PAYOUT, and the miner's */
  start(options: { model?: string; backend?: BackendChoice }, config: ClientConfig): Promise<void>;
  throttle(duty: number): Promise<void>;
  pause(): Promise<void>;
  finish(): Promise<void>;
  /** A new head or payee: another template. */
  refresh(): Promise<void>;
  /** A new transaction: another template soon. */
  refreshSoon(): Promise<void>;
  /** Runs a model on an input. @throws AppError NO_MINER, and the miner's */
  execute(modelId: Uint8Array, input: Uint8Array): Promise<Uint8Array>;
  /** The full check, while the model is loaded. */
  check(block: Block): Promise<Fault | undefined>;
  stop(): void;
}

interface Parts {
  readonly platform: Platform;
  readonly network: ChainNetwork;
  readonly light: LightStore;
  readonly pool: LightPool;
  readonly follower: Follower;
  readonly reader: StateReader;
  readonly serving: Serving;
  /** Packages for the miner. */
  readonly modelService: Pick<ModelService, 'supply' | 'stop'>;
  /** Who is paid. */
  readonly payout: () => Uint8Array | undefined;
  readonly announce: (block: Block) => Promise<void>;
  readonly onStatus: (status: MinerStatus) => void;
  readonly onProblem: (code: ErrorCode, message: string) => void;
}

type Miner = RpcClient<MinerApi, MinerEvents>;

const IN_WORK: ReadonlySet<MinerState> = new Set(['testing', 'running', 'finishing']);

export function createMining(parts: Parts): Mining {
  const { platform, network, light, pool, follower, reader, serving, modelService } = parts;
  let status: MinerStatus = MINER_OFF;
  let starting: Promise<Miner> | undefined;
  let loaded: Miner | undefined;
  let duty = 1;
  let feed: TemplateFeed | undefined;
  /** Found blocks on their way into the chain. */
  let taking = 0;
  let modelId: Uint8Array | undefined;
  /** The model on its way for a start; undefined once that is paused. */
  let fetching: { readonly id: Uint8Array } | undefined;
  const results = createResults(async (id, input) => {
    if (!loaded) throw new AppError('NO_MINER', 'no model is loaded');
    return await loaded.execute(id, input);
  });
  const headTree = () => {
    const { chain } = light;
    return chain?.state.after(chain.headers.head().id);
  };

  /** Results that wait are looked into before a block takes them in. */
  async function learnResults(): Promise<void> {
    if (!modelId || !loaded) return;
    if (await results.learn(pool.judged(), headTree(), modelId)) feed?.refreshSoon();
  }

  function launch(): Promise<Miner> {
    if (!platform.createMiner)
      return Promise.reject(new AppError('NO_MINER', 'this program cannot mine'));
    starting ??= platform.createMiner().then((miner) => {
      miner.on('status', (s) => parts.onStatus((status = s)));
      miner.on('block', (found) => void take(found).catch(report));
      miner.on('answered', (ran) => {
        results.note(ran.jobId, ran);
        serving.take(ran);
      });
      if (duty < 1) void miner.throttle(duty).catch(report);
      return miner;
    });
    starting.catch(() => (starting = undefined));
    return starting;
  }

  const report = (e: unknown): void => {
    const { code, message } = AppError.from(e);
    parts.onProblem(code, message);
  };

  /** A worker that died is started anew the next time; until then blocks are checked lightly. */
  const onWorkerDeath = (e: unknown): void => {
    if (AppError.from(e).code !== 'WORKER_DIED') return;
    starting = loaded = undefined;
    parts.onStatus((status = { ...MINER_OFF, state: 'failed', problem: 'WORKER_DIED' }));
  };

  const tell = (change: Partial<MinerStatus>): void =>
    parts.onStatus((status = { ...status, ...change }));

  /** The model into the miner; false when it was paused meanwhile. */
  async function fetchModel(miner: Miner, model: string, id: Uint8Array): Promise<boolean> {
    const own = { id };
    if (!modelService.supply.has(miner, id)) tell({ state: 'loading', model, problem: undefined });
    fetching = own;
    try {
      await modelService.supply.give(miner, id);
      return fetching === own;
    } catch (e) {
      if (fetching !== own) return false;
      tell({ state: 'failed', problem: AppError.from(e).code });
      throw e;
    } finally {
      if (fetching === own) fetching = undefined;
    }
  }

  async function take(found: FoundBlock): Promise<void> {
    const block = feed?.complete(found);
    if (!block) return;
    taking++;
    try {
      // Told first, for speed; if nobody can be told now, it is still our head.
      await parts.announce(block).catch(report);
      const refused = await follower.adopt(block);
      if (refused) parts.onProblem('BLOCK_REFUSED', refused.fault);
    } finally {
      taking--;
      feed?.refresh();
    }
  }

  /** What the pool could not judge for lack of state is asked for; a state held whole lacks none. */
  async function learnState(): Promise<void> {
    if (!light.chain) return;
    const { headers, state, blocks } = light.chain;
    const head = headers.head();
    const missing = pool.missing(head.header.height);
    if (!missing.length || !feed || state.isWhole) return;
    const keys = [...(await blocks.templateKeys()), ...missing].slice(0, PROOF_KEYS_MAX);
    if (await reader.read(head.header, keys)) pool.setHead(head.header, state.after(head.id));
  }

  /** Input of the request that a header names, from the state that it builds on. */
  async function jobInput(header: Header): Promise<Uint8Array | Fault | undefined> {
    const tree = light.chain?.state.after(header.prevHash);
    if (!tree) return undefined;
    const wrong = verifyJob(tree, header);
    if (wrong) return wrong.fault === 'state.witness' ? undefined : wrong;
    const leaf = known(tree, stateKey.request(header.jobId));
    return leaf && tryDecode(OpenRequest, leaf)?.input;
  }

  const makeTemplate = () => {
    const miner = parts.payout();
    if (!miner || !modelId || !follower.ready()) return undefined;
    // What would be found now would stand beside the block that was found, and lose against it.
    if (taking) return undefined;

    const job = serving.nextJob(modelId);
    const { signatureKnown } = pool;
    const txs = results.verifiedOnly(pool.judged(), headTree());
    const wanted = { miner, modelId, nowMs: platform.nowMs(), txs, signatureKnown };
    const made = light.chain?.blocks.template(job ? { ...wanted, jobId: job.id } : wanted);
    return made && withInput(made, job);
  };

  return {
    status: () => status,
    async start({ model = network.names[0], backend = 'auto' }, _config) {
      const chosen = model && modelNamed(network, model);
      if (!model || !chosen) throw new AppError('MODEL_MISSING', `no model ${model ?? ''} here`);
      if (!parts.payout()) throw new AppError('NO_PAYOUT', 'nobody to pay: watch an address first');
      const miner = await launch();
      // Another model than the one in work.
      if (status.model !== model && IN_WORK.has(status.state)) await miner.pause();
      if (!(await fetchModel(miner, model, chosen.id))) return;
      modelId = chosen.id;
      feed ??= createTemplateFeed(
        makeTemplate,
        (template) => void miner.work(template).catch(report),
        Math.max(1000, network.params.blockTimeMs / 2),
      );
      feed.refresh();
      await miner.start(model, backend).catch((e: unknown) => {
        onWorkerDeath(e);
        throw e;
      });
      loaded = miner;
      // The model before this one; blocks of its miners are checked lightly from now on.
      void modelService.supply.keepOnly([chosen.id]);
    },
    async throttle(given) {
      duty = given;
      await (await starting)?.throttle(duty);
    },
    async pause() {
      if (fetching) {
        modelService.stop(fetching.id);
        fetching = undefined;
        tell({ state: 'paused' });
      }
      await (await starting)?.pause();
    },
    async finish() {
      await (await starting)?.finish();
    },
    async refresh() {
      await learnState().catch(report);
      void serving.refresh();
      void learnResults().catch(() => undefined);
      feed?.refresh();
    },
    async refreshSoon() {
      await learnState().catch(report);
      void serving.refresh();
      void learnResults().catch(() => undefined);
      feed?.refreshSoon();
    },
    async execute(asked, input) {
      const miner = await launch();
      void modelService.supply.keepOnly(modelId ? [modelId, asked] : [asked]);
      await modelService.supply.give(miner, asked);
      return (await miner.execute(asked, input)).answer;
    },
    async check({ header, proof, body }) {
      const manifest = network.models.get(toHex(header.modelId));
      // Blocks of a model that is not here are followed as by who has none.
      if (!loaded || !manifest || !modelService.supply.has(loaded, header.modelId))
        return undefined;
      const job = hasJob(header) ? await jobInput(header) : undefined;
      if (isFault(job)) return job;
      // Without the request's input there is no unit to replay: followed as by who has no model.
      if (hasJob(header) && !job) return undefined;
      // The cheap check first: a replay costs a whole unit, and a header nothing.
      const wrong = (network.verifyProof ?? verifyLight)(network.params, header, proof, manifest);
      if (wrong) return wrong;
      const { off } = network.params;
      const lie = results.check(body, light.chain?.state.after(header.prevHash));
      if (lie && !off.has(lie.fault)) return lie;
      return await loaded.check(header, proof, job).catch((e: unknown) => {
        // Our trouble, not the block's: without a replay it is followed as by who has no model.
        onWorkerDeath(e);
        return undefined;
      });
    },
    stop() {
      feed?.stop();
      void starting?.then((miner) => miner.pause()).catch(() => undefined);
    },
  };
}
