/**
 * When a peer tells its record, and which records of others it passes on, so that the traffic of records does
 * not grow with the network. Each peer counts the authors that it hears, and tells the less often the more they
 * are: the whole network then tells two records in three seconds, and nobody passes on more than RELAY_RATE.
 * Pure: times and random numbers are arguments, so that a simulation runs the same policy.
 */
import { BoundedMap } from '../../lib/bounded.ts';
import { RateLimiter } from '../rate.ts';

/** ms between two announcements of a record in a small network. */
export const ANNOUNCE_MS = 15_000;
/** ms for each author heard: the network's records are so far apart on the whole. */
export const ANNOUNCE_EACH_MS = 1_500;
/** ms after which a record is stale in a small network; in a large one three announcements. */
export const RECORD_MS = 120_000;
/** Least ms between two announcements of one author in a small network; in a large one a quarter of its period. */
export const AGAIN_MS = 4_000;
/** Authors counted and remembered; in larger networks more records are told than are passed on. */
export const AUTHORS_MAX = 4096;
/**
 * Records passed on, whoever sent them. A copy of one is half a kilobyte, and four or five neighbours send one, so
 * that a peer receives some 2 KB a second (`npm run sim -- --peers 1000`).
 */
export const RELAY_RATE = { perSecond: 0.7, burst: 20 };
/** Tokens that are left to authors who were not passed on lately. */
const RESERVED = 10;
/** Records sent by one peer: it passes on no more, but may have another burst. */
export const RECORD_RATE = { perSecond: 2, burst: 40 };

interface Author {
  readonly heardMs: number;
  /** When its newest record was made, ms since 1970 of its clock. */
  readonly madeMs: number;
  /** −Infinity: never. */
  readonly relayedMs: number;
}

/** `relay`: used here and passed on; `hear`: used here only. */
export type RecordVerdict = 'relay' | 'hear' | 'drop';

export class RecordPolicy {
  /** From the one heard longest ago. */
  readonly #authors = new BoundedMap<string, Author>(AUTHORS_MAX);
  readonly #sent = new RateLimiter(RECORD_RATE);
  readonly #relay = new RateLimiter(RELAY_RATE);
  #toldMs = -Infinity;
  /** 0.75 to 1.25, so that peers who began together do not go on so. */
  #stretch = 1;

  /** Whether a peer may send another record; asked before its signature is checked. */
  mayCome(peer: string, nowMs: number): boolean {
    return this.#sent.take(peer, 1, nowMs);
  }

  /** A record with a good signature, made at `madeMs` by its author's clock. */
  judge(author: string, madeMs: number, nowMs: number): RecordVerdict {
    if (Math.abs(nowMs - madeMs) > this.recordMs(nowMs)) return 'drop';
    const known = this.#authors.get(author);
    if (known && madeMs <= known.madeMs) return 'drop';

    const relays = this.#relays(known?.relayedMs ?? -Infinity, nowMs);
    const relayedMs = relays ? nowMs : (known?.relayedMs ?? -Infinity);
    this.#authors.set(author, { heardMs: nowMs, madeMs, relayedMs });
    return relays ? 'relay' : 'hear';
  }

  /** Authors heard that are not stale: about the size of the network. */
  authors(nowMs: number): number {
    for (const [author, { heardMs }] of this.#authors) {
      if (nowMs - heardMs <= staleMs(this.#authors.size)) break;
      this.#authors.delete(author);
    }
    return this.#authors.size;
  }

  /** Age at which a record is stale. */
  recordMs(nowMs: number): number {
    return staleMs(this.authors(nowMs));
  }

  /** Mean ms between two announcements of the own record. */
  announceMs(nowMs: number): number {
    return Math.max(ANNOUNCE_MS, ANNOUNCE_EACH_MS * this.authors(nowMs));
  }

  /** Whether the own record is to be told again though nothing changed. */
  isDue(nowMs: number): boolean {
    return nowMs - this.#toldMs >= this.#stretch * this.announceMs(nowMs);
  }

  /** ms until the own record may be told because something changed. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#toldMs + this.#againMs(nowMs) - nowMs);
  }

  /** The own record was told. `random`: from 0 to 1. */
  told(nowMs: number, random: number): void {
    this.#toldMs = nowMs;
    this.#stretch = 0.75 + random / 2;
  }

  #againMs(nowMs: number): number {
    return Math.max(AGAIN_MS, this.announceMs(nowMs) / 4);
  }

  #relays(relayedMs: number, nowMs: number): boolean {
    const sinceMs = nowMs - relayedMs;
    // Half: the author may know fewer others than this peer does.
    if (sinceMs < this.#againMs(nowMs) / 2) return false;
    const isRecent = sinceMs < this.announceMs(nowMs) / 2;
    return this.#relay.take('', 1, nowMs, isRecent ? RESERVED : 0);
  }
}

const staleMs = (authors: number): number => Math.max(RECORD_MS, 3 * ANNOUNCE_EACH_MS * authors);
