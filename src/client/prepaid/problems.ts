/** What the machine of an asker's end says, in the codes that screens and programs know. */
import type { AskCode } from '../../core/ask-messages.ts';
import type { ErrorCode } from '../../lib/error-codes.ts';

/**
 * Several mean one thing to a person: the two ends count differently, and another channel is the way out. So do those
 * that this end has looked after itself: it asks one question at a time, and none for more than an answer holds.
 */
const REFUSALS: Readonly<Record<AskCode, ErrorCode>> = {
  SIGNER_WRONG: 'PROVIDER_PUZZLED',
  CHANNEL_UNKNOWN: 'CHANNEL_UNSEEN',
  CHANNEL_SHALLOW: 'CHANNEL_SHALLOW',
  CHANNEL_SMALL: 'CHANNEL_SMALL',
  CHANNEL_ENDING: 'CHANNEL_ENDING',
  CHANNEL_CLOSED: 'CHANNEL_CLOSED',
  CHANNEL_REPLACED: 'CHANNEL_REPLACED',
  PAYMENT_REQUIRED: 'PROVIDER_PUZZLED',
  VOUCHER_WRONG: 'PROVIDER_PUZZLED',
  VOUCHER_STALE: 'PROVIDER_PUZZLED',
  VOUCHER_HIGH: 'PROVIDER_PUZZLED',
  QUESTION_ORDER: 'PROVIDER_PUZZLED',
  QUESTION_BUSY: 'PROVIDER_PUZZLED',
  MODEL_UNKNOWN: 'MODEL_UNOFFERED',
  PRICE_LOW: 'PRICE_LOW',
  MODEL_FAILED: 'PROVIDER_FAILED',
  PROVIDER_BUSY: 'PROVIDER_BUSY',
  QUESTION_LONG: 'PROVIDER_PUZZLED',
};
export const codeOfRefusal = (code: AskCode): ErrorCode => REFUSALS[code];
