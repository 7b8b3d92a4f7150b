/**
 * An answer with its receipt, as it is kept and as it is shared (docs/protocol.md §9.2): whoever holds it and the model
 * can show that the provider said so, and whether it is true.
 */
import {
  answerHash,
  OPTIONS_BYTES_MAX,
  QUESTION_BYTES_MAX,
  questionHash,
  Receipt,
  receiptHash,
  REPLY_BYTES_MAX,
  verifyHash,
} from '../../core/channel.ts';
import {
  blob,
  bytes,
  encode,
  hash32,
  struct,
  tryDecode,
  u32,
  u48,
  u8,
  type Value,
} from '../../core/codec.ts';
import { equal } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { PaidAnswer } from '../api.ts';

/** First byte of a shared answer: its form. */
const FORM = 1;

const said = {
  provider: hash32,
  receipt: Receipt,
  signature: bytes(64),
  /** Opens the hashes that the receipt names. */
  salt: hash32,
  options: blob(OPTIONS_BYTES_MAX),
  input: blob(QUESTION_BYTES_MAX),
  answer: blob(REPLY_BYTES_MAX),
};
/** What a provider said, and all that is needed to check it. */
export type Said = { readonly [K in keyof typeof said]: Value<(typeof said)[K]> };

const Shared = struct({ form: u8, genesis: hash32, ...said });

/** What a device keeps of an answer. */
export const KeptAnswer = struct({
  ...said,
  units: u32,
  timeMs: u48,
  /** Index in VERDICTS. */
  verdict: u8,
});
export type KeptAnswer = Value<typeof KeptAnswer>;

const VERDICTS: readonly PaidAnswer['verdict'][] = ['unchecked', 'equal', 'false'];
export const verdictByte = (verdict: PaidAnswer['verdict']): number => VERDICTS.indexOf(verdict);

export const encodeAnswer = (genesis: Uint8Array, answer: Said): Uint8Array =>
  encode(Shared, { ...answer, form: FORM, genesis });

/** @throws AppError ANSWER_MALFORMED, ANSWER_FOREIGN, ANSWER_FORGED */
export function decodeAnswer(genesis: Uint8Array, shared: Uint8Array): Said {
  const found = tryDecode(Shared, shared);
  if (found?.form !== FORM)
    throw new AppError('ANSWER_MALFORMED', `${shared.length} bytes are no shared answer`);
  if (!equal(found.genesis, genesis)) throw new AppError('ANSWER_FOREIGN', 'of another network');
  requireSaid(genesis, found);
  return found;
}

/** Whether the provider signed just this. @throws AppError ANSWER_FORGED */
export function requireSaid(genesis: Uint8Array, said: Said): void {
  const { provider, receipt, signature, salt, options, input, answer } = said;
  const isSaid =
    equal(receipt.question, questionHash(salt, options, input)) &&
    equal(receipt.answer, answerHash(salt, answer)) &&
    verifyHash(receiptHash(genesis, receipt), signature, provider);
  if (!isSaid) throw new AppError('ANSWER_FORGED', 'the receipt is of something else');
}

/** As the API tells it. */
export const paidAnswerOf = (kept: KeptAnswer): PaidAnswer => {
  const { channel, n, model, total } = kept.receipt;
  return {
    channel,
    n,
    model,
    salt: kept.salt,
    options: kept.options,
    input: kept.input,
    answer: kept.answer,
    units: kept.units,
    total,
    receipt: encode(Receipt, kept.receipt),
    signature: kept.signature,
    provider: kept.provider,
    timeMs: kept.timeMs,
    verdict: VERDICTS[kept.verdict] ?? 'unchecked',
  };
};

/** What a caller holds, which may be anything. @throws AppError ANSWER_FORGED where it isn't what its receipt names */
export function saidOf(answer: PaidAnswer): Said {
  const receipt = tryDecode(Receipt, answer.receipt);
  const isOfIt =
    receipt !== undefined &&
    receipt.n === answer.n &&
    equal(receipt.channel, answer.channel) &&
    equal(receipt.model, answer.model);
  if (!isOfIt) throw new AppError('ANSWER_FORGED', 'the receipt is of another answer');
  const { provider, signature, salt, options, input } = answer;
  return { provider, receipt, signature, salt, options, input, answer: answer.answer };
}

/** The first byte where an answer is not what the model gives; it may be shorter, as one that was stopped. */
export function differenceAt(answer: Uint8Array, right: Uint8Array): number | undefined {
  for (let i = 0; i < answer.length; i++) if (answer[i] !== right[i]) return i;
  return undefined;
}
