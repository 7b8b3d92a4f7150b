/** The parts of a peer, built bottom-up: each gets the parts below it and calls none above it. */
import type { LightChain } from '../chain/light/light-chain.ts';
import type { Manifest, Models } from '../core/manifest.ts';
import { toHex } from '../lib/bytes.ts';
import { silentLog } from '../lib/log.ts';
import { Announcer } from './announcer.ts';
import { createLightChannelChain, type ChannelChain } from './channels/channel-chain.ts';
import type { ChannelStore } from './channels/channel-store.ts';
import { createOfferBook, type OfferBook } from './channels/offer-book.ts';
import type { ProviderRecord } from './channels/provider-record.ts';
import { createExplorer, type Explorer } from './explorer/explorer.ts';
import { createHeadReactions } from './head-reactions.ts';
import { FoundBlocks } from './mining/found-blocks.ts';
import { HeldModels } from './mining/held-models.ts';
import type { MinerWorker } from './mining/miner-worker.ts';
import { Mining } from './mining/mining.ts';
import type { UncheckedTime } from './mining/unchecked-time.ts';
import type { PayerBook } from './providing/payer-book.ts';
import type { ToldPrices } from './providing/told-prices.ts';
import { miningNow } from './providing/prices.ts';
import { createProviderService, type ProviderService } from './providing/provider-service.ts';
import type { ClientBase } from './stage.ts';
import { createChainReader, type ChainReader } from './sync/chain-reader.ts';
import { createFollower, type Follower } from './sync/follow.ts';
import { FullCheck } from './sync/full-check.ts';
import { RevertedBlocks } from './sync/reverted-blocks.ts';
import { createAccounts, type Accounts } from './wallet/accounts.ts';
import { createLightPool, type LightPool } from './wallet/light-pool.ts';
import { createSending, type Sending } from './wallet/sending.ts';
import { WatchedBalances } from './wallet/watched-balances.ts';

export interface PeerParts {
  readonly chain: LightChain;
  readonly reader: ChainReader;
  readonly reverted: RevertedBlocks;
  readonly pool: LightPool;
  readonly accounts: Accounts;
  readonly sending: Sending;
  readonly balances: WatchedBalances;
  readonly channelChain: ChannelChain;
  /** Of providers that were heard lately. */
  readonly offers: OfferBook;
  readonly provider: ProviderService;
  readonly mining: Mining;
  readonly follower: Follower;
  readonly foundBlocks: FoundBlocks;
  readonly explorer: Explorer;
}

/** What the store keeps: channels that are served here, what closed ones have paid, prices told, time that was used. */
interface Kept {
  readonly time: UncheckedTime;
  readonly channels: ChannelStore<ProviderRecord>;
  readonly payers: PayerBook;
  readonly told: ToldPrices;
}

export function buildParts(base: ClientBase, chain: LightChain, kept: Kept): PeerParts {
  const { platform, network, store, outbox, transport, worker, events } = base;
  const { params } = chain;
  const { models } = network;
  const random = () => platform.random();
  const nowMs = () => platform.nowMs();

  // Reading the chain, and speaking to peers.
  const announcer = new Announcer(transport);
  const reader = createChainReader(chain, transport);
  const reverted = new RevertedBlocks(chain);

  // Transactions and accounts.
  const pool = createLightPool(params, { genesis: chain.headers.genesis.id }, chain.signatures);
  const accounts = createAccounts({ chain, params, reader, store });
  const sending = createSending({ params, chain, announcer, pool, outbox, accounts, events });
  const balances = new WatchedBalances({ accounts, sending, events });

  // Both ends of channels.
  const channelChain = createLightChannelChain({
    params,
    chain,
    state: reader.state,
    pool,
    announcer,
    onAdded: () => events.emit('poolGrew', { isOwn: false }),
  });

  // Mining.
  const { modelService } = base;
  const { time } = kept;
  const fullCheck = new FullCheck({
    network,
    chain,
    miner: worker,
    transport,
    builtFrom: () => time.from,
    onFalse: () => events.emit('builtOnFalse'),
  });
  const mining = new Mining({
    network,
    chain,
    pool,
    reader,
    worker,
    modelService,
    held: new HeldModels({ chain, modelService, worker }),
    time,
    standing: () => fullCheck.standing,
    events,
    nowMs,
  });

  // Answering for pay over channels.
  const offers = createOfferBook();
  const provider = createProviderService({
    chain: channelChain,
    store: kept.channels,
    payers: kept.payers,
    told: kept.told,
    signers: platform.signers,
    answerer: base.answerer,
    served: () => [...loadedOf(worker, models), ...modelService.wholeServed()],
    mining: () => miningNow(chain.params, chain.headers.head().header, models, worker.status()),
    // Before its peers' head is known, nobody's channel is, nor what mining would earn.
    peerId: () => (announcer.hasPeers && !follower.isBehind() ? transport.ownId() : undefined),
    announce: (offer) => transport.announceOffer(offer),
    offers,
    nowMs,
    log: platform.log ?? silentLog,
    onChange: () => events.emit('providedChanged'),
  });

  // Following the network.
  const reactions = createHeadReactions({
    chain,
    pool,
    reverted,
    outbox,
    sending,
    mining,
    balances,
    events,
    random,
  });
  const follower = createFollower({
    chain,
    transport,
    reader,
    fullCheck,
    reactions,
    events,
    nowMs,
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

  return {
    chain,
    reader,
    reverted,
    pool,
    accounts,
    sending,
    balances,
    channelChain,
    offers,
    provider,
    mining,
    follower,
    foundBlocks,
    explorer: createExplorer({ network, chain, outbox, pool, reader }),
  };
}

/** The model that the worker holds: it answers, mining or not. */
function loadedOf(worker: MinerWorker, models: Models): readonly Manifest[] {
  const model = worker.isLoaded ? worker.model : undefined;
  const manifest = model && models.get(toHex(model.id));
  return manifest ? [manifest] : [];
}
