/**
 * How browsers meet: each publishes, on a gossip topic, a signed record of the relays where it has a
 * reservation; others dial it through a relay that both are connected to, until they have enough neighbours.
 * Neighbours relay too, so that browsers still meet when the seeds are gone.
 */
import { privateKeyFromProtobuf } from '@libp2p/crypto/keys';
import { TopicValidatorResult, type Message } from '@libp2p/gossipsub';
import type { PeerId, PrivateKey } from '@libp2p/interface';
import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record';
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr';
import { fault, type Fault } from '../core/faults.ts';
import { BoundedMap } from '../lib/bounded.ts';
import type { Log } from '../lib/log.ts';
import { RELAYS_MAX, reservationsOf, type Host } from './host.ts';
import { RateLimiter } from './rate.ts';

export const peerTopic = (chainId: number): string => `/pila/${chainId}/peers/1`;

/** Neighbours over WebRTC up to which this browser dials; further peers may still dial it. */
export const DEGREE = 5;
const DIALS_MAX = 2;
/** ms between announcements of a record, which is stale after RECORD_MS. */
const ANNOUNCE_MS = 15_000;
export const RECORD_MS = 120_000;
/** Least ms between two announcements of the own record in answer to records of others. */
const ANSWER_MS = 4000;
export const RECORD_BYTES_MAX = 2048;
const DIAL_MS = 6000;
/** Dials of one peer: a handshake that lost a race works the next time (rtc-init.ts). */
const ATTEMPTS = 2;
/** Of two browsers that got each other's records, the one with the smaller id dials; the other one waits so
 * long for that, then dials itself. */
const PATIENCE_MS = 5000;
/** ms until a peer that could not be reached is dialled again: RETRY_MIN_MS first, then doubling to RETRY_MAX_MS. */
const RETRY_MIN_MS = 2000;
const RETRY_MAX_MS = 60_000;
/** Peers remembered because their record came, or because they could not be reached. */
const REMEMBERED_MAX = 256;
/** Records relayed by one peer: enough for somewhat more than a hundred browsers behind it. */
export const RECORD_RATE = { perSecond: 20, burst: 200 };
/** Records of one author. */
export const AUTHOR_RATE = { perSecond: 0.5, burst: 10 };

export interface MeshOptions {
  readonly host: Host;
  readonly privateKey: Uint8Array;
  readonly chainId: number;
  /** Whether this host meets others, as browsers do; else it only relays records. */
  readonly meets: boolean;
  readonly charge: (peer: string, f: Fault) => void;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export function startMesh(options: MeshOptions): void {
  const { host, chainId, charge } = options;
  const topic = peerTopic(chainId);
  const relayed = new RateLimiter(RECORD_RATE);
  const authored = new RateLimiter(AUTHOR_RATE);
  const key = privateKeyFromProtobuf(options.privateKey);
  const meet = options.meets
    ? createMeeting(options, keepAnnouncing(options, topic, key))
    : () => {};
  const { Accept, Ignore, Reject } = TopicValidatorResult;

  host.services.pubsub.topicValidators.set(topic, async (from: PeerId, { data }: Message) => {
    const peer = from.toString();
    if (!relayed.take(peer, 1, Date.now())) return Ignore;
    const record = await openRecord(data);
    if (!record) {
      charge(peer, fault('wire.malformed', { what: 'peer record', bytes: data.length }));
      return Reject;
    }
    const stale = Math.abs(Date.now() - Number(record.seqNumber)) > RECORD_MS;
    if (stale || !authored.take(record.peerId.toString(), 1, Date.now())) return Ignore;
    meet(record);
    return Accept;
  });
  host.services.pubsub.subscribe(topic);
}

/** The record, if its author signed it; undefined for an unsigned or malformed record. */
async function openRecord(data: Uint8Array): Promise<PeerRecord | undefined> {
  if (data.length > RECORD_BYTES_MAX) return undefined;
  try {
    const envelope = await RecordEnvelope.openAndCertify(data, PeerRecord.DOMAIN);
    const record = PeerRecord.createFromProtobuf(envelope.payload);
    const signed = envelope.publicKey.equals(record.peerId.publicKey);
    return signed ? record : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The address at which to meet a peer: through a relay that both are connected to. It does not contain the
 * relay's own host and port, so that a record cannot make anyone open a socket anywhere.
 */
const meetingPoint = (relay: string, peer: string): Multiaddr =>
  multiaddr(`/p2p/${relay}/p2p-circuit/webrtc/p2p/${peer}`);

/** Whether this is an address between browsers, not a seed's WebRTC-direct address. */
const isMeeting = (a: Multiaddr): boolean => /\/webrtc(\/|$)/.test(a.toString());

const relayOf = (address: Multiaddr): string | undefined =>
  /^\/p2p\/([^/]+)\/p2p-circuit\/webrtc\//.exec(address.toString())?.[1];

/** Peers with a connection that is not itself relayed. */
const connectedTo = (host: Host): PeerId[] =>
  host
    .getConnections()
    .filter((c) => c.status === 'open' && !c.limits)
    .map((c) => c.remotePeer);

/** Announces the own record every ANNOUNCE_MS or so; the returned function announces it within a second. */
function keepAnnouncing(
  { host, signal, log }: MeshOptions,
  topic: string,
  key: PrivateKey,
): () => void {
  const reservations = reservationsOf(host);
  const self = host.peerId.toString();
  const announce = async () => {
    const relays = new Set(
      connectedTo(host)
        .filter((peer) => reservations?.hasReservation(peer))
        .map(String),
    );
    const multiaddrs = [...relays].slice(0, RELAYS_MAX).map((relay) => meetingPoint(relay, self));
    if (signal.aborted || !multiaddrs.length) return;
    const seqNumber = BigInt(Date.now());
    const record = new PeerRecord({ peerId: host.peerId, multiaddrs, seqNumber });
    const envelope = await RecordEnvelope.seal(record, key);
    await host.services.pubsub.publish(topic, envelope.marshal());
  };
  const announceNow = () =>
    void announce().catch((e: unknown) => log.warn('mesh.own-record', { error: String(e) }));
  // Events (another relay, a new subscriber) that come before the timer fires share one announcement.
  let soon: ReturnType<typeof setTimeout> | undefined;
  const announceSoon = () => {
    soon ??= setTimeout(() => {
      soon = undefined;
      announceNow();
    }, 1000 * Math.random());
  };
  for (const event of ['relay:created-reservation', 'relay:removed'])
    reservations?.addEventListener(event, announceSoon, { signal });
  host.services.pubsub.addEventListener('subscription-change', announceSoon, { signal });
  const timer = setInterval(announceNow, ANNOUNCE_MS * (0.75 + Math.random() / 2));
  signal.addEventListener('abort', () => {
    clearInterval(timer);
    clearTimeout(soon);
  });
  return announceSoon;
}

/** Dials authors of records while there are too few neighbours. */
function createMeeting(
  { host, log, signal }: MeshOptions,
  announceSoon: () => void,
): (record: PeerRecord) => void {
  const failed = new BoundedMap<string, { waitMs: number; until: number }>(REMEMBERED_MAX);
  /** ms since 1970 at which the first record of a peer that should dial us came. */
  const firstSeen = new BoundedMap<string, number>(REMEMBERED_MAX);
  const self = host.peerId.toString();
  let dialing = 0;
  const neighbours = () =>
    new Set(
      host
        .getConnections()
        .filter((c) => !c.limits && isMeeting(c.remoteAddr))
        .map((c) => c.remotePeer.toString()),
    ).size;

  let answeredMs = 0;
  const answer = () => {
    if (Date.now() - answeredMs < ANSWER_MS) return;
    answeredMs = Date.now();
    announceSoon();
  };

  async function dial(peer: PeerId, addresses: Multiaddr[]): Promise<void> {
    dialing++;
    try {
      await attempt(ATTEMPTS, async () => {
        const limit = AbortSignal.any([signal, AbortSignal.timeout(DIAL_MS)]);
        const { limits } = await host.dial(addresses, { signal: limit });
        if (limits) throw new Error('only relayed');
      });
      failed.delete(peer.toString());
      firstSeen.delete(peer.toString());
    } catch (e) {
      const waitMs = 2 * (failed.get(peer.toString())?.waitMs ?? RETRY_MIN_MS / 2);
      const bounded = Math.min(waitMs, RETRY_MAX_MS);
      failed.set(peer.toString(), { waitMs: bounded, until: Date.now() + bounded });
      if (!signal.aborted) log.debug('mesh.not-met', { peer: peer.toString(), error: String(e) });
    } finally {
      dialing--;
      // The relayed connection was for the introduction only.
      for (const c of host.getConnections(peer)) if (c.limits) c.close().catch(() => {});
    }
  }

  return ({ peerId, multiaddrs }) => {
    const peer = peerId.toString();
    if (signal.aborted || self === peer || dialing >= DIALS_MAX) return;
    if (neighbours() + dialing >= DEGREE || (failed.get(peer)?.until ?? 0) > Date.now()) return;
    if (host.getConnections(peerId).some((c) => !c.limits)) return void firstSeen.delete(peer);
    const addresses = meetable(host, multiaddrs, peer);
    if (!addresses.length) return;
    if (self > peer) {
      const sinceMs = firstSeen.get(peer) ?? Date.now();
      firstSeen.set(peer, sinceMs);
      // The peer may have missed our record.
      if (Date.now() - sinceMs < PATIENCE_MS) return answer();
    }
    void dial(peerId, addresses);
  };
}

/** Addresses at which to meet the author of a record: through those of its relays that we are connected to. */
function meetable(host: Host, announced: readonly Multiaddr[], peer: string): Multiaddr[] {
  const ours = new Set(connectedTo(host).map(String));
  const relays = new Set(announced.slice(0, RELAYS_MAX).map(relayOf));
  return [...relays]
    .filter((relay) => relay !== undefined && relay !== peer && ours.has(relay))
    .map((relay) => meetingPoint(relay!, peer));
}

async function attempt<T>(times: number, run: () => Promise<T>): Promise<T> {
  for (;;)
    try {
      return await run();
    } catch (e) {
      if (--times <= 0) throw e;
    }
}
