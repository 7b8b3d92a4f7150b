/** Token buckets, one per peer, for a bounded number of peers (the least recently seen makes room). */
import { BoundedMap } from '../lib/bounded.ts';

export interface RateLimit {
  readonly perSecond: number;
  readonly burst: number;
}
export const BUCKETS_MAX = 4096;

export class RateLimiter {
  readonly #limit: RateLimit;
  readonly #buckets = new BoundedMap<string, { tokens: number; atMs: number }>(BUCKETS_MAX);

  constructor(limit: RateLimit) {
    this.#limit = limit;
  }

  /**
   * Takes `cost` tokens from a peer's bucket; takes nothing and returns false when there are too few.
   * @param reserved tokens that must be left
   */
  take(peer: string, cost: number, nowMs: number, reserved = 0): boolean {
    const { perSecond, burst } = this.#limit;
    const before = this.#buckets.get(peer) ?? { tokens: burst, atMs: nowMs };
    const earned = (Math.max(0, nowMs - before.atMs) / 1000) * perSecond;
    const tokens = Math.min(burst, before.tokens + earned);
    const enough = tokens >= cost + reserved;
    this.#buckets.set(peer, { tokens: enough ? tokens - cost : tokens, atMs: nowMs });
    return enough;
  }
}
