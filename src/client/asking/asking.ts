/**
 * Asking for inference: models, quotes, and receipts, which say what became of a request. receipt.ts
 * documents which part of a receipt is proven and which part is only reported by peers.
 */
import type { LightChain } from '../../chain/light/light-chain.ts';
import { FEE_MIN } from '../../chain/shared/mempool.ts';
import type { Body, Header } from '../../core/formats.ts';
import { headerWork, type ChainPoint } from '../../core/header/header.ts';
import {
  inputBytesMax,
  inputTokens,
  modelId,
  sequenceBytes,
  unitMacs,
  type Manifest,
} from '../../core/manifest.ts';
import { targetFromBits } from '../../core/header/target.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { AskApi, ModelInfo, Quote, Receipt } from '../api.ts';
import type { Asked } from './asked.ts';
import { createEvidence, type Snapshot } from './evidence.ts';
import type { ChainReader } from '../sync/chain-reader.ts';
import type { Emitter } from '../../lib/events.ts';
import type { Transport } from '../../net/transport.ts';
import type { MinerWorker } from '../mining/miner-worker.ts';
import type { PeerEvents } from '../peer-events.ts';
import type { LightPool } from '../wallet/light-pool.ts';
import { modelNamed, type ChainNetwork } from '../models/networks.ts';
import { OpenRequests } from '../mining/open-requests.ts';
import type { Outbox } from '../wallet/outbox.ts';
import { minimumReward, subsidyPerPass } from '../mining/quote.ts';
import { receiptFrom } from './receipt.ts';
import type { Texts } from '../models/texts.ts';

export interface Asking {
  readonly api: AskApi;
  /** The state after a new head is known. */
  onHead(head: ChainPoint, body: Body | undefined): void;
  /** A transaction was added to the pool. */
  onPool(): void;
}

export interface AskingDeps {
  readonly network: ChainNetwork;
  readonly chain: LightChain;
  readonly outbox: Outbox;
  readonly asked: Asked;
  readonly pool: LightPool;
  readonly reader: ChainReader;
  readonly transport: Pick<Transport, 'peers'>;
  readonly texts: Texts;
  readonly worker: Pick<MinerWorker, 'execute'>;
  readonly events: Emitter<PeerEvents>;
}

/** Receipts reported last, to report only changes: of all kept requests and some that were looked up. */
const REPORTED_MAX = 256;

export function createAsking(deps: AskingDeps): Asking {
  const { network, chain, asked, events } = deps;
  const evidences = createEvidence(deps);
  const openRequests = new OpenRequests();
  const reported = new BoundedMap<string, Receipt>(REPORTED_MAX);
  let refreshing: Promise<void> | undefined;
  let again = false;

  const receiptOf = async (id: Uint8Array, snapshot?: Snapshot): Promise<Receipt | undefined> => {
    const evidence = await evidences.of(id, snapshot);
    return evidence && receiptFrom(evidence, network.models);
  };

  /** Reports every own request that has moved on. */
  async function reportOwn(): Promise<void> {
    await evidences.noteSent();
    const open = asked.all().filter(({ id }) => !evidences.isFinal(id));
    if (!open.length) return;
    const snapshot = await evidences.snapshot(open.map(({ id }) => id));
    for (const { id } of open) {
      const receipt = await receiptOf(id, snapshot);
      const before = reported.get(toHex(id));
      if (!receipt || (before && sameReceipt(before, receipt))) continue;
      reported.set(toHex(id), receipt);
      events.emit('report', { type: 'receipt', receipt });
    }
  }

  /** Runs once at a time, and once more when it is called meanwhile. */
  function refresh(): void {
    again = true;
    refreshing ??= (async () => {
      while (again) {
        again = false;
        // Peers did not answer: the next head tries again.
        await reportOwn().catch(() => undefined);
      }
    })().finally(() => (refreshing = undefined));
  }

  return {
    onHead(head, body) {
      const noted = body ? evidences.noteBlock(head, body) : Promise.resolve();
      // If the block could not be noted, the next search finds its transactions.
      void noted.catch(() => undefined).then(refresh);
    },
    onPool: refresh,
    api: {
      ...deps.texts,
      models: async () => modelInfos(network),
      async quote(name) {
        const found = modelNamed(network, name);
        if (!found) throw new AppError('MODEL_MISSING', `no model ${name} here`);
        const head = chain.headers.head();
        const quote = quoteAt(found.manifest, head.header);
        const tree = chain.state.after(head.id);
        const open = tree ? openRequests.list(tree, head.header.height) : [];
        const unanswered = open.filter(({ request }) => !request.settle).map((job) => job.request);
        const { waiting } = await evidences.snapshot([]);
        const paying = [...unanswered, ...waiting.values()].filter(
          ({ modelId: wanted, reward }) => equal(wanted, found.id) && reward >= quote.minimum,
        );
        return { ...quote, waiting: paying.length };
      },
      receipt: (id) => receiptOf(id),
      async requests() {
        await evidences.noteSent();
        const ids = asked.all().map(({ id }) => id);
        const snapshot = await evidences.snapshot(ids.filter((id) => !evidences.isFinal(id)));
        const receipts: Receipt[] = [];
        for (const id of ids) {
          const receipt = await receiptOf(id, snapshot);
          if (receipt) receipts.push(receipt);
        }
        return receipts;
      },
      async execute(id, input) {
        const manifest = network.models.get(toHex(id));
        if (!manifest) throw new AppError('MODEL_MISSING', 'this model is not admitted here');
        if (!inputTokens(input, manifest))
          throw new AppError('INPUT_LONG', `${input.length} bytes do not fit ${manifest.name}`);
        return await deps.worker.execute(id, input);
      },
    },
  };
}

/** The quote for a unit in the next block, at the head's difficulty. */
function quoteAt(manifest: Manifest, head: Header): Omit<Quote, 'waiting'> {
  const target = targetFromBits(head.bits)!;
  const height = head.height + 1;
  return {
    model: modelInfo(manifest),
    minimum: minimumReward(manifest, target, height),
    subsidyPerPass: subsidyPerPass(manifest, target, height),
    claimFee: FEE_MIN,
    kappaJob64: manifest.kappaJob64,
    difficulty: headerWork(head),
  };
}

/** The admitted models, the default first. */
export const modelInfos = (network: ChainNetwork): ModelInfo[] =>
  network.names.flatMap((name) => {
    const found = modelNamed(network, name);
    return found ? [modelInfo(found.manifest)] : [];
  });

const modelInfo = (manifest: Manifest): ModelInfo => ({
  name: manifest.name,
  id: modelId(manifest),
  packing: manifest.packing,
  tokenizerBytes: manifest.tokenizer?.size ?? 0,
  labels: manifest.labels,
  inputBytesMax: inputBytesMax(manifest),
  sequenceBytes: sequenceBytes(manifest),
  answerSize: manifest.answerSize,
  macs: unitMacs(manifest),
});

/** Whether two receipts are equal in everything that a screen shows. */
const sameReceipt = (a: Receipt, b: Receipt): boolean =>
  JSON.stringify(changing(a)) === JSON.stringify(changing(b));

const changing = ({ state, requested, settle, answers, paid, source }: Receipt) => [
  ...[state, requested, settle, source, paid && toHex(paid.payee)],
  ...answers.map(({ payee, claim, result }) => [toHex(payee), claim, result]),
];
