/**
 * A peer with a chain. Its parts report upwards by events. `connectEvents` is the one place that says what
 * follows from each event; what follows from a new head is in head-reactions.ts.
 */
import type { LightChain } from '../chain/light/light-chain.ts';
import { followOutlook } from '../chain/shared/outlook.ts';
import { AppError } from '../lib/errors.ts';
import { silentLog } from '../lib/log.ts';
import type { ChainStatus } from './api.ts';
import { statusOf } from './chain-status.ts';
import { dropOtherChannels, openProviderStore } from './channels/channel-store.ts';
import { peerApi, type PeerApi } from './peer-api.ts';
import { createPeerHandlers, type PeerHandlers } from './peer-handlers.ts';
import { buildParts, type PeerParts } from './peer-parts.ts';
import { openPrepaid, type Prepaying } from './prepaid/prepaid.ts';
import { UncheckedTime } from './mining/unchecked-time.ts';
import { openWorkBook, type WorkBook } from './mining/work-book.ts';
import { openPayerBook } from './providing/payer-book.ts';
import { openToldPrices } from './providing/told-prices.ts';
import type { ClientBase, Stage } from './stage.ts';

export interface Peer extends Stage {
  readonly api: PeerApi;
}

export async function openPeer(base: ClientBase, chain: LightChain): Promise<Peer> {
  const { network, outbox, transport, modelService, events } = base;
  const genesisId = chain.headers.genesis.id;
  const { signers } = base.platform;
  // Keys that cannot be asked now let go of them by the clock.
  for (const id of await dropOtherChannels(base.store, genesisId))
    void signers?.channelEnded(id).catch(() => undefined);
  const parts = buildParts(base, chain, {
    channels: await openProviderStore(base.store),
    payers: await openPayerBook(base.store),
    told: await openToldPrices(base.store),
    time: await UncheckedTime.open({
      store: base.store,
      genesisId,
      steadyMs: () => base.platform.steadyMs(),
    }),
  });
  const work = await openWorkBook(base.store, () => base.platform.nowMs());
  const { pool, reader, sending, mining, follower, foundBlocks, offers, provider } = parts;

  const prepaid = await openPrepaid({
    chain: parts.channelChain,
    store: base.store,
    signers,
    transport,
    models: modelService.manifests,
    offers: () => offers.offers(base.platform.nowMs()),
    submit: (opening) => sending.submit(opening),
    execute: (model, input) => base.asking.execute(model, input),
    verifyTokens: (claim) => base.answerer.verify(claim),
    report: (event) => events.emit('report', event),
    nowMs: () => base.platform.nowMs(),
  });

  offers.favour((provider) => prepaid.isKnown(provider));

  await outbox.belongTo(genesisId);
  // A crash may have lost the chain's last blocks while the outbox kept its notes on them.
  const { height } = chain.headers.head().header;
  await outbox.reopen(height);
  for (const tx of outbox.waiting()) pool.add(tx, height);

  const outlook = followOutlook(
    {
      params: chain.params,
      head: () => chain.headers.head().header,
      headerAt: (at) => chain.headers.at(at),
      subscribe: (listener) => base.light.subscribe(listener),
    },
    base.platform.log ?? silentLog,
    () => events.emit('statusChanged'),
  );
  const status = (): ChainStatus =>
    statusOf({ params: network.params, transport, sync: follower.sync() }, chain, {
      peersAgreeing: reader.heads.countAt(chain.headers.head().id),
      peersAsked: reader.heads.askedAt(chain.headers.head().id),
      mempool: pool.size,
      outlook: outlook.now(),
    });
  const handlers = createPeerHandlers({
    chain,
    transport,
    pool,
    modelService,
    follower,
    sending,
    offers,
    provider,
    events,
    nowMs: () => base.platform.nowMs(),
  });
  const disconnect = connectEvents(base, parts, handlers, { prepaid, work });
  prepaid.onHead();
  // Channels that ended while nothing ran here.
  void provider.onHead().catch(() => undefined);

  return {
    handlers,
    api: {
      ...peerApi(base, parts, { ...base.asking, ...prepaid.api }, status),
      worked: async () => work.all(),
    },
    status,
    poll: () => follower.poll(),
    // If no peer is reached, the next call tries again.
    announceFoundAgain: () => void foundBlocks.announceAgain().catch(() => undefined),
    shareFound: (msMax) => foundBlocks.share(msMax),
    stop() {
      disconnect();
      outlook.stop();
      provider.stop();
      prepaid.stop();
      mining.stop();
    },
  };
}

/** @returns what ends it */
function connectEvents(
  { light, outbox, events }: ClientBase,
  parts: PeerParts,
  handlers: PeerHandlers,
  { prepaid, work }: { readonly prepaid: Prepaying; readonly work: WorkBook },
): () => void {
  const { mining, foundBlocks, reverted, provider } = parts;
  /** Reports the failure of a task that nobody waits for. */
  const inBackground = (task: Promise<void>): void => {
    task.catch((e: unknown) => {
      const { code, message } = AppError.from(e);
      events.emit('report', { type: 'problem', code, message });
    });
  };

  /** Blocks of this peer among those that left the chain last. */
  let ownLeft = 0;
  const listening = [
    events.on('poolGrew', ({ isOwn }) => {
      inBackground(isOwn ? mining.refresh() : mining.refreshSoon());
      events.emit('statusChanged');
    }),
    // Peers that came while this client was behind are asked once it no longer is.
    events.on('statusChanged', () => handlers.samplePools()),

    events.on('headSettled', () => {
      prepaid.onHead();
      // What was not done at this head is at the next.
      void provider.onHead().catch(() => undefined);
    }),
    events.on('providedChanged', () =>
      events.emit('report', { type: 'provided', work: provider.status() }),
    ),
    events.on('offerHeard', ({ provider }) => prepaid.onOffer(provider)),

    // A block found now could not be kept, and power would be burnt for a head that cannot be left.
    events.on('storeFailing', (failing) => {
      mining.rest(failing !== undefined);
      if (!failing) return parts.follower.poll();
      const { code, message } = failing;
      events.emit('report', { type: 'problem', code, message });
    }),

    events.on('report', (event) => {
      if (event.type === 'miner') work.note(event.status);
    }),
    events.on('blockFound', ({ header }) => work.noteFound(header.height)),

    events.on('modelsHeld', () => parts.follower.recheck()),
    events.on('builtOnFalse', () => {
      const lost = String(ownLeft);
      events.emit('report', { type: 'problem', code: 'BUILT_ON_FALSE', message: lost });
    }),
    events.on('won', (found) => mining.onWon(found)),
    events.on('blockFound', (block) => inBackground(foundBlocks.add(block))),
    events.on('blockAdopted', () => mining.onAdopted()),

    light.subscribe((event) => {
      if (event.reverted) {
        reverted.add(event);
        ownLeft = event.left.filter(({ header }) => mining.isOwn(header)).length;
        events.emit('report', { type: 'reorganised', depth: event.reverted });
        // A transaction that the new branch holds too is found there by its nonce.
        void outbox.reopen(event.point.header.height - event.adopted).catch(() => undefined);
      }
      events.emit('statusChanged');
    }),
  ];
  return () => listening.forEach((stop) => stop());
}
