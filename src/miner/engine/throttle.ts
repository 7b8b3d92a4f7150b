/** Rests between units, so that work takes no more than a share of the time. */

/** ms between two units at most: a device that was slow once must not sleep for minutes. */
const REST_MS_MAX = 10_000;

export class Throttle {
  #duty = 1;
  #wake: (() => void) | undefined;
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Nothing runs until it is set anew. */
  get held(): boolean {
    return this.#duty === 0;
  }

  /** No rest between units. */
  get full(): boolean {
    return this.#duty === 1;
  }

  /** Share of the time, 0 to 1. Holds at once for who rests. */
  set(duty: number): void {
    this.#duty = Math.min(1, Math.max(0, duty)) || 0;
    this.wake();
  }

  /** Whoever rests looks again whether it still has to. */
  wake(): void {
    this.#wake?.();
  }

  /** After `workedMs` of work, until its share of the time is over or `ended` says so. */
  async rest(workedMs: number, ended: () => boolean): Promise<void> {
    const since = this.#nowMs();
    while (!ended()) {
      const whole = this.held ? Infinity : Math.min(REST_MS_MAX, workedMs / this.#duty - workedMs);
      const ms = whole - (this.#nowMs() - since);
      if (ms <= 0) return;
      await new Promise<void>((resolve) => {
        const timer = ms === Infinity ? undefined : setTimeout(resolve, ms);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
