/**
 * What a seed or a page gives of served models within an hour: of a seed no more than its operator allows, and to one
 * caller no more than half of that, so that nobody takes it from all others. All peers are one caller, whose ids cost
 * nothing. Time is an argument. What admitted models need is not counted: without them blocks cannot be checked.
 */
import { unavailable } from '../../chain/shared/answer.ts';
import { MODEL_SLICE_BYTES } from '../../core/messages.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { toHex } from '../../lib/bytes.ts';
import type { PackageStore } from './package-store.ts';

const MINUTE_MS = 60_000;
/** Minutes for which a minute's bytes count: at least an hour from the last of them. */
const MINUTES = 61;
/** Callers whose bytes are known: the one that asked longest ago begins anew. */
const CALLERS_MAX = 1024;
/** The caller that all peers are. */
const PEERS = 'peers';
/** Bytes an hour that a client gives its peers: some downloads, over a line that a person may pay for. */
export const CLIENT_GIVES_BYTES = 2 ** 29;

/** Bytes of the last hour, by minute. */
class Hour {
  /** By number of the minute, the oldest first. */
  readonly #minutes = new Map<number, number>();

  #forget(nowMs: number): void {
    const oldest = Math.floor(nowMs / MINUTE_MS) - MINUTES;
    for (const minute of this.#minutes.keys()) if (minute <= oldest) this.#minutes.delete(minute);
  }

  total(nowMs: number): number {
    this.#forget(nowMs);
    return [...this.#minutes.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  add(bytes: number, nowMs: number): void {
    const minute = Math.floor(nowMs / MINUTE_MS);
    this.#minutes.set(minute, (this.#minutes.get(minute) ?? 0) + bytes);
  }

  /** ms until at most `most` bytes count. */
  waitMs(most: number, nowMs: number): number {
    let total = this.total(nowMs);
    for (const [minute, bytes] of this.#minutes) {
      if (total <= most) break;
      total -= bytes;
      if (total <= most) return (minute + MINUTES) * MINUTE_MS - nowMs;
    }
    return 0;
  }
}

/** Bytes that were counted before they were sent. */
export interface TakenBytes {
  /** Counts `bytes` of them no more: they were not sent. */
  giveBack(bytes: number): void;
}

export class ServedBytes {
  readonly #max: number;
  readonly #ofCaller: number;
  readonly #all = new Hour();
  readonly #callers = new BoundedMap<string, Hour>(CALLERS_MAX);
  #given = 0;

  /**
   * @param max bytes an hour; 0: none
   * @param ofCaller of them to one caller
   */
  constructor(max: number, ofCaller = Math.floor(max / 2)) {
    this.#max = max;
    this.#ofCaller = ofCaller;
  }

  /** Whether anything is given at all. */
  get isOpen(): boolean {
    return this.#max > 0;
  }

  /** Bytes since the start. */
  get given(): number {
    return this.#given;
  }

  lastHour(nowMs: number): number {
    return this.#all.total(nowMs);
  }

  /**
   * Counts bytes that are about to be sent.
   * @returns ms after which the caller may ask for so many again, where that would be too many now
   */
  take(caller: string, bytes: number, nowMs: number): TakenBytes | number {
    const own = this.#callers.get(caller) ?? new Hour();
    // What can never be given is asked for again when the hour is over.
    if (bytes > this.#ofCaller) return MINUTES * MINUTE_MS;
    const waitMs = Math.max(
      this.#all.waitMs(this.#max - bytes, nowMs),
      own.waitMs(this.#ofCaller - bytes, nowMs),
    );
    if (waitMs) return waitMs;
    const count = (more: number): void => {
      own.add(more, nowMs);
      this.#all.add(more, nowMs);
      this.#given += more;
    };
    count(bytes);
    this.#callers.set(caller, own);
    return { giveBack: (unsent) => count(-unsent) };
  }
}

/** How peers are answered: what they get of served models is bound. */
export const partsForPeers = (
  packages: Pick<PackageStore, 'answer' | 'isServed'>,
  { bytes, nowMs }: { readonly bytes: ServedBytes; readonly nowMs: () => number },
): Pick<PackageStore, 'answer'> => ({
  async answer(request) {
    if (!packages.isServed(toHex(request.id))) return packages.answer(request);
    const taken = bytes.take(PEERS, MODEL_SLICE_BYTES, nowMs());
    if (typeof taken === 'number') return unavailable('no more of served models for now');
    const response = await packages.answer(request);
    taken.giveBack(MODEL_SLICE_BYTES - (response.type === 'model' ? response.bytes.length : 0));
    return response;
  },
});
