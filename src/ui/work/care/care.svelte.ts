/** The page's care for the computer: what it senses becomes the share of the time that the engine may work. */
import {
  POLICY_START,
  sense,
  verdictOf,
  type PolicyState,
  type Sensed,
  type Verdict,
} from '../../../client/mining/work-policy.ts';

/** Ticks, of a second, after which a visible page says it again: another tab may have spoken last. */
const REPEAT_TICKS = 5;

export class Care {
  verdict = $state.raw<Verdict>(verdictOf(POLICY_START, 0));
  /** Undefined where the browser does not say. */
  onBattery = $state.raw<boolean>();
  #state: PolicyState = POLICY_START;
  #ticks = 0;
  readonly #setDuty: (duty: number) => void;
  readonly #nowMs: () => number;

  constructor(setDuty: (duty: number) => void, nowMs: () => number = Date.now) {
    this.#setDuty = setDuty;
    this.#nowMs = nowMs;
  }

  /** No work for now. */
  get held(): boolean {
    return this.verdict.duty === 0;
  }

  note(sensed: Sensed): void {
    if (sensed.type === 'battery') this.onBattery = !sensed.charging;
    this.#state = sense(this.#state, sensed, this.#nowMs());
    this.#judge();
  }

  continueAnyway = (): void => this.note({ type: 'anyway' });

  /** Once a second: permissions run out. */
  tick(): void {
    this.#judge();
    if (++this.#ticks % REPEAT_TICKS === 0 && !this.#state.hidden) this.#setDuty(this.verdict.duty);
  }

  #judge(): void {
    const { duty, reason } = this.verdict;
    const next = verdictOf(this.#state, this.#nowMs());
    if (next.duty === duty && next.reason === reason) return;
    this.verdict = next;
    if (next.duty !== duty) this.#setDuty(next.duty);
  }
}
