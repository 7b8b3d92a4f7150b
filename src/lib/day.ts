/** Days of the device's own clock. */

const two = (n: number): string => String(n).padStart(2, '0');

/** Year, month and day: `2026-12-02`. @param timeMs ms since 1970 */
export function dayOf(timeMs: number): string {
  const date = new Date(timeMs);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** And the hour: `2026-12-02T18`. */
export const hourOf = (timeMs: number): string =>
  `${dayOf(timeMs)}T${two(new Date(timeMs).getHours())}`;

/** Eight in the morning of the next day, ms since 1970. */
export function morningAfter(timeMs: number): number {
  const date = new Date(timeMs);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + 1, 8).getTime();
}
