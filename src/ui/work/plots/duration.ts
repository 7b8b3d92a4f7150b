/** Spans of time for people. Pure. */
const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
] as const;

/** In the largest unit of which there are two: `90 seconds`, `4 hours`; under ten with one decimal. */
export function formatDuration(ms: number, locale: string): string {
  const [unit, size] = UNITS.find(([, one]) => ms >= 2 * one) ?? UNITS[3];
  const value = ms / size;
  const options = { style: 'unit', unit, unitDisplay: 'long' } as const;
  const maximumFractionDigits = value < 10 ? 1 : 0;
  return new Intl.NumberFormat(locale, { ...options, maximumFractionDigits }).format(value);
}
