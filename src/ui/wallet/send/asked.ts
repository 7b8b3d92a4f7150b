/** What a payment link said, for as long as its address stands in the form. Pure. */
import { equal } from '../../../lib/bytes.ts';
import type { PaymentRequest } from '../../../wallet/uri.ts';
import { addressFrom } from '../../../wallet/address.ts';
import type { TransferForm } from './transfer.ts';

export interface Asked {
  readonly request: PaymentRequest;
  /** As it was written into the form; undefined where the link named none. */
  readonly amount: string | undefined;
}

/** The fields that a link fills; `before` it another link's may stand there. */
export function withLink(
  form: TransferForm,
  before: Asked | undefined,
  link: Asked,
  to: string,
): TransferForm {
  const { amount } = withoutLink(form, before);
  return { to: to, amount: link.amount ?? amount, fee: form.fee };
}

/** Without the amount that the link brought; one that the person wrote stays. */
export function withoutLink(form: TransferForm, asked: Asked | undefined): TransferForm {
  const isTheirs = asked?.amount !== undefined && form.amount === asked.amount;
  return { to: form.to, amount: isTheirs ? '' : form.amount, fee: form.fee };
}

/** Whether the address in the form is still the one that the link named. */
export function stillAsks({ request }: Asked, to: string, prefix: string): boolean {
  const address = addressFrom(to, prefix);
  return address !== undefined && equal(address, request.address);
}
