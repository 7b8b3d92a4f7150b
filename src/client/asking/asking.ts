/**
 * Asking for inference: models, quotes, and what became of a request: its receipt. receipt.ts says
 * what of it is proven and what only told.
 */
import type { LightStore } from '../../chain/light/light-store.ts';
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
import { createEvidence, type Glance } from './evidence.ts';
import type { Follower } from '../sync/follow.ts';
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
  /** Something new waits in the pool. */
  onPool(): void;
}

export interface AskingParts {
  readonly network: ChainNetwork;
  readonly light: LightStore;
  readonly outbox: Outbox;
  readonly asked: Asked;
  readonly pool: LightPool;
  readonly follower: Follower;
  readonly texts: Texts;
  /** Runs a model in the miner worker. */
  readonly execute: (modelId: Uint8Array, input: Uint8Array) => Promise<Uint8Array>;
  readonly onReceipt: (receipt: Receipt) => void;
}

/** Receipts told last, to tell only changes; as many as requests are kept, and some looked up. */
const TOLD_MAX = 256;

export function createAsking(parts: AskingParts): Asking {
  const { network, light, asked } = parts;
  const evidences = createEvidence(parts);
  const openRequests = new OpenRequests();
  const told = new BoundedMap<string, Receipt>(TOLD_MAX);
  let refreshing: Promise<void> | undefined;
  let again = false;

  const receiptOf = async (id: Uint8Array, glance?: Glance): Promise<Receipt | undefined> => {
    const evidence = await evidences.of(id, glance);
    return evidence && receiptFrom(evidence, network.models);
  };

  /** Tells of every own request that has moved on. */
  async function tellOwn(): Promise<void> {
    await evidences.noteSent();
    const open = asked.all().filter(({ id }) => !evidences.isFinal(id));
    if (!open.length) return;
    const glance = await evidences.glance(open.map(({ id }) => id));
    for (const { id } of open) {
      const receipt = await receiptOf(id, glance);
      const before = told.get(toHex(id));
      if (!receipt || (before && sameReceipt(before, receipt))) continue;
      told.set(toHex(id), receipt);
      parts.onReceipt(receipt);
    }
  }

  /** Once at a time, and once more when something happened meanwhile. */
  function refresh(): void {
    again = true;
    refreshing ??= (async () => {
      while (again) {
        again = false;
        // The network's failure: the next head tries again.
        await tellOwn().catch(() => undefined);
      }
    })().finally(() => (refreshing = undefined));
  }

  return {
    onHead(head, body) {
      const noted = body ? evidences.noteBlock(head, body) : Promise.resolve();
      // What it misses, the next search finds.
      void noted.catch(() => undefined).then(refresh);
    },
    onPool: refresh,
    api: {
      ...parts.texts,
      models: async () =>
        network.names.flatMap((name) => {
          const found = modelNamed(network, name);
          return found ? [modelInfo(found.manifest)] : [];
        }),
      async quote(name) {
        const found = modelNamed(network, name);
        if (!found) throw new AppError('MODEL_MISSING', `no model ${name} here`);
        if (!light.chain) throw new AppError('NO_HEAD', 'no block is known yet');
        const { headers, state } = light.chain;
        const head = headers.head();
        const quote = quoteAt(found.manifest, head.header);
        const tree = state.after(head.id);
        const open = tree ? openRequests.list(tree, head.header.height) : [];
        const unanswered = open.filter(({ request }) => !request.settle).map((job) => job.request);
        const { waiting } = await evidences.glance([]);
        const paying = [...unanswered, ...waiting.values()].filter(
          ({ modelId: wanted, reward }) => equal(wanted, found.id) && reward >= quote.minimum,
        );
        return { ...quote, waiting: paying.length };
      },
      receipt: (id) => receiptOf(id),
      async requests() {
        await evidences.noteSent();
        const ids = asked.all().map(({ id }) => id);
        const glance = await evidences.glance(ids.filter((id) => !evidences.isFinal(id)));
        const receipts: Receipt[] = [];
        for (const id of ids) {
          const receipt = await receiptOf(id, glance);
          if (receipt) receipts.push(receipt);
        }
        return receipts;
      },
      async execute(id, input) {
        const manifest = network.models.get(toHex(id));
        if (!manifest) throw new AppError('MODEL_MISSING', 'this model is not admitted here');
        if (!inputTokens(input, manifest))
          throw new AppError('INPUT_LONG', `${input.length} bytes do not fit ${manifest.name}`);
        return await parts.execute(id, input);
      },
    },
  };
}

/** For a pass on the next block, as hard as the head. */
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

/** For screens: what a receipt of one request may change in. */
const sameReceipt = (a: Receipt, b: Receipt): boolean =>
  JSON.stringify(changing(a)) === JSON.stringify(changing(b));

const changing = ({ state, requested, settle, answers, paid, source }: Receipt) => [
  ...[state, requested, settle, source, paid && toHex(paid.payee)],
  ...answers.map(({ payee, claim, result }) => [toHex(payee), claim, result]),
];
