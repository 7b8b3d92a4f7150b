/** What a light chain answers to peers, as far as it holds what they ask for. */
import { decode } from '../../core/codec.ts';
import { Body, Position, type Header } from '../../core/formats.ts';
import {
  PROOF_KEYS_MAX,
  STATE_PART_BYTES,
  type BlockParts,
  type HistoryEntry,
} from '../../core/messages.ts';
import { proveFrom } from '../../core/tree/tree-parts.ts';
import { MissingNode, proveKeys, type Tree } from '../../core/tree/tree.ts';
import { fromHex } from '../../lib/bytes.ts';
import { headEntry, heightOf, readEntries } from './headers.ts';
import type { LightMemory } from './memory/memory.ts';
import { lightKey } from './records.ts';
import { stateAfter } from './state.ts';
import { Links, walkBack } from '../shared/links.ts';
import { headersAfter as headersFrom } from '../shared/locator.ts';
import { partsOf } from '../shared/parts.ts';

/** Headers of the head's chain after the first id of the locator that is on it, or after genesis. */
export const headersAfter = (
  memory: LightMemory,
  ids: readonly Uint8Array[],
  max: number,
): Promise<Header[]> =>
  headersFrom(
    {
      headHeight: memory.branches.headHeight,
      heightOf: (id) => heightOf(memory, id),
      async read(from, to) {
        const { segments } = memory.branches.headPath;
        const entries = await readEntries(memory.store, segments, from, to);
        return entries.map(({ header }) => header);
      },
    },
    ids,
    max,
  );

/** Those of the blocks that are kept whole. */
export const parts = (memory: LightMemory, ids: readonly Uint8Array[]): Promise<BlockParts[]> =>
  partsOf(memory.store, lightKey, ids);

export const proveState = (
  memory: LightMemory,
  id: Uint8Array,
  keys: readonly Uint8Array[],
): Uint8Array | undefined =>
  keys.length > PROOF_KEYS_MAX ? undefined : opened(memory, id, (tree) => proveKeys(tree, keys));

export const statePart = (
  memory: LightMemory,
  id: Uint8Array,
  from: Uint8Array,
): Uint8Array | undefined => opened(memory, id, (tree) => proveFrom(tree, from, STATE_PART_BYTES));

export function witness(memory: LightMemory, id: Uint8Array): Uint8Array | undefined {
  const known = memory.states.after(id);
  const touched = known?.executed?.touched;
  // Genesis and the stored base were not executed here.
  if (!known || !touched?.length) return undefined;
  return opened(memory, fromHex(known.parent, 32)!, (tree) => proveKeys(tree, touched));
}

function opened(
  memory: LightMemory,
  id: Uint8Array,
  prove: (tree: Tree) => Uint8Array,
): Uint8Array | undefined {
  const tree = stateAfter(memory, id);
  try {
    return tree && prove(tree);
  } catch (e) {
    if (e instanceof MissingNode) return undefined;
    throw e;
  }
}

export const history = (
  memory: LightMemory,
  address: Uint8Array,
  from: Position,
  max: number,
): Promise<HistoryEntry[]> =>
  walkBack(address, from, max, async (height) => {
    if (height > memory.branches.headHeight) return undefined;
    const { id } = await headEntry(memory, height);
    const body = await memory.store.get(lightKey.body(id));
    if (!body) return undefined;
    const links = await memory.store.get(lightKey.links(id));
    return {
      body: decode(Body, body),
      bytes: body.length,
      links: links ? decode(Links, links) : [],
    };
  });

/** Blocks of different branches in which one transaction is looked for. */
const BRANCHES_MAX = 64;

/** Places of the transaction with that id and, of a channel, of its close, in kept blocks of the head's chain. */
export async function find(memory: LightMemory, id: Uint8Array): Promise<Position[]> {
  const placeUnder = async (prefix: string): Promise<Position | undefined> => {
    for (const { key, value } of await memory.store.range(prefix, `${prefix}~`, BRANCHES_MAX)) {
      const block = fromHex(key.slice(-64), 32);
      if (block && (await heightOf(memory, block)) !== undefined) return decode(Position, value);
    }
    return undefined;
  };
  const places = [await placeUnder(lightKey.tx(id)), await placeUnder(lightKey.closeOf(id))];
  return places.filter((at) => at !== undefined);
}
