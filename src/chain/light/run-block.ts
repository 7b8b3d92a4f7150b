/** Executing one block on what is known of the state before it, and remembering the state after it. */
import { fault, isFault, type Fault } from '../../core/faults.ts';
import type { Body, Header } from '../../core/formats.ts';
import { blockId } from '../../core/header/header.ts';
import { executeBlock, type Executed } from '../../core/state.ts';
import { treeMerge } from '../../core/tree/tree-parts.ts';
import { treeFromProof, treeRoot, type Tree } from '../../core/tree/tree.ts';
import type { StateContext } from '../../core/tx/state-tx.ts';
import { verifyBody } from '../../core/tx/body.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import { keepState, type LightMemory } from './memory/memory.ts';
import { rootFault } from './state.ts';

export interface HeaderAndBody {
  readonly header: Header;
  readonly body: Body;
}

export interface RunOptions {
  /** Adds to what is known of the state before the block; without one that must do. */
  readonly witness?: Uint8Array | undefined;
  /** Its signatures were right then. */
  readonly executedBefore?: boolean;
}

/**
 * `state.*` and `body.*` faults blame who sent these bytes; any other the block.
 * @returns what the block changed
 */
export function runBlock(
  memory: LightMemory,
  { header, body }: HeaderAndBody,
  { witness, executedBefore = false }: RunOptions,
): Executed | Fault {
  const { params, states, signatures } = memory;
  const wrongBody = verifyBody(params.rules, { header, body });
  if (wrongBody) return wrongBody;

  const tree = treeBefore(memory, header, witness);
  if (isFault(tree)) return tree;
  const context = contextOf(memory, executedBefore);
  const executed = executeBlock(tree, header, body, params, context);
  if (isFault(executed)) return executed;
  // Another branch may hold them too.
  for (const signed of body.transactions) signatures.add(signed);

  const parent = toHex(header.prevHash);
  states.widen(parent, tree);
  const { changes, touched } = executed;
  keepState(memory, blockId(header), {
    height: header.height,
    parent,
    tree: executed.tree,
    executed: { changes, touched },
  });
  return executed;
}

/** What executing knows besides the state. @param executedBefore its signatures were right then */
export const contextOf = (
  { genesis, signatures }: LightMemory,
  executedBefore = false,
): StateContext => ({
  genesis: genesis.id,
  signatureKnown: (signed) => executedBefore || signatures.has(signed),
  verifyHash: (...signed) => executedBefore || signatures.verifyHash(...signed),
});

/** The state before a block: what is known of it, joined with the witness. */
function treeBefore(
  memory: LightMemory,
  header: Header,
  witness: Uint8Array | undefined,
): Tree | Fault {
  const wrongRoot = rootFault(memory, header);
  if (wrongRoot) return wrongRoot;

  const known = memory.states.after(header.prevHash)?.tree;
  const follows = known !== undefined && equal(treeRoot(known), header.stateRoot);
  if (!witness)
    return follows ? known : fault('state.witness', { problem: 'the state is not here' });

  const tree = treeFromProof(witness);
  if (isFault(tree)) return tree;
  // Not the rule on state roots: another root is another state, not an invalid block.
  if (!equal(treeRoot(tree), header.stateRoot)) return fault('state.witness', { problem: 'root' });
  return follows ? treeMerge(known, tree) : tree;
}
