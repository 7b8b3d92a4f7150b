/**
 * The state of a light client on disk: the leaves after one block, the *base*, far enough below the head
 * that reorganisations seldom reach it. A start executes the kept bodies above it. Whatever does not
 * fit the headers is dropped, and fetched from peers again.
 */
import { encode, tryDecode } from '../../core/codec.ts';
import { isFault } from '../../core/faults.ts';
import { isWhole, treeEntries, treeRoot } from '../../core/tree/tree.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import { loadLeaves } from '../store/leaves.ts';
import { leafKey } from '../store/records.ts';
import type { Put, Store } from '../store/store.ts';
import { bodyOf } from './blocks.ts';
import { headEntry } from './headers.ts';
import { keepState, type LightMemory } from './memory/memory.ts';
import type { KnownState } from './memory/known-states.ts';
import { Base, lightKey } from './records.ts';
import { runBlock } from './run-block.ts';

/** Blocks between the head and its base. */
const BASE_DEPTH = 100;
/** Blocks by which the base moves in one batch. */
const BASE_STEP = 32;
/** Leaves of one batch, where they do not all have to land together. */
const LEAVES_AT_ONCE = 2000;

/** What executing genesis changes: nothing. */
export const UNTOUCHED = { changes: [], touched: [] };

/** After a block was executed: lets the base follow it. @throws the store's */
export async function moveBase(memory: LightMemory, newestHeight: number): Promise<void> {
  const { branches, base, store } = memory;
  const target = Math.min(branches.headHeight - BASE_DEPTH, newestHeight);
  if (base.at && target - base.at.height < BASE_STEP) return;
  const puts = base.at && (await putsUpTo(memory, base.at, target));
  if (!puts) return rewriteBase(memory);

  const { id } = await headEntry(memory, target);
  const next = { id, height: target };
  await store.batch([...puts, basePut(next)]);
  base.moveTo(next);
}

/** What blocks of the head's chain changed from the base up to that height, if all is remembered. */
async function putsUpTo(
  memory: LightMemory,
  base: Base,
  height: number,
): Promise<Put[] | undefined> {
  const changed = new Map<string, Put>();
  let hex = toHex((await headEntry(memory, height)).id);
  for (let at = height; at > base.height; at--) {
    const state = memory.states.get(hex);
    if (!state?.executed) return undefined;
    // From the newest down: what came later stands.
    for (const { key, after } of state.executed.changes) {
      const name = leafKey(key);
      if (!changed.has(name)) changed.set(name, { key: name, value: after });
    }
    hex = state.parent;
  }
  return hex === toHex(base.id) ? [...changed.values()] : undefined;
}

/** Stores the lowest whole state below the head in several batches; until the last one there is no base. */
async function rewriteBase(memory: LightMemory): Promise<void> {
  const { base, store } = memory;
  const lowest = lowestWhole(memory);
  if (!lowest) return;
  const { id } = await headEntry(memory, lowest.state.height);
  if (toHex(id) !== lowest.idHex || (base.at && equal(base.at.id, id))) return;

  base.moveTo(undefined);
  await store.batch([basePut(undefined)]);
  await clearLeaves(store);
  const puts = basePuts(lowest.state, id);
  // The base's own record is the last.
  for (let at = 0; at < puts.length; at += LEAVES_AT_ONCE)
    await store.batch(puts.slice(at, at + LEAVES_AT_ONCE));
  base.moveTo({ id, height: lowest.state.height });
}

/** The lowest of the whole states in a row below the head. */
function lowestWhole({
  branches,
  states,
}: LightMemory): { idHex: string; state: KnownState } | undefined {
  let lowest: { idHex: string; state: KnownState } | undefined;
  let hex = toHex(branches.head.id);
  for (let state = states.get(hex); state && isWhole(state.tree); state = states.get(hex)) {
    // The head's own state is in no header yet: read again, nothing could prove it.
    if (state.height < branches.headHeight) lowest = { idHex: hex, state };
    hex = state.parent;
  }
  return lowest;
}

async function clearLeaves(store: Store): Promise<void> {
  for (;;) {
    const old = await store.range('s/', 's0', LEAVES_AT_ONCE);
    if (!old.length) return;
    await store.batch(old.map(({ key }) => ({ key, value: undefined })));
  }
}

/** Reads the base and executes the bodies above it, as far as they go. @throws the store's, STORE_CORRUPT */
export async function loadBase(memory: LightMemory): Promise<void> {
  const { branches, store } = memory;
  const data = await store.get(lightKey.base);
  const base = data && tryDecode(Base, data);
  const state = base && (await readBase(memory, base));
  if (!state) return store.batch([basePut(undefined)]);

  memory.base.moveTo(base);
  keepState(memory, base.id, state);
  for (let height = base.height + 1; height <= branches.headHeight; height++) {
    const { id, header } = await headEntry(memory, height);
    const body = await bodyOf(store, id);
    if (!body) return;
    // Its links were written when it was executed here: then its signatures were right.
    const executedBefore = (await store.get(lightKey.links(id))) !== undefined;
    const done = runBlock(memory, { header, body }, { executedBefore });
    if (isFault(done)) return;
  }
}

async function readBase(
  memory: LightMemory,
  { id, height }: Base,
): Promise<KnownState | undefined> {
  const { branches, genesis, store } = memory;
  if (height >= Math.max(1, branches.headHeight)) return undefined;
  const entry = await headEntry(memory, height);
  if (!equal(entry.id, id)) return undefined;

  const next = height ? (await headEntry(memory, height + 1)).header : genesis.header;
  const tree = await loadLeaves(store);
  if (!tree || !equal(treeRoot(tree), next.stateRoot)) return undefined;
  // Only the next header vouches for this root; another branch may commit to another one, and be right.
  const executed = height ? undefined : UNTOUCHED;
  return { height, parent: toHex(entry.header.prevHash), tree, executed };
}

/** Records of a whole state and, last, of its block as the base. */
export const basePuts = (state: KnownState, id: Uint8Array): Put[] => [
  ...[...treeEntries(state.tree)].map(({ key, value }) => ({ key: leafKey(key), value })),
  basePut({ id, height: state.height }),
];

const basePut = (base: Base | undefined): Put => ({
  key: lightKey.base,
  value: base && encode(Base, base),
});
