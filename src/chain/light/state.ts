/**
 * State for a light client: executing blocks on what is known of the state before them, joining proofs
 * to it until the whole state is here, and reading proofs of leaves.
 */
import { verifyBody } from '../../core/tx/body.ts';
import { fault, isFault, type Fault } from '../../core/faults.ts';
import type { Body, Header } from '../../core/formats.ts';
import { blockId, type ChainPoint } from '../../core/header/header.ts';
import { executeBlock, verifyStateRoot, type Executed } from '../../core/state.ts';
import { firstStub, treeMerge } from '../../core/tree/tree-parts.ts';
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
} from '../../core/tree/tree.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import { AppError, assert } from '../../lib/errors.ts';
import type { LightState } from './open.ts';

/** States kept: those after the newest blocks. Trees share what they have in common. */
export const STATES_KEPT = 160;
/** Leaves of a state that is held as a whole: 144 MB of heap in V8, 12 MB in 24 parts. */
export const STATE_LEAVES_MAX = 200_000;

/** What is known of the state after a block. */
export interface KnownState {
  readonly height: number;
  /** Id of the block's parent in hex. */
  readonly parent: string;
  /** With every leaf that was opened so far. */
  tree: Tree;
  /** undefined: the block was not executed here, its child's header tells the root. */
  readonly executed: Pick<Executed, 'changes' | 'touched'> | undefined;
}

type PartialBlock = { readonly header: Header; readonly body: Body };

/**
 * Executes a block of the chain and keeps the state after it. `witness` adds to what is known of the
 * state before it; without one that must do. `state.*` and `body.*` faults blame who sent these
 * bytes; any other the block.
 */
export function executeOn(
  s: LightState,
  { header, body }: PartialBlock,
  witness: Uint8Array | undefined,
  signatureKnown = (): boolean => false,
): Executed | Fault {
  const wrongBody = verifyBody(s.params.rules, { header, body });
  if (wrongBody) return wrongBody;
  const parent = s.states.get(toHex(header.prevHash));
  const tree = treeBefore(s, header, parent, witness);
  if (isFault(tree)) return tree;
  const executed = executeBlock(tree, header, body, s.params, { models: s.models, signatureKnown });
  if (isFault(executed)) return executed;
  if (parent && equal(treeRoot(parent.tree), treeRoot(tree))) parent.tree = tree;
  const { changes, touched } = executed;
  keepState(s, blockId(header), {
    height: header.height,
    parent: toHex(header.prevHash),
    tree: executed.tree,
    executed: { changes, touched },
  });
  return executed;
}

/** Whether a header commits to another state than that after its parent, if that was executed here. */
export function rootFault({ states, params }: LightState, header: Header): Fault | undefined {
  const parent = states.get(toHex(header.prevHash));
  return parent?.executed && verifyStateRoot(params, parent.tree, header);
}

function treeBefore(
  s: LightState,
  header: Header,
  parent: KnownState | undefined,
  witness: Uint8Array | undefined,
): Tree | Fault {
  const wrongRoot = rootFault(s, header);
  if (wrongRoot) return wrongRoot;
  const follows = parent !== undefined && equal(treeRoot(parent.tree), header.stateRoot);
  if (!witness)
    return follows ? parent.tree : fault('state.witness', { problem: 'the state is not here' });
  const tree = treeFromProof(witness);
  if (isFault(tree)) return tree;
  // Not the rule on state roots: another root is another state, not an invalid block.
  if (!equal(treeRoot(tree), header.stateRoot)) return fault('state.witness', { problem: 'root' });
  return follows ? treeMerge(parent.tree, tree) : tree;
}

/** Remembers a state, joined with what was known of it, and what follows for the states after it. */
export function keepState(s: LightState, id: Uint8Array, state: KnownState): void {
  const hex = toHex(id);
  const known = s.states.get(hex);
  if (known && equal(treeRoot(known.tree), treeRoot(state.tree)))
    state.tree = treeMerge(state.tree, known.tree);
  s.states.set(hex, state);
  passOn(s, hex);
  bound(s, hex);
}

/** What a state opens its successors can open too: the block's changes made to it. */
function passOn(s: LightState, from: string): void {
  const rest = [from];
  for (let at = rest.pop(); at; at = rest.pop()) {
    const { tree } = s.states.get(at)!;
    for (const [hex, next] of s.states) {
      if (next.parent !== at || !next.executed || isWhole(next.tree)) continue;
      const opened = openedLeaves(next.tree);
      const after = follow(tree, next.executed.changes);
      if (after) next.tree = treeMerge(after, next.tree);
      if (openedLeaves(next.tree) > opened) rest.push(hex);
    }
  }
}

/** undefined: the tree was cut since, for having too many leaves. */
function follow(tree: Tree, changes: Executed['changes']): Tree | undefined {
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

function bound(s: LightState, newest: string): void {
  const lowest = s.head.header.height - STATES_KEPT;
  const base = s.base?.height ?? Infinity;
  for (const [hex, state] of s.states) {
    const { height } = state;
    const isNeeded = height > lowest || (height >= base && height <= base + STATES_KEPT);
    const isOver = s.states.size > 4 * STATES_KEPT;
    if ((!isNeeded || isOver) && hex !== newest && hex !== toHex(s.head.id)) s.states.delete(hex);
    else if (openedLeaves(state.tree) > s.stateLeavesMax) {
      s.stateTooLarge = true;
      // What the block itself needs; the rest is asked for again when somebody wants it. Where it
      // deleted a leaf, a stub may stand now.
      const needed = touchedIn(state).filter((key) => opens(state.tree, key));
      const tree = treeFromProof(proveKeys(state.tree, needed));
      assert(!isFault(tree), 'an own proof is one');
      state.tree = tree;
    }
  }
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

const touchedIn = ({ executed }: KnownState): readonly Uint8Array[] => executed?.touched ?? [];

/** What is known of the state after a block of the chain. */
export function stateAfter(s: LightState, id: Uint8Array): Tree | undefined {
  const known = s.states.get(toHex(id));
  if (!known || known.executed) return known?.tree;
  const root = rootAfter(s, id);
  return root && equal(root, treeRoot(known.tree)) ? known.tree : undefined;
}

export const holdsState = (s: LightState): boolean => {
  const tree = stateAfter(s, s.head.id);
  return tree !== undefined && isWhole(tree);
};

/**
 * The part of the state to ask for next: after the head, or after its parent while the head was not
 * executed. undefined when all of that state is here, or when there is too much of it.
 */
export function wantedState(s: LightState): { block: Uint8Array; from: Uint8Array } | undefined {
  const { id, header } = s.head;
  if (s.stateTooLarge) return undefined;
  const block = rootAfter(s, id) || header.height === 0 ? id : header.prevHash;
  const tree = stateAfter(s, block);
  const from = tree ? firstStub(tree) : new Uint8Array(32);
  return from && { block, from };
}

/**
 * Joins a part or a proof to what is known of the state after a block.
 * @throws AppError ROOT_UNKNOWN: execute the block first, or wait for its child
 */
export function learnState(s: LightState, id: Uint8Array, proof: Uint8Array): Fault | undefined {
  const tree = verifiedTree(s, id, proof);
  if (isFault(tree)) return tree;
  const known = s.states.get(toHex(id));
  const place = known ?? placeOf(s, id);
  if (place) keepState(s, id, { executed: undefined, ...place, tree });
  return undefined;
}

function placeOf(s: LightState, id: Uint8Array): Pick<KnownState, 'height' | 'parent'> | undefined {
  const point = pointOnHeadPath(s, id);
  return point && { height: point.header.height, parent: toHex(point.header.prevHash) };
}

/** A point of the head's chain among the newest. */
export function pointOnHeadPath(s: LightState, id: Uint8Array): ChainPoint | undefined {
  for (const point of s.headPath.recent.values())
    if (point.header.height <= s.head.header.height && equal(point.id, id)) return point;
  return undefined;
}

/** Header of the newest block of the head's chain that was executed here, of those whose states are kept. */
export function newestExecuted(s: LightState): Header | undefined {
  let newest: Header | undefined;
  for (const { header, id } of s.headPath.recent.values()) {
    const isAbove = header.height > (newest?.height ?? -1) && header.height <= s.head.header.height;
    if (isAbove && s.states.get(toHex(id))?.executed) newest = header;
  }
  return newest;
}

/**
 * Root of the state after a block: from executing it here, or from its child's header. A child above
 * the head will not do: until its proof is checked, anybody can make one with any root.
 */
export function rootAfter(s: LightState, id: Uint8Array): Uint8Array | undefined {
  const known = s.states.get(toHex(id));
  if (known?.executed) return treeRoot(known.tree);
  for (const { header } of s.headPath.recent.values())
    if (header.height <= s.head.header.height && equal(header.prevHash, id))
      return header.stateRoot;
  if (equal(id, s.genesis.id)) return s.genesis.header.stateRoot;
  return undefined;
}

/**
 * The leaves of some keys after a block, undefined where there is none.
 * @throws AppError ROOT_UNKNOWN: execute the block first, or wait for its child
 */
export function verifyStateProof(
  s: LightState,
  id: Uint8Array,
  keys: readonly Uint8Array[],
  proof: Uint8Array,
): (Uint8Array | undefined)[] | Fault {
  const tree = verifiedTree(s, id, proof);
  return isFault(tree) ? tree : readLeaves(tree, keys);
}

function verifiedTree(s: LightState, id: Uint8Array, proof: Uint8Array): Tree | Fault {
  const root = rootAfter(s, id);
  if (!root) throw new AppError('ROOT_UNKNOWN', 'The state after this block is not known yet.');
  const tree = treeFromProof(proof);
  if (isFault(tree)) return tree;
  if (equal(treeRoot(tree), root)) return tree;
  const executed = s.states.get(toHex(id))?.executed;
  return executed ? fault('state.proof', { problem: 'root' }) : fault('state.root');
}

function readLeaves(tree: Tree, keys: readonly Uint8Array[]): (Uint8Array | undefined)[] | Fault {
  try {
    return keys.map((key) => treeGet(tree, key));
  } catch (e) {
    if (e instanceof MissingNode) return fault('state.proof', { problem: e.message });
    throw e;
  }
}
