/**
 * Whose heads were not proven. The address of who told one waits before another of its heads is tried, and nobody
 * else does: heads cost nothing to invent, and must keep neither this client busy nor an honest peer out. Who may be
 * honest all the same is only tried after the others.
 */
import { BoundedMap } from '../../lib/bounded.ts';
import { networkOf } from '../../net/address-rate.ts';
import type { PeerInfo } from '../../net/transport.ts';

/** ms for which an address waits. */
export const WAIT_MS = 10 * 60_000;
/** Addresses that wait, and peers that are remembered: the one that failed longest ago makes room. */
const REMEMBERED_MAX = 1024;

/** Peers that are met through a relay show no address of their own: they wait together. */
const RELAYED = 'relayed';

/** What of a peer's address stands for one host: an IPv4 address, 56 bits of an IPv6 address, or a name. */
export function hostOf(address: string): string {
  if (address.includes('/p2p-circuit')) return RELAYED;
  const host = /^\/(?:ip4|ip6|dns|dns4|dns6)\/([^/]+)/.exec(address)?.[1];
  return host === undefined ? RELAYED : networkOf(host);
}

export const isRelayed = ({ address }: PeerInfo): boolean => hostOf(address) === RELAYED;

export class FailedHeads {
  readonly #nowMs: () => number;
  /** Until when a host waits, ms since 1970. */
  readonly #untilMs = new BoundedMap<string, number>(REMEMBERED_MAX);
  readonly #peers = new BoundedMap<string, true>(REMEMBERED_MAX);

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  note({ id, address }: PeerInfo): void {
    this.#untilMs.set(hostOf(address), this.#nowMs() + WAIT_MS);
    this.#peers.set(id, true);
  }

  /** This very peer is tried after all others from now on; its address does not wait. */
  defer({ id }: PeerInfo): void {
    this.#peers.set(id, true);
  }

  /** Whether no head of this peer is tried now, because one from its address failed. */
  isWaiting({ address }: PeerInfo): boolean {
    return (this.#untilMs.get(hostOf(address)) ?? 0) > this.#nowMs();
  }

  /** Whether a head of this very peer failed or was left unproven: others have their turn before it. */
  has({ id }: PeerInfo): boolean {
    return this.#peers.has(id);
  }
}
