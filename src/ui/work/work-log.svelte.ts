/** What became of the work since the page was opened: the rate it had, and the blocks that paid for it. */
import type { ChainApi, MinerStatus } from '../../client/api.ts';
import { noteBlocks, paidOf, SEAL_DEPTH, type OwnBlocks } from './pile.ts';
import { NO_RATES, noteRate, type RateLog } from './rate-log.ts';

export class WorkLog {
  rates = $state.raw<RateLog>(NO_RATES);
  own = $state.raw<OwnBlocks>(new Map());
  /** Work measured for accounts that were paid before this one. */
  before = $state.raw(0);
  readonly #openedMs = Date.now();
  #turn = 0;

  /** Units that are paid. */
  get paid(): number {
    return paidOf(this.own);
  }

  note(status: MinerStatus, onBattery = false): void {
    this.rates = noteRate(this.rates, status, Date.now(), onBattery);
  }

  /** With a new head at `height`: looks which of the newest blocks are ours. */
  async seal(
    chain: Pick<ChainApi, 'headers'>,
    height: number,
    mine: Uint8Array,
    units: number,
  ): Promise<void> {
    const turn = ++this.#turn;
    if (units === 0) return;
    // It adorns numbers that stand beside it: after a failure the next head asks again.
    const headers = await chain.headers(height, SEAL_DEPTH).catch(() => []);
    if (turn !== this.#turn || !headers.length) return;
    this.own = noteBlocks(this.own, headers, { mine, sinceMs: this.#openedMs, units });
  }

  /** Another account is paid from now on. */
  forget(): void {
    this.#turn++;
    this.own = new Map();
    this.before = this.rates.measuredMs;
  }
}
