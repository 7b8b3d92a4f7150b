/**
 * What one address may take of a seed: new connections a second, and places of a bounded number. A banned peer
 * comes back with a new key, but not with a new address.
 *
 * Some addresses stand for many callers who cannot be told apart, a proxy's for one, and have no limit of their
 * own; which these are is said by whoever knows the deployment (`StandsForMany`).
 */
import { RateLimiter, type RateLimit } from './rate.ts';

/** Generous: a thousand phones may share one address, and all return when a seed does. */
export const ADDRESS_RATE = { perSecond: 5, burst: 500 };

/** Whether an address (IPv4 or IPv6 text) is that of many callers. */
export type StandsForMany = (address: string) => boolean;

/** Programs of this machine, and the proxy on it. */
export const isLoopback: StandsForMany = (address) => /^(127\.|::1$)/.test(plainAddress(address));

/** A rate that each address has for itself. */
export class AddressRate {
  readonly #rate: RateLimiter;
  readonly #standsForMany: StandsForMany;

  constructor(standsForMany: StandsForMany, limit: RateLimit = ADDRESS_RATE) {
    this.#rate = new RateLimiter(limit);
    this.#standsForMany = standsForMany;
  }

  /** Whether one more may come; `address`: IPv4 or IPv6 text, undefined when unknown. */
  take(address: string | undefined, nowMs: number): boolean {
    if (!address || this.#standsForMany(address)) return true;
    return this.#rate.take(networkOf(address), 1, nowMs);
  }
}

/** Counts what each address holds at once. Only holders have an entry, so it is as bounded as what they hold. */
export class AddressShare {
  readonly #held = new Map<string, number>();
  readonly #max: number;
  readonly #standsForMany: StandsForMany;

  constructor(max: number, standsForMany: StandsForMany) {
    this.#max = max;
    this.#standsForMany = standsForMany;
  }

  /** Whether take() would give a place. */
  hasRoom(address: string): boolean {
    return (this.#held.get(networkOf(address)) ?? 0) < this.#max;
  }

  /** A function that gives the place back, once; undefined when the address holds all that it may. */
  take(address: string | undefined): (() => void) | undefined {
    if (!address || this.#standsForMany(address)) return () => undefined;
    const network = networkOf(address);
    const before = this.#held.get(network) ?? 0;
    if (before >= this.#max) return undefined;
    this.#held.set(network, before + 1);
    let isHeld = true;
    return () => {
      if (isHeld) this.#giveBack(network);
      isHeld = false;
    };
  }

  #giveBack(network: string): void {
    const left = this.#held.get(network)! - 1;
    if (left > 0) this.#held.set(network, left);
    else this.#held.delete(network);
  }
}

/** The IP address of a multiaddr, undefined where it has none. */
export const addressIn = (multiaddr: { toString(): string }): string | undefined =>
  /^\/ip[46]\/([^/]+)/.exec(multiaddr.toString())?.[1];

/** An address without its zone, and an IPv4 one as such where a socket for both kinds shows it as IPv6. */
export function plainAddress(address: string): string {
  const ip = address.replace(/%.*$/, '').toLowerCase();
  const mapped = /^(?:0:0:0:0:0|:):ffff:(.*)$/.exec(ip)?.[1];
  if (mapped === undefined) return ip;
  if (mapped.includes('.')) return mapped;
  const [high = 0, low = 0] = mapped.split(':').map((group) => parseInt(group, 16));
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

/**
 * What counts as one caller: an IPv4 address itself; of an IPv6 address the first 56 bits, because providers give
 * one household all addresses below them.
 */
export function networkOf(address: string): string {
  const ip = plainAddress(address);
  if (!ip.includes(':')) return ip;
  const [head = '', tail] = ip.split('::');
  const groups = (text: string) => (text ? text.split(':') : []);
  const [before, after] = [groups(head), groups(tail ?? '')];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const whole = [...before, ...Array.from({ length: zeros }, () => '0'), ...after];
  const [a = 0, b = 0, c = 0, d = 0] = whole.map((group) => parseInt(group, 16));
  return [a, b, c, d & 0xff00].map((group) => group.toString(16)).join(':');
}
