/** What an unsigned transaction does, read from the very bytes that are signed. */
import { addressOf } from '../core/address.ts';
import { tryDecode } from '../core/codec.ts';
import { Tx } from '../core/formats.ts';
import { createParams, NETWORK_NAMES } from '../core/params.ts';
import { AppError } from '../lib/errors.ts';
import { plainText } from './plain-text.ts';
import type { TxSummary } from './vault/vault-api.ts';

/** @throws TX_MALFORMED */
export function decodeTx(bytes: Uint8Array): Tx {
  const tx = tryDecode(Tx, bytes);
  if (!tx) throw new AppError('TX_MALFORMED', 'not a transaction');
  return tx;
}

export function summaryFromTx(tx: Tx): TxSummary {
  const transfer = tx.type === 'transfer' ? tx : undefined;
  const request = tx.type === 'request' ? tx : undefined;
  return {
    type: tx.type,
    chainId: tx.chainId,
    network: NETWORK_NAMES.find((name) => createParams(name, []).chainId === tx.chainId),
    from: addressOf(tx.from),
    to: transfer?.to,
    amount: request?.reward ?? transfer?.amount ?? 0n,
    fee: tx.fee,
    nonce: tx.nonce,
    expiry: tx.expiry,
    memo: plainText(new TextDecoder().decode(transfer?.memo)),
    asks: request && {
      modelId: request.modelId,
      input: request.input,
      lifetime: request.lifetime,
    },
    request: tx.type === 'claim' || tx.type === 'result' ? tx.request : undefined,
    answer: tx.type === 'result' ? tx.answer : undefined,
  };
}
