/**
 * The kinds of transactions. The row of a kind says all that core, chain and client must know of it, except
 * what it spends, which the keyring must know too (tx.ts). A case added to `Tx` (formats.ts) does not
 * compile until it has a row here.
 */
import { addressOf } from '../address.ts';
import type { Tx, TxOf } from '../formats.ts';
import { stateKey } from '../tree/keys.ts';
import { channel } from './kinds/channel.ts';
import { close } from './kinds/close.ts';
import type { TxKind } from './kinds/kind.ts';
import { transfer } from './kinds/transfer.ts';
import { lineOf } from './tx.ts';

export const KINDS: { readonly [K in Tx['type']]: TxKind<TxOf<K>> } = {
  transfer,
  channel,
  close,
};

export const TX_TYPES = Object.keys(KINDS) as readonly Tx['type'][];

/** The row of a transaction. */
// The cast is needed: the type of `KINDS[tx.type]` does not say that the row belongs to this transaction's type.
export const kindOf = (tx: Tx): TxKind<Tx> => KINDS[tx.type];

/** Key of the state's leaf that orders its line. */
export function leafOfLine(tx: Tx): Uint8Array {
  const { of, id } = lineOf(tx);
  return of === 'account' ? stateKey.account(addressOf(id)) : stateKey.channel(id);
}

/**
 * Addresses for which it counts, as far as the transaction itself says: who pays for it as an account first. For whom
 * a close counts is said by its channel's leaf, and so by executing it (`Executed.parties`).
 */
export const partiesOf = (tx: Tx): Uint8Array[] => [
  ...(lineOf(tx).of === 'account' ? [addressOf(tx.from)] : []),
  ...kindOf(tx).credits(tx),
];
