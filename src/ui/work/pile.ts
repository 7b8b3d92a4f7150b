import { hasErrorCodeForm, type ErrorCode } from '../../lib/error-codes.ts';
import type { Header } from '../../core/formats.ts';
import { equal } from '../../lib/bytes.ts';

/** How completed units lie in the drawing: a column of up to a dozen, the full dozens on the shelf. */
export const COLUMN = 12;
/** More would not be told apart; the number beside the drawing stays exact. */
export const SHELF_MAX = 24;
export const REJECTED_MAX = 5;

export interface PileShape {
  /** Pairs standing, 0..12: empty only before the first unit. */
  readonly standing: number;
  /** Of them, from below, those that are paid. */
  readonly sealed: number;
  /** Full columns put away. */
  readonly shelved: number;
  /** Of them those that are paid to the last unit. */
  readonly shelvedSealed: number;
  readonly rejected: number;
}

/** `paid`: units up to the one whose block is in the chain. */
export function pileOf(units: number, paid: number, rejected: number): PileShape {
  const shelved = units === 0 ? 0 : Math.floor((units - 1) / COLUMN);
  const standing = units - shelved * COLUMN;
  return {
    standing,
    sealed: Math.min(standing, Math.max(0, paid - shelved * COLUMN)),
    shelved: Math.min(shelved, SHELF_MAX),
    // The newest lines are shown when there are too many.
    shelvedSealed: Math.max(
      0,
      Math.min(shelved, Math.floor(paid / COLUMN)) - Math.max(0, shelved - SHELF_MAX),
    ),
    rejected: Math.min(rejected, REJECTED_MAX),
  };
}

/** Our blocks in the chain since the page was opened: height, and units completed when it was seen. */
export type OwnBlocks = ReadonlyMap<number, number>;
/** Newest headers that are read again with every head: deeper ones are not reorganised. */
export const SEAL_DEPTH = 64;

/**
 * With the newest headers read: those of `mine` since the page was opened are ours, and what a
 * reorganisation took out is ours no more.
 */
export function noteBlocks(
  known: OwnBlocks,
  headers: readonly Pick<Header, 'height' | 'miner' | 'time'>[],
  { mine, sinceMs, units }: { mine: Uint8Array; sinceMs: number; units: number },
): OwnBlocks {
  const first = headers[0]?.height ?? Infinity;
  const own = new Map([...known].filter(([height]) => height < first));
  for (const { height, miner, time } of headers)
    if (equal(miner, mine) && (time >= sinceMs || known.has(height)))
      own.set(height, known.get(height) ?? units);
  return own;
}

/** Units that are paid: up to the last of our blocks. */
export const paidOf = (own: OwnBlocks): number => Math.max(0, ...own.values());

/** Reasons of this kind tell that a device was set aside: no unit was lost. */
const DEVICE = 'gpu: ';

/** Work thrown away, by reason. */
export const thrownAway = (byReason: Readonly<Record<string, number>>): [string, number][] =>
  Object.entries(byReason).filter(([reason, n]) => n > 0 && !reason.startsWith(DEVICE));

export const countOf = (byReason: Readonly<Record<string, number>>): number =>
  thrownAway(byReason).reduce((sum, [, n]) => sum + n, 0);

/** Code of why the graphics card is not used. */
export function setAside(byReason: Readonly<Record<string, number>>): ErrorCode | undefined {
  const reason = Object.keys(byReason).findLast((one) => one.startsWith(DEVICE));
  if (reason === undefined) return undefined;
  const code = reason.slice(DEVICE.length);
  return hasErrorCodeForm(code) ? code : 'INTERNAL';
}
