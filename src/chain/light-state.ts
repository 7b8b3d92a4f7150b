/** State for a light client: executing blocks on witnesses, and reading proofs of leaves. */
import { verifyBody } from '../core/body.ts';
import { fault, isFault, type Fault } from '../core/faults.ts';
import type { Body, Header } from '../core/formats.ts';
import { blockId } from '../core/header.ts';
import { executeBlock } from '../core/state.ts';
import { MissingNode, treeFromProof, treeGet, treeRoot, type Tree } from '../core/tree.ts';
import { equal, toHex } from '../lib/bytes.ts';
import { AppError } from '../lib/errors.ts';
import type { LightState } from './light-open.ts';

/**
 * Executes a block of the chain on its witness and keeps the state after it, in part.
 * `state.*` and `body.*` faults blame who sent these bytes; any other the block.
 */
export function executeOn(
  s: LightState,
  { header, body }: { header: Header; body: Body },
  witness: Uint8Array,
): Fault | undefined {
  const wrongBody = verifyBody(s.params, header, body);
  if (wrongBody) return wrongBody;
  const tree = treeFromProof(witness);
  if (isFault(tree)) return tree;
  // Checked whatever rules are off: another root is another state, not an invalid block.
  if (!equal(treeRoot(tree), header.stateRoot)) return fault('state.witness', { problem: 'root' });
  const executed = executeBlock(tree, header, body, s.params, { models: s.models });
  if (isFault(executed)) return executed;
  s.trees.set(toHex(blockId(header)), executed.tree);
  return undefined;
}

/**
 * Root of the state after a block: from executing it here, or from its child's header. A child above
 * the head will not do: until its proof is checked, anybody can make one with any root.
 */
export function rootAfter(s: LightState, id: Uint8Array): Uint8Array | undefined {
  const executed = s.trees.get(toHex(id));
  if (executed) return treeRoot(executed);
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
  const root = rootAfter(s, id);
  if (!root) throw new AppError('ROOT_UNKNOWN', 'The state after this block is not known yet.');
  const tree = treeFromProof(proof);
  if (isFault(tree)) return tree;
  if (!equal(treeRoot(tree), root)) return fault('state.proof', { problem: 'root' });
  return readLeaves(tree, keys);
}

function readLeaves(tree: Tree, keys: readonly Uint8Array[]): (Uint8Array | undefined)[] | Fault {
  try {
    return keys.map((key) => treeGet(tree, key));
  } catch (e) {
    if (e instanceof MissingNode) return fault('state.proof', { problem: e.message });
    throw e;
  }
}
