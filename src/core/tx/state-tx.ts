/**
 * What one transaction does to the state (docs/protocol.md §8.4). Each rule is checked before
 * anything is changed: a refused transaction leaves the state as it was.
 */
import { equal, toHex } from '../../lib/bytes.ts';
import { fault, type Fault } from '../faults.ts';
import {
  Account,
  Claim,
  ExpiryList,
  OpenRequest,
  SettleList,
  type Position,
  type SignedTx,
  type Tx,
  type TxOf,
} from '../formats.ts';
import { addressOf } from '../address.ts';
import { hash, plainHash, ZERO_HASH } from '../hash.ts';
import { stateKey } from '../tree/keys.ts';
import { unitMacs } from '../manifest.ts';
import { REQUESTS_PER_EXPIRY_MAX, SETTLEMENT_BLOCKS, type Params } from '../params.ts';
import { spentBy, txFaults, txId, verifySignature, type Models } from './tx.ts';
import type { StateView } from '../tree/view.ts';

/** What running a request's model on its input gave. */
export interface Execution {
  /** H_execution(ā_1..ā_L ‖ c̄_L). */
  readonly execution: Uint8Array;
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
  /** MACs that first results may still cost a verifier of this block. */
  macsLeft: bigint;
  /** First results so far. */
  firstResults: number;
}

const U32_MAX = 0xffff_ffff;
const U64_MAX = (1n << 64n) - 1n;
const NO_ACCOUNT: Account = { balance: 0n, nonce: 0, txCount: 0, lastTx: { height: 0, index: 0 } };

/** All coins are far below 2^64 nV: this matters only in attack runs that make some from nothing. */
export const atMostU64 = (amount: bigint): bigint => (amount > U64_MAX ? U64_MAX : amount);

export const readAccount = (view: StateView, address: Uint8Array): Account =>
  view.get(Account, stateKey.account(address)) ?? NO_ACCOUNT;

/** An account that never did anything and holds nothing has no leaf. */
export function writeAccount(view: StateView, address: Uint8Array, account: Account): void {
  const blank = !account.balance && !account.nonce && !account.txCount;
  view.set(Account, stateKey.account(address), blank ? undefined : account);
}

/** Faults of a transaction at its place; then its effects, once the caller lets it run to the end. */
export function* applyTx(block: BlockState, signed: SignedTx): Generator<Fault, void> {
  const { view, params, context, height } = block;
  const { tx } = signed;
  yield* txFaults(params, context.models, height, signed);
  const from = addressOf(tx.from);
  const sender = readAccount(view, from);
  if (tx.nonce !== sender.nonce) yield fault('tx.nonce', { has: tx.nonce, next: sender.nonce });
  if (sender.nonce === U32_MAX) yield fault('tx.overflow', { field: 'nonce' });
  if (sender.txCount === U32_MAX) yield fault('tx.overflow', { field: 'txCount' });
  const spent = spentBy(tx);
  if (sender.balance < spent) yield fault('tx.balance', { has: sender.balance, spent });
  if (!context.signatureKnown?.(signed) && !verifySignature(signed)) yield fault('tx.signature');

  const position = { height, index: block.count };
  const effects = yield* effectsOf(block, tx, from, position);
  // The bounds matter only in attack runs, where a rule above is off.
  const balance = sender.balance > spent ? sender.balance - spent : 0n;
  const nonce = Math.min(sender.nonce + 1, U32_MAX);
  writeAccount(view, from, noteTx({ ...sender, balance, nonce }, position));
  effects?.();
  block.count++;
  block.fees += tx.fee;
}

/** The account after one more transaction that debits or credits it. */
const noteTx = (account: Account, position: Position): Account => ({
  ...account,
  txCount: Math.min(account.txCount + 1, U32_MAX),
  lastTx: position,
});

type Effects = Generator<Fault, (() => void) | undefined>;

function effectsOf(block: BlockState, tx: Tx, from: Uint8Array, position: Position): Effects {
  switch (tx.type) {
    case 'transfer':
      return transfer(block, tx, from, position);
    case 'request':
      return request(block, tx, from);
    case 'claim':
      return claim(block, tx, from, position);
    case 'result':
      return result(block, tx, from);
  }
}

function* transfer(
  block: BlockState,
  tx: TxOf<'transfer'>,
  from: Uint8Array,
  position: Position,
): Effects {
  const { view } = block;
  const toSelf = equal(tx.to, from);
  const before = readAccount(view, tx.to);
  if (!toSelf && before.balance + tx.amount > U64_MAX) yield fault('tx.overflow');
  if (!toSelf && before.txCount === U32_MAX) yield fault('tx.overflow', { field: 'txCount' });
  return () => {
    // Read again: the sender's own leaf has just changed.
    const to = readAccount(view, tx.to);
    const paid = { ...to, balance: atMostU64(to.balance + tx.amount) };
    writeAccount(view, tx.to, toSelf ? paid : noteTx(paid, position));
  };
}

function* request(block: BlockState, tx: TxOf<'request'>, from: Uint8Array): Effects {
  const { view, height } = block;
  const expiry = height + tx.lifetime;
  const listKey = stateKey.expiry(expiry);
  const open = view.get(ExpiryList, listKey) ?? [];
  const full = open.length >= REQUESTS_PER_EXPIRY_MAX;
  if (full) yield fault('tx.request-full', { expiry });
  return () => {
    const { modelId, reward, input } = tx;
    const id = txId(tx);
    const unanswered = { best: null, settle: 0, answerHash: ZERO_HASH };
    view.set(OpenRequest, stateKey.request(id), {
      asker: from,
      modelId,
      reward,
      expiry,
      ...unanswered,
      input,
    });
    if (!full) view.set(ExpiryList, listKey, [...open, id]);
  };
}

function* claim(
  block: BlockState,
  tx: TxOf<'claim'>,
  from: Uint8Array,
  position: Position,
): Effects {
  const { view } = block;
  const key = stateKey.claim(tx.request, from);
  const open = view.get(OpenRequest, stateKey.request(tx.request));
  if (!open) yield fault('tx.claim-closed');
  if (view.get(Claim, key)) yield fault('tx.claim-twice');
  return () => view.set(Claim, key, { commitment: tx.commitment, position });
}

/** K: only who ran the model for this payee can make it. */
export const commitmentOf = (
  requestId: Uint8Array,
  payee: Uint8Array,
  { execution, answer }: Execution,
): Uint8Array => hash('claim', requestId, payee, execution, answer);

/** The first valid result starts the settlement; the earliest claim among valid results is paid. */
function* result(block: BlockState, tx: TxOf<'result'>, from: Uint8Array): Effects {
  const { view, height } = block;
  const key = stateKey.request(tx.request);
  const claimKey = stateKey.claim(tx.request, from);
  const open = view.get(OpenRequest, key);
  const own = view.get(Claim, claimKey);
  if (!open) yield fault('tx.result-closed');
  if (!own) yield fault('tx.result-claim');
  if (own && own.position.height >= height) yield fault('tx.result-order');
  if (!open || !own) return undefined;

  const answerHash = plainHash(tx.answer);
  const ran = block.context.executionOf?.(tx.request, open);
  if (ran && !equal(tx.answer, ran.answer)) yield fault('tx.result-answer');
  // Without the model, a later answer can still be held against the first.
  if (open.settle && !equal(answerHash, open.answerHash)) yield fault('tx.result-answer');
  const answered = { execution: ran?.execution ?? new Uint8Array(32), answer: tx.answer };
  if (ran && !equal(own.commitment, commitmentOf(tx.request, from, answered)))
    yield fault('tx.result-commitment');

  const first = open.settle === 0;
  const macs = macsOf(block.context.models, open.modelId);
  if (first && block.firstResults > 0 && macs > block.macsLeft) yield fault('tx.result-budget');
  const settle = first ? height + SETTLEMENT_BLOCKS : open.settle;
  const due = view.get(SettleList, stateKey.settle(settle)) ?? [];
  return () => {
    if (first) {
      view.set(SettleList, stateKey.settle(settle), [...due, tx.request]);
      block.macsLeft -= macs;
      block.firstResults++;
    }
    const best = earlier({ payee: from, claim: own.position }, open.best);
    view.set(OpenRequest, key, { ...open, best, settle, answerHash });
    view.set(Claim, claimKey, undefined);
  };
}

const macsOf = (models: Models, modelId: Uint8Array): bigint => {
  const manifest = models.get(toHex(modelId));
  return manifest ? unitMacs(manifest) : 0n;
};

type Best = NonNullable<OpenRequest['best']>;

function earlier(mine: Best, best: Best | null): Best {
  if (!best) return mine;
  const order = mine.claim.height - best.claim.height || mine.claim.index - best.claim.index;
  return order < 0 ? mine : best;
}
