/** Work per second over the last units. */

/** Units over which a rate is measured: enough for a steady rate, few enough to follow a throttled device. */
const WINDOW = 16;

export class RateMeter {
  #spans: { fromMs: number; toMs: number; amount: number }[] = [];

  /** Adds a span of work. Of overlapping spans only the time after the last span's end counts. */
  add(fromMs: number, toMs: number, amount: number): void {
    const since = this.#spans.at(-1)?.toMs ?? -Infinity;
    this.#spans.push({ fromMs: Math.max(fromMs, since), toMs, amount });
    if (this.#spans.length > WINDOW) this.#spans.shift();
  }

  /** Amount per second from the first span's start to the last one's end; 0 without spans. */
  perSecond(): number {
    const first = this.#spans[0];
    if (!first) return 0;
    const ms = Math.max(1, this.#spans.at(-1)!.toMs - first.fromMs);
    return (1000 * this.#spans.reduce((sum, s) => sum + s.amount, 0)) / ms;
  }
}
