/**
 * What is known of the states after the newest blocks. A state is a tree of which some leaves were
 * opened; what one opens, the states after it can open too.
 */
import { isFault } from '../../../core/faults.ts';
import type { ChainPoint } from '../../../core/header/header.ts';
import type { Executed } from '../../../core/state.ts';
import { treeMerge } from '../../../core/tree/tree-parts.ts';
import {
  isWhole,
  MissingNode,
  openedLeaves,
  proveKeys,
  treeFromProof,
  treeGet,
  treeRoot,
  treeUpdate,
  type Tree,
} from '../../../core/tree/tree.ts';
import { equal, toHex } from '../../../lib/bytes.ts';
import { assert } from '../../../lib/errors.ts';

/** States kept: those after the newest blocks. Trees share what they have in common. */
const STATES_KEPT = 160;

/** Leaves of a state that is held as a whole: 144 MB of heap in V8, 12 MB in 24 parts. */
export const STATE_LEAVES_MAX = 200_000;

/** What is known of the state after a block. */
export interface KnownState {
  readonly height: number;
  /** Id of the block's parent in hex. */
  readonly parent: string;
  /** With every leaf that was opened so far. */
  readonly tree: Tree;
  /** undefined when the block was not executed here: then the root is the one in its child's header. */
  readonly executed: Pick<Executed, 'changes' | 'touched'> | undefined;
}

/** States near these are kept. */
export interface Near {
  readonly head: ChainPoint;
  /** Height of the stored state, if there is one. */
  readonly base: number | undefined;
}

export class KnownStates {
  /** By block id in hex. */
  readonly #states = new Map<string, KnownState>();
  readonly #leavesMax: number;
  #isTooLarge = false;

  constructor(leavesMax: number) {
    this.#leavesMax = leavesMax;
  }

  /** The whole state was more than may be held: it is not to be asked for again. */
  get isTooLarge(): boolean {
    return this.#isTooLarge;
  }

  after(id: Uint8Array): KnownState | undefined {
    return this.#states.get(toHex(id));
  }

  get(idHex: string): KnownState | undefined {
    return this.#states.get(idHex);
  }

  /** Ids in hex of blocks whose following state is known whole, the highest first. */
  whole(): string[] {
    return [...this.#states]
      .filter(([, { tree }]) => isWhole(tree))
      .sort(([, a], [, b]) => b.height - a.height)
      .map(([idHex]) => idHex);
  }

  /** Remembers a state, joined with what was known of it, and what follows for the states after it. */
  keep(id: Uint8Array, state: KnownState, near: Near): void {
    const hex = toHex(id);
    const known = this.#states.get(hex);
    const isSame = known && equal(treeRoot(known.tree), treeRoot(state.tree));
    const tree = isSame ? treeMerge(state.tree, known.tree) : state.tree;
    this.#states.set(hex, { ...state, tree });

    this.#openSuccessors(hex);
    this.#bound(hex, near);
  }

  /** Remembers more of a state that is known; a tree with another root is left alone. */
  widen(idHex: string, tree: Tree): void {
    const known = this.#states.get(idHex);
    if (known && equal(treeRoot(known.tree), treeRoot(tree))) this.#setTree(idHex, tree);
  }

  #setTree(idHex: string, tree: Tree): void {
    this.#states.set(idHex, { ...this.#states.get(idHex)!, tree });
  }

  /** What a state opens its successors can open too: the block's changes made to it. */
  #openSuccessors(from: string): void {
    const rest = [from];
    for (let at = rest.pop(); at; at = rest.pop()) {
      const { tree } = this.#states.get(at)!;
      for (const [hex, next] of this.#states) {
        if (next.parent !== at || !next.executed || isWhole(next.tree)) continue;
        const after = treeAfter(tree, next.executed.changes);
        if (!after) continue;
        const merged = treeMerge(after, next.tree);
        const isMore = openedLeaves(merged) > openedLeaves(next.tree);
        this.#setTree(hex, merged);
        if (isMore) rest.push(hex);
      }
    }
  }

  #bound(newest: string, { head, base = Infinity }: Near): void {
    const lowest = head.header.height - STATES_KEPT;
    for (const [hex, state] of this.#states) {
      const { height } = state;
      const isNeeded = height > lowest || (height >= base && height <= base + STATES_KEPT);
      const isOver = this.#states.size > 4 * STATES_KEPT;
      if ((!isNeeded || isOver) && hex !== newest && hex !== toHex(head.id)) {
        this.#states.delete(hex);
      } else if (openedLeaves(state.tree) > this.#leavesMax) {
        this.#isTooLarge = true;
        this.#setTree(hex, cutToNeeded(state));
      }
    }
  }
}

/** undefined: the tree was cut since, for having too many leaves. */
function treeAfter(tree: Tree, changes: Executed['changes']): Tree | undefined {
  try {
    return treeUpdate(
      tree,
      changes.map(({ key, after }) => ({ key, value: after })),
    );
  } catch (e) {
    if (e instanceof MissingNode) return undefined;
    throw e;
  }
}

/**
 * What the block itself needs; the rest is asked for again when somebody wants it. Where the block
 * deleted a leaf, a stub may stand now.
 */
function cutToNeeded({ tree, executed }: KnownState): Tree {
  const needed = (executed?.touched ?? []).filter((key) => opens(tree, key));
  const cut = treeFromProof(proveKeys(tree, needed));
  assert(!isFault(cut), 'an own proof is one');
  return cut;
}

function opens(tree: Tree, key: Uint8Array): boolean {
  try {
    treeGet(tree, key);
    return true;
  } catch (e) {
    if (e instanceof MissingNode) return false;
    throw e;
  }
}
