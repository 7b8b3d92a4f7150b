/** What a full chain holds in memory, and the state trees of its newest blocks. */
import { decode } from '../../core/codec.ts';
import type { ChainPoint } from '../../core/header/header.ts';
import type { Params } from '../../core/params.ts';
import { treeUpdate, type Tree } from '../../core/tree/tree.ts';
import type { Models } from '../../core/tx/tx.ts';
import { toHex } from '../../lib/bytes.ts';
import type { HeaderIndex } from './header-index.ts';
import { recordKey, Undo, type Totals } from './records.ts';
import type { Store } from '../store/store.ts';

/** Trees kept: state proofs are given for this many blocks below the head. */
export const TREES_KEPT = 256;

export interface FullState {
  readonly store: Store;
  readonly params: Params;
  readonly models: Models;
  readonly index: HeaderIndex;
  /** State after a block, by its id in hex. Trees share what they have in common. */
  readonly trees: Map<string, { height: number; tree: Tree }>;
  head: ChainPoint;
  totals: Totals;
  /** Newest blocks that stay whole on disk; undefined: all. */
  readonly keepBlocks: number | undefined;
  /** Height of the oldest block that is whole. */
  pruned: number;
}

export function keepTree(s: FullState, point: ChainPoint, tree: Tree): void {
  const id = toHex(point.id);
  // Put last, also when it is there: the ones kept longest go first, and the head must not.
  s.trees.delete(id);
  s.trees.set(id, { height: point.header.height, tree });
}

/** Forgets the trees far below the head, and the oldest kept when branches make them too many. */
export function pruneTrees(s: FullState): void {
  const lowest = s.head.header.height - TREES_KEPT;
  for (const [id, { height }] of s.trees)
    if (height < lowest || s.trees.size > 2 * TREES_KEPT) s.trees.delete(id);
}

export const readUndo = async (s: FullState, id: Uint8Array): Promise<Undo | undefined> => {
  const data = await s.store.get(recordKey.undo(id));
  return data && decode(Undo, data);
};

/** The tree before a block, from the one after it. */
export const undoTree = (tree: Tree, undo: Undo): Tree =>
  treeUpdate(
    tree,
    undo.changes.map(({ key, before }) => ({ key, value: before ?? undefined })),
  );

/**
 * The state after a block: remembered, or undone from the next known one above it on the main
 * chain. undefined for a block of a branch that was never executed, or one below the window.
 */
export async function treeAfter(s: FullState, point: ChainPoint): Promise<Tree | undefined> {
  const above: ChainPoint[] = [];
  let at = point;
  let known = s.trees.get(toHex(at.id));
  while (!known) {
    if (!s.index.isMain(at)) return undefined;
    const next = s.index.mainAt(at.header.height + 1);
    if (!next) return undefined;
    above.push((at = next));
    known = s.trees.get(toHex(at.id));
  }
  let { tree } = known;
  for (const block of above.reverse()) {
    const undo = await readUndo(s, block.id);
    // Undone by a reorganisation while this one waited for the store.
    if (!undo) return undefined;
    tree = undoTree(tree, undo);
  }
  if (above.length) keepTree(s, point, tree);
  return tree;
}

/** The state after the head: always in memory. */
export const headTree = (s: FullState): Tree => s.trees.get(toHex(s.head.id))!.tree;
