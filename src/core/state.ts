/**
 * Executing a block (docs/protocol.md §8.3): the parent's state and a body give the next state. The
 * function is pure and total: whatever the body, the outcome is a state or a fault.
 */
import { equal, toHex } from '../lib/bytes.ts';
import { blames, fault, firstFault, inBlock, isFault, type Fault } from './faults.ts';
import {
  Coinbase,
  ExpiryList,
  OpenRequest,
  SettleList,
  type Body,
  type HeaderCore,
  type SignedTx,
} from './formats.ts';
import { ZERO_HASH } from './hash.ts';
import { stateKey } from './tree/keys.ts';
import { unitMacs } from './manifest.ts';
import { HALVING_BLOCKS, PAYEE_PERCENT, SUBSIDY, type Params } from './params.ts';
import { applyTx } from './tx/apply.ts';
import {
  atMostU64,
  readAccount,
  writeAccount,
  type BlockState,
  type StateContext,
} from './tx/state-tx.ts';
import { targetFromBits, workOf } from './header/target.ts';
import { MissingNode, treeRoot, type Tree } from './tree/tree.ts';
import { StateView, type StateChange } from './tree/view.ts';

export interface Executed {
  readonly tree: Tree;
  /** Keys read or written: `proveKeys(parentTree, touched)` is the block's witness. */
  readonly touched: readonly Uint8Array[];
  /** What the block changed, for undoing it. */
  readonly changes: readonly StateChange[];
  /** nV of all fees, part of the coinbase. */
  readonly fees: bigint;
  /** nV that it destroyed. */
  readonly burned: bigint;
}

/** nV that a block of that height creates. */
export const subsidyAt = (height: number): bigint =>
  height < 1 ? 0n : SUBSIDY >> BigInt(Math.floor((height - 1) / HALVING_BLOCKS));

/** Fields of a header that execution reads; all of them are known before the body is chosen. */
export type ExecutionHeader = Pick<HeaderCore, 'height' | 'miner' | 'bits' | 'modelId' | 'jobId'>;

/** `tree`: the state after the parent, whole or made from the block's witness. */
export function executeBlock(
  tree: Tree,
  header: HeaderCore,
  body: Body,
  params: Params,
  context: StateContext,
): Executed | Fault {
  const root = treeRoot(tree);
  const rootFault = firstFault(params.off, rootFaults(root, header));
  if (rootFault) return rootFault;
  const block = beginBlock(tree, header, params, context);
  if (isFault(block)) return block;
  for (const [index, signed] of body.entries()) {
    const refused = executeTx(block, signed);
    if (refused) return blames(refused) === 'block' ? inBlock(refused, index) : refused;
  }
  return finishBlock(block, header);
}

function* rootFaults(root: Uint8Array, header: HeaderCore): Generator<Fault, void> {
  if (!equal(root, header.stateRoot)) yield fault('header.state-root', { height: header.height });
}

/** The state before the block's first transaction: job checked, matured, settled, expired. */
export function beginBlock(
  tree: Tree,
  header: ExecutionHeader,
  params: Params,
  context: StateContext,
): BlockState | Fault {
  const { height } = header;
  const view = new StateView(tree);
  return withWitness(() => {
    const wrongJob = firstFault(params.off, jobFaults(view, header));
    if (wrongJob) return wrongJob;
    mature(view, height - params.maturityBlocks);
    const burned = settle(view, height);
    expire(view, height);
    return {
      view,
      params,
      context,
      height,
      count: 0,
      fees: 0n,
      burned,
      macsLeft: resultMacsMax(header, context),
      firstResults: 0,
    };
  });
}

/** Adds a transaction; one that is refused leaves the block as it was. */
export const executeTx = (block: BlockState, signed: SignedTx): Fault | undefined =>
  withWitness(() => firstFault(block.params.off, applyTx(block, signed)));

/** The state after the block; its coinbase waits for its maturity. */
export const finishBlock = (
  { view, height, fees, burned }: BlockState,
  { miner }: ExecutionHeader,
): Executed | Fault =>
  withWitness(() => {
    const amount = atMostU64(subsidyAt(height) + fees);
    if (height > 0) view.set(Coinbase, stateKey.coinbase(height), { miner, amount });
    return { tree: view.tree(), touched: view.touched(), changes: view.changes(), fees, burned };
  });

/** A block's job names an open request for its model in the state after the parent. */
export const verifyJob = (
  tree: Tree,
  header: Pick<HeaderCore, 'height' | 'modelId' | 'jobId'>,
): Fault | undefined =>
  withWitness(() => firstFault(new Set(), jobFaults(new StateView(tree), header)));

function* jobFaults(
  view: StateView,
  { height, modelId, jobId }: Pick<HeaderCore, 'height' | 'modelId' | 'jobId'>,
): Generator<Fault, void> {
  if (equal(jobId, ZERO_HASH)) return;
  const request = view.get(OpenRequest, stateKey.request(jobId));
  if (!request || !equal(request.modelId, modelId) || height >= endOf(request))
    yield fault('header.job', { jobId: toHex(jobId) });
}

/** First height at which the request is no longer open. */
export const endOf = (request: OpenRequest): number => request.settle || request.expiry;

/** MACs of first results in a block: a verifier must keep up with re-executing them. */
function resultMacsMax(header: ExecutionHeader, context: StateContext): bigint {
  const manifest = context.models.get(toHex(header.modelId));
  const byModel = manifest ? 32n * unitMacs(manifest) : 0n;
  const target = targetFromBits(header.bits);
  const byWork = target ? workOf(target) / 16n : 0n;
  return byModel < byWork ? byModel : byWork;
}

function withWitness<T>(run: () => T): T | Fault {
  try {
    return run();
  } catch (e) {
    if (e instanceof MissingNode) return fault('state.witness', { problem: e.message });
    throw e;
  }
}

function pay(view: StateView, address: Uint8Array, amount: bigint): void {
  const account = readAccount(view, address);
  writeAccount(view, address, { ...account, balance: atMostU64(account.balance + amount) });
}

function mature(view: StateView, height: number): void {
  if (height < 1) return;
  const key = stateKey.coinbase(height);
  const coinbase = view.get(Coinbase, key);
  if (!coinbase) return;
  pay(view, coinbase.miner, coinbase.amount);
  view.set(Coinbase, key, undefined);
}

/** @returns nV that were burned: asking oneself must cost */
function settle(view: StateView, height: number): bigint {
  let burned = 0n;
  const listKey = stateKey.settle(height);
  for (const id of view.get(SettleList, listKey) ?? []) {
    const key = stateKey.request(id);
    const request = view.get(OpenRequest, key);
    if (!request?.best) continue;
    const share = (request.reward * PAYEE_PERCENT) / 100n;
    pay(view, request.best.payee, share);
    burned += request.reward - share;
    view.set(OpenRequest, key, undefined);
  }
  view.set(SettleList, listKey, undefined);
  return burned;
}

function expire(view: StateView, height: number): void {
  const listKey = stateKey.expiry(height);
  for (const id of view.get(ExpiryList, listKey) ?? []) {
    const key = stateKey.request(id);
    const request = view.get(OpenRequest, key);
    if (!request || request.settle) continue;
    pay(view, request.asker, request.reward);
    view.set(OpenRequest, key, undefined);
  }
  view.set(ExpiryList, listKey, undefined);
}
