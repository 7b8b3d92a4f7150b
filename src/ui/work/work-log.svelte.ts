/** What became of the work since the page was opened: the rate it had, and the blocks that paid for it. */
import type { ChainApi, ClientApi, MinerStatus, WorkDay, WorkHour } from '../../client/api.ts';
import { equal } from '../../lib/bytes.ts';
import { noteBlocks, paidOf, SEAL_DEPTH, type OwnBlocks } from './pile.ts';
import { NO_RATES, noteRate, type RateLog } from './rate-log.ts';

export class WorkLog {
  rates = $state.raw<RateLog>(NO_RATES);
  own = $state.raw<OwnBlocks>(new Map());
  /** Work measured for accounts that were paid before this one. */
  before = $state.raw(0);
  /** What this device has worked, by day and model. */
  days = $state.raw<readonly WorkDay[]>([]);
  hours = $state.raw<readonly WorkHour[]>([]);
  /** Units that were completed before the miner's count began. */
  had = $state.raw(0);
  /** Units that blocks paid which were found before the page was opened. */
  #paidBefore = $state.raw(0);
  readonly #openedMs = Date.now();
  #turn = 0;

  /** Units that are paid, of all that this device completed. */
  get paid(): number {
    return Math.max(this.#paidBefore, paidOf(this.own));
  }

  /**
   * Reads what this device remembers of its work.
   * @param mine who is paid; undefined: nobody yet
   * @param count what the miner has counted, asked when the answer is here
   */
  async recall(
    client: Pick<ClientApi, 'worked' | 'header'>,
    mine: Uint8Array | undefined,
    count: () => number,
  ): Promise<void> {
    const { days, hours, found } = await client.worked();
    this.days = days;
    this.hours = hours;
    const all = days.reduce((sum, { units }) => sum + units, 0);
    this.had = Math.max(0, all - count());
    const turn = this.#turn;
    for (const { height, units } of found.toReversed()) {
      // Of those that the chain has kept, the last is enough.
      const header = mine && (await client.header(height));
      if (turn !== this.#turn) return;
      if (!header || !equal(header.miner, mine)) continue;
      this.#paidBefore = units;
      return;
    }
    this.#paidBefore = 0;
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
    const all = this.had + units;
    this.own = noteBlocks(this.own, headers, { mine, sinceMs: this.#openedMs, units: all });
  }

  /** Another account is paid from now on. */
  forget(): void {
    this.#turn++;
    this.own = new Map();
    this.#paidBefore = 0;
    this.before = this.rates.measuredMs;
  }
}
