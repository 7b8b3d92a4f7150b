/** What an asker keeps of a channel over a restart: one record, written whole. */
import { REPLY_BYTES_MAX, Receipt } from '../../core/channel.ts';
import { Question } from '../../core/ask-messages.ts';
import { costOf, type Priced } from '../../core/price.ts';
import {
  blob,
  bytes,
  hash32,
  optional,
  struct,
  u32,
  u64,
  u8,
  type Codec,
  type Value,
} from '../../core/codec.ts';
import { SignedOpening } from '../../core/formats.ts';
import { txId } from '../../core/tx/tx.ts';
import { withRead } from './record-read.ts';

const Current = withRead(
  struct({
    question: Question,
    /** Bytes of a unit of the answer, by which the asker counts. */
    unitBytes: u32,
  }),
  struct({
    answer: blob(REPLY_BYTES_MAX),
    receipt: optional(struct({ receipt: Receipt, signature: bytes(64) })),
  }),
  ({ question }) => question.price,
);
export type AskerCurrent = Value<typeof Current>;

const Stored = struct({
  channel: hash32,
  /** The channel's id is that of its transaction. */
  opening: SignedOpening,
  /** nV of the highest voucher that was signed. */
  vouched: u64,
  /** nV for the answers before the current one, by the asker's own count. */
  before: u64,
  /** Number of the last question, 0: none yet. */
  n: u32,
  current: optional(Current),
  /** Terminal where it is not 0: nothing more is asked. 2: the provider is not trusted, so not even to close. */
  ended: u8,
});
export type AskerRecord = Value<typeof Stored> & {
  /** The person has read enough of the current answer: its provider is told so on each stream. */
  readonly isStopped: boolean;
};
/** Written with `ended`, so that records from before it was kept are read as they are. */
const STOPPED = 4;
export const AskerRecord: Codec<AskerRecord> = {
  write: (w, { isStopped, ...record }) =>
    Stored.write(w, { ...record, ended: record.ended | (isStopped ? STOPPED : 0) }),
  read(r) {
    const record = Stored.read(r);
    const isStopped = (record.ended & STOPPED) !== 0;
    return { ...record, ended: record.ended & ~STOPPED, isStopped };
  },
};

/** `ended` of a channel whose provider sent what no honest one sends. */
export const DISTRUSTED = 2;

export const newAskerRecord = (genesis: Uint8Array, opening: SignedOpening): AskerRecord => ({
  channel: txId(genesis, opening.tx),
  opening,
  vouched: 0n,
  before: 0n,
  n: 0,
  current: null,
  ended: 0,
  isStopped: false,
});

export const unitsOf = ({ answer, unitBytes }: AskerCurrent): number => answer.length / unitBytes;

const pricedOf = ({ question, read }: AskerCurrent): Priced => ({ price: question.price, read });

/** nV for all that was received in this channel. */
export const receivedOf = ({ before, current }: AskerRecord): bigint =>
  before + (current ? costOf(pricedOf(current), unitsOf(current)) : 0n);

export const isWaiting = ({ current }: AskerRecord): boolean => current?.receipt === null;
