/**
 * One transaction in a block (docs/protocol.md §4.2, §8.4). Each rule is checked before anything is
 * changed: a refused transaction leaves the state as it was.
 */
import { addressOf } from '../address.ts';
import { fault, type Fault } from '../faults.ts';
import type { SignedTx } from '../formats.ts';
import { EXPIRY_BLOCKS_MAX, type Params } from '../params.ts';
import { kindOf } from './kinds.ts';
import { noteTx, readAccount, U32_MAX, writeAccount, type BlockState } from './state-tx.ts';
import { spentBy, verifySignature, type Models } from './tx.ts';

/** Faults that show without state in a block of `height`, but for the signature's: it is costly. */
export function* txFaults(
  params: Params,
  models: Models,
  height: number,
  { tx }: SignedTx,
): Generator<Fault, void> {
  if (tx.chainId !== params.chainId) yield fault('tx.chain', { chainId: tx.chainId });
  if (tx.expiry < height) yield fault('tx.expired', { expiry: tx.expiry, height });
  if (tx.expiry > height + EXPIRY_BLOCKS_MAX)
    yield fault('tx.expiry-far', { expiry: tx.expiry, height });
  yield* kindOf(tx).faults(tx, { params, models });
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
  const kind = kindOf(tx);
  const effects = yield* kind.effects(tx, { block, from, position });
  // The bounds matter only in attack runs, where a rule above is off.
  const balance = sender.balance > spent ? sender.balance - spent : 0n;
  const nonce = Math.min(sender.nonce + 1, U32_MAX);
  writeAccount(view, from, noteTx({ ...sender, balance, nonce }, position));
  effects?.();
  block.count++;
  block.fees += tx.fee;
  block.burned += kind.burns(tx);
}
