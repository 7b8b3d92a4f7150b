/** Where browsers meet: at relays that both are connected to. */
import type { PeerId } from '@libp2p/interface';
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr';
import type { Host } from '../host.ts';

/**
 * The address at which to meet a peer: through a relay that both are connected to. It does not contain the
 * relay's own host and port, so that a record cannot make anyone open a socket anywhere.
 */
export const meetingPoint = (relay: string, peer: string): Multiaddr =>
  multiaddr(`/p2p/${relay}/p2p-circuit/webrtc/p2p/${peer}`);

/** Whether this is an address between browsers, not a seed's WebRTC-direct address. */
export const isMeeting = (a: Multiaddr): boolean => /\/webrtc(\/|$)/.test(a.toString());

export const relayOf = (address: Multiaddr): string | undefined =>
  /^\/p2p\/([^/]+)\/p2p-circuit\/webrtc\//.exec(address.toString())?.[1];

/** Peers with a connection that is not itself relayed. */
export const connectedTo = (host: Host): PeerId[] =>
  host
    .getConnections()
    .filter((c) => c.status === 'open' && !c.limits)
    .map((c) => c.remotePeer);

/** Ends a relayed connection that was for an introduction only. */
export function leaveRelays(host: Host, peer: PeerId): void {
  for (const c of host.getConnections(peer)) if (c.limits) c.close().catch(() => {});
}
