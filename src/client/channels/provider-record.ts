/** What a provider keeps of a channel over a restart: one record, written whole. */
import { answerHash, REPLY_BYTES_MAX, type Receipt } from '../../core/channel.ts';
import type { Question } from '../../core/ask-messages.ts';
import { costOf, Price } from '../../core/price.ts';
import {
  blob,
  bytes,
  hash32,
  optional,
  struct,
  u32,
  u64,
  u8,
  type Value,
} from '../../core/codec.ts';
import { SignedOpening } from '../../core/formats.ts';
import { txId } from '../../core/tx/tx.ts';
import { equal } from '../../lib/bytes.ts';
import { withRead } from './record-read.ts';

const Current = withRead(
  struct({
    /** H_question, by which a repeated question is known. */
    question: hash32,
    salt: hash32,
    model: hash32,
    price: Price,
  }),
  struct({
    most: u32,
    units: u32,
    answer: blob(REPLY_BYTES_MAX),
    /** 1: nothing comes after this answer. */
    done: u8,
  }),
  ({ price }) => price,
);
type Current = Value<typeof Current>;

export const ProviderRecord = struct({
  channel: hash32,
  /** The channel's id is that of its transaction; who signs a close reads it. */
  opening: SignedOpening,
  /** nV of the highest voucher, and its signature. */
  amount: u64,
  voucher: bytes(64),
  /** nV for the answers before the current one. */
  before: u64,
  /** Number of the current question, 0: none yet. */
  n: u32,
  /** Kept until the next question, so that a repeated one is answered with the same. */
  current: optional(Current),
  /** 1: terminal, nothing more is taken in. */
  closing: u8,
});
export type ProviderRecord = Value<typeof ProviderRecord>;

export const newProviderRecord = (genesis: Uint8Array, opening: SignedOpening): ProviderRecord => ({
  channel: txId(genesis, opening.tx),
  opening,
  amount: 0n,
  voucher: new Uint8Array(64),
  before: 0n,
  n: 0,
  current: null,
  closing: 0,
});

/** nV for all that was delivered in this channel. */
export const deliveredOf = ({ before, current }: ProviderRecord): bigint =>
  before + (current ? costOf(current, current.units) : 0n);

/** nV for what was delivered and not vouched for. */
export const owedOf = (record: ProviderRecord): bigint => deliveredOf(record) - record.amount;

export const isRunning = ({ current }: ProviderRecord): boolean => current?.done === 0;

/** Whether the question is the current one again. */
export const isRepeated = (record: ProviderRecord, asked: Question, hashed: Uint8Array): boolean =>
  record.current !== null &&
  record.n === asked.n &&
  equal(record.current.question, hashed) &&
  equal(record.current.model, asked.model) &&
  record.current.price.type === asked.price.type &&
  record.current.price.amount === asked.price.amount &&
  record.current.most === asked.most;

/** @throws Error where there is no question yet */
export function receiptOf(record: ProviderRecord): Receipt {
  const { channel, n, current } = record;
  if (!current) throw new Error('no question yet');
  return {
    channel,
    n,
    model: current.model,
    question: current.question,
    answer: answerHash(current.salt, current.answer),
    total: deliveredOf(record),
  };
}
