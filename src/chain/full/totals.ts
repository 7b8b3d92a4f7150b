/** Sums over the main chain that no leaf holds: coins burned, accounts there are, coins issued. */
import { encode } from '../../core/codec.ts';
import { Account } from '../../core/formats.ts';
import type { ChainPoint } from '../../core/header/header.ts';
import { HALVING_BLOCKS, type Params } from '../../core/params.ts';
import { subsidyAt, type Executed } from '../../core/state.ts';
import { assert } from '../../lib/errors.ts';
import { equal } from '../../lib/bytes.ts';
import { readUndo, type FullState } from './state.ts';
import type { Totals } from './records.ts';

/** At genesis: a faucet's account is the only leaf there may be. */
export const genesisTotals = (params: Params): Totals => ({
  burned: 0n,
  accounts: params.faucet ? 1 : 0,
});

/** Of all leaves only an account's has this size, whatever it holds. */
const ACCOUNT_BYTES = encode(Account, {
  balance: 0n,
  nonce: 0,
  txCount: 0,
  lastTx: { height: 0, index: 0 },
}).length;
export const isAccount = (value: Uint8Array | undefined): boolean =>
  value?.length === ACCOUNT_BYTES;

export function nextTotals(executed: Executed, { burned, accounts }: Totals): Totals {
  for (const { before, after } of executed.changes)
    accounts += Number(isAccount(after)) - Number(isAccount(before));
  return { burned: burned + executed.burned, accounts };
}

/** Totals after a main-chain block of the window. */
export async function readTotals(s: FullState, point: ChainPoint): Promise<Totals> {
  if (equal(point.id, s.head.id)) return s.totals;
  if (point.header.height === 0) return genesisTotals(s.params);
  const undo = await readUndo(s, point.id);
  assert(undo, 'a main-chain block of the window has its undo record');
  return undo.totals;
}

/** nV created by blocks 1..height. */
export function issuedBy(height: number): bigint {
  let sum = 0n;
  for (let first = 1; first <= height; first += HALVING_BLOCKS) {
    const blocks = Math.min(HALVING_BLOCKS, height - first + 1);
    sum += BigInt(blocks) * subsidyAt(first);
  }
  return sum;
}
