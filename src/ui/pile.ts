/** How completed units lie in the drawing: a column of up to a dozen, the full dozens on the shelf. */
export const COLUMN = 12;
/** More would not be told apart; the number beside the drawing stays exact. */
export const SHELF_MAX = 24;
export const REJECTED_MAX = 5;

export interface PileShape {
  /** Pairs standing, 0..12: empty only before the first unit. */
  readonly standing: number;
  /** Full columns put away. */
  readonly shelved: number;
  readonly rejected: number;
}

export function pileOf(units: number, rejected: number): PileShape {
  const shelved = units === 0 ? 0 : Math.floor((units - 1) / COLUMN);
  return {
    standing: units - shelved * COLUMN,
    shelved: Math.min(shelved, SHELF_MAX),
    rejected: Math.min(rejected, REJECTED_MAX),
  };
}

/** Reasons of this kind tell that a device was set aside: no unit was lost. */
const DEVICE = 'gpu: ';

/** Work thrown away, by reason. */
export const thrownAway = (byReason: Readonly<Record<string, number>>): [string, number][] =>
  Object.entries(byReason).filter(([reason, n]) => n > 0 && !reason.startsWith(DEVICE));

export const countOf = (byReason: Readonly<Record<string, number>>): number =>
  thrownAway(byReason).reduce((sum, [, n]) => sum + n, 0);

/** Code of why the graphics card is not used. */
export const setAside = (byReason: Readonly<Record<string, number>>): string | undefined =>
  Object.keys(byReason)
    .findLast((reason) => reason.startsWith(DEVICE))
    ?.slice(DEVICE.length);
