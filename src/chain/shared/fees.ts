/**
 * What transactions pay. Policy, no rule: what a pool asks at least, how it ranks them, and what is proposed for a new
 * one by what waits. Fees are in nV.
 */
import type { SignedTx } from '../../core/formats.ts';
import { BODY_BYTES_MAX } from '../../core/params.ts';
import { txBytes } from '../../core/tx/tx.ts';

/** nV for each started FEE_BYTES, and for each leaf that is made. */
const FEE_STEP = 1_000n;
const FEE_BYTES = 256;
/** Per cent: a replacement must pay this much of the old fee, and the whole fees of those that fall with it. */
export const REPLACEMENT_PERCENT = 110n;

/** The least for which a transaction of so many bytes, which makes so many leaves of the state, is kept. */
export const feeMin = (bytes: number, leaves: number): bigint =>
  FEE_STEP * BigInt(Math.ceil(bytes / FEE_BYTES) + leaves);

/** What displaces a transaction of that fee. */
export const feeReplacing = (old: bigint): bigint => (old * REPLACEMENT_PERCENT + 99n) / 100n;

/** A fee for so many bytes: what a transaction brings for the room that it takes. */
export interface Rate {
  readonly fee: bigint;
  readonly bytes: number;
}

/** As for `sort`, the poorer first. Exact: by cross products, no quotient is rounded. */
export function compareRates(a: Rate, b: Rate): number {
  const [one, other] = [a.fee * BigInt(b.bytes), b.fee * BigInt(a.bytes)];
  return one < other ? -1 : one > other ? 1 : 0;
}

/** The size of what is to be sent, and the leaves that it may make. */
export interface FeeFor {
  readonly bytes: number;
  readonly leaves: number;
}

/** What wallets and nodes send: a payment without a memo, an opening, a close whose payee has no account yet. */
export const FEES_FOR = {
  transfer: { bytes: 162, leaves: 1 },
  channel: { bytes: 227, leaves: 2 },
  close: { bytes: 225, leaves: 1 },
} as const satisfies Record<SignedTx['tx']['type'], FeeFor>;

/** nV for a transaction, by how soon it should be in a block. */
export interface Fees {
  /** The least for which pools keep it. */
  readonly slow: bigint;
  /** In one of the next six blocks. */
  readonly normal: bigint;
  /** In the next block. */
  readonly fast: bigint;
}

/** Blocks whose room what waits may fill: as many as pools hold bytes, six, and one. */
const WITHIN = { slow: 128, normal: 6, fast: 1 } as const;

/**
 * Proposed by what waits, best first: where it leaves room in so many blocks, the least that pools take; else 10 % more
 * for its bytes than the first pays that finds no room.
 */
export function proposedFees(waiting: readonly SignedTx[], wanted: FeeFor): Fees {
  const least = feeMin(wanted.bytes, wanted.leaves);
  const within = (blocks: number): bigint => {
    let room = blocks * BODY_BYTES_MAX - wanted.bytes;
    let poorest: Rate | undefined;
    for (const signed of waiting) {
      const rate = { fee: signed.tx.fee, bytes: txBytes(signed).length };
      // One that follows a poorer one of its sender ranks no higher than that.
      if (!poorest || compareRates(rate, poorest) < 0) poorest = rate;
      room -= rate.bytes;
      if (room >= 0) continue;
      const over = (poorest.fee * BigInt(wanted.bytes)) / BigInt(poorest.bytes);
      const more = (over * REPLACEMENT_PERCENT) / 100n + 1n;
      return more > least ? more : least;
    }
    return least;
  };
  return { slow: within(WITHIN.slow), normal: within(WITHIN.normal), fast: within(WITHIN.fast) };
}
