/**
 * The state that a transaction is applied to: a block under construction, and the accounts that the
 * transaction debits and credits (docs/protocol.md §8.4).
 */
import { Account, type OpenRequest, type Position, type SignedTx } from '../formats.ts';
import { hash } from '../hash.ts';
import type { Params } from '../params.ts';
import type { Rules } from '../rules.ts';
import { stateKey } from '../tree/keys.ts';
import type { StateView } from '../tree/view.ts';
import type { Models } from './tx.ts';

/** The outcome of running a model on a request's input. */
export interface Execution {
  /** H_execution(ā_1..ā_L ‖ c̄_L). */
  readonly execution: Uint8Array;
  /** The answer rows of the request's sequences. */
  readonly answer: Uint8Array;
}

export interface StateContext {
  /** Manifests of the admitted models. */
  readonly models: Models;
  /** The outcome of the model's run, if this machine ran it; undefined: it cannot check and follows the work. */
  readonly executionOf?: (requestId: Uint8Array, request: OpenRequest) => Execution | undefined;
  /** Whether the signature of exactly these bytes was verified here before. */
  readonly signatureKnown?: (signed: SignedTx) => boolean;
}

/** A block under construction: the state and the totals after the transactions so far. */
export interface BlockState {
  readonly view: StateView;
  readonly params: Params;
  readonly context: StateContext;
  readonly height: number;
  /** Transactions executed so far: the index of the next one. */
  count: number;
  /** nV of fees so far. */
  fees: bigint;
  /** nV destroyed so far. */
  burned: bigint;
  /** MACs that first results may still cost a verifier of this block. */
  macsLeft: bigint;
  /** First results so far. */
  firstResults: number;
}

export const U32_MAX = 0xffff_ffff;
export const U64_MAX = (1n << 64n) - 1n;
const NO_ACCOUNT: Account = { balance: 0n, nonce: 0, txCount: 0, lastTx: { height: 0, index: 0 } };

export const readAccount = (view: StateView, address: Uint8Array): Account =>
  view.get(Account, stateKey.account(address)) ?? NO_ACCOUNT;

/** Writes an account; one that never did anything and holds nothing has no leaf. */
export function writeAccount(view: StateView, address: Uint8Array, account: Account): void {
  const blank = !account.balance && !account.nonce && !account.txCount;
  view.set(Account, stateKey.account(address), blank ? undefined : account);
}

/** The account with one more transaction counted, which debits or credits it. */
export const noteTx = (rules: Rules, account: Account, position: Position): Account => ({
  ...account,
  txCount: rules.promised('tx.overflow', account.txCount + 1, 0, U32_MAX),
  lastTx: position,
});

/** K, the commitment of a claim: only somebody who ran the model for this payee can make it. */
export const commitmentOf = (
  requestId: Uint8Array,
  payee: Uint8Array,
  { execution, answer }: Execution,
): Uint8Array => hash('claim', requestId, payee, execution, answer);
