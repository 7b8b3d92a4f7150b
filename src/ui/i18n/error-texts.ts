/**
 * Which codes need a sentence in each language. A code that is new in
 * lib/error-codes.ts does not compile until both languages say it, or it is listed here as unseen.
 */
import type { FaultCode } from '../../core/faults.ts';
import type { ErrorCode } from '../../lib/error-codes.ts';

type Among<All, Some extends All> = Some;

/** Never reach a screen: the node's and its listeners', and bugs, for which INTERNAL's sentence is right. */
export type UnseenCode = Among<
  ErrorCode,
  // Bugs of a program.
  | 'BLOCK_REFUSED'
  | 'NO_METHOD'
  | 'NOT_CLONABLE'
  | 'NOT_CONFIGURED'
  | 'PASS_ABORTED'
  // Forms do not let them happen.
  | 'MEMO_LONG'
  // The node's alone.
  | 'API_KEY_WRONG'
  | 'ARGUMENT_REFUSED'
  | 'ASKING_OFF'
  | 'BODY_MALFORMED'
  | 'BODY_TOO_LARGE'
  | 'DATA_REFUSED'
  | 'DIMENSIONS_FIXED'
  | 'FUNDS_SHORT'
  | 'GENESIS_UNKNOWN'
  | 'HOST_REFUSED'
  | 'IDEMPOTENCY_MALFORMED'
  | 'IDEMPOTENCY_REUSED'
  | 'INPUT_TOKENS'
  | 'KEYS_CORRUPT'
  | 'KEY_MALFORMED'
  | 'METHOD_REFUSED'
  | 'MODEL_KIND'
  | 'NOT_FOUND'
  | 'ORIGIN_REFUSED'
  | 'PART_DIED'
  | 'PORT_BUSY'
  | 'PORT_REFUSED'
  | 'RATE_LIMIT'
  | 'RPC_METHOD'
  | 'RPC_PARAMS'
  | 'RPC_PARSE'
  | 'RPC_REQUEST'
  | 'SEED_SILENT'
  | 'SENDER_BUSY'
  | 'SPEND_LIMIT'
  | 'STOP_SLOW'
  | 'TYPE_REFUSED'
  | 'WRONG_FLAG'
>;

/** What a person typed into a form and has to change. */
export type FormFault =
  | 'ADDRESS_MISSING'
  | 'ADDRESS_NETWORK'
  | 'ADDRESS_MALFORMED'
  | 'AMOUNT_MALFORMED'
  | 'AMOUNT_ZERO'
  | 'AMOUNT_OVER'
  | 'AMOUNT_REST'
  | 'AMOUNT_DUST'
  | 'FEE_MALFORMED'
  | 'FEE_LOW'
  | 'SUMMARY_DIFFERS';
/** Errors of a typed address, amount or payment link, said like a form's faults. */
type TypedCode = Among<
  ErrorCode,
  'ADDRESS_CHECKSUM' | 'AMOUNT_PRECISION' | 'URI_MALFORMED' | 'URI_REQUIRED'
>;
/** Why the network refused a payment, where a person can do something about it. */
type RefusalFault = Among<
  FaultCode,
  'tx.balance' | 'tx.dust' | 'tx.nonce' | 'tx.expired' | 'tx.fee-low' | 'tx.pool-full' | 'tx.known'
>;

export type FormTexts = Readonly<Record<FormFault | TypedCode | RefusalFault, string>>;
export type ErrorTexts = Readonly<Record<Exclude<ErrorCode, UnseenCode | keyof FormTexts>, string>>;
