/** What lines of the history come to, by year and by day. Pure. */
import type { LedgerLine } from './ledger.ts';

/** What a filter of the history shows. */
export type Filter = 'all' | 'payments' | 'work';

/** Earned by this account's work: blocks, and answers for others. */
export const isWork = ({ kind }: Pick<LedgerLine, 'kind'>): boolean =>
  kind === 'block' || kind === 'close';

export const passes = (filter: Filter, line: LedgerLine): boolean =>
  filter === 'all' || (filter === 'work') === isWork(line);

/** nV; `net` is the sum of all. */
export interface Sum {
  /** Year, or year, month and day, of the person's clock. */
  readonly period: string;
  /** ms of one of its lines. */
  readonly timeMs: number;
  readonly work: bigint;
  readonly in: bigint;
  readonly out: bigint;
  readonly net: bigint;
  readonly blocks: number;
}

export const yearOf = (timeMs: number): string => String(new Date(timeMs).getFullYear());

/** In the order of the lines. */
export function sumsBy(lines: readonly LedgerLine[], periodOf: (timeMs: number) => string): Sum[] {
  const sums = new Map<string, Sum>();
  for (const line of lines) {
    const period = periodOf(line.timeMs);
    const none = { period, timeMs: line.timeMs, work: 0n, in: 0n, out: 0n, net: 0n, blocks: 0 };
    const sum = sums.get(period) ?? none;
    const amount = line.amount ?? 0n;
    const isEarned = isWork(line);
    sums.set(period, {
      ...sum,
      work: sum.work + (isEarned ? amount : 0n),
      in: sum.in + (!isEarned && amount > 0n ? amount : 0n),
      out: sum.out + (amount < 0n ? amount : 0n),
      net: sum.net + amount,
      blocks: sum.blocks + (line.kind === 'block' ? 1 : 0),
    });
  }
  return [...sums.values()];
}
