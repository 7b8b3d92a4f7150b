/**
 * The state as a transaction meets it: a block in the making, and the accounts that it debits and credits
 * (docs/protocol.md §8.4).
 */
import { Account, type OpenRequest, type Position, type SignedTx } from '../formats.ts';
import { hash } from '../hash.ts';
import type { Params } from '../params.ts';
import type { Rules } from '../rules.ts';
import { stateKey } from '../tree/keys.ts';
import type { StateView } from '../tree/view.ts';
import type { Models } from './tx.ts';

/** What running a model on a request's input gives. */
export interface Execution {
  /** H_execution(ā_1..ā_L ‖ c̄_L). */
  readonly execution: Uint8Array;
  /** The answer rows of the request's sequences. */
  readonly answer: Uint8Array;
}

export interface StateContext {
  /** Manifests of the admitted models. */
  readonly models: Models;
  /** What the model gives, if this machine ran it; undefined: cannot check, follow the work. */
  readonly executionOf?: (requestId: Uint8Array, request: OpenRequest) => Execution | undefined;
  /** Whether exactly these bytes had their signature verified here before. */
  readonly signatureKnown?: (signed: SignedTx) => boolean;
}

/** A block in the making: the state so far and what the next transaction adds to. */
export interface BlockState {
  readonly view: StateView;
  readonly params: Params;
  readonly context: StateContext;
  readonly height: number;
  /** Transactions executed; the index of the next. */
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

/** An account that never did anything and holds nothing has no leaf. */
export function writeAccount(view: StateView, address: Uint8Array, account: Account): void {
  const blank = !account.balance && !account.nonce && !account.txCount;
  view.set(Account, stateKey.account(address), blank ? undefined : account);
}

/** The account after one more transaction that debits or credits it. */
export const noteTx = (rules: Rules, account: Account, position: Position): Account => ({
  ...account,
  txCount: rules.promised('tx.overflow', account.txCount + 1, 0, U32_MAX),
  lastTx: position,
});

/** K: only who ran the model for this payee can make it. */
export const commitmentOf = (
  requestId: Uint8Array,
  payee: Uint8Array,
  { execution, answer }: Execution,
): Uint8Array => hash('claim', requestId, payee, execution, answer);
