/**
 * Keys and values of a full chain's store. Ids and state keys are in hex, heights in ten digits, so
 * that ranges run in order of height.
 *
 * | key | value |
 * |---|---|
 * | `head` | id of the best block |
 * | `pruned` | u32: the oldest block that is still whole; absent when none was dropped |
 * | `deep-change` | u48: when the chain last changed to a deep branch, ms since 1970; absent when it never did |
 * | `believed` | the block whose state was believed; absent where all of the chain was executed here |
 * | `n/<height>` | id and header of the main chain's block |
 * | `c/<height>` | chain point of the main chain's block, every 256th height |
 * | `h/<id>` `b/<id>` `w/<id>` | header, body, proof (w as in witness) of any stored block |
 * | `i/<height>/<id>` | u32: bytes of body and proof of a block of the last 2,048 heights, main chain or not |
 * | `u/<id>` | undo record of a main-chain block of the last 20,160 heights |
 * | `l/<id>` | back-links: where each account of the block's transactions was last seen before |
 * | `t/<tx id>` | position in the main chain |
 * | `q/<channel id>` | position of its close in the main chain |
 * | `s/<key>` | a state leaf, after the head |
 */
import { blob, hash32, list, optional, struct, u32, u64, type Value } from '../../core/codec.ts';
import { DEEP_FORK } from '../../core/header/fork-choice.ts';
import { toHex } from '../../lib/bytes.ts';
import { digits, leafKey } from '../store/records.ts';

/** Blocks below the head that can be undone, forked from, or proven against when their tree is near. */
export const WINDOW = DEEP_FORK;
/** Blocks below the head whose undo records stay, for a change to a branch that forks below the window: two weeks. */
export const UNDO_KEPT = 20_160;
/** Raised when a key or a value above changes its meaning. */
export const FULL_SCHEMA = 5;

export const recordKey = {
  head: 'head',
  pruned: 'pruned',
  deepChange: 'deep-change',
  believed: 'believed',
  main: (height: number) => `n/${digits(height)}`,
  point: (height: number) => `c/${digits(height)}`,
  header: (id: Uint8Array) => `h/${toHex(id)}`,
  body: (id: Uint8Array) => `b/${toHex(id)}`,
  proof: (id: Uint8Array) => `w/${toHex(id)}`,
  recent: (height: number, id?: Uint8Array) => `i/${digits(height)}/${id ? toHex(id) : ''}`,
  undo: (id: Uint8Array) => `u/${toHex(id)}`,
  links: (id: Uint8Array) => `l/${toHex(id)}`,
  tx: (id: Uint8Array | string) => `t/${typeof id === 'string' ? id : toHex(id)}`,
  closeOf: (channel: Uint8Array) => `q/${toHex(channel)}`,
  leaf: leafKey,
};

/** Sums over the main chain up to a block. Issued coins follow from the height. */
export const Totals = struct({ accounts: u32, burned: u64 });
export type Totals = Value<typeof Totals>;

/** Keys that one block can touch: 1000 transactions with a few each, and its lists. */
const TOUCHED_MAX = 1 << 17;

export const Undo = struct({
  changes: list(struct({ key: hash32, before: optional(blob(1 << 16)) }), TOUCHED_MAX),
  /** Every key that execution read or wrote: the witness opens these. */
  touched: list(hash32, TOUCHED_MAX),
  /** After the block. */
  totals: Totals,
});
export type Undo = Value<typeof Undo>;

/** The block after which the state was taken from others: what lies below was not executed, and is never undone. */
export const Believed = struct({
  height: u32,
  /** Of the state after it. */
  root: hash32,
  /** After it. */
  totals: Totals,
});
export type Believed = Value<typeof Believed>;
