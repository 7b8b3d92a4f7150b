/**
 * A connection to a provider that is known by its peer id alone: the one that there is, else one dialled now. A browser
 * is met through a relay, as any other (mesh.ts); a seed has addresses in the configuration. No address that a peer
 * names is dialled, so that nobody can make this one open a socket anywhere.
 */
import type { Connection, PeerId } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import type { Multiaddr } from '@multiformats/multiaddr';
import { AppError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Seed } from '../bootstrap.ts';
import { RELAYS_MAX, type Host } from '../host.ts';
import { isMeeting, leaveRelays, meetingPoint } from '../records/meeting-point.ts';

/** ms for one dial, and how many: a handshake that lost a race works the next time (rtc-init.ts). */
const DIAL_MS = 6000;
const DIALS = 2;

export interface ReachOptions {
  readonly host: Host;
  readonly seeds: readonly Seed[];
  /** Relays that a peer named in its newest record; undefined where this host meets nobody through relays. */
  readonly relaysOf: ((peer: string) => readonly string[]) | undefined;
  readonly log: Log;
  readonly signal: AbortSignal;
}
/** @throws AppError NET_UNREACHABLE, NET_CLOSED where the transport stops */
export type Reach = (peer: string) => Promise<Connection>;

export function createReach(options: ReachOptions): Reach {
  const { host, log, signal } = options;
  return async (peer) => {
    const id = readId(peer);
    const direct = directTo(host, id);
    if (direct) return direct;
    const addresses = addressesOf(options, peer);
    if (!addresses.length) throw unreachable(`no relay leads to ${peer}`);
    let failure: unknown;
    try {
      for (let dial = 0; dial < DIALS && !signal.aborted; dial++)
        try {
          const limit = AbortSignal.any([signal, AbortSignal.timeout(DIAL_MS)]);
          await host.dial(addresses, { signal: limit });
          // It may have dialled us meanwhile.
          const connection = directTo(host, id);
          if (connection) return connection;
        } catch (e) {
          failure = e;
        }
    } finally {
      leaveRelays(host, id);
    }
    log.debug('ask.not-reached', { peer, error: String(failure) });
    if (signal.aborted) throw new AppError('NET_CLOSED', 'the transport stops');
    throw unreachable(`${peer} was not reached`, failure);
  };
}

const unreachable = (message: string, cause?: unknown): AppError =>
  new AppError('NET_UNREACHABLE', message, { cause });

/** An offer's peer is any text. */
function readId(peer: string): PeerId {
  try {
    return peerIdFromString(peer);
  } catch (cause) {
    throw unreachable(`${peer} is no peer id`, cause);
  }
}

/** Not over a relay: its owner would carry each answer, and cuts it off after some. */
const directTo = (host: Host, id: PeerId): Connection | undefined =>
  host.getConnections(id).find((c) => c.status === 'open' && !c.limits);

function addressesOf({ host, seeds, relaysOf }: ReachOptions, peer: string): Multiaddr[] {
  if (peer === host.peerId.toString()) return [];
  const seed = seeds.find((each) => each.peer === peer);
  if (seed) return [...seed.addresses];
  if (!relaysOf) return [];
  const connections = host.getConnections().filter((c) => c.status === 'open' && !c.limits);
  const relays = relaysTo(peer, {
    named: relaysOf(peer),
    connected: connections.map((c) => c.remotePeer.toString()),
    seeds: connections.filter((c) => !isMeeting(c.remoteAddr)).map((c) => c.remotePeer.toString()),
  });
  return relays.map((relay) => meetingPoint(relay, peer));
}

/** Peers through which to meet another: those that it named, then the seeds, at which most have a place. */
export function relaysTo(
  peer: string,
  of: { named: readonly string[]; connected: readonly string[]; seeds: readonly string[] },
): string[] {
  const named = of.named.filter((relay) => of.connected.includes(relay));
  return [...new Set([...named, ...of.seeds])]
    .filter((relay) => relay !== peer)
    .slice(0, RELAYS_MAX);
}
