/** What an unsigned transaction does, read from the very bytes that are signed. */
import { tryDecode } from '../core/codec.ts';
import { Tx } from '../core/formats.ts';
import { AppError } from '../lib/errors.ts';
import { plainText } from './uri.ts';
import type { TxSummary } from './vault-api.ts';

/** @throws TX_MALFORMED */
export function decodeTx(bytes: Uint8Array): Tx {
  const tx = tryDecode(Tx, bytes);
  if (!tx) throw new AppError('TX_MALFORMED', 'not a transaction');
  return tx;
}

export function summaryFromTx(tx: Tx): TxSummary {
  const transfer = tx.type === 'transfer' ? tx : undefined;
  const amount = tx.type === 'request' ? tx.reward : (transfer?.amount ?? 0n);
  return {
    type: tx.type,
    to: transfer?.to,
    amount,
    fee: tx.fee,
    nonce: tx.nonce,
    expiry: tx.expiry,
    memo: plainText(new TextDecoder().decode(transfer?.memo)),
  };
}
