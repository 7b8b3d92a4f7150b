/** Sending: checks what a person typed, and what the vault read of it. wallet/build.ts makes the bytes. Pure. */
import { ACCOUNT_MIN, ADDRESS_PREFIXES, type NetworkName } from '../../../core/params.ts';
import { equal } from '../../../lib/bytes.ts';
import type { TxSummary } from '../../../wallet/vault/vault-api.ts';
import type { FormFault } from '../../i18n/error-texts.ts';
import { parseVolts } from '../../kit/format.ts';
import { addressFrom } from '../../../wallet/address.ts';

export interface TransferForm {
  readonly to: string;
  readonly amount: string;
  /** All there is, less the fee, whatever is written as the amount. */
  readonly all?: boolean;
  readonly fee: string;
}
export interface Transfer {
  readonly to: Uint8Array;
  readonly amount: bigint;
  readonly fee: bigint;
  /** It empties the account. */
  readonly all: boolean;
}
export type FormFaults = Partial<Record<keyof TransferForm, FormFault>>;

function addressFault(text: string, prefix: string): FormFault | undefined {
  if (text.trim() === '') return 'ADDRESS_MISSING';
  if (addressFrom(text, prefix)) return undefined;
  const other = ADDRESS_PREFIXES.some((p) => p !== prefix && addressFrom(text, p));
  return other ? 'ADDRESS_NETWORK' : 'ADDRESS_MALFORMED';
}

export interface TransferContext {
  readonly prefix: string;
  readonly locale: string;
  /** nV. */
  readonly spendable: bigint;
  /** The amount is that of a payment that waits: no other is to be thought of. */
  readonly isFixed?: boolean;
  /** nV: less is not relayed, or does not displace what is to be replaced. */
  readonly leastFee: bigint;
}

function amountFault(
  amount: bigint | undefined,
  fee: bigint,
  { spendable, all, isFixed }: { spendable: bigint; all: boolean; isFixed: boolean },
): FormFault | undefined {
  if (amount === undefined) return 'AMOUNT_MALFORMED';
  if (amount === 0n) return all ? 'AMOUNT_OVER' : 'AMOUNT_ZERO';
  const rest = spendable - amount - fee;
  if (rest < 0n) return 'AMOUNT_OVER';
  return !isFixed && isLost(rest) ? 'AMOUNT_REST' : undefined;
}

export function checkTransfer(
  form: TransferForm,
  { prefix, locale, spendable, leastFee, isFixed = false }: TransferContext,
): { transfer?: Transfer; faults: FormFaults } {
  const text = form.to;
  const faults: FormFaults = {};
  const badAddress = addressFault(text, prefix);
  const { all = false } = form;
  const fee = parseVolts(form.fee, locale);
  const amount = all ? allOf(spendable, fee ?? 0n) : parseVolts(form.amount, locale);
  if (badAddress) faults.to = badAddress;
  if (fee === undefined) faults.fee = 'FEE_MALFORMED';
  else if (fee < leastFee) faults.fee = 'FEE_LOW';
  const badAmount = amountFault(amount, fee ?? 0n, { spendable, all, isFixed });
  if (badAmount) faults.amount = badAmount;
  if (Object.keys(faults).length || amount === undefined || fee === undefined) return { faults };
  return { transfer: { to: addressFrom(text, prefix)!, amount, fee, all }, faults };
}

/** nV that empty an account with that fee; 0 where the fee takes all. */
export const allOf = (spendable: bigint, fee: bigint): bigint =>
  spendable > fee ? spendable - fee : 0n;

/** Whether what is left would go to the block's miner: an account can't hold so little. */
export const isLost = (rest: bigint): boolean => rest > 0n && rest < ACCOUNT_MIN;

/** nV that would go to the block's miner if that payment were sent; undefined where none would. */
export function lostBy(
  spendable: bigint,
  { amount, fee }: Pick<Transfer, 'amount' | 'fee'>,
): bigint | undefined {
  const rest = spendable - amount - fee;
  return isLost(rest) ? rest : undefined;
}

/** Whether the vault read in the bytes what was meant, on the network of this page. */
export const saysTheSame = (
  read: TxSummary,
  meant: Transfer,
  network: NetworkName | undefined,
): boolean =>
  read.type === 'transfer' &&
  read.network !== undefined &&
  read.network === network &&
  read.to !== undefined &&
  equal(read.to, meant.to) &&
  read.amount === meant.amount &&
  read.fee === meant.fee;
