/**
 * Difficulty Merkle mountain range over all blocks from genesis (docs/protocol.md §7): every header
 * commits to all earlier ones with their work, so that light sync can sample them by weight.
 */
import { u32, u256, encode } from '../codec.ts';
import { hash, ZERO_HASH } from '../hash.ts';

/** A subtree: the sum of its blocks' work is part of what its parent's hash covers. */
export interface MmrNode {
  readonly hash: Uint8Array;
  readonly work: bigint;
}

export interface Mmr {
  /** Blocks appended. */
  readonly count: number;
  /** Roots of the perfect subtrees, one per set bit of `count`, largest first. */
  readonly peaks: readonly MmrNode[];
}

export const EMPTY_MMR: Mmr = { count: 0, peaks: [] };

/** The leaf of one block; `work` is the work of its bits, 0 for genesis. */
export const mmrLeaf = (blockId: Uint8Array, work: bigint): MmrNode => ({
  hash: hash('mmr-leaf', blockId),
  work,
});

const join = (l: MmrNode, r: MmrNode): MmrNode => ({
  hash: hash('mmr-node', l.hash, encode(u256, l.work), r.hash, encode(u256, r.work)),
  work: l.work + r.work,
});

export function mmrAppend(mmr: Mmr, item: MmrNode): Mmr {
  const peaks = [...mmr.peaks];
  let node = item;
  // One merge per trailing one of the count, as in binary addition.
  for (let n = mmr.count; n % 2 === 1; n = (n - 1) / 2) node = join(peaks.pop()!, node);
  return { count: mmr.count + 1, peaks: [...peaks, node] };
}

/** Peaks bagged from the right, bound to the count; 32 zero bytes when empty. */
export function mmrRoot(mmr: Mmr): Uint8Array {
  const last = mmr.peaks.at(-1);
  if (!last) return ZERO_HASH;
  const top = mmr.peaks.slice(0, -1).reduceRight((acc, peak) => join(peak, acc), last);
  return hash('mmr-root', encode(u32, mmr.count), top.hash, encode(u256, top.work));
}
