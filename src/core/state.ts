/**
 * Executing a block (docs/protocol.md §8.3): the parent's state and a body give the next state. The
 * function is pure and total: whatever the body, the outcome is a state or a fault.
 */
import { equal } from '../lib/bytes.ts';
import { blames, fault, inBlock, isFault, type Fault } from './faults.ts';
import {
  Channel,
  ChannelList,
  Coinbase,
  type Body,
  type HeaderCore,
  type SignedTx,
} from './formats.ts';
import { stateKey } from './tree/keys.ts';
import { HALVING_BLOCKS, SUBSIDY, type Params } from './params.ts';
import { rule, type Rule } from './rules.ts';
import { applyTx } from './tx/apply.ts';
import {
  atMostU64,
  emptyBlock,
  refund,
  sweepDebited,
  type BlockState,
  type Party,
  type StateContext,
} from './tx/state-tx.ts';
import { MissingNode, treeRoot, type Tree } from './tree/tree.ts';
import type { StateChange } from './tree/view.ts';

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
  /** nV that are gone: too few to make the account that they were for. */
  readonly burned: bigint;
}

/** nV that a block of that height creates. */
export const subsidyAt = (height: number): bigint =>
  height < 1 ? 0n : SUBSIDY >> BigInt(Math.floor((height - 1) / HALVING_BLOCKS));

type StateHeader = Pick<HeaderCore, 'height' | 'stateRoot'>;

/** `tree`: the state after the parent, whole or built from the block's witness. */
// eslint-disable-next-line @typescript-eslint/max-params -- the state transition (protocol.md §8.3) and all it needs
export function executeBlock(
  tree: Tree,
  header: StateHeader & Pick<HeaderCore, 'miner'>,
  body: Body,
  params: Params,
  context: StateContext,
): Executed | Fault {
  const wrongRoot = verifyStateRoot(params, tree, header);
  if (wrongRoot) return wrongRoot;
  const block = beginBlock(tree, header.height, params, context);
  if (isFault(block)) return block;
  for (const [index, signed] of body.transactions.entries()) {
    const refused = executeTx(block, signed);
    if (refused) return blames(refused) === 'block' ? inBlock(refused, index) : refused;
  }
  return finishBlock(block, header.miner);
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

/** The state before the first transaction of the block of that height: coinbase matured, channels ended. */
export function beginBlock(
  tree: Tree,
  height: number,
  params: Params,
  context: StateContext,
): BlockState | Fault {
  const block = emptyBlock(tree, { params, context, height });
  return withWitness(() => {
    mature(block, height - params.maturityBlocks);
    expire(block);
    return block;
  });
}

/** Adds a transaction; a refused transaction leaves the block as it was. */
export const executeTx = (block: BlockState, signed: SignedTx): Fault | undefined =>
  withWitness(() => block.params.rules.first(applyTx(block, signed)));

/** The state after the block; its coinbase waits for its maturity. */
const finishBlock = (block: BlockState, miner: Uint8Array): Executed | Fault =>
  withWitness(() => {
    sweepDebited(block);
    const { view, height, parties, fees, burned } = block;
    const amount = atMostU64(subsidyAt(height) + fees);
    if (height > 0) view.set(Coinbase, stateKey.coinbase(height), { miner, amount, shares: [] });
    const [touched, changes] = [view.touched(), view.changes()];
    return { tree: view.tree(), touched, changes, parties, fees, burned };
  });

function withWitness<T>(run: () => T): T | Fault {
  try {
    return run();
  } catch (e) {
    if (e instanceof MissingNode) return fault('state.witness', { problem: e.message });
    throw e;
  }
}

function mature(block: BlockState, height: number): void {
  const { view } = block;
  if (height < 1) return;
  const key = stateKey.coinbase(height);
  const coinbase = view.get(Coinbase, key);
  if (!coinbase) return;
  refund(block, coinbase.miner, coinbase.amount);
  view.set(Coinbase, key, undefined);
}

/** Channels that nobody closed: all of it goes back. */
function expire(block: BlockState): void {
  const { view, height } = block;
  const listKey = stateKey.channelsEnding(height);
  for (const id of view.get(ChannelList, listKey) ?? []) {
    const key = stateKey.channel(id);
    const open = view.get(Channel, key);
    if (!open) continue;
    refund(block, open.asker, open.limit);
    view.set(Channel, key, undefined);
  }
  view.set(ChannelList, listKey, undefined);
}
