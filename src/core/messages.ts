/** Messages between peers: request/response `sync` and the two gossip topics (docs/protocol.md §9). */
import {
  blob,
  hash32,
  list,
  optional,
  struct,
  text,
  u16,
  u256,
  u32,
  union,
  type Value,
} from './codec.ts';
import { Body, Header, Position, Proof, SignedTx } from './formats.ts';
import { Offer, OFFERS_TOLD_MAX } from './offer.ts';

export const LOCATOR_MAX = 64;
export const HEADERS_MAX = 512;
export const BLOCKS_MAX = 16;
export const PROOF_KEYS_MAX = 256;
export const TXS_MAX = 200;
export const HISTORY_MAX = 50;
/** Positions in one `find` answer: of the transaction with that id and, of a channel, of its close. */
const FIND_MAX = 2;
/** Bytes of the state in one answer: some thousand leaves. */
export const STATE_PART_BYTES = 512 * 1024;
/** Bytes of a model's part in one answer: a slow connection sends them before a request times out. */
export const MODEL_SLICE_BYTES = 256 * 1024;
/** Bytes of one message of any kind, its length prefix excluded. */
export const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;
/** Bytes of one gossip message: header, body and proof of a block with k ≤ 4096. */
export const GOSSIP_BYTES_MAX = 256 * 1024;

export const Block = struct({ header: Header, body: Body, proof: Proof });
export type Block = Value<typeof Block>;

export const BlockParts = struct({ id: hash32, body: Body, proof: optional(Proof) });
export type BlockParts = Value<typeof BlockParts>;

export const Status = struct({
  genesis: Header,
  head: hash32,
  height: u32,
  totalWork: u256,
  agent: text(64),
});
export type Status = Value<typeof Status>;

export const HistoryEntry = struct({ position: Position, tx: SignedTx });
export type HistoryEntry = Value<typeof HistoryEntry>;

export const SyncRequest = union({
  status: [0, struct({})],
  headers: [1, struct({ locator: list(hash32, LOCATOR_MAX), max: u16 })],
  blocks: [2, struct({ ids: list(hash32, BLOCKS_MAX) })],
  /** Tree proof of keys against the state after that block. */
  proof: [3, struct({ block: hash32, keys: list(hash32, PROOF_KEYS_MAX) })],
  /** Tree proof of every leaf that executing the block touches, against its own stateRoot. */
  witness: [4, struct({ block: hash32 })],
  transactions: [5, struct({})],
  /** Transactions of an address, newest first, from its account's lastTx. */
  history: [6, struct({ address: hash32, from: Position, max: u16 })],
  /** Tree proof of all leaves from a key on, in order, as many as fit STATE_PART_BYTES. */
  state: [7, struct({ block: hash32, from: hash32 })],
  /** Positions of the transaction with that id and, of a channel, of its close. */
  find: [8, struct({ id: hash32 })],
  /** Bytes of a part of an admitted model's package from a place on, as many as fit MODEL_SLICE_BYTES. */
  model: [9, struct({ id: hash32, part: u16, at: u32 })],
  /** Offers of providers that were heard lately. */
  offers: [10, struct({})],
});
export type SyncRequest = Value<typeof SyncRequest>;

export const SyncResponse = union({
  status: [0, Status],
  headers: [1, struct({ headers: list(Header, HEADERS_MAX) })],
  blocks: [2, struct({ blocks: list(BlockParts, BLOCKS_MAX) })],
  proof: [3, struct({ proof: blob(MESSAGE_BYTES_MAX - 64) })],
  witness: [4, struct({ proof: blob(MESSAGE_BYTES_MAX - 64) })],
  transactions: [5, struct({ txs: list(SignedTx, TXS_MAX) })],
  history: [6, struct({ entries: list(HistoryEntry, HISTORY_MAX) })],
  state: [7, struct({ proof: blob(MESSAGE_BYTES_MAX - 64) })],
  find: [8, struct({ positions: list(Position, FIND_MAX) })],
  /** The peer does not have it, or will not give it now. */
  unavailable: [9, struct({ reason: text(64) })],
  model: [10, struct({ bytes: blob(MODEL_SLICE_BYTES) })],
  offers: [11, struct({ offers: list(Offer, OFFERS_TOLD_MAX) })],
});
export type SyncResponse = Value<typeof SyncResponse>;
export type ResponseTo<T extends SyncRequest['type']> = Extract<SyncResponse, { type: T }>;

/** Gossip: a block with its proof, and the sender's count of announcements (gossip drops equal messages). */
export const BlockAnnounce = struct({ block: Block, sequence: u32 });
export type BlockAnnounce = Value<typeof BlockAnnounce>;
export const TxAnnounce = struct({ tx: SignedTx, sequence: u32 });
export type TxAnnounce = Value<typeof TxAnnounce>;
