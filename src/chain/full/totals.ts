/** Sums over the main chain that no leaf holds. */
import type { ChainPoint } from '../../core/header/header.ts';
import type { Params } from '../../core/params.ts';
import type { Executed } from '../../core/state.ts';
import { assert } from '../../lib/errors.ts';
import { equal } from '../../lib/bytes.ts';
import { isAccount } from '../shared/totals.ts';
import { readUndo, type FullState } from './state.ts';
import type { Totals } from './records.ts';

/** At genesis: a faucet's account is the only leaf there may be. */
export const genesisTotals = (params: Params): Totals => ({
  accounts: params.faucet ? 1 : 0,
  burned: 0n,
});

export function nextTotals(executed: Executed, { accounts, burned }: Totals): Totals {
  for (const { before, after } of executed.changes)
    accounts += Number(isAccount(after)) - Number(isAccount(before));
  return { accounts, burned: burned + executed.burned };
}

/** Totals after a main-chain block of the window. */
export async function readTotals(state: FullState, point: ChainPoint): Promise<Totals> {
  if (equal(point.id, state.head.id)) return state.totals;
  if (point.header.height === 0) return genesisTotals(state.params);
  if (state.believed?.height === point.header.height) return state.believed.totals;
  const undo = await readUndo(state, point.id);
  assert(undo, 'a main-chain block of the window has its undo record');
  return undo.totals;
}
