/** Handlers for the requests and announcements of other peers. */
import { answer, unavailable } from '../chain/shared/answer.ts';
import { sourceOf, type LightChain } from '../chain/light/light-chain.ts';
import type { SignedTx } from '../core/formats.ts';
import type { SyncRequest, SyncResponse } from '../core/messages.ts';
import type { Offer } from '../core/offer.ts';
import type { Emitter } from '../lib/events.ts';
import type { Handlers, Transport, Verdict } from '../net/transport.ts';
import { createOfferSampler, tellOffers } from './channels/ask-offers.ts';
import { judgeOffer, type OfferBook } from './channels/offer-book.ts';
import type { ModelService } from './models/model-service.ts';
import type { PeerEvents } from './peer-events.ts';
import type { Follower } from './sync/follow.ts';
import { createSampler, type LightPool } from './wallet/light-pool.ts';
import type { ProviderService } from './providing/provider-service.ts';
import type { Sending } from './wallet/sending.ts';

export interface PeerHandlersDeps {
  readonly chain: LightChain;
  readonly transport: Transport;
  readonly pool: LightPool;
  readonly modelService: Pick<ModelService, 'answer'>;
  readonly follower: Follower;
  readonly sending: Pick<Sending, 'announceWaiting'>;
  readonly offers: OfferBook;
  readonly provider: Pick<ProviderService, 'onAsk'>;
  readonly events: Emitter<PeerEvents>;
  readonly nowMs: () => number;
}

export interface PeerHandlers extends Handlers {
  /** Asks peers that were not asked yet for offers, and, unless this client is behind, for their pools' transactions. */
  samplePools(): void;
}

export function createPeerHandlers(deps: PeerHandlersDeps): PeerHandlers {
  const { chain, transport, pool, modelService, follower, sending, events } = deps;
  const genesisId = chain.headers.genesis.id;
  const source = sourceOf(chain);
  const height = (): number => chain.headers.head().header.height;

  function addTx(tx: SignedTx): Verdict {
    if (follower.isBehind()) return 'ignore';
    const refused = pool.add(tx, height());
    if (refused) return refused === 'known' ? 'ignore' : refused;
    events.emit('poolGrew', { isOwn: false });
    return 'accept';
  }

  async function answerTo(request: SyncRequest): Promise<SyncResponse> {
    if (request.type === 'model') return modelService.answer(request);
    if (request.type === 'offers') return tellOffers(deps.offers, deps.nowMs());
    // A full queue or store is no fault of the peer that asks.
    return answer(source, request, () => pool.best(height())).catch(() => unavailable('busy'));
  }

  const sample = createSampler(transport, addTx);
  function hearOffer(peer: string, offer: Offer): Verdict {
    const verdict = judgeOffer(deps.offers, { genesisId, nowMs: deps.nowMs() }, offer, peer);
    if (verdict === 'accept') events.emit('offerHeard', { provider: offer.offer.provider });
    return verdict;
  }
  const sampleOffers = createOfferSampler(transport, hearOffer);
  const samplePools = (): void => {
    void sampleOffers(transport.peers());
    if (!follower.isBehind()) void sample(transport.peers());
  };
  return {
    samplePools,
    onRequest: (_peer, request) => answerTo(request),
    onBlock: (peer, announce) => follower.onBlock(peer, announce),
    onTx: async (_peer, { tx }) => addTx(tx),
    onOffer: async (peer, offer) => hearOffer(peer, offer),
    onAsk: deps.provider.onAsk,
    onPeers(peers) {
      follower.onPeers(peers);
      void sending.announceWaiting();
      samplePools();
    },
  };
}
