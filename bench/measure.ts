/** Times of one thing, run several times. */

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((x, y) => x - y);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** Median ms of `times` runs, after one that warms up. */
export async function medianMs(times: number, run: (i: number) => unknown): Promise<number> {
  const all: number[] = [];
  for (let i = 0; i <= times; i++) {
    const start = performance.now();
    await run(i);
    if (i) all.push(performance.now() - start);
  }
  return median(all);
}
