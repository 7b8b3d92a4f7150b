/** Coins from one account to another (docs/protocol.md §8.4). */
import { equal } from '../../../lib/bytes.ts';
import { fault } from '../../faults.ts';
import type { TxOf } from '../../formats.ts';
import { ACCOUNT_MIN } from '../../params.ts';
import { stateKey } from '../../tree/keys.ts';
import { lacksLeaf } from '../../tree/tree.ts';
import { credit, creditFaults, readAccount, writeAccount } from '../state-tx.ts';
import type { Effects, Place, TxKind } from './kind.ts';

type Transfer = TxOf<'transfer'>;

export const transfer: TxKind<Transfer> = {
  credits: (tx) => [tx.to],
  reads: (tx) => [stateKey.account(tx.to)],
  makes: (tx, { tree }) => (lacksLeaf(tree, stateKey.account(tx.to)) ? 1 : 0),
  codes: ['tx.amount', 'tx.dust'],
  *faults(tx) {
    if (tx.amount < 1n) yield fault('tx.amount', { amount: tx.amount });
  },
  effects: pay,
  // So little makes no account: its payee's may go.
  isOpenToOthers: ({ amount }) => amount < ACCOUNT_MIN,
};

function* pay(tx: Transfer, { block, from }: Place): Effects {
  const { view } = block;
  if (!equal(tx.to, from)) {
    const holds = readAccount(view, tx.to).balance + tx.amount;
    if (holds < ACCOUNT_MIN) yield fault('tx.dust', { holds });
    yield* creditFaults(view, tx.to, tx.amount);
    return () => credit(block, tx.to, tx.amount);
  }
  // Counted already, as its sender's.
  return () => {
    const self = readAccount(view, from);
    writeAccount(view, from, { ...self, balance: self.balance + tx.amount });
  };
}
