/**
 * The time for which this device may work on blocks that it has not checked in full, while a model is on its way. It
 * is written to the store before it is used: a page that is loaded again and again has no more of it.
 */
import type { Store } from '../../chain/store/store.ts';
import { encode, hash32, struct, tryDecode, u32 } from '../../core/codec.ts';
import { equal } from '../../lib/bytes.ts';

/** Long enough for 64 MB at 1 Mbit/s; the blocks of a forger are worth nothing after it. */
export const UNCHECKED_MS_MAX = 10 * 60_000;
/** ms that are written at a time: what a reload loses of them at most. */
export const UNCHECKED_STEP_MS = 15_000;

/** ms after which whoever works is to ask again: heads and templates may be rarer than what is written lasts. */
const ASKED_MS = UNCHECKED_STEP_MS / 3;

const KEY = 'mining/unchecked';
const Spent = struct({ genesis: hash32, ms: u32, from: u32 });

export interface UncheckedTimeDeps {
  readonly store: Pick<Store, 'get' | 'batch'>;
  readonly genesisId: Uint8Array;
  /** ms since some moment; never set back. */
  readonly steadyMs: () => number;
}

export class UncheckedTime {
  readonly #deps: UncheckedTimeDeps;
  #usedMs = 0;
  /** Of these, the part that the store says is gone. */
  #writtenMs = 0;
  #from: number | undefined;
  /** The `from` that the store knows. */
  #writtenFrom = Infinity;
  /** When the time that runs began to count; undefined while none does. */
  #sinceMs: number | undefined;
  /** What is being written holds only for the same number here. */
  #round = 0;
  #isWriting = false;
  #asking: ReturnType<typeof setTimeout> | undefined;
  /** Told when it is to be asked again: there is time that was not there, or it goes by. */
  onDue: () => void = () => undefined;

  private constructor(deps: UncheckedTimeDeps) {
    this.#deps = deps;
  }

  static async open(deps: UncheckedTimeDeps): Promise<UncheckedTime> {
    const time = new UncheckedTime(deps);
    const bytes = await deps.store.get(KEY);
    const spent = bytes && tryDecode(Spent, bytes);
    if (spent?.ms && equal(spent.genesis, deps.genesisId)) {
      time.#usedMs = time.#writtenMs = spent.ms;
      time.#from = time.#writtenFrom = spent.from;
    }
    return time;
  }

  /** Height of the lowest block that was built on unchecked, until all of them are checked. */
  get from(): number | undefined {
    return this.#from;
  }

  get leftMs(): number {
    this.#count();
    return Math.max(0, UNCHECKED_MS_MAX - this.#usedMs);
  }

  /**
   * Somebody wants to work on blocks of which those from this height on are not checked; to be asked again whenever
   * `onDue` says so.
   * @param isWorking whether time goes by in it
   * @returns whether that is allowed for now
   */
  take(from: number, isWorking: boolean): boolean {
    this.stop();
    if (this.#usedMs >= UNCHECKED_MS_MAX) return false;
    this.#from = Math.min(this.#from ?? from, from);
    const isOwed = this.#from >= this.#writtenFrom;
    if (!isOwed || this.#usedMs + UNCHECKED_STEP_MS / 2 > this.#writtenMs) this.#writeMore();
    if (!isOwed || this.#usedMs >= this.#writtenMs) return false;
    if (isWorking) this.#sinceMs = this.#deps.steadyMs();
    const againMs = Math.min(ASKED_MS, UNCHECKED_MS_MAX - this.#usedMs);
    this.#asking = setTimeout(() => this.onDue(), againMs);
    return true;
  }

  /** Nothing is worked on now that is not checked. */
  stop(): void {
    this.#count();
    this.#sinceMs = undefined;
    clearTimeout(this.#asking);
  }

  /** All blocks below the head were checked. */
  giveBack(): void {
    this.stop();
    this.#usedMs = 0;
    this.#from = undefined;
    this.#round++;
    if (!this.#writtenMs && !this.#isWriting) return;
    this.#writtenMs = 0;
    this.#writtenFrom = Infinity;
    void this.#write(0, 0).catch(() => undefined);
  }

  #count(): void {
    if (this.#sinceMs === undefined) return;
    const nowMs = this.#deps.steadyMs();
    this.#usedMs += nowMs - this.#sinceMs;
    this.#sinceMs = nowMs;
  }

  #writeMore(): void {
    if (this.#isWriting) return;
    this.#isWriting = true;
    const round = this.#round;
    const ms = Math.min(UNCHECKED_MS_MAX, Math.ceil(this.#usedMs) + UNCHECKED_STEP_MS);
    const from = this.#from ?? 0;
    this.#write(ms, from)
      .then(() => {
        this.#isWriting = false;
        if (round === this.#round) {
          this.#writtenMs = ms;
          this.#writtenFrom = from;
        }
        this.onDue();
      })
      // What is not written is not there; whoever asks next tries again.
      .catch(() => (this.#isWriting = false));
  }

  #write(ms: number, from: number): Promise<void> {
    const { store, genesisId } = this.#deps;
    return store.batch(
      [{ key: KEY, value: encode(Spent, { genesis: genesisId, ms, from }) }],
      true,
    );
  }
}
