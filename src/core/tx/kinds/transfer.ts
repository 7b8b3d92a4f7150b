/** Coins from one account to another (docs/protocol.md §8.4). */
import { equal } from '../../../lib/bytes.ts';
import { fault } from '../../faults.ts';
import type { TxOf } from '../../formats.ts';
import { BODY_TXS_MAX } from '../../params.ts';
import { stateKey } from '../../tree/keys.ts';
import { noteTx, readAccount, U32_MAX, U64_MAX, writeAccount } from '../state-tx.ts';
import type { Effects, Place, TxKind } from './kind.ts';

type Transfer = TxOf<'transfer'>;

export const transfer: TxKind<Transfer> = {
  perBlock: BODY_TXS_MAX,
  burns: () => 0n,
  credits: (tx) => [tx.to],
  reads: (tx) => [stateKey.account(tx.to)],
  codes: ['tx.amount', 'tx.overflow'],
  *faults(tx) {
    if (tx.amount < 1n) yield fault('tx.amount', { amount: tx.amount });
  },
  effects: pay,

  isOpenToOthers: false,
  isPrepaid: false,
  needsBefore: () => false,

  requestOf: () => undefined,
  runOf: () => undefined,
};

function* pay(tx: Transfer, { block: { view, params }, from, position }: Place): Effects {
  const toSelf = equal(tx.to, from);
  const before = readAccount(view, tx.to);
  if (!toSelf && before.balance + tx.amount > U64_MAX) yield fault('tx.overflow');
  if (!toSelf && before.txCount === U32_MAX) yield fault('tx.overflow', { field: 'txCount' });

  return () => {
    // Read again: the sender's own leaf has just changed.
    const to = readAccount(view, tx.to);
    const { rules } = params;
    const balance = rules.promised('tx.overflow', to.balance + tx.amount, 0n, U64_MAX);
    const paid = { ...to, balance };
    writeAccount(view, tx.to, toSelf ? paid : noteTx(rules, paid, position));
  };
}
