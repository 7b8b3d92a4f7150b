/**
 * One transaction in a block (docs/protocol.md §4.2, §8.4). Each rule is checked before anything is
 * changed: a refused transaction leaves the state as it was.
 */
import { toHex } from '../../lib/bytes.ts';
import { addressOf } from '../address.ts';
import { fault, type Fault } from '../faults.ts';
import type { Account, SignedTx, Tx } from '../formats.ts';
import { EXPIRY_BLOCKS_MAX, type Params } from '../params.ts';
import { rule, type Rule } from '../rules.ts';
import { kindOf } from './kinds.ts';
import { readAccount, U32_MAX, U64_MAX, writeParty, type BlockState } from './state-tx.ts';
import { lineOf, spentBy, verifySignature, type Line } from './tx.ts';

/** A transaction for a block of that height, with what the rules that read no state need to know. */
interface TxInput {
  readonly params: Params;
  readonly height: number;
  readonly tx: Tx;
}

/** A transaction that an account pays for. */
interface PaidInput {
  readonly tx: Tx;
  /** The account of the transaction's sender. */
  readonly sender: Account;
}

/** Rules that need no state, without the costly one of the signature. The rules of the kind come after them. */
const STATELESS_RULES: readonly Rule<TxInput>[] = [
  rule('tx.chain', '4.2', ({ params, tx: { chainId } }) =>
    chainId === params.chainId ? undefined : { chainId },
  ),
  rule('tx.expired', '4.2', ({ tx: { expiry }, height }) =>
    expiry >= height ? undefined : { expiry, height },
  ),
  rule('tx.expiry-far', '4.2', ({ tx: { expiry }, height }) =>
    expiry <= height + EXPIRY_BLOCKS_MAX ? undefined : { expiry, height },
  ),
];

const ACCOUNT_RULES: readonly Rule<PaidInput>[] = [
  rule('tx.nonce', '8.4', ({ tx, sender }) =>
    tx.nonce === sender.nonce ? undefined : { has: tx.nonce, next: sender.nonce },
  ),
  {
    codes: ['tx.overflow'],
    section: '8.4',
    *faults({ sender }) {
      if (sender.nonce === U64_MAX) yield fault('tx.overflow', { field: 'nonce' });
      if (sender.txCount === U32_MAX) yield fault('tx.overflow', { field: 'txCount' });
    },
  },
  rule('tx.balance', '8.4', ({ tx, sender }) => {
    const spent = spentBy(tx);
    return sender.balance >= spent ? undefined : { has: sender.balance, spent };
  }),
];

const SIGNATURE_RULE: Rule<{ block: BlockState; signed: SignedTx }> = rule(
  'tx.signature',
  '4.2',
  ({ block: { context }, signed }) =>
    context.signatureKnown?.(signed) || verifySignature(context.genesis, signed) ? undefined : {},
);

/** Rules for transactions of every kind; the rules of one kind are in its row (kinds.ts). */
export const TX_RULES: readonly Pick<Rule<never>, 'codes' | 'section'>[] = [
  ...STATELESS_RULES,
  ...ACCOUNT_RULES,
  SIGNATURE_RULE,
];

/** Faults in a block of `height` that can be found without state and without checking the signature. */
export function* txFaults(
  params: Params,
  height: number,
  { tx }: SignedTx,
): Generator<Fault, void> {
  for (const { faults } of STATELESS_RULES) yield* faults({ params, height, tx });
  yield* kindOf(tx).faults(tx);
}

/** Yields why a transaction can't be paid for, and returns what takes the payment. */
type Payment = Generator<Fault, () => void>;

/** By what pays. */
const PAYERS: Readonly<
  Record<Line['of'], (block: BlockState, tx: Tx, from: Uint8Array) => Payment>
> = {
  *account(block, tx, from) {
    const sender = readAccount(block.view, from);
    for (const { faults } of ACCOUNT_RULES) yield* faults({ tx, sender });

    return () => {
      const { rules } = block.params;
      const balance = rules.promised('tx.balance', sender.balance - spentBy(tx), 0n, U64_MAX);
      const nonce = rules.promised('tx.overflow', sender.nonce + 1n, 0n, U64_MAX);
      writeParty(block, from, { ...sender, balance, nonce });
      block.debited.set(toHex(from), from);
    };
  },
  // What a channel holds, the effects of its one transaction divide, the fee with it.
  *channel() {
    return () => undefined;
  },
};

/** Yields the faults of a transaction at its place; its effects follow if the caller runs it to the end. */
export function* applyTx(block: BlockState, signed: SignedTx): Generator<Fault, void> {
  const { params, height } = block;
  const { tx } = signed;
  yield* txFaults(params, height, signed);

  const from = addressOf(tx.from);
  const pay = yield* PAYERS[lineOf(tx).of](block, tx, from);
  yield* SIGNATURE_RULE.faults({ block, signed });
  const effects = yield* kindOf(tx).effects(tx, { block, from });

  pay();
  effects?.();
  block.count++;
  block.fees += tx.fee;
}
