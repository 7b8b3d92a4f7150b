/** Coins from one account to another (docs/protocol.md §8.4). */
import { equal } from '../../../lib/bytes.ts';
import { fault } from '../../faults.ts';
import type { TxOf } from '../../formats.ts';
import { stateKey } from '../../tree/keys.ts';
import { credit, creditFaults, readAccount, writeAccount } from '../state-tx.ts';
import type { Effects, Place, TxKind } from './kind.ts';

type Transfer = TxOf<'transfer'>;

export const transfer: TxKind<Transfer> = {
  credits: (tx) => [tx.to],
  reads: (tx) => [stateKey.account(tx.to)],
  codes: ['tx.amount'],
  *faults(tx) {
    if (tx.amount < 1n) yield fault('tx.amount', { amount: tx.amount });
  },
  effects: pay,
  isOpenToOthers: false,
};

function* pay(tx: Transfer, { block, from }: Place): Effects {
  const { view } = block;
  if (!equal(tx.to, from)) {
    yield* creditFaults(view, tx.to, tx.amount);
    return () => credit(block, tx.to, tx.amount);
  }
  // Counted already, as its sender's.
  return () => {
    const self = readAccount(view, from);
    writeAccount(view, from, { ...self, balance: self.balance + tx.amount });
  };
}
