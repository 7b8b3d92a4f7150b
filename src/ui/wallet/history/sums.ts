/** What lines of the history come to, by year and by day. Pure. */
import { dayOf } from '../../../lib/day.ts';
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

/** From the first day with income among the last `most` to the last such day, those without one too, oldest first. */
export function everyDay(days: readonly Sum[], most: number): Sum[] {
  const known = new Map(days.map((day) => [day.period, day]));
  const paid = days.filter(({ work }) => work > 0n).map(({ timeMs }) => timeMs);
  if (!paid.length) return [];
  const all: Sum[] = [];
  // At noon: a day may have 23 hours, or 25.
  const noon = new Date(Math.max(...paid));
  noon.setHours(12, 0, 0, 0);
  const first = dayOf(Math.min(...paid));
  for (let period = ''; period !== first && all.length < most; noon.setDate(noon.getDate() - 1)) {
    period = dayOf(noon.getTime());
    const none = { work: 0n, in: 0n, out: 0n, net: 0n, blocks: 0 };
    all.unshift(known.get(period) ?? { period, timeMs: noon.getTime(), ...none });
  }
  while (all.length && all[0]!.work === 0n) all.shift();
  return all;
}
