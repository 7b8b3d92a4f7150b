/** Credit of linears straight from docs/protocol.md §5.1, in fractions that are kept as they are. */

export interface Fraction {
  readonly above: bigint;
  readonly below: bigint;
}

/** @param sizes m, k, n of each linear */
export function naiveCredit(sizes: readonly (readonly [number, number, number])[]) {
  const work = sizes.map((size) => size.reduce((product, x) => product * BigInt(x), 1n));
  const sum = (values: readonly bigint[]): bigint => values.reduce((all, x) => all + x, 0n);
  const through = (count: number): bigint => sum(work.slice(0, count));
  const whole = through(work.length);
  const weighted = work.map((w, i) => w * through(i));
  const below = sum(weighted);
  return {
    credits: sizes.map(([, k], i) => (256n * BigInt(k) * through(i) * whole) / below),
    shares: sizes.map((_, i): Fraction => ({ above: sum(weighted.slice(0, i + 1)), below })),
  };
}
