/**
 * The state that a transaction is applied to: a block under construction, and the accounts that the
 * transaction debits and credits (docs/protocol.md §8.4).
 */
import type { verifyHash } from '../channel.ts';
import { Account, type SignedTx } from '../formats.ts';
import { fault, type Fault } from '../faults.ts';
import type { Params } from '../params.ts';
import { stateKey } from '../tree/keys.ts';
import type { Tree } from '../tree/tree.ts';
import { StateView } from '../tree/view.ts';

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
  /** nV of fees so far. */
  fees: bigint;
}

/** A block before its first transaction. */
export const emptyBlock = (
  tree: Tree,
  given: Pick<BlockState, 'params' | 'context' | 'height'>,
): BlockState => ({ ...given, view: new StateView(tree), count: 0, parties: [], fees: 0n });

export const U32_MAX = 0xffff_ffff;
export const U64_MAX = (1n << 64n) - 1n;
const NO_ACCOUNT: Account = { balance: 0n, nonce: 0, txCount: 0, lastTx: { height: 0, index: 0 } };

export const readAccount = (view: StateView, address: Uint8Array): Account =>
  view.get(Account, stateKey.account(address)) ?? NO_ACCOUNT;

const isBlank = ({ balance, nonce, txCount }: Account): boolean => !balance && !nonce && !txCount;

/** Writes an account; one that never did anything and holds nothing has no leaf. */
export const writeAccount = (view: StateView, address: Uint8Array, account: Account): void =>
  view.set(Account, stateKey.account(address), isBlank(account) ? undefined : account);

/** Writes an account that the block's next transaction debits or credits, which counts for it. */
export function writeParty(block: BlockState, address: Uint8Array, account: Account): void {
  const { view, params, height, count: index } = block;
  const txCount = params.rules.promised('tx.overflow', account.txCount + 1, 0, U32_MAX);
  writeAccount(view, address, { ...account, txCount, lastTx: { height, index } });
  block.parties.push({ address, index });
}

/** Gives coins to an account that `creditFaults` had no fault for. One that stays blank is no party. */
export function credit(block: BlockState, address: Uint8Array, coins: bigint): void {
  const { view, params } = block;
  const before = readAccount(view, address);
  const balance = params.rules.promised('tx.overflow', before.balance + coins, 0n, U64_MAX);
  const after = { ...before, balance };
  if (!isBlank(after)) writeParty(block, address, after);
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
