/** `config.json`: what the page needs to find its network, sent by the node that serves the page. */
import type { IncomingMessage } from 'node:http';
import type { ServedModel } from '../../client/models/served.ts';
import { encode } from '../../core/codec.ts';
import { Header } from '../../core/formats.ts';
import { versionKnown } from '../../core/header/tables.ts';
import type { NetworkParams } from '../../core/params.ts';
import { toHex } from '../../lib/bytes.ts';

export interface PageConfigDeps {
  readonly params: NetworkParams;
  readonly genesis: Header;
  readonly peerId: string;
  /** Multiaddrs at which peers reach this node, besides the page's own port. */
  readonly addresses: readonly string[];
  /** Further addresses to announce, from the command line. */
  readonly announced: readonly string[];
  readonly downloadBytes: number;
  readonly mirrors: readonly string[];
  /** Served models that pages get from this node. */
  readonly served: readonly ServedModel[];
}

/**
 * The first seed is the page's own host and port as the browser sees them, so that the address is also right
 * behind a TLS proxy; WebSocket upgrades there are handed to the peer listener.
 */
export function pageConfig(deps: PageConfigDeps, request: IncomingMessage): object {
  const { params, genesis, peerId, addresses, downloadBytes } = deps;
  const own = addresses.filter((a) => a.includes('/webrtc-direct/'));
  const announced = deps.announced.flatMap((a) => completed(a, own, peerId));
  // Addresses of our own interfaces may be of no use outside: left out if the operator names others.
  const direct = announced.some((a) => a.includes('/webrtc-direct/')) ? [] : own;
  return {
    network: params.network,
    version: versionKnown(params),
    prefix: params.prefix,
    /** Whether this node can be met by UDP too: its port may be taken, or WebRTC missing. */
    webrtcDirect: own.length > 0,
    bootstrap: [...pageAddress(request, peerId), ...announced, ...direct],
    genesis: params.startsAnew ? toHex(encode(Header, genesis)) : undefined,
    downloadBytes,
    mirrors: deps.mirrors,
    served: deps.served,
  };
}

/** Adds to an address what only the running node knows: its id, and the hash of its WebRTC certificate. */
function completed(address: string, own: readonly string[], peerId: string): string[] {
  if (!address.endsWith('/webrtc-direct')) return [`${address}/p2p/${peerId}`];
  const hash = own.map((a) => /\/certhash\/[^/]+/.exec(a)?.[0]).find((h) => h !== undefined);
  return hash === undefined ? [] : [`${address}${hash}/p2p/${peerId}`];
}

function pageAddress(request: IncomingMessage, peerId: string): string[] {
  const { host: asked = '', 'x-forwarded-proto': forwarded } = request.headers;
  const secure = 'encrypted' in request.socket || /^https$/i.test(String(forwarded));
  const match = /^(?:\[([0-9a-f:]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i.exec(asked);
  if (!match) return [];
  const [, v6, name, port] = match;
  const host = v6 ? `ip6/${v6}` : /^\d+(\.\d+){3}$/.test(name!) ? `ip4/${name}` : `dns4/${name}`;
  const tcp = port ?? (secure ? '443' : '80');
  return [`/${host}/tcp/${tcp}/${secure ? 'tls/ws' : 'ws'}/p2p/${peerId}`];
}
