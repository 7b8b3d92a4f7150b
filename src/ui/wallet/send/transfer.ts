/** Sending: checks what a person typed, and what the vault read of it. wallet/build.ts makes the bytes. Pure. */
import { ADDRESS_PREFIXES, type NetworkName } from '../../../core/params.ts';
import { equal } from '../../../lib/bytes.ts';
import type { TxSummary } from '../../../wallet/vault/vault-api.ts';
import type { FormFault } from '../../i18n/error-texts.ts';
import { parseVolts } from '../../kit/format.ts';
import { addressFrom } from '../../../wallet/address.ts';

export interface TransferForm {
  readonly to: string;
  readonly amount: string;
  readonly fee: string;
}
export interface Transfer {
  readonly to: Uint8Array;
  readonly amount: bigint;
  readonly fee: bigint;
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
  /** nV: less is not relayed, or does not displace what is to be replaced. */
  readonly leastFee: bigint;
}

export function checkTransfer(
  form: TransferForm,
  { prefix, locale, spendable, leastFee }: TransferContext,
): { transfer?: Transfer; faults: FormFaults } {
  const text = form.to;
  const faults: FormFaults = {};
  const badAddress = addressFault(text, prefix);
  const amount = parseVolts(form.amount, locale);
  const fee = parseVolts(form.fee, locale);
  if (badAddress) faults.to = badAddress;
  if (fee === undefined) faults.fee = 'FEE_MALFORMED';
  else if (fee < leastFee) faults.fee = 'FEE_LOW';
  if (amount === undefined) faults.amount = 'AMOUNT_MALFORMED';
  else if (amount === 0n) faults.amount = 'AMOUNT_ZERO';
  else if (amount + (fee ?? 0n) > spendable) faults.amount = 'AMOUNT_OVER';
  if (Object.keys(faults).length || amount === undefined || fee === undefined) return { faults };
  return { transfer: { to: addressFrom(text, prefix)!, amount, fee }, faults };
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
