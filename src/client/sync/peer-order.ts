/**
 * In which order heads are tried: as connections say who is likely to be honest, never by what a peer claims.
 * Seeds of the configuration come first, then peers that this client dialled, then those that came; those behind
 * relays come after all of them, and after everybody those whose head failed before.
 */
import type { Origin, PeerInfo } from '../../net/transport.ts';
import { isRelayed, type FailedHeads } from './failed-heads.ts';

const ORIGINS: readonly Origin[] = ['configured', 'outbound', 'inbound'];

/** Peers in the order to try them; equal ones in the order in which they connected. */
export function inOrder(peers: readonly PeerInfo[], failed: FailedHeads): PeerInfo[] {
  const rank = (peer: PeerInfo): number =>
    (failed.has(peer) ? 2 * ORIGINS.length : 0) +
    (isRelayed(peer) ? ORIGINS.length : ORIGINS.indexOf(peer.origin));
  return peers.toSorted((a, b) => rank(a) - rank(b));
}
