/**
 * A connection to a provider that is known by its peer id alone: the one that there is, else one dialled now. A browser
 * is met through a relay, as any other (mesh.ts); a seed has addresses in the configuration. Where two can't meet, as
 * programs without WebRTC, a relay carries what they say, as far as it does. No address that a peer names is dialled, so
 * that nobody can make this one open a socket anywhere.
 */
import type { Connection, PeerId } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import type { Multiaddr } from '@multiformats/multiaddr';
import { AppError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Seed } from '../bootstrap.ts';
import { RELAYS_MAX, type Host } from '../host.ts';
import { isMeeting, leaveRelays, meetingPoint, relayedPoint } from '../records/meeting-point.ts';

/** ms for one dial, and how many: a handshake that lost a race works the next time (rtc-init.ts). */
const DIAL_MS = 6000;
const DIALS = 2;

export interface ReachOptions {
  readonly host: Host;
  readonly seeds: readonly Seed[];
  /** Relays that a peer named in its newest record; undefined where this host uses none. */
  readonly relaysOf: ((peer: string) => readonly string[]) | undefined;
  /** Whether two meet there, to go on without the relay. */
  readonly meets: boolean;
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
    const { direct: addresses, relayed } = waysTo(options, peer);
    if (!addresses.length && !relayed.length) throw unreachable(`no relay leads to ${peer}`);
    const known = relayedTo(host, id);
    if (known && !addresses.length) return known;
    let failure: unknown;

    /** It may have dialled us meanwhile. */
    async function dial(
      to: readonly Multiaddr[],
      found: typeof directTo,
    ): Promise<Connection | undefined> {
      try {
        const limit = AbortSignal.any([signal, AbortSignal.timeout(DIAL_MS)]);
        await host.dial([...to], { signal: limit });
        return found(host, id);
      } catch (e) {
        failure = e;
        return undefined;
      }
    }

    try {
      for (let dials = 0; dials < DIALS && addresses.length && !signal.aborted; dials++) {
        const met = await dial(addresses, directTo);
        if (met) return met;
      }
    } finally {
      leaveRelays(host, id);
    }
    const carried = relayed.length && !signal.aborted ? await dial(relayed, relayedTo) : undefined;
    if (carried) return carried;
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

/** A relay's owner would carry each answer, and cuts it off after some: only where there is no other way. */
const relayedTo = (host: Host, id: PeerId): Connection | undefined =>
  host.getConnections(id).find((c) => c.status === 'open' && c.limits);

const directTo = (host: Host, id: PeerId): Connection | undefined =>
  host.getConnections(id).find((c) => c.status === 'open' && !c.limits);

interface Ways {
  readonly direct: readonly Multiaddr[];
  readonly relayed: readonly Multiaddr[];
}

function waysTo({ host, seeds, relaysOf, meets }: ReachOptions, peer: string): Ways {
  const seed = seeds.find((each) => each.peer === peer);
  if (seed) return { direct: seed.addresses, relayed: [] };
  if (!relaysOf || peer === host.peerId.toString()) return { direct: [], relayed: [] };
  const connections = host.getConnections().filter((c) => c.status === 'open' && !c.limits);
  const relays = relaysTo(peer, {
    named: relaysOf(peer),
    connected: connections.map((c) => c.remotePeer.toString()),
    seeds: connections.filter((c) => !isMeeting(c.remoteAddr)).map((c) => c.remotePeer.toString()),
  });
  return {
    direct: meets ? relays.map((relay) => meetingPoint(relay, peer)) : [],
    relayed: relays.map((relay) => relayedPoint(relay, peer)),
  };
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
