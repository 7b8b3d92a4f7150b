/** Days, hours and mornings while clocks are set forward and back, at two or at midnight. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const ZONES = [
  'UTC',
  'Europe/Rome',
  // Midnight is left out in September.
  'America/Santiago',
  'Asia/Kathmandu',
  'Pacific/Kiritimati',
];

/** Clocks are set within them. */
const SPANS = [
  ['2026-03-20', '2026-04-10'],
  ['2026-08-30', '2026-09-12'],
  ['2026-10-20', '2026-10-30'],
] as const;

interface Span {
  readonly days: readonly (readonly [timeMs: number, day: string, morningMs: number])[];
  readonly plotted: readonly number[];
  readonly income: readonly (readonly [day: string, blocks: number])[];
}

/** A process has one zone for its life. */
async function spanIn(zone: string, between: readonly string[]): Promise<Span> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [join(import.meta.dirname, 'zone-days.ts'), ...between],
    { env: { ...process.env, TZ: zone }, maxBuffer: 1 << 24 },
  );
  return JSON.parse(stdout) as Span;
}

/** By another way: day and clock as Intl writes them. */
function clockOf(zone: string): (timeMs: number) => string {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'short',
  });
  return (timeMs) => format.format(timeMs);
}

const nextDay = (day: string): string =>
  new Date(Date.parse(`${day}T12:00Z`) + 86_400_000).toISOString().slice(0, 10);

describe.each(ZONES)('in %s', (zone) => {
  it.each(SPANS)('a day goes from midnight to midnight: %s to %s', async (...between) => {
    const { days, plotted, income } = await spanIn(zone, between);
    const clock = clockOf(zone);
    const wrong = days.filter(
      ([timeMs, day, morningMs]) =>
        !clock(timeMs).startsWith(`${day} `) || clock(morningMs) !== `${nextDay(day)} 08:00`,
    );
    expect(wrong).toEqual([]);

    // Income of each day on that day: of 23 hours or of 25, none left out and none twice.
    const expected = new Map<string, number>();
    for (const [timeMs] of days) {
      const day = clock(timeMs).slice(0, 10);
      expected.set(day, (expected.get(day) ?? 0) + 1);
    }
    expect(income).toEqual([...expected]);

    // The hours of the plot are as many as went by: one that comes twice is not counted twice.
    expect(plotted).toEqual([48]);
  });
});
