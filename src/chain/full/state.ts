/** What a full chain holds in memory, and the state trees of its newest blocks. */
import { decode } from '../../core/codec.ts';
import type { ChainPoint } from '../../core/header/header.ts';
import type { Models } from '../../core/manifest.ts';
import type { NetworkRules, Params } from '../../core/params.ts';
import { treeUpdate, type Tree } from '../../core/tree/tree.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import { measuredAt, measureHead, type HeadMeasure } from '../shared/branch-tip.ts';
import type { HeaderIndex } from './header-index.ts';
import { SideBlocks } from './rooms.ts';
import { recordKey, Undo, type Believed, type Totals } from './records.ts';
import { MainEntry } from '../store/records.ts';
import type { Store } from '../store/store.ts';

/** Trees kept: state proofs are given for this many blocks below the head. */
export const TREES_KEPT = 256;

/** What a full chain is opened with. */
export interface FullDeps {
  readonly store: Store;
  readonly params: NetworkRules;
  readonly models: Models;
  /** How many of the newest blocks keep body and proof on disk; undefined: all. */
  readonly keepBlocks: number | undefined;
  /** The block whose state was believed; undefined: all of the chain was executed here. */
  readonly believed?: Believed | undefined;
}

/** What changes when the main chain gets a new end. */
interface Head {
  readonly head: ChainPoint;
  readonly totals: Totals;
  /** Height of the oldest block that is whole. */
  readonly pruned: number;
}

export class FullState {
  readonly store: Store;
  readonly params: Params;
  readonly models: Models;
  readonly keepBlocks: number | undefined;
  readonly believed: Believed | undefined;
  readonly index: HeaderIndex;
  readonly sides = new SideBlocks();
  /** State after a block, by its id in hex. Trees share what they have in common. */
  readonly trees = new Map<string, { height: number; tree: Tree }>();
  #head: Head;

  constructor(deps: FullDeps & { readonly params: Params }, index: HeaderIndex, head: Head) {
    const { store, params, models, keepBlocks, believed } = deps;
    this.store = store;
    this.params = params;
    this.models = models;
    this.keepBlocks = keepBlocks;
    this.believed = believed;
    this.index = index;
    this.#head = head;
  }

  get head(): ChainPoint {
    return this.#head.head;
  }

  /** How branches are measured by the head. */
  get measure(): HeadMeasure {
    const { params, head, index } = this;
    const { deep, floor } = measuredAt(head.header);
    const totalAt = (height: number) => index.mainAt(height)!.header.totalWork;
    return measureHead(params, head, { deep: totalAt(deep), floor: totalAt(floor) });
  }

  get totals(): Totals {
    return this.#head.totals;
  }

  get pruned(): number {
    return this.#head.pruned;
  }

  /** Whether a branch that leaves the main chain after the block of that height can take its place. */
  canUndoTo(height: number): boolean {
    return height >= (this.believed?.height ?? 0);
  }

  moveTo(head: Head): void {
    this.#head = head;
  }
}

export function keepTree(state: FullState, point: ChainPoint, tree: Tree): void {
  const id = toHex(point.id);
  // Put last, also when it is there: the ones kept longest go first, and the head must not.
  state.trees.delete(id);
  state.trees.set(id, { height: point.header.height, tree });
}

/** Forgets the trees far below the head, and the oldest kept when branches make them too many. */
export function pruneTrees(state: FullState): void {
  const lowest = state.head.header.height - TREES_KEPT;
  for (const [id, { height }] of state.trees)
    if (height < lowest || state.trees.size > 2 * TREES_KEPT) state.trees.delete(id);
}

export const readUndo = async (
  { store }: Pick<FullDeps, 'store'>,
  id: Uint8Array,
): Promise<Undo | undefined> => {
  const data = await store.get(recordKey.undo(id));
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
export async function treeAfter(state: FullState, point: ChainPoint): Promise<Tree | undefined> {
  const above: ChainPoint[] = [];
  let at = point;
  let known = state.trees.get(toHex(at.id));
  while (!known) {
    if (!state.index.isMain(at)) return undefined;
    const next = state.index.mainAt(at.header.height + 1);
    if (!next) return undefined;
    above.push((at = next));
    known = state.trees.get(toHex(at.id));
  }
  let { tree } = known;
  for (const block of above.reverse()) {
    const undo = await readUndo(state, block.id);
    // Undone by a reorganisation while this one waited for the store.
    if (!undo) return undefined;
    tree = undoTree(tree, undo);
  }
  if (above.length) keepTree(state, point, tree);
  return tree;
}

/** The state after the head: always in memory. */
export const headTree = (state: FullState): Tree => state.trees.get(toHex(state.head.id))!.tree;

/** Whether that block is the main chain's of that height, however deep. */
export async function isMainAt(
  { store }: Pick<FullState, 'store'>,
  height: number,
  id: Uint8Array,
): Promise<boolean> {
  const data = await store.get(recordKey.main(height));
  return data !== undefined && equal(decode(MainEntry, data).id, id);
}
