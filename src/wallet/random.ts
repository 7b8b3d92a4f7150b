/** Fair choices from a source of random bytes. */
export interface RandomSource {
  getRandomValues<T extends ArrayBufferView<ArrayBuffer>>(array: T): T;
}

export const randomBytes = (source: RandomSource, size: number): Uint8Array<ArrayBuffer> =>
  source.getRandomValues(new Uint8Array(size));

/** A whole number in 0..limit−1, each equally likely; limit ≤ 2^32. */
export function randomBelow(source: RandomSource, limit: number): number {
  const fair = 2 ** 32 - (2 ** 32 % limit);
  for (;;) {
    const [value] = source.getRandomValues(new Uint32Array(1));
    if (value! < fair) return value! % limit;
  }
}

/** `count` different items of `items`, in random order. */
export function randomSample<T>(source: RandomSource, items: readonly T[], count: number): T[] {
  const chosen = new Set<number>();
  while (chosen.size < Math.min(count, items.length)) chosen.add(randomBelow(source, items.length));
  return [...chosen].map((i) => items[i]!);
}

/** A random order, by Fisher and Yates. */
export function shuffled<T>(source: RandomSource, items: readonly T[]): T[] {
  const out = [...items];
  for (let i = out.length - 1; i > 0; i--) {
    const j = randomBelow(source, i + 1);
    [out[i], out[j]] = [out[j]!, out[i]!];
  }
  return out;
}
