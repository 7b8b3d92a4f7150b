/** A program: what a span of days comes to in the time zone of TZ, as JSON on one line. Run by day.test.ts. */
import { dayOf, hourOf, morningAfter } from '../../src/lib/day.ts';
import { everyDay, sumsBy } from '../../src/ui/wallet/history/sums.ts';
import type { LedgerLine } from '../../src/ui/wallet/history/ledger.ts';
import { lastHours } from '../../src/ui/work/series.ts';

const HALF_HOUR_MS = 1_800_000;
const HOURS = 24;
const [from = 0, to = 0] = process.argv.slice(2).map((day) => Date.parse(day));
const times = Array.from({ length: (to - from) / HALF_HOUR_MS }, (_, i) => from + i * HALF_HOUR_MS);

/** Work in every half of an hour. */
const units = new Map<string, number>();
for (const timeMs of times) units.set(hourOf(timeMs), (units.get(hourOf(timeMs)) ?? 0) + 1);
const counted = [...units].map(([hour, done]) => ({ hour, units: done }));
/** Of each hour in its middle: units of a day's hours. */
const plotted = times
  .slice(2 * HOURS + 2, -2)
  .filter((_, i) => i % 2)
  .map((nowMs) => lastHours(counted, nowMs, HOURS).reduce((sum, hour) => sum + hour.units, 0));

const lines = times.map((timeMs) => ({ timeMs, kind: 'block', amount: 1n }) as LedgerLine);
const income = everyDay(sumsBy(lines, dayOf), 400).map(({ period, work }) => [
  period,
  Number(work),
]);

console.log(
  JSON.stringify({
    days: times.map((timeMs) => [timeMs, dayOf(timeMs), morningAfter(timeMs)]),
    plotted: [...new Set(plotted)],
    income,
  }),
);
