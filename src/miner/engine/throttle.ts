/** Rests between units, so that work takes no more than a given share of the time. */

/** Most ms between two units: a device that was slow once must not rest for minutes. */
const REST_MS_MAX = 10_000;

export class Throttle {
  #duty = 1;
  /** Wakes those who rest: units and answers may rest at once. */
  readonly #resting = new Set<() => void>();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Whether no unit may run until the share is set again. */
  get held(): boolean {
    return this.#duty === 0;
  }

  get duty(): number {
    return this.#duty;
  }

  /** Whether there is no rest between units. */
  get full(): boolean {
    return this.#duty === 1;
  }

  /** Sets the share of the time, 0 to 1. It applies at once, also to a rest that has begun. */
  set(duty: number): void {
    this.#duty = Math.min(1, Math.max(0, duty)) || 0;
    this.wake();
  }

  /** Makes resting callers check again whether they must rest. */
  wake(): void {
    for (const wake of [...this.#resting]) wake();
  }

  /** Rests after `workedMs` of work, until the share of the time is kept or `ended` returns true. */
  async rest(workedMs: number, ended: () => boolean): Promise<void> {
    const since = this.#nowMs();
    while (!ended()) {
      const whole = this.held ? Infinity : Math.min(REST_MS_MAX, workedMs / this.#duty - workedMs);
      const ms = whole - (this.#nowMs() - since);
      if (ms <= 0) return;
      await new Promise<void>((resolve) => {
        const timer = ms === Infinity ? undefined : setTimeout(() => wake(), ms);
        const wake = (): void => {
          clearTimeout(timer);
          this.#resting.delete(wake);
          resolve();
        };
        this.#resting.add(wake);
      });
    }
  }
}
