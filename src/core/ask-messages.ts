/**
 * Frames of a stream between an asker and a provider (docs/protocol.md §9.1). A stream is about one channel: its first
 * frame shows that the asker's end holds the channel's signer, and every later one counts for that channel.
 */
import {
  blob,
  bytes,
  CodecError,
  hash32,
  encode,
  struct,
  u32,
  u64,
  u8,
  union,
  type Codec,
  type Value,
} from './codec.ts';
import { OPTIONS_BYTES_MAX, QUESTION_BYTES_MAX, Receipt } from './channel.ts';
import { hash } from './hash.ts';

/** Bytes of an answer in one frame: 256 tokens take 1 KiB, a row of an encoder a few. */
export const PART_BYTES_MAX = 64 * 1024;
/** Bytes of one frame, its length prefix excluded: the largest field, and room for the others. */
export const ASKER_FRAME_BYTES_MAX = QUESTION_BYTES_MAX + OPTIONS_BYTES_MAX + 1024;
export const PROVIDER_FRAME_BYTES_MAX = PART_BYTES_MAX + 1024;
/** Bytes of a peer id's text. */
const PEER_BYTES_MAX = 128;

/** nV for a sequence, or for a thousand tokens of the answer. */
export const Price = union({
  sequence: [0, struct({ amount: u64 })],
  tokens: [1, struct({ amount: u64 })],
});
export type Price = Value<typeof Price>;

/** `per`: units that the amount buys. `step`: units that may be unpaid at first; what one step costs is at risk. */
const UNITS: Readonly<Record<Price['type'], { readonly per: bigint; readonly step: number }>> = {
  sequence: { per: 1n, step: 1 },
  tokens: { per: 1000n, step: 256 },
};

/** nV for the first `units` of an answer, rounded up once for all of them: both ends count the same. */
export const costOf = (price: Price, units: number): bigint => {
  const { per } = UNITS[price.type];
  return (price.amount * BigInt(units) + per - 1n) / per;
};
/** Units of a step: an answer of one sequence, or 256 tokens. */
export const stepOf = (price: Price): number => UNITS[price.type].step;
/** The most that one step adds to a cost, nV. */
export const stepCost = (price: Price): bigint => costOf(price, stepOf(price));
/** How many units `amount` nV buy at least. */
export const unitsFor = (price: Price, amount: bigint): number => {
  const { per } = UNITS[price.type];
  const units = price.amount ? (amount * per) / price.amount : 0xffff_ffffn;
  return Number(units > 0xffff_ffffn ? 0xffff_ffffn : units);
};

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
  open: [0, struct({ channel: hash32, signature })],
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

/** The two ends of a stream, as texts of libp2p's peer ids. */
export interface AskPeers {
  readonly asker: string;
  readonly provider: string;
}

const Peer = blob(PEER_BYTES_MAX);
const peerBytes = (id: string): Uint8Array => encode(Peer, new TextEncoder().encode(id));

/**
 * H_ask(genesis ‖ channel ‖ blob asker ‖ blob provider): what the signer signs to open a stream. Who sees a channel on
 * the chain can't claim it, and a first frame is worth nothing from or to another peer, or on another network.
 */
export const askHash = (genesis: Uint8Array, channel: Uint8Array, peers: AskPeers): Uint8Array =>
  hash('ask', genesis, channel, peerBytes(peers.asker), peerBytes(peers.provider));
