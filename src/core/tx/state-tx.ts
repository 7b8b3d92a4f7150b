/**
 * The state that a transaction is applied to: a block under construction, and the accounts that the
 * transaction debits and credits (docs/protocol.md §8.4).
 */
import type { verifyHash } from '../channel.ts';
import { Account, type SignedTx } from '../formats.ts';
import { fault, type Fault } from '../faults.ts';
import { ACCOUNT_MIN, type Params } from '../params.ts';
import { stateKey } from '../tree/keys.ts';
import type { Tree } from '../tree/tree.ts';
import { StateView } from '../tree/view.ts';
import { firstNonce } from './nonce.ts';

export interface StateContext {
  /** Id of the network's block 0: what was signed for a channel of another network is worth nothing here. */
  readonly genesis: Uint8Array;
  /** Whether the signature of exactly these bytes was verified here before. */
  readonly signatureKnown?: (signed: SignedTx) => boolean;
  /** `verifyHash`, if this machine remembers what it verified. */
  readonly verifyHash?: typeof verifyHash;
}

/** An account for which a transaction counts. */
export interface Party {
  readonly address: Uint8Array;
  /** Of the transaction in its block. */
  readonly index: number;
}

/** A block under construction: the state and the totals after the transactions so far. */
export interface BlockState {
  readonly view: StateView;
  readonly params: Params;
  readonly context: StateContext;
  readonly height: number;
  /** Transactions executed so far: the index of the next one. */
  count: number;
  /** For whom each of them counts, in their order. */
  readonly parties: Party[];
  /** Of accounts that it debited, by their hex: they are judged after the last transaction. */
  readonly debited: Map<string, Uint8Array>;
  /** nV of fees so far. */
  fees: bigint;
  /** nV of payments that would have made an account below ACCOUNT_MIN. */
  burned: bigint;
}

/** A block before its first transaction. */
export const emptyBlock = (
  tree: Tree,
  given: Pick<BlockState, 'params' | 'context' | 'height'>,
): BlockState => ({
  ...given,
  view: new StateView(tree),
  count: 0,
  parties: [],
  debited: new Map(),
  fees: 0n,
  burned: 0n,
});

export const U32_MAX = 0xffff_ffff;
export const U64_MAX = (1n << 64n) - 1n;
const NO_ACCOUNT: Account = { balance: 0n, nonce: 0n, txCount: 0, lastTx: { height: 0, index: 0 } };

/** undefined: there is no leaf. */
const leafOf = (view: StateView, address: Uint8Array): Account | undefined =>
  view.get(Account, stateKey.account(address));

export const readAccount = (view: StateView, address: Uint8Array): Account =>
  leafOf(view, address) ?? NO_ACCOUNT;

/** undefined: the leaf goes. */
export const writeAccount = (
  view: StateView,
  address: Uint8Array,
  account: Account | undefined,
): void => view.set(Account, stateKey.account(address), account);

/**
 * An account as it is with as many coins more, made anew where there is none. A balance stops at 2^64−1: a light client
 * believes a state for the work on it, and such a state may claim more coins than there are.
 */
function withCoins({ view, height }: BlockState, address: Uint8Array, coins: bigint): Account {
  const before = leafOf(view, address) ?? { ...NO_ACCOUNT, nonce: firstNonce(height) };
  return { ...before, balance: atMostU64(before.balance + coins) };
}

export const atMostU64 = (amount: bigint): bigint => (amount > U64_MAX ? U64_MAX : amount);

/** Gives coins that no transaction gives, and so counts for nobody: matured, or come back. */
export function refund(block: BlockState, address: Uint8Array, coins: bigint): void {
  if (isDust(block.view, address, coins)) block.burned += coins;
  else writeAccount(block.view, address, withCoins(block, address, coins));
}

/** Writes an account that the block's next transaction debits or credits, which counts for it. */
export function writeParty(block: BlockState, address: Uint8Array, account: Account): void {
  const { view, params, height, count: index } = block;
  const txCount = params.rules.promised('tx.overflow', account.txCount + 1, 0, U32_MAX);
  writeAccount(view, address, { ...account, txCount, lastTx: { height, index } });
  block.parties.push({ address, index });
}

/** Gives coins to an account that `creditFaults` had no fault for. */
export const credit = (block: BlockState, address: Uint8Array, coins: bigint): void =>
  writeParty(block, address, withCoins(block, address, coins));

/** Gives coins that a channel owes. Where they are too few to make an account they are burned, and count for nobody. */
export function settle(block: BlockState, address: Uint8Array, coins: bigint): void {
  if (isDust(block.view, address, coins)) block.burned += coins;
  else credit(block, address, coins);
}

/** Whether as many coins make no account where there is none. */
const isDust = (view: StateView, address: Uint8Array, coins: bigint): boolean =>
  coins < ACCOUNT_MIN && !leafOf(view, address);

/**
 * After the last transaction: who was debited and holds less than ACCOUNT_MIN loses the rest to the fees, and his leaf
 * goes. Judged at the end alone, so that nobody's order of transactions makes a difference.
 */
export function sweepDebited(block: BlockState): void {
  for (const address of block.debited.values()) {
    const { balance } = readAccount(block.view, address);
    if (balance >= ACCOUNT_MIN) continue;
    writeAccount(block.view, address, undefined);
    block.fees += balance;
  }
}

/** Why an account can't be given as many coins more. */
export function* creditFaults(
  view: StateView,
  address: Uint8Array,
  coins: bigint,
): Generator<Fault, void> {
  const { balance, txCount } = readAccount(view, address);
  if (balance + coins > U64_MAX) yield fault('tx.overflow', { field: 'balance' });
  if (txCount === U32_MAX) yield fault('tx.overflow', { field: 'txCount' });
}
