/** Headers, transactions, bodies, proofs, state leaves: every stored or signed format, declared once. */
import {
  blob,
  bytes,
  CodecError,
  hash32,
  list,
  struct,
  u16,
  u256,
  u32,
  u48,
  u64,
  u8,
  union,
  type Codec,
  type Value,
} from './codec.ts';
import { BODY_TXS_MAX, CHANNELS_PER_EXPIRY_MAX, SHARES_MAX, VOTES_MAX } from './params.ts';
import { K_MAX, LINEARS_MAX, TILE } from './manifest.ts';

const coreFields = {
  /** What the block's height asks for. */
  version: u8,
  /** The highest version in the table of the program that made it. */
  knows: u8,
  height: u32,
  prevHash: hash32,
  mmrRoot: hash32,
  bodyRoot: hash32,
  stateRoot: hash32,
  miner: hash32,
  /** ms since 1970. */
  time: u48,
  /** ms of lateness that are forgiven up to here. */
  slip: u48,
  totalWork: u256,
  nonce: u64,
  /** Index in the network's table of mined models. */
  model: u8,
};
/** Every field of a header but the proof digest: the work is done on these fields. */
export const HeaderCore = struct(coreFields);
export type HeaderCore = Value<typeof HeaderCore>;

export const Header = struct({ ...coreFields, proofDigest: hash32 });
export type Header = Value<typeof Header>;

const signedBy = { chainId: u32, from: hash32, nonce: u64, expiry: u32, fee: u64 };

export const Tx = union({
  transfer: [0, struct({ ...signedBy, to: hash32, amount: u64, memo: blob(64) })],
  channel: [
    1,
    struct({
      ...signedBy,
      provider: hash32,
      payee: hash32,
      signer: hash32,
      limit: u64,
      lifetime: u16,
    }),
  ],
  close: [2, struct({ ...signedBy, channel: hash32, amount: u64, voucher: bytes(64) })],
});
export type Tx = Value<typeof Tx>;
export type TxOf<K extends Tx['type']> = Extract<Tx, { type: K }>;

export const SignedTx = struct({ tx: Tx, signature: bytes(64) });
export type SignedTx = Value<typeof SignedTx>;

/** The transaction that opens a channel, and no other kind. */
export interface SignedOpening {
  tx: TxOf<'channel'>;
  signature: Uint8Array;
}
export const SignedOpening: Codec<SignedOpening> = {
  write: (w, signed) => SignedTx.write(w, signed),
  read(r) {
    const { tx, signature } = SignedTx.read(r);
    if (tx.type !== 'channel') throw new CodecError(`a ${tx.type} opens no channel`);
    return { tx, signature };
  },
};

/** A block's transactions as they are encoded: what BODY_BYTES_MAX counts. */
export const Transactions = list(SignedTx, BODY_TXS_MAX);

/**
 * A header that did not win: version, height, prevHash, mmrRoot and stateRoot are those of this branch's block at
 * height parent + 1, slip and totalWork follow from that parent.
 */
export const Share = struct({
  parent: u32,
  bodyRoot: hash32,
  miner: hash32,
  time: u48,
  nonce: u64,
  knows: u8,
  /** Index in the table of mined models. */
  model: u8,
  proofDigest: hash32,
  linear: u8,
  tile: u32,
});
export type Share = Value<typeof Share>;

/** Bit i of the mask is against share i of the block that lies `back` blocks below. */
export const Vote = struct({ back: u8, mask: u32 });
export type Vote = Value<typeof Vote>;

export const Body = struct({
  transactions: Transactions,
  /** Both empty by rule, until pay by shares is built. */
  shares: list(Share, SHARES_MAX),
  votes: list(Vote, VOTES_MAX),
});
export type Body = Value<typeof Body>;

export const Proof = struct({
  /** ℓ*: the winning linear, from 2. */
  linear: u8,
  tile: u32,
  /** x_1..x_{ℓ*−1}. */
  x: list(hash32, LINEARS_MAX - 1),
  /** t_1..t_{ℓ*−1}. */
  t: list(hash32, LINEARS_MAX - 1),
  /** a, y of ℓ*, which give x_ℓ*. */
  a: hash32,
  y: hash32,
  rows: blob(TILE * K_MAX),
  rowPath: list(hash32, 64),
  columns: blob(TILE * K_MAX),
  columnPath: list(hash32, 64),
});
export type Proof = Value<typeof Proof>;

/** Where a transaction stands in the chain. */
export const Position = struct({ height: u32, index: u32 });
export type Position = Value<typeof Position>;

/** `nonce`: of its next transaction; that of a leaf made in block h began at h·2^32. */
export const Account = struct({ balance: u64, nonce: u64, txCount: u32, lastTx: Position });
export type Account = Value<typeof Account>;

/** What a block paid, until it matures: its miner, and the miners of the shares that it lists, in their order. */
export const Coinbase = struct({
  miner: hash32,
  amount: u64,
  /** `named`: votes against it. */
  shares: list(struct({ miner: hash32, amount: u64, named: u8 }), SHARES_MAX),
});
export type Coinbase = Value<typeof Coinbase>;

/** An open payment channel, by the id of the transaction that opened it. */
export const Channel = struct({
  /** Address that opened it, and gets back what is left. */
  asker: hash32,
  /** x-only key that vouches for the asker. */
  signer: hash32,
  /** x-only key that may close it. */
  provider: hash32,
  /** Address that a close pays. */
  payee: hash32,
  /** nV in it. */
  limit: u64,
  /** Height at which all of it goes back. */
  expiry: u32,
});
export type Channel = Value<typeof Channel>;

/** Channels that end at one height. */
export const ChannelList = list(hash32, CHANNELS_PER_EXPIRY_MAX);
