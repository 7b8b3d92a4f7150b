/**
 * Penalties of peers: a sum per peer that fades slowly, and a ban when the sum reaches the limit. A peer id
 * is free to make, so this protects from broken and lazy peers and costs a hostile one a new handshake per
 * ban. It holds a bounded number of peers; the least recent makes room.
 */
import { BoundedMap } from '../lib/bounded.ts';

export const BAN_AT = 100;
export const BAN_MS = 10 * 60_000;
/** ms until one point is forgiven, in whole points, so that an honest peer's rare slips never add up. */
export const FORGIVE_MS = 12_000;
export const PENALTY_PEERS_MAX = 4096;

interface Entry {
  points: number;
  /** Time from which forgiving of the next point is counted, ms since 1970. */
  sinceMs: number;
  bannedUntilMs: number;
}

export class Penalties {
  readonly #peers = new BoundedMap<string, Entry>(PENALTY_PEERS_MAX);

  /** Adds points. @returns whether the peer is banned now */
  charge(peer: string, points: number, nowMs: number): boolean {
    const entry = this.#at(peer, nowMs);
    const total = entry.points + points;
    const bannedUntilMs = total >= BAN_AT && points > 0 ? nowMs + BAN_MS : entry.bannedUntilMs;
    this.#peers.set(peer, { ...entry, points: total, bannedUntilMs });
    return bannedUntilMs > nowMs;
  }

  points(peer: string, nowMs: number): number {
    return this.#at(peer, nowMs).points;
  }

  isBanned(peer: string, nowMs: number): boolean {
    return this.#at(peer, nowMs).bannedUntilMs > nowMs;
  }

  /** Peers banned now. */
  banned(nowMs: number): number {
    return [...this.#peers].filter(([, { bannedUntilMs }]) => bannedUntilMs > nowMs).length;
  }

  #at(peer: string, nowMs: number): Entry {
    const entry = this.#peers.get(peer);
    // After a ban has ended the sum starts from zero.
    if (!entry || (entry.bannedUntilMs && entry.bannedUntilMs <= nowMs))
      return { points: 0, sinceMs: nowMs, bannedUntilMs: 0 };
    const forgiven = Math.max(0, Math.floor((nowMs - entry.sinceMs) / FORGIVE_MS));
    if (forgiven >= entry.points) return { ...entry, points: 0, sinceMs: nowMs };
    const sinceMs = entry.sinceMs + forgiven * FORGIVE_MS;
    return { ...entry, points: entry.points - forgiven, sinceMs };
  }
}
