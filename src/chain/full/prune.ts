/**
 * Dropping old blocks from a full chain's disk: bodies, proofs, back-links and transactions'
 * positions below the newest `keepBlocks`. Headers and the state stay. Without it nothing is dropped.
 */
import { decode, encode, u32 } from '../../core/codec.ts';
import { Body } from '../../core/formats.ts';
import { bodyOf } from '../../core/tx/body.ts';
import { txId } from '../../core/tx/tx.ts';
import type { Batch } from './commit.ts';
import type { FullState } from './state.ts';
import { closesIn } from '../shared/closes.ts';
import { recordKey, WINDOW } from './records.ts';
import { MainEntry } from '../store/records.ts';

/** Blocks dropped along with one import: who prunes late catches up over the next blocks. */
const PRUNED_AT_ONCE = 16;

/** Height of the oldest block that is still whole. */
export const readPruned = async (store: FullState['store']): Promise<number> => {
  const data = await store.get(recordKey.pruned);
  return data ? decode(u32, data) : 1;
};

/** Adds to the batch of a new head what is dropped with it. @returns the oldest block still whole */
export async function pruneBlocks(
  batch: Batch,
  state: FullState,
  headHeight: number,
): Promise<number> {
  if (state.keepBlocks === undefined) return state.pruned;
  // A reorganisation may need all blocks of the window.
  const lowest = headHeight - Math.max(state.keepBlocks, WINDOW + 1) + 1;
  const to = Math.min(lowest, state.pruned + PRUNED_AT_ONCE);
  if (to <= state.pruned) return state.pruned;
  for (let height = state.pruned; height < to; height++) {
    const entry = await state.store.get(recordKey.main(height));
    if (!entry) continue;
    const { id } = decode(MainEntry, entry);
    const body = await state.store.get(recordKey.body(id));
    const held = body ? decode(Body, body) : bodyOf();
    for (const { tx } of held.transactions)
      batch.set(recordKey.tx(txId(state.params.genesis.id, tx)), undefined);
    for (const { channel } of closesIn(height, held))
      batch.set(recordKey.closeOf(channel), undefined);
    for (const key of [recordKey.body, recordKey.proof, recordKey.links])
      batch.set(key(id), undefined);
  }
  batch.set(recordKey.pruned, encode(u32, to));
  return to;
}
