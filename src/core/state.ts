/**
 * Executing a block (docs/protocol.md §8.3): the parent's state and a body give the next state. The
 * function is pure and total: whatever the body, the outcome is a state or a fault.
 */
import { equal, toHex } from '../lib/bytes.ts';
import { blames, fault, inBlock, isFault, type Fault } from './faults.ts';
import {
  Channel,
  ChannelList,
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
import { rule, Rules, type Rule } from './rules.ts';
import { applyTx } from './tx/apply.ts';
import {
  readAccount,
  U64_MAX,
  writeAccount,
  type BlockState,
  type Party,
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
  /** For whom each transaction counts. */
  readonly parties: readonly Party[];
  /** nV of all fees, part of the coinbase. */
  readonly fees: bigint;
  /** nV that the block destroyed. */
  readonly burned: bigint;
}

/** nV that a block of that height creates. */
export const subsidyAt = (height: number): bigint =>
  height < 1 ? 0n : SUBSIDY >> BigInt(Math.floor((height - 1) / HALVING_BLOCKS));

/** Fields of a header that execution reads; all of them are known before the body is chosen. */
export type ExecutionHeader = Pick<HeaderCore, 'height' | 'miner' | 'bits' | 'modelId' | 'jobId'>;

type StateHeader = Pick<HeaderCore, 'height' | 'stateRoot'>;
type JobHeader = Pick<HeaderCore, 'height' | 'modelId' | 'jobId'>;

/** `tree`: the state after the parent, whole or built from the block's witness. */
// eslint-disable-next-line @typescript-eslint/max-params -- the state transition (protocol.md §8.3) and all it needs
export function executeBlock(
  tree: Tree,
  header: HeaderCore,
  body: Body,
  params: Params,
  context: StateContext,
): Executed | Fault {
  const wrongRoot = verifyStateRoot(params, tree, header);
  if (wrongRoot) return wrongRoot;
  const block = beginBlock(tree, header, params, context);
  if (isFault(block)) return block;
  for (const [index, signed] of body.entries()) {
    const refused = executeTx(block, signed);
    if (refused) return blames(refused) === 'block' ? inBlock(refused, index) : refused;
  }
  return finishBlock(block, header);
}

export const STATE_ROOT_RULE: Rule<{ tree: Tree; header: StateHeader }> = rule(
  'header.state-root',
  '8.3',
  ({ tree, header: { height, stateRoot } }) =>
    equal(treeRoot(tree), stateRoot) ? undefined : { height },
);

/** Checks that a header commits to the state after its parent. */
export const verifyStateRoot = (
  { rules }: Pick<Params, 'rules'>,
  tree: Tree,
  header: StateHeader,
): Fault | undefined => rules.judge([STATE_ROOT_RULE], { tree, header });

/** The state before the block's first transaction: job checked; coinbase matured, requests and channels ended. */
export function beginBlock(
  tree: Tree,
  header: ExecutionHeader,
  params: Params,
  context: StateContext,
): BlockState | Fault {
  const { height } = header;
  const view = new StateView(tree);
  return withWitness(() => {
    const wrongJob = params.rules.judge([JOB_RULE], { view, header });
    if (wrongJob) return wrongJob;
    mature(view, height - params.maturityBlocks);
    const burned = settle(view, height);
    expire(view, height);
    expireChannels(view, height);
    return {
      view,
      params,
      context,
      height,
      count: 0,
      parties: [],
      fees: 0n,
      burned,
      macsLeft: resultMacsMax(header, context),
      firstResults: 0,
    };
  });
}

/** Adds a transaction; a refused transaction leaves the block as it was. */
export const executeTx = (block: BlockState, signed: SignedTx): Fault | undefined =>
  withWitness(() => block.params.rules.first(applyTx(block, signed)));

/** The state after the block; its coinbase waits for its maturity. */
export const finishBlock = (
  { view, height, parties, fees, burned }: BlockState,
  { miner }: ExecutionHeader,
): Executed | Fault =>
  withWitness(() => {
    const amount = atMostU64(subsidyAt(height) + fees);
    if (height > 0) view.set(Coinbase, stateKey.coinbase(height), { miner, amount });
    const [touched, changes] = [view.touched(), view.changes()];
    return { tree: view.tree(), touched, changes, parties, fees, burned };
  });

/** A block's job must be an open request for its model in the state after the parent. */
export const JOB_RULE: Rule<{ view: StateView; header: JobHeader }> = rule(
  'header.job',
  '8.3',
  ({ view, header: { height, modelId, jobId } }) => {
    if (equal(jobId, ZERO_HASH)) return undefined;
    const request = view.get(OpenRequest, stateKey.request(jobId));
    const isOpen = request && equal(request.modelId, modelId) && height < endOf(request);
    return isOpen ? undefined : { jobId: toHex(jobId) };
  },
);

/** The verdict of JOB_RULE, whatever rules are in force; `state.witness` where a partial tree lacks a leaf. */
export const verifyJob = (tree: Tree, header: JobHeader): Fault | undefined =>
  withWitness(() => Rules.all.judge([JOB_RULE], { view: new StateView(tree), header }));

/** First height at which the request is no longer open. */
export const endOf = (request: OpenRequest): number => request.settle || request.expiry;

/** Most MACs of first results in a block, so that a verifier can keep up with executing them again. */
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

const atMostU64 = (amount: bigint): bigint => (amount > U64_MAX ? U64_MAX : amount);

/**
 * All coins in existence are far below 2^64 nV. A light client believes a state for the work on it, and such a
 * state may claim more: a balance stops at 2^64−1, so that executing a block ends whatever the state.
 */
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

/** @returns nV that were burned: a request that its own sender answers must cost something */
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

/** Channels that nobody closed: all of it goes back. */
function expireChannels(view: StateView, height: number): void {
  const listKey = stateKey.channelsEnding(height);
  for (const id of view.get(ChannelList, listKey) ?? []) {
    const key = stateKey.channel(id);
    const open = view.get(Channel, key);
    if (!open) continue;
    pay(view, open.asker, open.limit);
    view.set(Channel, key, undefined);
  }
  view.set(ChannelList, listKey, undefined);
}
