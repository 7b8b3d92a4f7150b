/**
 * Whose call it is. Behind a proxy every socket has the proxy's address, and the caller's stands in X-Forwarded-For,
 * which anybody can send: it is believed from proxies in trusted ranges alone (`--trust-proxy`). An address in such
 * a range stands for many callers.
 */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { isLoopback, plainAddress, type StandsForMany } from '../../net/address-rate.ts';

export interface Callers {
  /** The address that a request counts for. */
  of(request: IncomingMessage): string;
  readonly standsForMany: StandsForMany;
}

/** Trusted where nothing is said and the node listens on loopback: then only this machine's programs reach it. */
export const LOOPBACK_RANGES: readonly string[] = ['127.0.0.0/8', '::1/128'];

/** @param trusted ranges as text that isRange() takes */
export function createCallers(trusted: readonly string[]): Callers {
  const ranges = new BlockList();
  for (const text of trusted) {
    const { ip, bits } = parseRange(text)!;
    ranges.addSubnet(ip, bits, familyOf(ip));
  }
  const standsForMany: StandsForMany = (address) => {
    const ip = plainAddress(address);
    return isIP(ip) !== 0 && ranges.check(ip, familyOf(ip));
  };
  return {
    standsForMany,
    of({ socket, headers }) {
      let address = plainAddress(socket.remoteAddress ?? '');
      const forwarded = String(headers['x-forwarded-for'] ?? '').split(',');
      // From the right: each trusted proxy vouches for the entry that it added, and for no other.
      while (standsForMany(address)) {
        const next = plainAddress(withoutPort((forwarded.pop() ?? '').trim()));
        if (!isIP(next)) break;
        address = next;
      }
      return address;
    },
  };
}

/** Some proxies add the port. An entry that is not read is no caller's, and what is no caller's has no limits. */
function withoutPort(entry: string): string {
  const [, ip6, ip4] = /^(?:\[(.*)\](?::\d+)?|([\d.]+):\d+)$/.exec(entry) ?? [];
  return ip6 ?? ip4 ?? entry;
}

export const isRange = (text: string): boolean => parseRange(text) !== undefined;

/** The ranges trusted when no flag names any. */
export const trustedByDefault = (host: string): readonly string[] =>
  isLoopback(host) ? LOOPBACK_RANGES : [];

/** An address, or one with the length of its prefix. */
function parseRange(text: string): { ip: string; bits: number } | undefined {
  const [ip = '', length] = text.split('/', 2);
  const version = isIP(ip);
  if (version === 0 || !/^[^/]+(\/\d{1,3})?$/.test(text)) return undefined;
  const most = version === 4 ? 32 : 128;
  const bits = length === undefined ? most : Number(length);
  return bits <= most ? { ip, bits } : undefined;
}

const familyOf = (ip: string): 'ipv4' | 'ipv6' => (isIP(ip) === 4 ? 'ipv4' : 'ipv6');

/** For a listener of one's own machine. */
export const ownCallers: Callers = createCallers(LOOPBACK_RANGES);
