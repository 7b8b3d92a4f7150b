/** What a seed has of payment channels: keys that sign by themselves, its chain as both ends see it, answers for pay. */
import type { FullChain } from '../../chain/full/full-chain.ts';
import type { Store } from '../../chain/store/store.ts';
import type { ChannelChain } from '../../client/channels/channel-chain.ts';
import { dropOtherChannels, openProviderStore } from '../../client/channels/channel-store.ts';
import type { OfferBook } from '../../client/channels/offer-book.ts';
import { createAnswerer, type Answerer } from '../../client/mining/answerer.ts';
import { modelNamed, type ChainNetwork } from '../../client/models/networks.ts';
import { openPayerBook } from '../../client/providing/payer-book.ts';
import { openToldPrices } from '../../client/providing/told-prices.ts';
import { miningNow } from '../../client/providing/prices.ts';
import {
  createProviderService,
  type ProviderService,
} from '../../client/providing/provider-service.ts';
import type { Header } from '../../core/formats.ts';
import { blockId } from '../../core/header/header.ts';
import { AppError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { MINER_OFF } from '../../miner/engine/miner-api.ts';
import type { Transport } from '../../net/transport.ts';
import type { MinerThread } from '../contributor/miner-thread.ts';
import { payoutAddress, type NodeKeys } from '../keys-file.ts';
import { openServingKeys, type ServingKeys } from '../serving-file.ts';
import { createFullChannelChain } from './full-channel-chain.ts';
import type { ServedFolder } from '../served/served-folders.ts';
import type { Options } from './options.ts';

export interface SeedChannels {
  readonly serving: ServingKeys;
  readonly channelChain: ChannelChain;
  readonly provider: ProviderService;
  readonly answerer: Answerer;
  /** Answers for pay to this address, with the model that is mined and with those that are served. */
  provide(payee: Uint8Array): Promise<void>;
  /** Follows the chain from now on, once peers can be told. @returns what ends it */
  start(): () => void;
}

export interface ChannelDeps {
  readonly options: Options;
  readonly network: ChainNetwork;
  /** Served models to answer with. */
  readonly serving: readonly ServedFolder[];
  readonly keys: NodeKeys;
  readonly chain: FullChain;
  readonly transport: Transport;
  readonly thread: MinerThread;
  readonly genesis: Header;
  readonly offers: OfferBook;
  readonly log: Log;
}

/** @param payout address of the command line @throws AppError KEYS_CORRUPT, DATA_REFUSED, STORE_* */
export async function openSeedChannels(
  deps: ChannelDeps,
  store: Store,
  payout: Uint8Array | undefined,
): Promise<SeedChannels> {
  const { options, network, serving: folders, keys, chain, transport, thread } = deps;
  const { genesis, offers, log } = deps;
  const genesisId = blockId(genesis);
  const gone = await dropOtherChannels(store, genesisId);
  const records = await openProviderStore(store);
  const serving = await openServingKeys({
    folder: options.data,
    network: options.network,
    genesisId,
    // With those of before: an operator may have named another one while channels were open.
    payees: [
      payoutAddress(keys),
      ...(payout ? [payout] : []),
      ...records.all().map(({ opening }) => opening.tx.payee),
    ],
    now: Date.now,
  });
  for (const id of gone) await serving.channelEnded(id);
  let sequence = 0;
  const channelChain = createFullChannelChain({
    params: chain.params,
    genesisId,
    chain,
    announce: (tx) => transport.announceTx({ tx, sequence: ++sequence }),
  });
  let status = MINER_OFF;
  thread.miner.on('status', (told) => (status = told));
  const mined = options.mine ? modelNamed(network, options.model) : undefined;
  const models = [...(mined ? [mined] : []), ...folders].map(({ manifest }) => manifest);
  let isReady = false;
  const answerer = createAnswerer({
    async workerWith(model) {
      await thread.ensure(model);
      return thread.miner;
    },
    status: () => status,
    // A thread that dies ends the process.
    noteFailure: () => undefined,
  });
  const provider = createProviderService({
    chain: channelChain,
    store: records,
    payers: await openPayerBook(store),
    told: await openToldPrices(store),
    signers: serving,
    answerer,
    served: () => (isReady ? models : []),
    mining: () => miningNow(chain.params, chain.head().header, network.models, status),
    peerId: () => (transport.peers().length ? transport.ownId() : undefined),
    announce: (offer) => transport.announceOffer(offer),
    offers,
    nowMs: Date.now,
    log,
    onChange: () => undefined,
  });
  return {
    serving,
    answerer,
    channelChain,
    provider,
    async provide(payee) {
      isReady = true;
      const { answerPrice: price, tokenPrice } = options;
      await provider.provide({ payee, price, tokenPrice });
    },
    start() {
      const tell = (): void =>
        void provider
          .onHead()
          .catch((e: unknown) => log.warn('channels', { code: AppError.from(e).code }));
      const unsubscribe = chain.subscribe(({ type }) => {
        if (type === 'head') tell();
      });
      tell();
      return () => {
        unsubscribe();
        provider.stop();
      };
    },
  };
}
