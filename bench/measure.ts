/** Times of one thing, run several times. */

/**
 * Processor time of this thread, ms: what other programs do to the machine counts only as far as they
 * empty caches. For work of one thread that waits for nothing.
 */
export function cpuMs(): number {
  // Linux brings a thread's time up to date when it is asked for the process's; else it may be 4 ms old.
  process.cpuUsage();
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((x, y) => x - y);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}

/** Median processor time in ms of `times` runs, after one that warms up. */
export async function medianMs(times: number, run: (i: number) => unknown): Promise<number> {
  const all: number[] = [];
  for (let i = 0; i <= times; i++) {
    const start = cpuMs();
    await run(i);
    if (i) all.push(cpuMs() - start);
  }
  return median(all);
}
