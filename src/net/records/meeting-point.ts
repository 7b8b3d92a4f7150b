/** Where browsers meet: at relays that both are connected to. */
import type { Connection, PeerId, Stream } from '@libp2p/interface';
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr';
import type { Host } from '../host.ts';

/**
 * The address at which to meet a peer: through a relay that both are connected to. It does not contain the
 * relay's own host and port, so that a record cannot make anyone open a socket anywhere.
 */
export const meetingPoint = (relay: string, peer: string): Multiaddr =>
  multiaddr(`/p2p/${relay}/p2p-circuit/webrtc/p2p/${peer}`);

/** The address of a peer by a relay alone, which carries what both say and can't read it. */
export const relayedPoint = (relay: string, peer: string): Multiaddr =>
  multiaddr(`/p2p/${relay}/p2p-circuit/p2p/${peer}`);

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

/** Begins the name of the protocol that also runs where a relay carries it (asking/ask.ts). */
export const CARRIED = '/pila/ask/';

/** Ends relayed connections but those on which something is asked: they were for an introduction, or are done. */
export function leaveRelays(host: Host, peer: PeerId): void {
  const carries = ({ protocol }: Stream): boolean => protocol.startsWith(CARRIED);
  const isLeft = ({ limits, streams }: Connection): boolean => !!limits && !streams.some(carries);
  for (const c of host.getConnections(peer).filter(isLeft)) c.close().catch(() => {});
}
