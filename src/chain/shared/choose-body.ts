/** Choosing a new block's transactions: each is executed on the state that the block will meet. */
import { bodyOf, bodySize } from '../../core/tx/body.ts';
import { isFault } from '../../core/faults.ts';
import type { Body, SignedTx } from '../../core/formats.ts';
import { BODY_BYTES_MAX, type Params } from '../../core/params.ts';
import { beginBlock, executeTx } from '../../core/state.ts';
import type { StateContext } from '../../core/tx/state-tx.ts';
import type { Tree } from '../../core/tree/tree.ts';
import { txBytes } from '../../core/tx/tx.ts';

/**
 * Those of `candidates`, in order, that fit and are valid. A refused one is passed over. `tree` is
 * the state after the parent, whole or partial; empty when it lacks what every block must read.
 */
export function chooseBody(
  params: Params,
  context: StateContext,
  { tree, height }: { readonly tree: Tree; readonly height: number },
  candidates: Iterable<SignedTx>,
): Body {
  const block = beginBlock(tree, height, params, context);
  if (isFault(block)) return bodyOf();
  const chosen: SignedTx[] = [];
  // Room for the count, whose encoding grows with it.
  let size = bodySize([]) + 1;
  for (const signed of candidates) {
    const bytes = txBytes(signed).length;
    if (size + bytes > BODY_BYTES_MAX || executeTx(block, signed)) continue;
    size += bytes;
    chosen.push(signed);
  }
  return bodyOf(chosen);
}
