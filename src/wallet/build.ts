/** Unsigned transactions from fields: the bytes that the vault signs. */
import { encode } from '../core/codec.ts';
import { Tx, type TxOf } from '../core/formats.ts';
import { CHANNEL_LIFETIME_MAX, CHANNEL_LIFETIME_MIN, ACCOUNT_MIN } from '../core/params.ts';
import { utf8 } from '../lib/bytes.ts';
import { AppError } from '../lib/errors.ts';
import { AMOUNT_MAX } from './amount.ts';

export const MEMO_BYTES_MAX = 64;

/** What every transaction begins with: `client.prepare` gives all but `from`. */
export interface TxBase {
  readonly chainId: number;
  /** x-only public key, 32 bytes. */
  readonly from: Uint8Array;
  readonly nonce: bigint;
  /** Last height at which it is valid. */
  readonly expiry: number;
  /** nV. */
  readonly fee: bigint;
}

/** @throws AMOUNT_RANGE (under 1 nV, or with the fee over 2^64−1), MEMO_LONG (over 64 bytes) */
export function buildTransfer(
  base: TxBase,
  fields: { to: Uint8Array; amount: bigint; memo?: string },
): Uint8Array {
  requireAmount(fields.amount, 1n, base.fee);
  const memo = utf8(fields.memo ?? '');
  if (memo.length > MEMO_BYTES_MAX) throw new AppError('MEMO_LONG', `${memo.length} bytes`);
  return encodeTx({ type: 'transfer', ...base, to: fields.to, amount: fields.amount, memo });
}

/**
 * Puts coins aside for a provider. `signer` can spend them all on what `provider` closes, and nothing else.
 * @throws PREPAID_RANGE (under 0.01 VLT, or not for 60..20,160 blocks), AMOUNT_RANGE (with the fee over 2^64−1)
 */
export function buildChannel(
  base: TxBase,
  fields: Pick<TxOf<'channel'>, 'provider' | 'payee' | 'signer' | 'limit' | 'lifetime'>,
): Uint8Array {
  const { limit, lifetime } = fields;
  const isInRange = lifetime >= CHANNEL_LIFETIME_MIN && lifetime <= CHANNEL_LIFETIME_MAX;
  if (limit < ACCOUNT_MIN || !isInRange || !Number.isInteger(lifetime))
    throw new AppError('PREPAID_RANGE', `${limit} nV for ${lifetime} blocks`);
  requireAmount(limit, ACCOUNT_MIN, base.fee);
  return encodeTx({ type: 'channel', ...base, ...fields });
}

/**
 * Takes what was vouched for. `from` is the channel's provider; it has no nonce, since its channel is gone after it.
 * @throws AMOUNT_RANGE (under the fee, or over 2^64−1)
 */
export function buildClose(
  base: Omit<TxBase, 'nonce'>,
  fields: Pick<TxOf<'close'>, 'channel' | 'amount' | 'voucher'>,
): Uint8Array {
  if (base.fee < 0n || fields.amount < base.fee || fields.amount > AMOUNT_MAX)
    throw new AppError('AMOUNT_RANGE', `${fields.amount} nV and a fee of ${base.fee} nV`);
  return encodeTx({ type: 'close', ...base, nonce: 0n, ...fields });
}

function requireAmount(amount: bigint, least: bigint, fee: bigint): void {
  if (amount < least || fee < 0n || amount + fee > AMOUNT_MAX)
    throw new AppError('AMOUNT_RANGE', `${amount} nV and a fee of ${fee} nV`);
}

const encodeTx = (tx: TxOf<Tx['type']>): Uint8Array => encode(Tx, tx);
