/** All coins there are: created by the rules, and held in the state. */
import { heldIn, issuedBy } from '../../chain/shared/totals.ts';
import { FAUCET_SUPPLY, type NetworkParams } from '../../core/params.ts';
import type { Tree } from '../../core/tree/tree.ts';
import type { Supply } from '../api.ts';

/** `state`: the whole tree after the block of that height. */
export function supplyOf(params: NetworkParams, height: number, state: Tree | undefined): Supply {
  const issued = issuedBy(height) + (params.faucet ? FAUCET_SUPPLY : 0n);
  if (!state) return { height, issued, held: undefined, burned: undefined, accounts: undefined };
  const { held, accounts } = heldIn(state, { ...params, height });
  return { height, issued, held, burned: issued - held, accounts };
}
