/**
 * A peer with a chain, built from below: each part is made with what lies under it, reports upwards by
 * events, and calls nobody above. What follows from each event stands in one place, `connectEvents`.
 */
import type { LightChain } from '../chain/light/light-chain.ts';
import { addressOf, formatAddress } from '../core/address.ts';
import { AppError } from '../lib/errors.ts';
import type { Emitter } from '../lib/events.ts';
import { Announcer } from './announcer.ts';
import type { ChainStatus, ClientApi } from './api.ts';
import { createAsking, type Asking } from './asking/asking.ts';
import { statusOf } from './chain-status.ts';
import { createExplorer, headersOf } from './explorer/explorer.ts';
import { createHeadReactions } from './head-reactions.ts';
import { FoundBlocks } from './mining/found-blocks.ts';
import { Mining } from './mining/mining.ts';
import { createReplay } from './mining/replay.ts';
import { createResults, type Results } from './mining/results.ts';
import { baseOf, createServing, handOut, type RequestServing } from './mining/serving.ts';
import type { PeerEvents } from './peer-events.ts';
import { createPeerHandlers } from './peer-handlers.ts';
import type { ClientBase, Stage } from './stage.ts';
import { createChainReader } from './sync/chain-reader.ts';
import { createFollower } from './sync/follow.ts';
import { RevertedBlocks } from './sync/reverted-blocks.ts';
import { createAccounts } from './wallet/accounts.ts';
import { createLightPool } from './wallet/light-pool.ts';
import { createSending } from './wallet/sending.ts';
import { WatchedBalances } from './wallet/watched-balances.ts';

/** The client's API but for the report for bugs, which needs no chain. */
export type PeerApi = Omit<ClientApi, 'diagnostics'>;

export interface Peer extends Stage {
  readonly api: PeerApi;
}

export async function openPeer(base: ClientBase, chain: LightChain): Promise<Peer> {
  const { platform, network, store, outbox, asked, transport, worker, events } = base;
  const { params, models } = network;
  const random = () => platform.random();
  const nowMs = () => platform.nowMs();
  const height = (): number => chain.headers.head().header.height;

  // Reading the chain, and speaking to peers.
  const announcer = new Announcer(transport);
  const reader = createChainReader(chain, transport);
  const reverted = new RevertedBlocks(chain);

  // Transactions and accounts.
  const pool = createLightPool(params, models);
  const accounts = createAccounts({ chain, params, reader, store });
  const sending = createSending({ params, chain, announcer, pool, outbox, accounts, events });
  const balances = new WatchedBalances({ accounts, sending, events });

  // Asking for inference, and answering while mining.
  const shared = { network, chain, outbox, pool, reader, worker, events };
  const asking = createAsking({ ...shared, asked, transport, texts: base.modelService.texts });
  const results = createResults((modelId, input) => worker.executeLoaded(modelId, input));
  const serving = createServing({
    base: () => baseOf(chain),
    waiting: () => outbox.waiting(),
    send: handOut(sending.prepare, (tx) => events.emit('report', { type: 'unsigned', tx })),
    nowMs,
    // The next head tries again.
    onProblem: () => undefined,
    onChange: () => events.emit('nextJobChanged'),
  });
  const mining = new Mining({
    network,
    chain,
    pool,
    reader,
    serving,
    results,
    worker,
    modelService: base.modelService,
    events,
    nowMs,
  });

  // Following the network.
  const reactions = createHeadReactions({
    chain,
    pool,
    reverted,
    outbox,
    sending,
    asking,
    mining,
    balances,
    events,
    random,
  });
  const follower = createFollower({
    chain,
    transport,
    reader,
    miner: createReplay({ network, chain, worker, results }),
    reactions,
    events,
    random,
  });
  const foundBlocks = new FoundBlocks({
    chain,
    outbox,
    announcer,
    heads: reader.heads,
    follower,
    events,
    nowMs,
  });

  const status = (): ChainStatus =>
    statusOf({ params, transport, sync: follower.sync() }, chain, {
      peersAgreeing: reader.heads.countAt(chain.headers.head().id),
      mempool: pool.size,
    });
  const explorer = createExplorer(shared);
  connectEvents(events, { asking, results, serving, mining, foundBlocks });
  const unsubscribe = base.light.subscribe((event) => {
    if (event.reverted) {
      reverted.add(event.left);
      events.emit('report', { type: 'reorganised', depth: event.reverted });
      // A transaction that the new branch holds too is found there by its nonce.
      void outbox.reopen(event.point.header.height - event.adopted).catch(() => undefined);
    }
    events.emit('statusChanged');
  });

  // A crash may have lost the chain's last blocks and kept what the outbox noted of them.
  await outbox.reopen(height());
  for (const tx of outbox.waiting()) pool.add(tx, height());

  return {
    handlers: createPeerHandlers({
      chain,
      transport,
      pool,
      modelService: base.modelService,
      follower,
      sending,
      events,
    }),
    api: {
      ...explorer,
      ...asking.api,
      ...base.modelService.api(() => worker.status()),
      status: async () => ({ chain: status(), miner: worker.status() }),
      header: async (at) => chain.headers.at(at),
      headers: (last, max) => headersOf(chain, last, max),

      watch: async (address) => balances.watch(address),
      unwatch: async (address) => balances.unwatch(address),
      async payTo(address) {
        mining.payTo(address);
        balances.watch(address);
        void mining.refresh();
      },
      balance: (address) => accounts.last(address),
      account: (address) => balances.account(address),
      history: (address, max, from) => accounts.history(address, max, from),
      submit: (bytes) => sending.submit(bytes),
      pending: () => sending.pending(),
      prepare: (address, replacing) => sending.prepare(address, replacing),
      async faucet(address) {
        if (!params.faucet || !platform.faucet)
          throw new AppError('FAUCET_OFF', 'this network has no faucet');
        await platform.faucet(formatAddress(address, params.prefix));
      },

      startMining: (options) => mining.start(options),
      throttleMining: (duty) => worker.throttle(duty),
      pauseMining: () => mining.pause(),
      finishMining: () => worker.finish(),
      async serve(publicKey) {
        // Claims are paid from the payee's account: its nonce and balance must be known.
        if (publicKey) balances.watch(addressOf(publicKey));
        serving.serve(publicKey);
      },
    },
    status,
    poll: () => follower.poll(),
    // Nobody reached: the next time tries again.
    announceFoundAgain: () => void foundBlocks.announceAgain().catch(() => undefined),
    shareFound: (msMax) => foundBlocks.share(msMax),
    stop() {
      unsubscribe();
      mining.stop();
    },
  };
}

interface EventReceivers {
  readonly asking: Asking;
  readonly results: Results;
  readonly serving: RequestServing;
  readonly mining: Mining;
  readonly foundBlocks: FoundBlocks;
}

/** What follows from the parts' events. What follows from a new head is in head-reactions.ts. */
function connectEvents(events: Emitter<PeerEvents>, parts: EventReceivers): void {
  const { asking, results, serving, mining, foundBlocks } = parts;
  /** A failure that nobody waits for is reported. */
  const inBackground = (task: Promise<void>): void => {
    task.catch((e: unknown) => {
      const { code, message } = AppError.from(e);
      events.emit('report', { type: 'problem', code, message });
    });
  };

  events.on('poolGrew', ({ isOwn }) => {
    asking.onPool();
    inBackground(isOwn ? mining.refresh() : mining.refreshSoon());
    events.emit('statusChanged');
  });
  events.on('nextJobChanged', () => inBackground(mining.refresh()));

  events.on('won', (found) => mining.onWon(found));
  events.on('blockFound', (block) => inBackground(foundBlocks.add(block)));
  events.on('blockAdopted', () => mining.onAdopted());
  events.on('answered', (answered) => {
    // Before serving sends the result: the pool’s results are compared with what ran here.
    results.note(answered.jobId, answered);
    serving.take(answered);
  });
}
