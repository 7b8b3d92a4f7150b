/** What an unsigned transaction does, read from the very bytes that are signed. */
import { addressOf } from '../core/address.ts';
import { tryDecode } from '../core/codec.ts';
import { Tx } from '../core/formats.ts';
import { createParams, NETWORK_NAMES } from '../core/params.ts';
import { amountOf } from '../core/tx/tx.ts';
import { AppError } from '../lib/errors.ts';
import { walletKindOf } from './kinds.ts';
import type { TxSummary } from './vault/vault-api.ts';

/** @throws TX_MALFORMED */
export function decodeTx(bytes: Uint8Array): Tx {
  const tx = tryDecode(Tx, bytes);
  if (!tx) throw new AppError('TX_MALFORMED', 'not a transaction');
  return tx;
}

export function summaryFromTx(tx: Tx): TxSummary {
  return {
    type: tx.type,
    chainId: tx.chainId,
    network: NETWORK_NAMES.find((name) => createParams(name, []).chainId === tx.chainId),
    from: addressOf(tx.from),
    amount: amountOf(tx),
    fee: tx.fee,
    nonce: tx.nonce,
    expiry: tx.expiry,
    // What only some kinds have.
    to: undefined,
    memo: '',
    prepays: undefined,
    closes: undefined,
    ...walletKindOf(tx).summary(tx),
  };
}
