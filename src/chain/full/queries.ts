/** What a full chain answers: to peers for sync and proofs, to its own program for screens. */
import { decode } from '../../core/codec.ts';
import { Account, Body, Header, Position, Proof } from '../../core/formats.ts';
import type { ChainPoint } from '../../core/header/header.ts';
import { stateKey } from '../../core/tree/keys.ts';
import {
  PROOF_KEYS_MAX,
  STATE_PART_BYTES,
  type Block,
  type BlockParts,
  type HistoryEntry,
} from '../../core/messages.ts';
import { proveFrom } from '../../core/tree/tree-parts.ts';
import { proveKeys, treeGet } from '../../core/tree/tree.ts';
import { equal } from '../../lib/bytes.ts';
import { headTree, readUndo, treeAfter, type FullState } from './state.ts';
import { Links, walkBack } from '../shared/links.ts';
import { headersAfter as headersFrom, locatorOf } from '../shared/locator.ts';
import { partsOf as storedParts } from '../shared/parts.ts';
import { issuedBy } from '../shared/totals.ts';
import { MainEntry } from '../store/records.ts';
import { recordKey } from './records.ts';

export interface ChainStats {
  readonly height: number;
  /** nV created by all blocks, immature ones included. */
  readonly issued: bigint;
  /** nV of these that are gone: too few to make the account that they were for. */
  readonly burned: bigint;
  /** Accounts that have a leaf. */
  readonly accounts: number;
}

const read = async <T>(
  state: FullState,
  key: string,
  codec: Parameters<typeof decode<T>>[0],
): Promise<T | undefined> => {
  const data = await state.store.get(key);
  return data && decode(codec, data);
};

export const mainEntry = (state: FullState, height: number): Promise<MainEntry | undefined> =>
  read(state, recordKey.main(height), MainEntry);

export const headerAt = async (state: FullState, height: number): Promise<Header | undefined> =>
  (await mainEntry(state, height))?.header;

/** Ids of the main chain. */
export const locator = (state: FullState): Promise<Uint8Array[]> =>
  locatorOf(state.head.header.height, async (height) => (await mainEntry(state, height))?.id);

/** Headers of the main chain after the first id of the locator that is on it, or after genesis. */
export const headersAfter = (
  state: FullState,
  ids: readonly Uint8Array[],
  max: number,
): Promise<Header[]> =>
  headersFrom(
    {
      headHeight: state.head.header.height,
      heightOf: (id) => mainHeight(state, id),
      async read(from, to) {
        const end = recordKey.main(to + 1);
        const rows = await state.store.range(recordKey.main(from), end, to - from + 1);
        return rows.map(({ value }) => decode(MainEntry, value).header);
      },
    },
    ids,
    max,
  );

async function mainHeight(state: FullState, id: Uint8Array): Promise<number | undefined> {
  const header = await read(state, recordKey.header(id), Header);
  const entry = header && (await mainEntry(state, header.height));
  return entry && equal(entry.id, id) ? header.height : undefined;
}

/** A stored block with its proof; undefined for genesis, which has none. */
export async function blockOf(state: FullState, id: Uint8Array): Promise<Block | undefined> {
  const header = await read(state, recordKey.header(id), Header);
  const body = await read(state, recordKey.body(id), Body);
  const proof = await read(state, recordKey.proof(id), Proof);
  return header && body && proof && { header, body, proof };
}

/** Those of the blocks that are stored, up to a megabyte. */
export const partsOf = (state: FullState, ids: readonly Uint8Array[]): Promise<BlockParts[]> =>
  storedParts(state.store, recordKey, ids);

/** Proof of the keys against the state after that block, or undefined when its state is not kept. */
export async function proveState(
  state: FullState,
  id: Uint8Array,
  keys: readonly Uint8Array[],
): Promise<Uint8Array | undefined> {
  const point = state.index.get(id);
  if (!point || keys.length > PROOF_KEYS_MAX || isDeep(state, point)) return undefined;
  const tree = await treeAfter(state, point);
  return tree && proveKeys(tree, keys);
}

/** A part of the state after that block, from a key on; undefined when its state is not kept. */
export async function statePart(
  state: FullState,
  id: Uint8Array,
  from: Uint8Array,
): Promise<Uint8Array | undefined> {
  const point = state.index.get(id);
  if (!point || isDeep(state, point)) return undefined;
  const tree = await treeAfter(state, point);
  return tree && proveFrom(tree, from, STATE_PART_BYTES);
}

/** Proof of every leaf that executing the block touches, against its own stateRoot. */
export async function witnessOf(state: FullState, id: Uint8Array): Promise<Uint8Array | undefined> {
  const point = state.index.get(id);
  const parent = point && state.index.get(point.header.prevHash);
  if (!parent || isDeep(state, parent) || !state.index.isMain(point)) return undefined;
  const undo = await readUndo(state, id);
  const tree = undo && (await treeAfter(state, parent));
  return tree && proveKeys(tree, undo.touched);
}

/** Walking back further than this costs more than a peer may ask for. */
const PROOF_DEPTH_MAX = 256;
const isDeep = (state: FullState, { header }: ChainPoint): boolean =>
  header.height < state.head.header.height - PROOF_DEPTH_MAX;

export function accountOf(state: FullState, address: Uint8Array): Account | undefined {
  const tree = headTree(state);
  const leaf = treeGet(tree, stateKey.account(address));
  return leaf && decode(Account, leaf);
}

/**
 * Transactions of an address on the main chain, newest first, from the position `from` (its
 * account's lastTx) along the back-links. Empty when `from` is not one of its transactions.
 */
export const historyOf = (
  state: FullState,
  address: Uint8Array,
  from: Position,
  max: number,
): Promise<HistoryEntry[]> =>
  walkBack(address, from, max, async (height) => {
    const entry = await mainEntry(state, height);
    const body = entry && (await state.store.get(recordKey.body(entry.id)));
    if (!body) return undefined;
    const links = (await read(state, recordKey.links(entry.id), Links)) ?? [];
    return { body: decode(Body, body), bytes: body.length, links };
  });

export const positionOf = (state: FullState, txId: Uint8Array): Promise<Position | undefined> =>
  read(state, recordKey.tx(txId), Position);

/** Places of the transaction with that id and, of a channel, of its close. */
export async function findOf(state: FullState, id: Uint8Array): Promise<Position[]> {
  const close = await read(state, recordKey.closeOf(id), Position);
  return [await positionOf(state, id), close].filter((at) => at !== undefined);
}

/** Most ends of branches that are told. */
export const TIPS_MAX = 64;

export interface ChainTip {
  readonly tip: ChainPoint;
  /** Blocks of the branch that are not in the main chain; 0: it is the head. */
  readonly branchLength: number;
}

export function tipsOf({ index, head }: FullState): ChainTip[] {
  const sides = [...index.tips()]
    .filter((tip) => !index.isMain(tip))
    .map((tip) => ({ tip, branchLength: index.branchTo(tip).length }))
    .sort((a, b) => Number(b.tip.header.totalWork - a.tip.header.totalWork));
  return [{ tip: head, branchLength: 0 }, ...sides].slice(0, TIPS_MAX);
}

export const statsOf = (state: FullState): ChainStats => ({
  height: state.head.header.height,
  issued: issuedBy(state.head.header.height),
  ...state.totals,
});
