/**
 * What peers did wrong: a sum of penalties per peer that fades slowly, and a ban when it reaches
 * the limit. A peer id is free to make, so this protects from broken and lazy peers, and makes a
 * hostile one pay a new handshake per ban; it holds a bounded number of peers, least recent out.
 */
export const BAN_AT = 100;
export const BAN_MS = 10 * 60_000;
/** Points forgiven per minute: an honest peer's rare slips never add up. */
export const FORGIVEN_PER_MINUTE = 5;
export const PENALTY_PEERS_MAX = 4096;

interface Entry {
  points: number;
  atMs: number;
  bannedUntilMs: number;
}

export class Penalties {
  readonly #peers = new Map<string, Entry>();

  /** Adds points; true when that bans the peer (also when it was banned already). */
  charge(peer: string, points: number, nowMs: number): boolean {
    if (points <= 0) return this.isBanned(peer, nowMs);
    const total = this.points(peer, nowMs) + points;
    const until = this.#peers.get(peer)?.bannedUntilMs ?? 0;
    const bannedUntilMs = total >= BAN_AT ? nowMs + BAN_MS : until;
    this.#peers.delete(peer);
    this.#peers.set(peer, { points: total, atMs: nowMs, bannedUntilMs });
    if (this.#peers.size > PENALTY_PEERS_MAX) this.#peers.delete(this.#peers.keys().next().value!);
    return bannedUntilMs > nowMs;
  }

  points(peer: string, nowMs: number): number {
    const entry = this.#peers.get(peer);
    if (!entry) return 0;
    // A ban that was served wipes the slate: the next slip is judged by itself.
    if (entry.bannedUntilMs && entry.bannedUntilMs <= nowMs) return 0;
    return Math.max(0, entry.points - ((nowMs - entry.atMs) / 60_000) * FORGIVEN_PER_MINUTE);
  }

  isBanned(peer: string, nowMs: number): boolean {
    return (this.#peers.get(peer)?.bannedUntilMs ?? 0) > nowMs;
  }
}
