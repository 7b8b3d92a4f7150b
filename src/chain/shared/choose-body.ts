/** Choosing a new block's transactions: each is executed on the state that the block will meet. */
import { bodySize } from '../../core/tx/body.ts';
import { isFault } from '../../core/faults.ts';
import type { Body, SignedTx, Tx } from '../../core/formats.ts';
import { BODY_BYTES_MAX, BODY_TXS_MAX, type Params } from '../../core/params.ts';
import { beginBlock, executeTx, type ExecutionHeader } from '../../core/state.ts';
import type { StateContext } from '../../core/tx/state-tx.ts';
import type { Tree } from '../../core/tree/tree.ts';
import { KINDS } from '../../core/tx/kinds.ts';
import { txBytes } from '../../core/tx/tx.ts';

/**
 * Those of `candidates`, in order, that fit and are valid. A refused one is passed over. `tree` is
 * the state after the parent, whole or partial; empty when it lacks what every block must read.
 */
export function chooseBody(
  params: Params,
  context: StateContext,
  { tree, header }: { readonly tree: Tree; readonly header: ExecutionHeader },
  candidates: Iterable<SignedTx>,
): Body {
  const block = beginBlock(tree, header, params, context);
  if (isFault(block)) return [];
  const counts = new Map<Tx['type'], number>();
  const body: SignedTx[] = [];
  // Room for the count, whose encoding grows with it.
  let size = bodySize([]) + 1;
  for (const signed of candidates) {
    if (body.length === BODY_TXS_MAX) break;
    const { type } = signed.tx;
    const count = counts.get(type) ?? 0;
    const bytes = txBytes(signed).length;
    if (count === KINDS[type].perBlock || size + bytes > BODY_BYTES_MAX) continue;
    if (executeTx(block, signed)) continue;
    counts.set(type, count + 1);
    size += bytes;
    body.push(signed);
  }
  return body;
}
