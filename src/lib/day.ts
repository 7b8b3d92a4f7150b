/** Days of the device's own clock. */

const two = (n: number): string => String(n).padStart(2, '0');

/** Year, month and day: `2026-12-02`. @param timeMs ms since 1970 */
export function dayOf(timeMs: number): string {
  const date = new Date(timeMs);
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

export const HOUR_MS = 3_600_000;

/** And the hour: `2026-12-02T18`; `2026-10-25T02+` where clocks were set back, and it comes for the second time. */
export function hourOf(timeMs: number): string {
  const hour = new Date(timeMs).getHours();
  const again = new Date(timeMs - HOUR_MS).getHours() === hour ? '+' : '';
  return `${dayOf(timeMs)}T${two(hour)}${again}`;
}

/** Beginning of the hour, ms since 1970: setting the minutes of a date would take an hour's first time for its second. */
export function startOfHour(timeMs: number): number {
  const date = new Date(timeMs);
  return timeMs - date.getMinutes() * 60_000 - date.getSeconds() * 1000 - date.getMilliseconds();
}

/** Eight in the morning of the next day, ms since 1970. */
export function morningAfter(timeMs: number): number {
  const date = new Date(timeMs);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + 1, 8).getTime();
}
