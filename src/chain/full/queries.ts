/** What a full chain answers: to peers for sync and proofs, to its own program for screens. */
import { decode } from '../../core/codec.ts';
import { Account, Body, Header, Position, Proof } from '../../core/formats.ts';
import type { ChainPoint } from '../../core/header/header.ts';
import { stateKey } from '../../core/tree/keys.ts';
import {
  FIND_MAX,
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
import { placesOf, RESULTS_READ_MAX } from '../shared/request-index.ts';
import { issuedBy } from '../shared/totals.ts';
import { MainEntry } from '../store/records.ts';
import { recordKey } from './records.ts';

export interface ChainStats {
  readonly height: number;
  /** nV created by all blocks, immature ones included. */
  readonly issued: bigint;
  readonly burned: bigint;
  /** Accounts that have a leaf. */
  readonly accounts: number;
}

const read = async <T>(
  s: FullState,
  key: string,
  codec: Parameters<typeof decode<T>>[0],
): Promise<T | undefined> => {
  const data = await s.store.get(key);
  return data && decode(codec, data);
};

export const mainEntry = (s: FullState, height: number): Promise<MainEntry | undefined> =>
  read(s, recordKey.main(height), MainEntry);

export const headerAt = async (s: FullState, height: number): Promise<Header | undefined> =>
  (await mainEntry(s, height))?.header;

/** Ids of the main chain. */
export const locator = (s: FullState): Promise<Uint8Array[]> =>
  locatorOf(s.head.header.height, async (height) => (await mainEntry(s, height))?.id);

/** Headers of the main chain after the first id of the locator that is on it, or after genesis. */
export const headersAfter = (
  s: FullState,
  ids: readonly Uint8Array[],
  max: number,
): Promise<Header[]> =>
  headersFrom(
    {
      headHeight: s.head.header.height,
      heightOf: (id) => mainHeight(s, id),
      async read(from, to) {
        const end = recordKey.main(to + 1);
        const rows = await s.store.range(recordKey.main(from), end, to - from + 1);
        return rows.map(({ value }) => decode(MainEntry, value).header);
      },
    },
    ids,
    max,
  );

async function mainHeight(s: FullState, id: Uint8Array): Promise<number | undefined> {
  const header = await read(s, recordKey.header(id), Header);
  const entry = header && (await mainEntry(s, header.height));
  return entry && equal(entry.id, id) ? header.height : undefined;
}

/** A stored block with its proof; undefined for genesis, which has none. */
export async function blockOf(s: FullState, id: Uint8Array): Promise<Block | undefined> {
  const header = await read(s, recordKey.header(id), Header);
  const body = await read(s, recordKey.body(id), Body);
  const proof = await read(s, recordKey.proof(id), Proof);
  return header && body && proof && { header, body, proof };
}

/** Those of the blocks that are stored, up to a megabyte. */
export const partsOf = (s: FullState, ids: readonly Uint8Array[]): Promise<BlockParts[]> =>
  storedParts(s.store, recordKey, ids);

/** Proof of the keys against the state after that block, or undefined when its state is not kept. */
export async function proveState(
  s: FullState,
  id: Uint8Array,
  keys: readonly Uint8Array[],
): Promise<Uint8Array | undefined> {
  const point = s.index.get(id);
  if (!point || keys.length > PROOF_KEYS_MAX || isDeep(s, point)) return undefined;
  const tree = await treeAfter(s, point);
  return tree && proveKeys(tree, keys);
}

/** A part of the state after that block, from a key on; undefined when its state is not kept. */
export async function statePart(
  s: FullState,
  id: Uint8Array,
  from: Uint8Array,
): Promise<Uint8Array | undefined> {
  const point = s.index.get(id);
  if (!point || isDeep(s, point)) return undefined;
  const tree = await treeAfter(s, point);
  return tree && proveFrom(tree, from, STATE_PART_BYTES);
}

/** Proof of every leaf that executing the block touches, against its own stateRoot. */
export async function witnessOf(s: FullState, id: Uint8Array): Promise<Uint8Array | undefined> {
  const point = s.index.get(id);
  const parent = point && s.index.get(point.header.prevHash);
  if (!parent || isDeep(s, parent) || !s.index.isMain(point)) return undefined;
  const undo = await readUndo(s, id);
  const tree = undo && (await treeAfter(s, parent));
  return tree && proveKeys(tree, undo.touched);
}

/** Walking back further than this costs more than a peer may ask for. */
const PROOF_DEPTH_MAX = 256;
const isDeep = (s: FullState, { header }: ChainPoint): boolean =>
  header.height < s.head.header.height - PROOF_DEPTH_MAX;

export function accountOf(s: FullState, address: Uint8Array): Account | undefined {
  const tree = headTree(s);
  const leaf = treeGet(tree, stateKey.account(address));
  return leaf && decode(Account, leaf);
}

/**
 * Transactions of an address on the main chain, newest first, from the position `from` (its
 * account's lastTx) along the back-links. Empty when `from` is not one of its transactions.
 */
export const historyOf = (
  s: FullState,
  address: Uint8Array,
  from: Position,
  max: number,
): Promise<HistoryEntry[]> =>
  walkBack(address, from, max, async (height) => {
    const entry = await mainEntry(s, height);
    const body = entry && (await read(s, recordKey.body(entry.id), Body));
    return body && { body, links: (await read(s, recordKey.links(entry.id), Links)) ?? [] };
  });

export const positionOf = (s: FullState, txId: Uint8Array): Promise<Position | undefined> =>
  read(s, recordKey.tx(txId), Position);

/** Places of the transaction with that id, and of claims and results that name it. */
export async function findOf(s: FullState, id: Uint8Array): Promise<Position[]> {
  const rows = (kind: 'c' | 'r', max: number) =>
    s.store.range(recordKey.ofRequest(id, kind), `${recordKey.ofRequest(id, kind)}~`, max);
  const results = (await rows('r', RESULTS_READ_MAX)).map((row) => ({ ...row, ...placeOf(row) }));
  const claims = (await rows('c', FIND_MAX)).map((row) => placeOf(row).position);
  return placesOf(await positionOf(s, id), results, claims);
}

const placeOf = ({ key }: { key: string }): { position: Position } => {
  const [height, index] = key.split('/').slice(-2).map(Number);
  return { position: { height: height!, index: index! } };
};

export const statsOf = (s: FullState): ChainStats => ({
  height: s.head.header.height,
  issued: issuedBy(s.head.header.height),
  ...s.totals,
});
