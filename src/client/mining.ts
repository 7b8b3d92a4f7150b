/** Mining of a light client: the miner worker, templates from proven state, wins into the chain. */
import type { LightChain } from '../chain/light-chain.ts';
import { fault, isFault, type Fault } from '../core/faults.ts';
import type { SignedTx } from '../core/formats.ts';
import type { Block } from '../core/messages.ts';
import { treeFromProof, treeRoot, type Tree } from '../core/tree.ts';
import { PROOF_KEYS_MAX } from '../core/messages.ts';
import { verifyLight } from '../core/pow/proof.ts';
import { equal, toHex } from '../lib/bytes.ts';
import { AppError } from '../lib/errors.ts';
import type { Client } from '../lib/rpc.ts';
import {
  MINER_OFF,
  type BackendChoice,
  type FoundBlock,
  type MinerApi,
  type MinerEvents,
  type MinerStatus,
} from '../miner/miner-api.ts';
import type { ClientConfig } from './api.ts';
import type { Follower } from './follow.ts';
import type { LightPool } from './light-pool.ts';
import { modelNamed, type Network } from './models.ts';
import type { Platform } from './platform.ts';
import type { Serving } from './serving.ts';
import { createTemplateFeed, type TemplateFeed } from './template-feed.ts';

export interface Mining {
  status(): MinerStatus;
  /** @throws AppError NO_MINER, NO_PAYOUT, and the miner's */
  start(options: { model?: string; backend?: BackendChoice }, config: ClientConfig): Promise<void>;
  pause(): Promise<void>;
  finish(): Promise<void>;
  /** A new head or transaction: another template. */
  refresh(): Promise<void>;
  /** Runs a model on an input. @throws AppError NO_MINER, and the miner's */
  execute(modelId: Uint8Array, input: Uint8Array): Promise<Uint8Array>;
  /** The full check, while the model is loaded. */
  check(block: Block): Promise<Fault | undefined>;
  stop(): void;
}

interface Parts {
  readonly platform: Platform;
  readonly network: Network;
  readonly chain: LightChain;
  readonly pool: LightPool;
  readonly follower: Follower;
  readonly serving: Serving;
  /** Who is paid. */
  readonly payout: () => Uint8Array | undefined;
  readonly announce: (block: Block) => Promise<void>;
  readonly onStatus: (status: MinerStatus) => void;
  readonly onProblem: (code: string, message: string) => void;
}

type Miner = Client<MinerApi, MinerEvents>;

export function createMining(parts: Parts): Mining {
  const { platform, network, chain, pool, follower } = parts;
  let status: MinerStatus = MINER_OFF;
  let starting: Promise<Miner> | undefined;
  let loaded: Miner | undefined;
  let feed: TemplateFeed | undefined;
  let modelId: Uint8Array | undefined;
  /** State that the transactions read, after the head of that id. */
  let known: { head: Uint8Array; tree: Tree; txs: readonly SignedTx[] } | undefined;

  function launch(): Promise<Miner> {
    if (!platform.createMiner)
      return Promise.reject(new AppError('NO_MINER', 'this program cannot mine'));
    starting ??= platform.createMiner().then((miner) => {
      miner.on('status', (s) => parts.onStatus((status = s)));
      miner.on('block', (found) => void take(found).catch(report));
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
  const bury = (e: unknown): void => {
    if (AppError.from(e).code !== 'WORKER_DIED') return;
    starting = loaded = undefined;
    parts.onStatus((status = { ...MINER_OFF, state: 'failed', problem: 'WORKER_DIED' }));
  };

  async function take(found: FoundBlock): Promise<void> {
    const block = feed?.complete(found);
    if (!block) return;
    // Told first, for speed; if nobody can be told now, it is still our head.
    await parts.announce(block).catch(report);
    const refused = await follower.adopt(block);
    if (refused) parts.onProblem('BLOCK_REFUSED', refused.fault);
  }

  /** State leaves that the pool's transactions read, proven against the root after the head. */
  async function learnState(): Promise<void> {
    const head = chain.head();
    const root = head && chain.rootAfter(head.id);
    const txs = head ? pool.best(head.header.height) : [];
    if (!head || !root || !txs.length || !feed) return;
    if (known && equal(known.head, head.id) && sameTxs(known.txs, txs)) return;
    const keys = (await chain.templateKeys(txs)).slice(0, PROOF_KEYS_MAX);
    const tree = await follower.ask({ type: 'proof', block: head.id, keys }, ({ proof }) => {
      const opened = treeFromProof(proof);
      if (isFault(opened)) return opened;
      return equal(treeRoot(opened), root) ? opened : fault('state.proof');
    });
    if (tree) known = { head: head.id, tree, txs };
  }

  const makeTemplate = () => {
    const miner = parts.payout();
    const head = chain.head();
    if (!miner || !modelId || !head || !follower.ready()) return undefined;
    const tree = known && equal(known.head, head.id) ? known.tree : undefined;
    const base = { miner, modelId, nowMs: platform.nowMs(), txs: tree ? known!.txs : [] };
    return chain.template(tree ? { ...base, tree } : base);
  };

  return {
    status: () => status,
    async start({ model = network.names[0], backend = 'auto' }, _config) {
      const chosen = model && modelNamed(network, model);
      if (!model || !chosen) throw new AppError('MODEL_MISSING', `no model ${model ?? ''} here`);
      if (!parts.payout()) throw new AppError('NO_PAYOUT', 'nobody to pay: watch an address first');
      const miner = await launch();
      modelId = chosen.id;
      feed ??= createTemplateFeed(
        makeTemplate,
        (template) => void miner.work(template).catch(report),
        Math.max(1000, network.params.blockTimeMs / 2),
      );
      feed.refresh();
      await miner.start(model, backend).catch((e: unknown) => {
        bury(e);
        throw e;
      });
      loaded = miner;
    },
    async pause() {
      await (await starting)?.pause();
    },
    async finish() {
      await (await starting)?.finish();
    },
    async refresh() {
      await learnState().catch(report);
      feed?.refresh();
    },
    async execute(modelId, input) {
      return (await (await launch()).execute(modelId, input)).answer;
    },
    async check({ header, proof }) {
      const manifest = network.models.get(toHex(header.modelId));
      if (!loaded || !manifest || header.jobId.some((b) => b !== 0)) return undefined;
      // The cheap check first: a replay costs a whole unit, and a header nothing.
      const wrong = (network.verifyProof ?? verifyLight)(network.params, header, proof, manifest);
      if (wrong) return wrong;
      return await loaded.check(header, proof, undefined).catch((e: unknown) => {
        // Our trouble, not the block's: without a replay it is followed as by who has no model.
        bury(e);
        return undefined;
      });
    },
    stop() {
      feed?.stop();
      void starting?.then((miner) => miner.pause()).catch(() => undefined);
    },
  };
}

const sameTxs = (a: readonly SignedTx[], b: readonly SignedTx[]): boolean =>
  a.length === b.length && a.every((tx, i) => tx === b[i]);
