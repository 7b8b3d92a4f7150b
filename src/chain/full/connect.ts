/**
 * Connecting a branch: execute its blocks on the state of their fork point, one after another, until
 * all are valid or one is not. Nothing here writes; what is to be written is handed over block by block.
 */
import { isFault, type Fault } from '../../core/faults.ts';
import type { Body, Proof } from '../../core/formats.ts';
import { claimOf, type ChainPoint, type Claim } from '../../core/header/header.ts';
import type { Block } from '../../core/messages.ts';
import { executeBlock, verifyStateRoot, type Executed } from '../../core/state.ts';
import type { StateContext } from '../../core/tx/state-tx.ts';
import type { Tree } from '../../core/tree/tree.ts';
import { assert } from '../../lib/errors.ts';
import type { SignatureCheck } from './signature-check.ts';
import { treeAfter, type FullState } from './state.ts';
import { nextTotals, readTotals } from './totals.ts';
import type { Totals } from './records.ts';

/** Replays the winning unit of a block. */
export type CheckProof = (claim: Claim, proof: Proof) => Promise<Fault | undefined>;

export interface Checks {
  readonly checkProof: CheckProof | undefined;
  readonly signatures: SignatureCheck;
}

export interface Connected {
  readonly point: ChainPoint;
  readonly body: Body;
  readonly executed: Executed;
  readonly totals: Totals;
}

/** A block's place in the chain, and the state after it. */
export interface Joined {
  readonly point: ChainPoint;
  readonly tree: Tree;
  readonly totals: Totals;
}

export interface ConnectResult {
  readonly joined: Joined[];
  /** The first block that is not valid, and why. */
  readonly invalid?: { readonly point: ChainPoint; readonly fault: Fault };
}

export interface Branch {
  /** Lowest first, its parent on the main chain. */
  readonly points: readonly ChainPoint[];
  readonly parts: (point: ChainPoint) => Promise<{ body: Body; proof: Proof }>;
}

/**
 * @param onConnected gets each block as it is found valid. Nobody need keep it: to hold what a hundred full blocks
 * changed until all are executed costs more than executing them
 */
export async function connectBranch(
  state: FullState,
  checks: Checks,
  { points: branch, parts }: Branch,
  onConnected: (connected: Connected) => void,
): Promise<ConnectResult> {
  const fork = state.index.get(branch[0]!.header.prevHash);
  assert(fork, 'the parent of a branch is known');
  let tree = await treeAfter(state, fork);
  assert(tree, 'the state of a fork point can be undone to');
  let totals = await readTotals(state, fork);
  const joined: Joined[] = [];
  for (const point of branch) {
    const { body, proof } = await parts(point);
    const executed = await connectBlock(state, checks, tree, { header: point.header, body, proof });
    if (isFault(executed)) return { joined, invalid: { point, fault: executed } };
    totals = nextTotals(executed, totals);
    onConnected({ point, body, executed, totals });
    tree = executed.tree;
    joined.push({ point, tree, totals });
  }
  return { joined };
}

export async function connectBlock(
  state: FullState,
  checks: Checks,
  tree: Tree,
  { header, body, proof }: Block,
): Promise<Executed | Fault> {
  // A rule that costs nothing comes before the proof's replay.
  const { params } = state;
  const wrong =
    verifyStateRoot(params, tree, header) ??
    (await checks.checkProof?.(claimOf(params, header), proof));
  if (wrong) return wrong;

  const { signatures } = checks;
  await signatures.begin(header.bodyRoot, body);
  const context = contextOf(state, checks, signatures.knownOf(header.bodyRoot));
  const executed = executeBlock(tree, header, body, params, context);
  if (!isFault(executed)) signatures.executed(header.bodyRoot, body);
  return executed;
}

/** What executing knows besides the state. */
export const contextOf = (
  { params }: FullState,
  { signatures }: Checks,
  signatureKnown: NonNullable<StateContext['signatureKnown']>,
): StateContext => ({
  genesis: params.genesis.id,
  signatureKnown,
  verifyHash: signatures.known.verifyHash,
});
