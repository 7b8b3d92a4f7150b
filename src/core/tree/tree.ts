/**
 * The state tree: a binary, path-compressed sparse Merkle tree (docs/protocol.md §8.1). Nodes are
 * immutable and shared, so that a set costs its depth and every old root stays a tree. A partial
 * tree, made from a proof, has stubs in the places that the proof does not open.
 */
import { equal } from '../../lib/bytes.ts';
import {
  blob,
  CodecError,
  hash32,
  list,
  encode,
  struct,
  tryDecode,
  union,
  type Codec,
  type Value,
} from '../codec.ts';
import { fault, type Fault } from '../faults.ts';
import { contextKey, hash, ZERO_HASH } from '../hash.ts';
import { derivedPair } from '../pow/blake3.ts';

interface Leaf {
  readonly kind: 'leaf';
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  hash: Uint8Array | undefined;
}
export interface Branch {
  readonly kind: 'branch';
  readonly left: Tree;
  readonly right: Tree;
  /** Leaves below that are opened. */
  readonly leaves: number;
  /** No stub is below. */
  readonly isWhole: boolean;
  hash: Uint8Array | undefined;
}
interface Stub {
  readonly kind: 'stub';
  readonly hash: Uint8Array;
}
export type Tree = { readonly kind: 'empty' } | Stub | Leaf | Branch;

export const EMPTY_TREE: Tree = { kind: 'empty' };
/** Bits of a key: no branch lies deeper. */
const TREE_DEPTH_MAX = 256;
/** Thrown when a partial tree does not hold the node that is needed. */
export class MissingNode extends Error {
  override readonly name = 'MissingNode';
}

export const leaf = (key: Uint8Array, value: Uint8Array): Tree => ({
  kind: 'leaf',
  key,
  value,
  hash: undefined,
});
const stub = (nodeHash: Uint8Array): Tree => ({ kind: 'stub', hash: nodeHash });
export const branch = (left: Tree, right: Tree): Branch => ({
  kind: 'branch',
  left,
  right,
  leaves: openedLeaves(left) + openedLeaves(right),
  isWhole: isWhole(left) && isWhole(right),
  hash: undefined,
});

/** Leaves of the tree that are opened. */
export const openedLeaves = (tree: Tree): number =>
  tree.kind === 'branch' ? tree.leaves : Number(tree.kind === 'leaf');

/** Whether the tree has no stub. */
export const isWhole = (tree: Tree): boolean =>
  tree.kind === 'branch' ? tree.isWhole : tree.kind !== 'stub';

/** Bit of a key at a depth, the most significant of byte 0 first. */
export const keyBit = (key: Uint8Array, depth: number): number =>
  (key[depth >> 3]! >> (7 - (depth & 7))) & 1;

/** Whether the subtree is one leaf; for a stub a bit of its hash says so. */
const isLeaf = (node: Tree): boolean =>
  node.kind === 'leaf' || (node.kind === 'stub' && (node.hash[31]! & 1) === 0);

/** Value of a key, or undefined when it is not in the tree. @throws MissingNode */
export function treeGet(tree: Tree, key: Uint8Array): Uint8Array | undefined {
  let node = tree;
  for (let depth = 0; node.kind === 'branch'; depth++)
    node = keyBit(key, depth) ? node.right : node.left;
  if (node.kind === 'stub') throw new MissingNode('the value lies behind a stub');
  return node.kind === 'leaf' && equal(node.key, key) ? node.value : undefined;
}

/** Whether the key is known to have no leaf: not where the tree is not known there. */
export function lacksLeaf(tree: Tree | undefined, key: Uint8Array): boolean {
  try {
    return tree !== undefined && treeGet(tree, key) === undefined;
  } catch (e) {
    if (e instanceof MissingNode) return false;
    throw e;
  }
}

/**
 * The tree with that value at that key; undefined deletes. @throws MissingNode
 *
 * Several changes of a partial tree go through `treeUpdate`: a deletion can move an unopened leaf up
 * into the way of the next change.
 */
export const treeSet = (tree: Tree, key: Uint8Array, value: Uint8Array | undefined): Tree =>
  value === undefined ? remove(tree, key, 0) : put(tree, key, value, 0);

export interface TreeEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export interface TreeChange {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
}

/** Makes changes of distinct keys, in an order for which a proof of these keys suffices. @throws MissingNode */
export function treeUpdate(tree: Tree, changes: readonly TreeChange[]): Tree {
  const puts = changes.filter((c) => c.value !== undefined);
  // Deletions of absent keys are left out: after another deletion an unopened leaf may stand in their way.
  const removals = changes.filter((c) => c.value === undefined && treeGet(tree, c.key));
  return [...puts, ...removals].reduce((t, c) => treeSet(t, c.key, c.value), tree);
}

function put(node: Tree, key: Uint8Array, value: Uint8Array, depth: number): Tree {
  if (node.kind === 'empty') return leaf(key, value);
  if (node.kind === 'stub') throw new MissingNode('an insertion meets a stub');
  if (node.kind === 'leaf')
    return equal(node.key, key) ? leaf(key, value) : split(node, leaf(key, value) as Leaf, depth);
  return keyBit(key, depth)
    ? branch(node.left, put(node.right, key, value, depth + 1))
    : branch(put(node.left, key, value, depth + 1), node.right);
}

function split(a: Leaf, b: Leaf, depth: number): Tree {
  const bitA = keyBit(a.key, depth);
  if (bitA !== keyBit(b.key, depth)) return bitA ? branch(b, a) : branch(a, b);
  const below = split(a, b, depth + 1);
  return bitA ? branch(EMPTY_TREE, below) : branch(below, EMPTY_TREE);
}

function remove(node: Tree, key: Uint8Array, depth: number): Tree {
  if (node.kind === 'empty') return node;
  if (node.kind === 'stub') throw new MissingNode('a deletion meets a stub');
  if (node.kind === 'leaf') return equal(node.key, key) ? EMPTY_TREE : node;
  const toRight = keyBit(key, depth) === 1;
  const old = toRight ? node.right : node.left;
  const child = remove(old, key, depth + 1);
  if (child === old) return node;
  return toRight ? collapse(node.left, child) : collapse(child, node.right);
}

/** A branch, or the one leaf or empty tree that replaces it when no more than that is left under it. */
function collapse(left: Tree, right: Tree): Tree {
  if (left.kind === 'empty' && (right.kind === 'empty' || isLeaf(right))) return right;
  if (right.kind === 'empty' && isLeaf(left)) return left;
  return branch(left, right);
}

/** Root hash. Nodes cache their hashes, so only changed nodes are hashed. */
export function treeRoot(node: Tree): Uint8Array {
  switch (node.kind) {
    case 'empty':
      return ZERO_HASH;
    case 'stub':
      return node.hash;
    case 'leaf':
      return (node.hash ??= leafHash(node.key, node.value));
    case 'branch':
      return (node.hash ??= branchHash(treeRoot(node.left), treeRoot(node.right)));
  }
}

// A proof makes up to a hundred thousand of these.
const BRANCH_KEY = /* @__PURE__ */ contextKey('tree-branch');

// The last bit of a hash says leaf or branch: a deletion next to a stub must know which of them the stub is.
function leafHash(key: Uint8Array, value: Uint8Array): Uint8Array {
  const h = hash('tree-leaf', key, value);
  h[31]! &= 0xfe;
  return h;
}

function branchHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  const h = derivedPair(BRANCH_KEY, left, right);
  h[31]! |= 1;
  return h;
}

/** Leaves in key order. @throws MissingNode at a stub */
export function* treeEntries(tree: Tree): Generator<TreeEntry, void> {
  const rest = [tree];
  for (let node = rest.pop(); node; node = rest.pop()) {
    if (node.kind === 'stub') throw new MissingNode('a partial tree has no full list of leaves');
    if (node.kind === 'leaf') yield { key: node.key, value: node.value };
    if (node.kind === 'branch') rest.push(node.right, node.left);
  }
}

/** Bytes of a proof: a proof of 256 keys and a whole block's witness are far below. */
export const TREE_PROOF_BYTES_MAX = 4 * 1024 * 1024 - 64;
/** Bytes of a leaf's value: the longest is a full list of channels. */
export const TREE_VALUE_BYTES_MAX = 8_194;
/**
 * Nodes of a proof: a branch takes one byte and a hash, and one with nothing but stubs is not allowed. A full block
 * touches some 1,700 keys, each below 26 branches in a state of 2^26 leaves; there is room for 77, for which somebody
 * would make 2^44 hashes and open 3,400 channels. What is beside a branch is a node too.
 */
const PROOF_NODES_MAX = 1 << 18;

const ProofNode = union({
  empty: [0, struct({})],
  stub: [1, struct({ hash: hash32 })],
  leaf: [2, struct({ key: hash32, value: blob(TREE_VALUE_BYTES_MAX) })],
  branch: [3, struct({})],
});
export type ProofNode = Value<typeof ProofNode>;
/** The tree in pre-order, cut at every subtree that no key leads into. */
export const TreeProof = list(ProofNode, PROOF_NODES_MAX);

/** Proofs of that many keys: no key opens more than its path and what is beside it. */
const proofOf = (keys: number): Codec<ProofNode[]> =>
  list(ProofNode, Math.min(PROOF_NODES_MAX, 1 + keys * 2 * TREE_DEPTH_MAX));

/** Encoded proof of the value at each key, or of its absence. @throws MissingNode */
export function proveKeys(tree: Tree, keys: readonly Uint8Array[]): Uint8Array {
  const nodes: ProofNode[] = [];
  collect(tree, keys, 0, nodes);
  return encode(TreeProof, nodes);
}

function collect(node: Tree, keys: readonly Uint8Array[], depth: number, out: ProofNode[]): void {
  if (node.kind === 'empty') out.push({ type: 'empty' });
  else if (!keys.length) out.push({ type: 'stub', hash: treeRoot(node) });
  else if (node.kind === 'stub') throw new MissingNode('a proof needs what a stub hides');
  else if (node.kind === 'leaf') out.push({ type: 'leaf', key: node.key, value: node.value });
  else {
    out.push({ type: 'branch' });
    collect(
      node.left,
      keys.filter((key) => !keyBit(key, depth)),
      depth + 1,
      out,
    );
    collect(
      node.right,
      keys.filter((key) => keyBit(key, depth)),
      depth + 1,
      out,
    );
  }
}

/**
 * The partial tree that a proof describes; the caller compares its root with a trusted one.
 * Only what `proveKeys` would write passes, so that one tree and key set has one proof.
 * @param keys what was asked for, where that is known: a proof that opens anything beside their paths is refused
 */
export function treeFromProof(data: Uint8Array, keys?: readonly Uint8Array[]): Tree | Fault {
  if (data.length > TREE_PROOF_BYTES_MAX) return fault('state.proof', { size: data.length });
  const nodes = tryDecode(keys ? proofOf(keys.length) : TreeProof, data);
  if (!nodes) return fault('state.proof', { problem: 'malformed' });
  try {
    const rest = nodes.values();
    const tree = build({ rest, path: new Uint8Array(32) }, 0, keys);
    return rest.next().done ? tree : fault('state.proof', { problem: 'trailing nodes' });
  } catch (e) {
    if (e instanceof CodecError) return fault('state.proof', { problem: e.message });
    throw e;
  }
}

interface Reading {
  readonly rest: Iterator<ProofNode>;
  /** The bits that lead to the node that is read next; those from its depth on are zero. */
  readonly path: Uint8Array;
}

/** `keys`: those whose paths lead here. */
function build(reading: Reading, depth: number, keys: readonly Uint8Array[] | undefined): Tree {
  const next = reading.rest.next();
  if (next.done) throw new CodecError('nodes are missing');
  const node = next.value;
  switch (node.type) {
    case 'empty':
      return EMPTY_TREE;
    case 'stub':
      // The hash of the empty tree must not pass as that of a hidden subtree.
      if (equal(node.hash, ZERO_HASH)) throw new CodecError('a stub of nothing');
      return stub(node.hash);
    case 'leaf':
      if (!leadsTo(reading.path, depth, node.key)) throw new CodecError('a leaf off its path');
      if (keys?.length === 0) throw new CodecError('opens what nobody asked for');
      return leaf(node.key, node.value);
    case 'branch':
      if (depth === TREE_DEPTH_MAX) throw new CodecError('too deep');
      if (keys?.length === 0) throw new CodecError('opens what nobody asked for');
      return buildBranch(reading, depth, keys);
  }
}

function buildBranch(
  reading: Reading,
  depth: number,
  keys: readonly Uint8Array[] | undefined,
): Tree {
  const { path } = reading;
  const bit = 0x80 >> (depth & 7);
  const left = build(
    reading,
    depth + 1,
    keys?.filter((key) => !keyBit(key, depth)),
  );
  path[depth >> 3]! |= bit;
  const right = build(
    reading,
    depth + 1,
    keys?.filter((key) => keyBit(key, depth)),
  );
  path[depth >> 3]! &= ~bit;
  return checkedBranch(left, right);
}

function leadsTo(path: Uint8Array, depth: number, key: Uint8Array): boolean {
  const whole = depth >> 3;
  for (let i = 0; i < whole; i++) if (path[i] !== key[i]) return false;
  return (path[whole]! ^ key[whole]!) >> (8 - (depth & 7)) === 0;
}

export function withBit(path: Uint8Array, depth: number): Uint8Array {
  const out = path.slice();
  out[depth >> 3]! |= 0x80 >> (depth & 7);
  return out;
}

function checkedBranch(left: Tree, right: Tree): Tree {
  const node = collapse(left, right);
  if (node.kind !== 'branch') throw new CodecError('a branch over one leaf');
  if (left.kind === 'stub' && right.kind === 'stub') throw new CodecError('a branch of stubs');
  return node;
}
