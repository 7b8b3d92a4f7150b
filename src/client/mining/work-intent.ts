/**
 * Whether this device is to work, and from when: a start may lie ahead, which is a pause for a time. It is kept in the
 * store, so that a page that was loaded anew may go on with what the one before was to do.
 */
import type { Store } from '../../chain/store/store.ts';
import { encode, struct, tryDecode, u48 } from '../../core/codec.ts';
import { AppError } from '../../lib/errors.ts';
import type { Emitter } from '../../lib/events.ts';
import type { MiningApi, MiningOptions } from '../api.ts';
import type { PeerEvents } from '../peer-events.ts';
import type { MinerWorker } from './miner-worker.ts';

/** ms that a start may lie ahead: whoever pauses for longer starts again. */
export const AHEAD_MS_MAX = 7 * 86_400_000;
/** ms between two looks at the clock: the time that a computer sleeps is none to a timer. */
export const LOOK_MS = 15_000;

const KEY = 'mining/intent';
const Kept = struct({ fromMs: u48 });

type Acts = Pick<MiningApi, 'startMining' | 'pauseMining' | 'finishMining'>;

export interface WorkIntentDeps {
  readonly store: Pick<Store, 'get' | 'batch'>;
  readonly worker: Pick<MinerWorker, 'waitUntil'>;
  readonly events: Emitter<PeerEvents>;
  readonly nowMs: () => number;
}

export class WorkIntent {
  readonly #deps: WorkIntentDeps;
  /** What the last run of this program was to do when it ended, until this one is told anything. */
  #left: { readonly fromMs: number } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Of the last start or stop: what an earlier one still waits for is no longer wanted. */
  #turn = 0;

  private constructor(deps: WorkIntentDeps) {
    this.#deps = deps;
    deps.events.on('report', (event) => {
      if (event.type === 'miner' && event.status.state === 'failed') void this.#keep(undefined);
    });
  }

  static async open(deps: WorkIntentDeps): Promise<WorkIntent> {
    const intent = new WorkIntent(deps);
    const bytes = await deps.store.get(KEY);
    intent.#left = bytes && tryDecode(Kept, bytes);
    return intent;
  }

  /** The acts of a client, remembered, and a start at its time. */
  over(acts: Acts): Acts & Pick<MiningApi, 'takeIntent'> {
    return {
      startMining: (options) => this.#start(acts, options),
      pauseMining: () => this.#stop(acts.pauseMining),
      finishMining: () => this.#stop(acts.finishMining),
      takeIntent: async () => {
        const left = this.#left;
        if (left) await this.#keep(undefined);
        return left;
      },
    };
  }

  /** Of the timer alone: what is wanted stays, for the next run. */
  end(): void {
    this.#turn++;
    clearTimeout(this.#timer);
  }

  async #start(acts: Acts, { fromMs: asked = 0, ...options }: MiningOptions): Promise<void> {
    const { nowMs, worker } = this.#deps;
    this.end();
    const turn = this.#turn;
    const fromMs = Math.min(asked, nowMs() + AHEAD_MS_MAX);
    void this.#keep({ fromMs });
    if (fromMs > nowMs()) {
      await acts.pauseMining();
      if (turn === this.#turn) this.#startAt(fromMs, () => this.#start(acts, options));
      return;
    }
    worker.waitUntil(undefined);
    try {
      await acts.startMining(options);
    } catch (e) {
      if (turn === this.#turn) await this.#keep(undefined);
      throw e;
    }
  }

  async #stop(act: () => Promise<void>): Promise<void> {
    this.end();
    const kept = this.#keep(undefined);
    this.#deps.worker.waitUntil(undefined);
    await act();
    // A pause that is told holds after a reload, too.
    await kept;
  }

  #startAt(fromMs: number, start: () => Promise<void>): void {
    const { nowMs, worker } = this.#deps;
    worker.waitUntil(fromMs);
    const look = (): void => {
      const leftMs = fromMs - nowMs();
      if (leftMs > 0) this.#timer = setTimeout(look, Math.min(leftMs, LOOK_MS));
      else start().catch(this.#report);
    };
    look();
  }

  async #keep(wanted: { readonly fromMs: number } | undefined): Promise<void> {
    this.#left = undefined;
    const value = wanted && encode(Kept, wanted);
    // Work that is not remembered is no reason not to do it.
    await this.#deps.store.batch([{ key: KEY, value }]).catch(() => undefined);
  }

  readonly #report = (e: unknown): void => {
    const { code, message } = AppError.from(e);
    this.#deps.events.emit('report', { type: 'problem', code, message });
  };
}
