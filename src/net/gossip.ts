/**
 * The three gossip topics. Every message is judged by our handlers before it is relayed: accepted,
 * ignored, or refused and charged to the peer that passed it on. Sizes, rates and the number of
 * messages in judgement are capped.
 */
import { TopicValidatorResult, type Message } from '@libp2p/gossipsub';
import type { PeerId } from '@libp2p/interface';
import { encode, tryDecode, type Codec } from '../core/codec.ts';
import { fault, isFault, penaltyOf, type Fault } from '../core/faults.ts';
import { BlockAnnounce, GOSSIP_BYTES_MAX, TxAnnounce } from '../core/messages.ts';
import { VERSION_KNOWN } from '../core/params.ts';
import { Offer, OFFER_BYTES_MAX } from '../core/offer.ts';
import { AppError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Host } from './host.ts';
import { RateLimiter } from './rate.ts';
import type { Handlers, Verdict } from './transport.ts';

/** Messages from one peer beyond this rate are dropped: an honest peer may relay the flood of another peer. */
export const GOSSIP_RATE = { perSecond: 50, burst: 200 };
/** No honest peer exceeds this rate: each message beyond it is charged. */
export const FLOOD_RATE = { perSecond: 250, burst: 1000 };
export const VALIDATING_MAX = 32;
/**
 * Transactions passed on, whoever sent them: a crowd whose members each keep to their rate must not make a flood of
 * who relays them. The rest stay in the pool, where others ask for them. A block costs its work.
 */
export const TX_RELAY_RATE = { perSecond: 150, burst: 600 };

export const blockTopic = (chainId: number): string => `/pila/${chainId}/blocks/2`;
export const txTopic = (chainId: number): string => `/pila/${chainId}/txs/2`;
export const offerTopic = (chainId: number): string => `/pila/${chainId}/offers/2`;

const { Accept, Ignore, Reject } = TopicValidatorResult;

export interface GossipOptions {
  readonly host: Host;
  readonly chainId: number;
  /** The highest version of the rules that this program knows; of all networks when absent. */
  readonly version?: number;
  readonly handlers: Handlers;
  readonly charge: (peer: string, f: Fault) => void;
  readonly log: Log;
}
export interface Gossip {
  /** Each resolves with the number of peers that it was sent to. */
  announceBlock(announce: BlockAnnounce): Promise<number>;
  announceTx(announce: TxAnnounce): Promise<number>;
  announceOffer(offer: Offer): Promise<number>;
}

interface Topic<T> {
  readonly name: string;
  readonly codec: Codec<T>;
  readonly bytesMax: number;
  /** Its messages begin with a header, and so with the version of its rules. */
  readonly isVersioned?: boolean;
  hear(peer: string, value: T): Promise<Verdict>;
}

export function createGossip(options: GossipOptions): Gossip {
  const { host, chainId, version = VERSION_KNOWN, handlers, charge, log } = options;
  const { pubsub } = host.services;
  const rate = new RateLimiter(GOSSIP_RATE);
  const flood = new RateLimiter(FLOOD_RATE);
  const relayed = new RateLimiter(TX_RELAY_RATE);
  let validating = 0;

  const refuse = (peer: string, f: Fault): TopicValidatorResult => {
    charge(peer, f);
    // The sender is not to blame for a fault without penalty, so the fault must not lower its gossip score either.
    return penaltyOf(f) === 0 ? Ignore : Reject;
  };

  async function judge<T>(
    { codec, bytesMax, isVersioned, hear }: Topic<T>,
    peer: string,
    data: Uint8Array,
  ): Promise<TopicValidatorResult> {
    const now = Date.now();
    if (data.length > bytesMax)
      return refuse(peer, fault('wire.too-large', { bytes: data.length }));
    if (!flood.take(peer, 1, now)) return refuse(peer, fault('wire.rate', { what: 'gossip' }));
    if (!rate.take(peer, 1, now) || validating >= VALIDATING_MAX) return Ignore;
    if (isVersioned && data.length && data[0]! > version)
      return refuse(peer, fault('wire.newer', { version: data[0] }));
    const value = tryDecode(codec, data);
    if (value === undefined)
      return refuse(peer, fault('wire.malformed', { what: 'gossip', bytes: data.length }));
    validating++;
    try {
      const verdict = await hear(peer, value);
      if (isFault(verdict)) return refuse(peer, verdict);
      return verdict === 'accept' ? Accept : Ignore;
    } catch (e) {
      log.error('gossip.failed', { peer, error: String(e) });
      return Ignore;
    } finally {
      validating--;
    }
  }

  function open<T>(topic: Topic<T>) {
    const { name, codec, bytesMax } = topic;
    pubsub.topicValidators.set(name, (from: PeerId, message: Message) =>
      judge(topic, from.toString(), message.data),
    );
    pubsub.subscribe(name);
    return async (value: T): Promise<number> => {
      const data = encode(codec, value);
      if (data.length > bytesMax)
        throw new AppError('NET_TOO_LARGE', `${data.length} bytes for ${name}`);
      return (await pubsub.publish(name, data)).recipients.length;
    };
  }

  return {
    announceBlock: open({
      name: blockTopic(chainId),
      codec: BlockAnnounce,
      bytesMax: GOSSIP_BYTES_MAX,
      isVersioned: true,
      hear: (peer, announce) => handlers.onBlock(peer, announce),
    }),
    announceTx: open({
      name: txTopic(chainId),
      codec: TxAnnounce,
      bytesMax: GOSSIP_BYTES_MAX,
      async hear(peer, announce) {
        const verdict = await handlers.onTx(peer, announce);
        return verdict === 'accept' && !relayed.take('', 1, Date.now()) ? 'ignore' : verdict;
      },
    }),
    announceOffer: open({
      name: offerTopic(chainId),
      codec: Offer,
      bytesMax: OFFER_BYTES_MAX,
      hear: (peer, offer) => handlers.onOffer(peer, offer),
    }),
  };
}
