/**
 * State trees that come in parts (docs/protocol.md §8.1): making proofs of a run of leaves, joining the
 * parts that several proofs of one root open, and finding the first gap.
 */
import { compare, equal } from '../../lib/bytes.ts';
import { assert } from '../../lib/errors.ts';
import { encode } from '../codec.ts';
import {
  branch,
  EMPTY_TREE,
  isWhole,
  keyBit,
  leaf,
  MissingNode,
  TreeProof,
  treeRoot,
  withBit,
  type ProofNode,
  type Tree,
  type TreeEntry,
} from './tree.ts';

/** The tree of leaves with distinct keys in ascending order. */
export const treeOf = (entries: readonly TreeEntry[]): Tree => grow(entries, 0, entries.length, 0);

function grow(entries: readonly TreeEntry[], from: number, to: number, depth: number): Tree {
  if (to === from) return EMPTY_TREE;
  if (to - from === 1) return leaf(entries[from]!.key, entries[from]!.value);
  let [low, high] = [from, to];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (keyBit(entries[middle]!.key, depth)) high = middle;
    else low = middle + 1;
  }
  return branch(grow(entries, from, low, depth + 1), grow(entries, low, to, depth + 1));
}

/** The tree with all leaves that either of two partial trees of one root opens. The caller compares the roots. */
export function treeMerge(a: Tree, b: Tree): Tree {
  assert(equal(treeRoot(a), treeRoot(b)), 'trees of different roots have nothing in common');
  return merge(a, b);
}

function merge(a: Tree, b: Tree): Tree {
  if (a === b || isWhole(a) || b.kind === 'stub') return a;
  // The hashes are equal, so where one tree has a branch the other has the same branch or a stub.
  if (a.kind !== 'branch' || b.kind !== 'branch') return b;
  const left = merge(a.left, b.left);
  const right = merge(a.right, b.right);
  if (left === a.left && right === a.right) return a;
  return { ...branch(left, right), hash: a.hash ?? b.hash };
}

/** Lowest key that the first unopened subtree may hold; undefined when the whole tree is opened. */
export function firstStub(tree: Tree): Uint8Array | undefined {
  if (isWhole(tree)) return undefined;
  let path: Uint8Array = new Uint8Array(32);
  let node = tree;
  for (let depth = 0; node.kind === 'branch'; depth++) {
    const toRight = isWhole(node.left);
    if (toRight) path = withBit(path, depth);
    node = toRight ? node.right : node.left;
  }
  return path;
}

interface Part {
  readonly nodes: ProofNode[];
  bytesLeft: number;
  leaves: number;
}

/**
 * Encoded proof that opens the leaves from key `from` on, in order: at least one leaf if there is one, then as
 * many as fit in about `bytesMax`, or up to the first stub. @throws MissingNode when a stub comes first
 */
export function proveFrom(tree: Tree, from: Uint8Array, bytesMax: number): Uint8Array {
  const part: Part = { nodes: [], bytesLeft: bytesMax, leaves: 0 };
  collectFrom(tree, from, 0, true, part);
  return encode(TreeProof, part.nodes);
}

/** `onPath`: the bits that lead to this node are those of `from`. @returns whether a leaf was opened */
// eslint-disable-next-line @typescript-eslint/max-params -- a walk over a tree of millions of nodes: no object for each
function collectFrom(
  node: Tree,
  from: Uint8Array,
  depth: number,
  onPath: boolean,
  part: Part,
): boolean {
  if (node.kind === 'empty') return cut(node, part);
  if (node.kind === 'stub') {
    if (!part.leaves) throw new MissingNode('the leaves begin behind a stub');
    part.bytesLeft = 0;
  }
  if (node.kind === 'stub' || (part.bytesLeft <= 0 && part.leaves)) return cut(node, part);
  if (node.kind === 'leaf') {
    if (onPath && compare(node.key, from) < 0) return cut(node, part);
    part.nodes.push({ type: 'leaf', key: node.key, value: node.value });
    part.bytesLeft -= LEAF_BYTES + node.value.length;
    part.leaves++;
    return true;
  }
  const start = part.nodes.length;
  part.nodes.push({ type: 'branch' });
  const skipsLeft = onPath && keyBit(from, depth) === 1;
  const left = skipsLeft
    ? cut(node.left, part)
    : collectFrom(node.left, from, depth + 1, onPath, part);
  const right = collectFrom(node.right, from, depth + 1, skipsLeft, part);
  if (left || right) {
    part.bytesLeft -= BRANCH_BYTES;
    return true;
  }
  // A branch without an opened leaf is written as a hash alone.
  part.nodes.length = start;
  return cut(node, part);
}

/** Bytes of a leaf in a proof beside its value: tag, key, length and the branch above it. */
const LEAF_BYTES = 37;
/**
 * What a branch counts for besides: it takes one byte and a hash. Keys that were chosen to share many bits have long
 * chains of them above, and an answer must stay below PROOF_NODES_MAX whatever lies in the state.
 */
const BRANCH_BYTES = 5;

function cut(node: Tree, part: Part): false {
  part.nodes.push(
    node.kind === 'empty' ? { type: 'empty' } : { type: 'stub', hash: treeRoot(node) },
  );
  return false;
}
