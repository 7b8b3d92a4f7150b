/**
 * Connecting a branch: execute its blocks on the state of their fork point, one after another, until
 * all are valid or one is not. Nothing here writes; what is to be written is handed over block by block.
 */
import { decode } from '../../core/codec.ts';
import { isFault, type Fault } from '../../core/faults.ts';
import { Body, OpenRequest, Proof, type Header } from '../../core/formats.ts';
import type { ChainPoint } from '../../core/header/header.ts';
import type { Block } from '../../core/messages.ts';
import { stateKey } from '../../core/tree/keys.ts';
import { executeBlock, verifyJob, verifyStateRoot, type Executed } from '../../core/state.ts';
import { kindOf } from '../../core/tx/kinds.ts';
import type { Execution, StateContext } from '../../core/tx/state-tx.ts';
import { treeGet, type Tree } from '../../core/tree/tree.ts';
import { toHex } from '../../lib/bytes.ts';
import { assert } from '../../lib/errors.ts';
import type { BoundedMap } from '../../lib/bounded.ts';
import type { SignatureCheck } from './signature-check.ts';
import { treeAfter, type FullState } from './state.ts';
import { nextTotals, readTotals } from './totals.ts';
import type { Totals } from './records.ts';

/** Replays the winning unit of a block. `jobInput`: the input of the request that its header names. */
export type CheckProof = (
  header: Header,
  proof: Proof,
  jobInput: Uint8Array | undefined,
) => Promise<Fault | undefined>;

/** Runs a request's model on its input; undefined when this machine can't. */
export type ExecutionOf = (
  requestId: Uint8Array,
  request: OpenRequest,
) => Promise<Execution | undefined>;

export interface Checks {
  readonly checkProof: CheckProof | undefined;
  readonly executionOf: ExecutionOf | undefined;
  /** What models gave, by request id in hex: the costliest check is made once. */
  readonly executions: BoundedMap<string, Execution>;
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

async function connectBlock(
  state: FullState,
  checks: Checks,
  tree: Tree,
  { header, body, proof }: Block,
): Promise<Executed | Fault> {
  // The cheap rules of executing come before the proof's replay, which is costly.
  const wrong =
    verifyStateRoot(state.params, tree, header) ??
    state.params.rules.first([verifyJob(tree, header)]);
  if (wrong) return wrong;

  const jobInput = readRequest(tree, header.jobId)?.input;
  const wrongProof = await checks.checkProof?.(header, proof, jobInput);
  if (wrongProof) return wrongProof;

  await runResults(checks, tree, body);
  const { signatures } = checks;
  await signatures.begin(header.bodyRoot, body);
  const context = contextOf(state, checks, signatures.knownOf(header.bodyRoot));
  const executed = executeBlock(tree, header, body, state.params, context);
  if (!isFault(executed)) signatures.executed(header.bodyRoot, body);
  return executed;
}

/** What executing knows besides the state. */
export const contextOf = (
  { models, genesis }: FullState,
  { executions, signatures }: Checks,
  signatureKnown: NonNullable<StateContext['signatureKnown']>,
): StateContext => ({
  genesis,
  models,
  executionOf: (id) => executions.get(toHex(id)),
  signatureKnown,
  verifyHash: signatures.known.verifyHash,
});

export function readRequest(tree: Tree, id: Uint8Array): OpenRequest | undefined {
  const leaf = treeGet(tree, stateKey.request(id));
  return leaf && decode(OpenRequest, leaf);
}

/** Execution itself is synchronous: what models give for a body's results is found out before. */
export async function runResults(checks: Checks, tree: Tree, body: Body): Promise<void> {
  if (!checks.executionOf) return;
  for (const { tx } of body) {
    const id = kindOf(tx).runOf(tx);
    if (!id || checks.executions.has(toHex(id))) continue;
    const request = readRequest(tree, id);
    const ran = request && (await checks.executionOf(id, request));
    if (ran) checks.executions.set(toHex(id), ran);
  }
}
