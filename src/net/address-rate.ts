/**
 * Limits how often new connections may come from one address to a seed: a banned peer comes back with a new
 * key, but not with a new address. A private address belongs to a proxy or to this machine and stands for
 * many peers, so it is not limited.
 */
import { RateLimiter } from './rate.ts';

/** Generous: a thousand phones may share one address, and all return when a seed does. */
export const ADDRESS_RATE = { perSecond: 5, burst: 500 };

const PRIVATE =
  /^(127\.|10\.|192\.168\.|169\.254\.|172\.(1[6-9]|2\d|3[01])\.|::1$|f[cd][0-9a-f]{2}:|fe80:)/i;

/** An IPv4 address as a socket for IPv4 and IPv6 shows it. */
const MAPPED = /^::ffff:/i;

export class AddressRate {
  readonly #rate = new RateLimiter(ADDRESS_RATE);

  /** Whether one more connection may come; `address`: IPv4 or IPv6 text, undefined when unknown. */
  take(address: string | undefined, nowMs: number): boolean {
    const ip = address?.replace(MAPPED, '');
    if (!ip || PRIVATE.test(ip)) return true;
    return this.#rate.take(networkOf(ip), 1, nowMs);
  }
}

/** An IPv4 address itself; of an IPv6 address the first 64 bits, because one household has all addresses below them. */
export function networkOf(address: string): string {
  const ip = address.replace(MAPPED, '');
  if (!ip.includes(':')) return ip;
  const [head = '', tail] = ip.toLowerCase().split('::');
  const groups = (text: string) => (text ? text.split(':') : []);
  const [before, after] = [groups(head), groups(tail ?? '')];
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length);
  const whole = [...before, ...Array.from({ length: zeros }, () => '0'), ...after];
  return whole
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
}
