/**
 * How browsers meet: each publishes, on a gossip topic, a signed record of the relays where it has a
 * reservation; others dial it through a relay that both are connected to, until they have enough neighbours.
 * Neighbours relay too, so that browsers still meet when the seeds are gone. How often a record is told and
 * passed on is decided by records/record-policy.ts.
 */
import { privateKeyFromProtobuf } from '@libp2p/crypto/keys';
import { TopicValidatorResult, type Message } from '@libp2p/gossipsub';
import type { PeerId } from '@libp2p/interface';
import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record';
import type { Multiaddr } from '@multiformats/multiaddr';
import { fault, type Fault } from '../core/faults.ts';
import { BoundedMap } from '../lib/bounded.ts';
import type { Log } from '../lib/log.ts';
import { RELAYS_MAX, reservationsOf, type Host } from './host.ts';
import {
  connectedTo,
  isMeeting,
  leaveRelays,
  meetingPoint,
  relayOf,
} from './records/meeting-point.ts';
import { RecordPolicy } from './records/record-policy.ts';
import { startTelling } from './records/record-teller.ts';

export const peerTopic = (chainId: number): string => `/pila/${chainId}/peers/2`;

/** Neighbours over WebRTC up to which this browser dials; further peers may still dial it. */
export const DEGREE = 5;
const DIALS_MAX = 2;
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
/** Peers remembered because they could not be reached. */
const REMEMBERED_MAX = 256;
/** Peers whose relays are remembered, to reach them when they are asked (asking/reach.ts). */
const PLACES_MAX = 1024;
/** Records kept for PATIENCE_MS: in a large network their authors tell the next one much later. */
const PATIENT_MAX = 16;

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

export interface Mesh {
  /** Relays that a peer named in its newest record. */
  relaysOf(peer: string): readonly string[];
}

export function startMesh(options: MeshOptions): Mesh {
  const { host, chainId, charge } = options;
  const topic = peerTopic(chainId);
  const policy = new RecordPolicy();
  const places = new BoundedMap<string, readonly string[]>(PLACES_MAX);
  const meet = options.meets
    ? createMeeting(options, keepAnnouncing(options, topic, policy))
    : () => {};
  const { Accept, Ignore, Reject } = TopicValidatorResult;

  host.services.pubsub.topicValidators.set(topic, async (from: PeerId, { data }: Message) => {
    const peer = from.toString();
    if (!policy.mayCome(peer, Date.now())) return Ignore;
    const record = await openRecord(data);
    if (!record) {
      charge(peer, fault('wire.malformed', { what: 'peer record', bytes: data.length }));
      return Reject;
    }
    const author = record.peerId.toString();
    const verdict = policy.judge(author, Number(record.seqNumber), Date.now());
    if (verdict !== 'drop') {
      places.set(author, relaysIn(record.multiaddrs));
      meet(record);
    }
    return verdict === 'relay' ? Accept : Ignore;
  });
  host.services.pubsub.subscribe(topic);
  return { relaysOf: (peer) => places.get(peer) ?? [] };
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

/** Browsers that this one is connected to directly. */
const neighboursOf = (host: Host): number =>
  new Set(
    host
      .getConnections()
      .filter((c) => !c.limits && isMeeting(c.remoteAddr))
      .map((c) => c.remotePeer.toString()),
  ).size;

/** Announces the own record as often as the policy says; the returned function does so as soon as it may. */
function keepAnnouncing(
  { host, privateKey, signal, log }: MeshOptions,
  topic: string,
  policy: RecordPolicy,
): () => void {
  const key = privateKeyFromProtobuf(privateKey);
  const { pubsub } = host.services;
  const reservations = reservationsOf(host);
  const self = host.peerId.toString();
  const publish = async (multiaddrs: Multiaddr[]): Promise<void> => {
    const seqNumber = BigInt(Date.now());
    const record = new PeerRecord({ peerId: host.peerId, multiaddrs, seqNumber });
    const envelope = await RecordEnvelope.seal(record, key);
    await pubsub.publish(topic, envelope.marshal());
  };
  const tell = (): boolean => {
    const relays = new Set(
      connectedTo(host)
        .filter((peer) => reservations?.hasReservation(peer))
        .map(String),
    );
    // The first subscriber is an event of its own.
    if (!relays.size || !pubsub.getSubscribers(topic).length) return false;
    const addresses = [...relays].slice(0, RELAYS_MAX).map((relay) => meetingPoint(relay, self));
    publish(addresses).catch((e: unknown) => log.warn('mesh.own-record', { error: String(e) }));
    return true;
  };
  const tellSoon = startTelling(policy, tell, signal);
  for (const event of ['relay:created-reservation', 'relay:removed'])
    reservations?.addEventListener(event, tellSoon, { signal });
  // Who has neighbours enough need not be found by each newcomer.
  const onSubscription = () => void (neighboursOf(host) < DEGREE && tellSoon());
  pubsub.addEventListener('subscription-change', onSubscription, { signal });
  return tellSoon;
}

/** Dials authors of records while there are too few neighbours. */
function createMeeting(
  { host, log, signal }: MeshOptions,
  announceSoon: () => void,
): (record: PeerRecord) => void {
  const failed = new BoundedMap<string, { waitMs: number; until: number }>(REMEMBERED_MAX);
  /** Timers by peers that should dial us; the peer waited for longest makes room. */
  const patience = new BoundedMap<string, ReturnType<typeof setTimeout>>(PATIENT_MAX, (_, timer) =>
    clearTimeout(timer),
  );
  signal.addEventListener('abort', () => {
    for (const [, timer] of patience) clearTimeout(timer);
  });
  const self = host.peerId.toString();
  let dialing = 0;
  async function dial(peer: PeerId, addresses: Multiaddr[]): Promise<void> {
    dialing++;
    try {
      await attempt(ATTEMPTS, async () => {
        const limit = AbortSignal.any([signal, AbortSignal.timeout(DIAL_MS)]);
        const { limits } = await host.dial(addresses, { signal: limit });
        if (limits) throw new Error('only relayed');
      });
      failed.delete(peer.toString());
    } catch (e) {
      const waitMs = 2 * (failed.get(peer.toString())?.waitMs ?? RETRY_MIN_MS / 2);
      const bounded = Math.min(waitMs, RETRY_MAX_MS);
      failed.set(peer.toString(), { waitMs: bounded, until: Date.now() + bounded });
      if (!signal.aborted) log.debug('mesh.not-met', { peer: peer.toString(), error: String(e) });
    } finally {
      dialing--;
      // The relayed connection was for the introduction only.
      leaveRelays(host, peer);
    }
  }

  /** Where the author of a record can be met, if it is to be met now. */
  function wanted({ peerId, multiaddrs }: PeerRecord): Multiaddr[] {
    const peer = peerId.toString();
    if (signal.aborted || self === peer || dialing >= DIALS_MAX) return [];
    if (neighboursOf(host) + dialing >= DEGREE) return [];
    if ((failed.get(peer)?.until ?? 0) > Date.now()) return [];
    if (host.getConnections(peerId).some((c) => !c.limits)) return [];
    return meetable(host, multiaddrs, peer);
  }

  return (record) => {
    const peer = record.peerId.toString();
    const addresses = wanted(record);
    if (!addresses.length || patience.has(peer)) return;
    if (self < peer) return void dial(record.peerId, addresses);

    // The peer may have missed our record.
    announceSoon();
    const later = () => {
      patience.delete(peer);
      const still = wanted(record);
      if (still.length) void dial(record.peerId, still);
    };
    patience.set(peer, setTimeout(later, PATIENCE_MS));
  };
}

/** Addresses at which to meet the author of a record: through those of its relays that we are connected to. */
function meetable(host: Host, announced: readonly Multiaddr[], peer: string): Multiaddr[] {
  const ours = new Set(connectedTo(host).map(String));
  return relaysIn(announced)
    .filter((relay) => relay !== peer && ours.has(relay))
    .map((relay) => meetingPoint(relay, peer));
}

const relaysIn = (announced: readonly Multiaddr[]): string[] => [
  ...new Set(announced.slice(0, RELAYS_MAX).flatMap((address) => relayOf(address) ?? [])),
];

async function attempt<T>(times: number, run: () => Promise<T>): Promise<T> {
  for (;;)
    try {
      return await run();
    } catch (e) {
      if (--times <= 0) throw e;
    }
}
