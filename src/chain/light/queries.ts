/** What a light chain answers to peers, as far as it holds what they ask for. */
import { decode } from '../../core/codec.ts';
import { Position, type Header } from '../../core/formats.ts';
import {
  FIND_MAX,
  PROOF_KEYS_MAX,
  STATE_PART_BYTES,
  type BlockParts,
  type HistoryEntry,
} from '../../core/messages.ts';
import { proveFrom } from '../../core/tree/tree-parts.ts';
import { MissingNode, proveKeys, type Tree } from '../../core/tree/tree.ts';
import { fromHex, toHex } from '../../lib/bytes.ts';
import { bodyOf, heightOf } from './blocks.ts';
import { entryAt, readEntries } from './headers.ts';
import type { LightState } from './open.ts';
import { lightKey } from './records.ts';
import { stateAfter } from './state.ts';
import { Links, walkBack } from '../shared/links.ts';
import { headersAfter as headersFrom } from '../shared/locator.ts';
import { partsOf } from '../shared/parts.ts';
import { placesOf, RESULTS_READ_MAX } from '../shared/request-index.ts';

/** Headers of the head's chain after the first id of the locator that is on it, or after genesis. */
export const headersAfter = (
  s: LightState,
  ids: readonly Uint8Array[],
  max: number,
): Promise<Header[]> =>
  headersFrom(
    {
      headHeight: s.head.header.height,
      heightOf: (id) => heightOf(s, id),
      read: async (from, to) =>
        (await readEntries(s.store, s.headPath.segments, from, to)).map(({ header }) => header),
    },
    ids,
    max,
  );

/** Those of the blocks that are kept whole. */
export const parts = (s: LightState, ids: readonly Uint8Array[]): Promise<BlockParts[]> =>
  partsOf(s.store, lightKey, ids);

export const proveState = (
  s: LightState,
  id: Uint8Array,
  keys: readonly Uint8Array[],
): Uint8Array | undefined =>
  keys.length > PROOF_KEYS_MAX ? undefined : opened(s, id, (tree) => proveKeys(tree, keys));

export const statePart = (
  s: LightState,
  id: Uint8Array,
  from: Uint8Array,
): Uint8Array | undefined => opened(s, id, (tree) => proveFrom(tree, from, STATE_PART_BYTES));

export function witness(s: LightState, id: Uint8Array): Uint8Array | undefined {
  const known = s.states.get(toHex(id));
  const touched = known?.executed?.touched;
  // Genesis and the stored base were not executed here.
  if (!known || !touched?.length) return undefined;
  return opened(s, fromHex(known.parent, 32)!, (tree) => proveKeys(tree, touched));
}

function opened(
  s: LightState,
  id: Uint8Array,
  prove: (tree: Tree) => Uint8Array,
): Uint8Array | undefined {
  const tree = stateAfter(s, id);
  try {
    return tree && prove(tree);
  } catch (e) {
    if (e instanceof MissingNode) return undefined;
    throw e;
  }
}

export const history = (
  s: LightState,
  address: Uint8Array,
  from: Position,
  max: number,
): Promise<HistoryEntry[]> =>
  walkBack(address, from, max, async (height) => {
    if (height > s.head.header.height) return undefined;
    const { id } = await entryAt(s.store, s.headPath, height);
    const body = await bodyOf(s, id);
    const links = await s.store.get(lightKey.links(id));
    return body && { body, links: links ? decode(Links, links) : [] };
  });

/** Places of the transaction with that id, and of claims and results that name it, in kept blocks. */
export async function find(s: LightState, id: Uint8Array): Promise<Position[]> {
  const rows = async (prefix: string, max: number) => {
    const found: { position: Position; value: Uint8Array }[] = [];
    for (const { key, value } of await s.store.range(prefix, `${prefix}~`, max)) {
      const block = fromHex(key.slice(-64), 32);
      const height = block && (await heightOf(s, block));
      if (height === undefined) continue;
      const index = Number(key.slice(-75, -65));
      found.push({ position: { height, index }, value });
    }
    return found;
  };
  const own = await rows(lightKey.tx(id), BRANCHES_MAX);
  const results = await rows(lightKey.ofRequest(id, 'r'), RESULTS_READ_MAX);
  const claims = await rows(lightKey.ofRequest(id, 'c'), FIND_MAX);
  return placesOf(
    own[0] && decode(Position, own[0].value),
    results,
    claims.map(({ position }) => position),
  );
}

/** Blocks of different branches in which one transaction is looked for. */
const BRANCHES_MAX = 64;
