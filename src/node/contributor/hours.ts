/** Hours of the day in which a contributor works, by this computer's clock. Pure. */

/** Whole hours, 0 to 23: from the first to before the last, which may be of the next day. */
export interface Hours {
  readonly from: number;
  readonly to: number;
}

/** `22-6`; undefined: no hours. */
export function parseHours(text: string): Hours | undefined {
  const [, from, to] = /^(\d{1,2})-(\d{1,2})$/.exec(text) ?? [];
  if (from === undefined || to === undefined || Number(from) > 23 || Number(to) > 24)
    return undefined;
  const hours = { from: Number(from), to: Number(to) % 24 };
  return hours.from === hours.to ? undefined : hours;
}

function isIn({ from, to }: Hours, hour: number): boolean {
  return from < to ? from <= hour && hour < to : from <= hour || hour < to;
}

/** When it may work, ms since 1970: now, or at the next hour that is one of them. */
export function opensAt(hours: Hours, nowMs: number): number {
  const now = new Date(nowMs);
  if (isIn(hours, now.getHours())) return nowMs;
  const [year, month, day] = [now.getFullYear(), now.getMonth(), now.getDate()];
  const today = new Date(year, month, day, hours.from).getTime();
  return today > nowMs ? today : new Date(year, month, day + 1, hours.from).getTime();
}
