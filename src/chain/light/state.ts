/**
 * States of a light client: which are known, joining proofs to them until the whole state is here, and
 * reading proofs of leaves.
 */
import { fault, isFault, type Fault } from '../../core/faults.ts';
import type { Header } from '../../core/formats.ts';
import type { ChainPoint } from '../../core/header/header.ts';
import { verifyStateRoot } from '../../core/state.ts';
import { firstStub } from '../../core/tree/tree-parts.ts';
import {
  isWhole,
  MissingNode,
  treeFromProof,
  treeGet,
  treeRoot,
  type Tree,
} from '../../core/tree/tree.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { keepState, type LightMemory } from './memory/memory.ts';

/** Whether the head's whole state is here. */
export function holdsState(memory: LightMemory): boolean {
  const tree = stateAfter(memory, memory.branches.head.id);
  return tree !== undefined && isWhole(tree);
}

/**
 * The part of the state to ask for next: after the head, or after its parent while the head was not
 * executed. undefined when all of that state is here, or when there is too much of it.
 */
export function wantedState(
  memory: LightMemory,
): { block: Uint8Array; from: Uint8Array } | undefined {
  if (memory.states.isTooLarge) return undefined;
  const { id, header } = memory.branches.head;
  const block = rootAfter(memory, id) || header.height === 0 ? id : header.prevHash;
  const tree = stateAfter(memory, block);
  const from = tree ? firstStub(tree) : new Uint8Array(32);
  return from && { block, from };
}

/**
 * Joins a part or a proof to what is known of the state after a block.
 * @throws AppError ROOT_UNKNOWN: execute the block first, or wait for its child
 */
export function learnState(
  memory: LightMemory,
  id: Uint8Array,
  proof: Uint8Array,
): Fault | undefined {
  const tree = verifiedTree(memory, id, proof);
  if (isFault(tree)) return tree;

  const known = memory.states.after(id);
  if (known) {
    keepState(memory, id, { ...known, tree });
    return undefined;
  }
  const header = recentPoint(memory, id)?.header;
  if (!header) return undefined;
  const { height, prevHash } = header;
  keepState(memory, id, { height, parent: toHex(prevHash), tree, executed: undefined });
  return undefined;
}

/**
 * The leaves of some keys after a block, undefined where there is none.
 * @throws AppError ROOT_UNKNOWN: execute the block first, or wait for its child
 */
export function verifyStateProof(
  memory: LightMemory,
  id: Uint8Array,
  keys: readonly Uint8Array[],
  proof: Uint8Array,
): (Uint8Array | undefined)[] | Fault {
  const tree = verifiedTree(memory, id, proof, keys);
  return isFault(tree) ? tree : readLeaves(tree, keys);
}

function verifiedTree(
  memory: LightMemory,
  id: Uint8Array,
  proof: Uint8Array,
  keys?: readonly Uint8Array[],
): Tree | Fault {
  const root = rootAfter(memory, id);
  if (!root) throw new AppError('ROOT_UNKNOWN', 'The state after this block is not known yet.');
  const tree = treeFromProof(proof, keys);
  if (isFault(tree)) return tree;
  if (equal(treeRoot(tree), root)) return tree;
  return isExecuted(memory, id) ? fault('state.proof', { problem: 'root' }) : fault('state.root');
}

function readLeaves(tree: Tree, keys: readonly Uint8Array[]): (Uint8Array | undefined)[] | Fault {
  try {
    return keys.map((key) => treeGet(tree, key));
  } catch (e) {
    if (e instanceof MissingNode) return fault('state.proof', { problem: e.message });
    throw e;
  }
}

/** Header of the newest block of the head's chain that was executed here, of those whose states are kept. */
export function newestExecuted(memory: LightMemory): Header | undefined {
  const { headPath, headHeight } = memory.branches;
  let newest: Header | undefined;
  for (const { header, id } of headPath.recent.values()) {
    const isAbove = header.height > (newest?.height ?? -1) && header.height <= headHeight;
    if (isAbove && isExecuted(memory, id)) newest = header;
  }
  return newest;
}

/** What is known of the state after a block of the chain. */
export function stateAfter(memory: LightMemory, id: Uint8Array): Tree | undefined {
  const known = memory.states.after(id);
  if (!known || known.executed) return known?.tree;
  const root = rootAfter(memory, id);
  return root && equal(root, treeRoot(known.tree)) ? known.tree : undefined;
}

/**
 * Root of the state after a block: from executing it here, or from its child's header. A child above
 * the head will not do: until its proof is checked, anybody can make one with any root.
 */
export function rootAfter(memory: LightMemory, id: Uint8Array): Uint8Array | undefined {
  const known = memory.states.after(id);
  if (known?.executed) return treeRoot(known.tree);

  const { headPath, headHeight } = memory.branches;
  for (const { header } of headPath.recent.values())
    if (header.height <= headHeight && equal(header.prevHash, id)) return header.stateRoot;

  const { genesis } = memory;
  return equal(id, genesis.id) ? genesis.header.stateRoot : undefined;
}

/** The fault of a header that commits to another state than that after its parent, if that was executed here. */
export function rootFault({ states, params }: LightMemory, header: Header): Fault | undefined {
  const parent = states.after(header.prevHash);
  return parent?.executed && verifyStateRoot(params, parent.tree, header);
}

/** Whether the state after a block follows from executing it here. */
export const isExecuted = ({ states }: LightMemory, id: Uint8Array): boolean =>
  states.after(id)?.executed !== undefined;

/** A point of the head's chain among the newest. */
function recentPoint({ branches }: LightMemory, id: Uint8Array): ChainPoint | undefined {
  for (const point of branches.headPath.recent.values())
    if (point.header.height <= branches.headHeight && equal(point.id, id)) return point;
  return undefined;
}
