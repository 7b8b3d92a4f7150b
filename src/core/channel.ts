/**
 * What the two ends of a payment channel sign (docs/protocol.md §8.5, §9.1): the asker's signer opens streams and
 * vouches for totals, and the provider gives a receipt for each answer. `genesis` is the id of the network's genesis
 * block, which keeps what was signed for one network from counting on another.
 */
import { schnorr } from '@noble/curves/secp256k1.js';
import { blob, encode, hash32, struct, u32, u64, type Value } from './codec.ts';
import { hash, ZERO_HASH } from './hash.ts';

/** Bytes of the options of a question: lengths, sampling and its seed. */
export const OPTIONS_BYTES_MAX = 1024;
/** Bytes of what is asked, and of what is answered. */
export const QUESTION_BYTES_MAX = 1024 * 1024;
export const REPLY_BYTES_MAX = 4 * 1024 * 1024;
/** Bytes of a peer id's text. */
const PEER_BYTES_MAX = 128;

/** What a provider signs for an answer. It names question and answer by hashes with a salt that the asker chose. */
export const Receipt = struct({
  channel: hash32,
  /** Of the answers in this channel, from 1. */
  n: u32,
  model: hash32,
  question: hash32,
  answer: hash32,
  /** nV for all answers so far, this one's included. */
  total: u64,
});
export type Receipt = Value<typeof Receipt>;

/** The two ends of a stream between an asker and a provider, as texts of libp2p's peer ids. */
export interface AskPeers {
  readonly asker: string;
  readonly provider: string;
}

const Options = blob(OPTIONS_BYTES_MAX);
const Input = blob(QUESTION_BYTES_MAX);
const Reply = blob(REPLY_BYTES_MAX);
const Peer = blob(PEER_BYTES_MAX);

/** H_voucher(genesis ‖ channel ‖ u64 amount), `amount` in nV: all that was vouched for so far, not one step. */
export const voucherHash = (genesis: Uint8Array, channel: Uint8Array, amount: bigint): Uint8Array =>
  hash('voucher', genesis, channel, encode(u64, amount));

const peerBytes = (id: string): Uint8Array => encode(Peer, new TextEncoder().encode(id));

/**
 * H_ask(genesis ‖ channel ‖ blob asker ‖ blob provider): what the signer signs to open a stream. Who sees a channel on
 * the chain can't claim it, and a first frame is worth nothing from or to another peer, or on another network.
 */
export const askHash = (genesis: Uint8Array, channel: Uint8Array, peers: AskPeers): Uint8Array =>
  hash('ask', genesis, channel, peerBytes(peers.asker), peerBytes(peers.provider));

/** H_question(salt ‖ options ‖ input); the salt has 32 bytes, so that nobody can try likely questions. */
export const questionHash = (
  salt: Uint8Array,
  options: Uint8Array,
  input: Uint8Array,
): Uint8Array => hash('question', salt, encode(Options, options), encode(Input, input));

/** H_answer(salt ‖ answer), with the salt of its question. */
export const answerHash = (salt: Uint8Array, answer: Uint8Array): Uint8Array =>
  hash('answer', salt, encode(Reply, answer));

/** H_receipt(genesis ‖ receipt). */
export const receiptHash = (genesis: Uint8Array, receipt: Receipt): Uint8Array =>
  hash('receipt', genesis, encode(Receipt, receipt));

/** Any of these, by its hash. `secret`: 32 bytes. Auxiliary randomness is zero, as of transactions. */
export const signHash = (hashed: Uint8Array, secret: Uint8Array): Uint8Array =>
  schnorr.sign(hashed, secret, ZERO_HASH);

/** BIP-340 verification; false also for a key that is not a point of the curve. */
export const verifyHash = (hashed: Uint8Array, signature: Uint8Array, key: Uint8Array): boolean =>
  schnorr.verify(signature, hashed, key);
