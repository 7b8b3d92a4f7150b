/**
 * Frames of a stream between an asker and a provider (docs/protocol.md §9.1). A stream is about one channel: its first
 * frame shows that the asker's end holds the channel's signer, and every later one counts for that channel.
 */
import {
  blob,
  bytes,
  CodecError,
  hash32,
  struct,
  u32,
  u64,
  u8,
  union,
  type Codec,
  type Value,
} from './codec.ts';
import { OPTIONS_BYTES_MAX, QUESTION_BYTES_MAX, Receipt } from './channel.ts';
import { SignedOpening } from './formats.ts';
import { Price } from './price.ts';

/** Bytes of an answer in one frame: 32 tokens take 128 bytes, a row of an encoder a few hundred. */
export const PART_BYTES_MAX = 64 * 1024;
/** Bytes of one frame, its length prefix excluded: the largest field, and room for the others. */
export const ASKER_FRAME_BYTES_MAX = QUESTION_BYTES_MAX + OPTIONS_BYTES_MAX + 1024;
export const PROVIDER_FRAME_BYTES_MAX = PART_BYTES_MAX + 1024;

/**
 * Why a provider refuses, in the words of the `Payment` scheme where it has one (402, problem types). The byte beside
 * a code is its place on the wire.
 */
const CODES = {
  /** The channel's signer did not sign for these two peers. */
  SIGNER_WRONG: 0,
  /** The verified chain and its pool know no such channel for this provider. */
  CHANNEL_UNKNOWN: 1,
  /** Its opening is not yet as deep as what was vouched for needs; `least`: blocks. */
  CHANNEL_SHALLOW: 2,
  /** Its limit does not pay for a step and the close; `least`: nV. */
  CHANNEL_SMALL: 3,
  /** Less than 30 blocks are left. */
  CHANNEL_ENDING: 4,
  CHANNEL_CLOSED: 5,
  /** Another stream of the same signer took its place. */
  CHANNEL_REPLACED: 6,
  /** What was delivered is not vouched for; `least`: nV. */
  PAYMENT_REQUIRED: 7,
  VOUCHER_WRONG: 8,
  /** Less than was vouched for before. */
  VOUCHER_STALE: 9,
  /** More than was delivered. */
  VOUCHER_HIGH: 10,
  QUESTION_ORDER: 11,
  QUESTION_BUSY: 12,
  MODEL_UNKNOWN: 13,
  /** `least`: nV for a sequence or a thousand tokens. */
  PRICE_LOW: 14,
  MODEL_FAILED: 15,
  /** Too many wait; nothing is wrong with the channel. */
  PROVIDER_BUSY: 16,
  /** `most` is 0, or units of this model for more than 4 MiB. */
  QUESTION_LONG: 17,
} as const;
export type AskCode = keyof typeof CODES;
export const ASK_CODES = Object.keys(CODES) as AskCode[];

const Code: Codec<AskCode> = {
  write: (w, code) => u8.write(w, CODES[code]),
  read(r) {
    const tag = u8.read(r);
    const code = ASK_CODES.find((each) => CODES[each] === tag);
    if (code === undefined) throw new CodecError(`${tag} is no code`);
    return code;
  },
};

export const Question = struct({
  /** Of the questions in this channel, from 1. */
  n: u32,
  model: hash32,
  price: Price,
  /** Units after which the answer ends at the latest. */
  most: u32,
  salt: hash32,
  options: blob(OPTIONS_BYTES_MAX),
  input: blob(QUESTION_BYTES_MAX),
});
export type Question = Value<typeof Question>;

const signature = bytes(64);
export const AskerFrame = union({
  /** With the whole opening: a provider that has not seen it yet can pass it on, and needs it for the close. */
  open: [0, struct({ opening: SignedOpening, signature })],
  question: [1, Question],
  /** Vouches for all that was delivered so far, nV. */
  voucher: [2, struct({ amount: u64, signature })],
  /** The answer is to end here; what was delivered is paid. */
  stop: [3, struct({ n: u32 })],
  /** The provider is asked to close the channel now. */
  close: [4, struct({})],
});
export type AskerFrame = Value<typeof AskerFrame>;
export type AskerFrameOf<T extends AskerFrame['type']> = Extract<AskerFrame, { type: T }>;

export const ProviderFrame = union({
  /** The first frame was good. */
  opened: [0, struct({})],
  /** `units`: of this answer so far, this part's included. */
  part: [1, struct({ n: u32, units: u32, bytes: blob(PART_BYTES_MAX) })],
  done: [2, struct({ receipt: Receipt, signature })],
  refused: [3, struct({ code: Code, least: u64 })],
  /** The channel takes nothing more; a close for this amount follows, if it pays for itself. */
  closing: [4, struct({ amount: u64 })],
});
export type ProviderFrame = Value<typeof ProviderFrame>;
export type ProviderFrameOf<T extends ProviderFrame['type']> = Extract<ProviderFrame, { type: T }>;
