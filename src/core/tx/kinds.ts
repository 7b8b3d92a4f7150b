/**
 * The kinds of transactions. The row of a kind says all that core, chain and client must know of it, except
 * what it spends, which the keyring must know too (tx.ts). A case added to `Tx` (formats.ts) does not
 * compile until it has a row here.
 */
import { addressOf } from '../address.ts';
import type { Tx, TxOf } from '../formats.ts';
import { claim } from './kinds/claim.ts';
import type { TxKind } from './kinds/kind.ts';
import { request } from './kinds/request.ts';
import { result } from './kinds/result.ts';
import { transfer } from './kinds/transfer.ts';

export const KINDS: { readonly [K in Tx['type']]: TxKind<TxOf<K>> } = {
  transfer,
  request,
  claim,
  result,
};

export const TX_TYPES = Object.keys(KINDS) as readonly Tx['type'][];

/** The row of a transaction. */
// The cast is needed: the type of `KINDS[tx.type]` does not say that the row belongs to this transaction's type.
export const kindOf = (tx: Tx): TxKind<Tx> => KINDS[tx.type];

/** Addresses whose txCount a transaction raises, the sender's first. */
export const partiesOf = (tx: Tx): Uint8Array[] => [addressOf(tx.from), ...kindOf(tx).credits(tx)];
