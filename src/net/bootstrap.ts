/**
 * Keeps connections to the bootstrap peers. libp2p forgets a seed that went away, so each seed has its own
 * endless loop: dial it, and after each failure wait longer, up to a limit. WebSocket addresses are tried
 * first and WebRTC-direct ones next, so that either is enough.
 */
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr';
import type { Log } from '../lib/log.ts';
import { pause } from '../lib/pause.ts';
import type { Host } from './host.ts';

const SEEDS_MAX = 16;
const ADDRESSES_MAX = 8;
const DIAL_MS = 8000;
const WAIT_MIN_MS = 500;
const WAIT_MAX_MS = 15_000;
/** ms between checks of a connected seed; the event of a closing connection is noticed at once. */
const CHECK_MS = 5000;

export interface Seed {
  /** Peer id, or undefined where no address names it. */
  readonly peer: string | undefined;
  readonly addresses: readonly Multiaddr[];
}

export const peerOf = (address: Multiaddr): string | undefined =>
  address
    .getComponents()
    .filter((c) => c.name === 'p2p')
    .at(-1)?.value;

/** Groups address texts by peer, WebSockets first; bad texts are logged and left out. */
export function seedsFromAddresses(texts: readonly string[], log: Log): Seed[] {
  const groups = new Map<string, Multiaddr[]>();
  for (const text of texts) {
    try {
      const address = multiaddr(text);
      const key = peerOf(address) ?? text;
      const group = groups.get(key) ?? [];
      if (group.length < ADDRESSES_MAX && groups.size < SEEDS_MAX + 1) group.push(address);
      if (groups.size < SEEDS_MAX || groups.has(key)) groups.set(key, group);
    } catch {
      log.warn('bootstrap.not-an-address', { text });
    }
  }
  const direct = (a: Multiaddr) => Number(a.toString().includes('/webrtc-direct'));
  return [...groups.values()].map((addresses) => ({
    peer: peerOf(addresses[0]!),
    addresses: addresses.toSorted((a, b) => direct(a) - direct(b)),
  }));
}

/** Starts the loops; aborting `signal` ends them. */
export function keepSeeds(host: Host, seeds: readonly Seed[], signal: AbortSignal, log: Log): void {
  for (const seed of seeds) {
    if (seed.peer === host.peerId.toString()) continue;
    keepSeed(host, seed, signal).catch((e: unknown) =>
      log.error('bootstrap.ended', { peer: seed.peer, error: String(e) }),
    );
  }
}

async function keepSeed(host: Host, seed: Seed, signal: AbortSignal): Promise<void> {
  let peer = seed.peer;
  let waitMs = WAIT_MIN_MS;
  while (!signal.aborted) {
    if (!isConnected(host, peer)) peer = (await dialFirst(host, seed.addresses, signal)) ?? peer;
    const sinceMs = Date.now();
    while (!signal.aborted && isConnected(host, peer)) await closed(host, peer, signal);
    // A seed that accepts us and disconnects at once, because it is full or has banned us, counts as a failed dial.
    if (Date.now() - sinceMs >= CHECK_MS) waitMs = WAIT_MIN_MS;
    await pause(waitMs * (0.75 + Math.random() / 2), signal);
    waitMs = Math.min(waitMs * 2, WAIT_MAX_MS);
  }
}

const isConnected = (host: Host, peer: string | undefined): boolean =>
  host.getConnections().some((c) => c.remotePeer.toString() === peer && !c.limits);

/** The peer reached, over the first address that works. */
async function dialFirst(
  host: Host,
  addresses: readonly Multiaddr[],
  signal: AbortSignal,
): Promise<string | undefined> {
  for (const address of addresses) {
    if (signal.aborted) return undefined;
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(DIAL_MS)]);
      return (await host.dial(address, { signal: limit })).remotePeer.toString();
    } catch {
      // The next address is tried, or the first again in the next round.
    }
  }
  return undefined;
}

/** Resolves once the peer's connection may have closed: at the event, at the latest at the next check. */
async function closed(host: Host, peer: string | undefined, signal: AbortSignal): Promise<void> {
  const woken = new AbortController();
  const onDisconnect = (e: CustomEvent<{ toString(): string }>) => {
    if (e.detail.toString() === peer) woken.abort();
  };
  host.addEventListener('peer:disconnect', onDisconnect);
  try {
    await pause(CHECK_MS, AbortSignal.any([signal, woken.signal]));
  } finally {
    host.removeEventListener('peer:disconnect', onDisconnect);
  }
}
