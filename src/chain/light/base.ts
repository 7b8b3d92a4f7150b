/**
 * The state of a light client on disk: the leaves after one block, the *base*, far enough below the head
 * that reorganisations seldom reach it. A start executes the kept bodies above it. Whatever does not
 * fit the headers is dropped and fetched again.
 */
import { encode, tryDecode } from '../../core/codec.ts';
import { isWhole, treeEntries, treeRoot } from '../../core/tree/tree.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import { loadLeaves } from '../store/leaves.ts';
import { bodyOf } from './blocks.ts';
import { entryAt } from './headers.ts';
import type { LightState } from './open.ts';
import { Base, lightKey } from './records.ts';
import { executeOn, keepState, type KnownState } from './state.ts';
import { leafKey } from '../store/records.ts';
import type { Put } from '../store/store.ts';

/** Blocks between the head and its base. */
const BASE_DEPTH = 100;
/** Blocks that the base goes on at once. */
const BASE_STEP = 32;
/** Leaves of one batch, where they do not all have to land together. */
const LEAVES_AT_ONCE = 2000;

/** Changes nothing: the state after genesis is the one before it. */
export const UNTOUCHED = { changes: [], touched: [] };

export const basePuts = (state: KnownState, id: Uint8Array): Put[] => [
  ...[...treeEntries(state.tree)].map(({ key, value }) => ({ key: leafKey(key), value })),
  basePut({ id, height: state.height }),
];

const basePut = (base: Base | undefined): Put => ({
  key: lightKey.base,
  value: base && encode(Base, base),
});

/** After a block was executed: lets the base follow it. @throws the store's */
export async function moveBase(s: LightState, newestHeight: number): Promise<void> {
  const target = Math.min(s.head.header.height - BASE_DEPTH, newestHeight);
  if (s.base && target - s.base.height < BASE_STEP) return;
  const puts = s.base && (await putsUpTo(s, s.base, target));
  if (!puts) return rewriteBase(s);
  const { id } = await entryAt(s.store, s.headPath, target);
  const base = { id, height: target };
  await s.store.batch([...puts, basePut(base)]);
  s.base = base;
}

/** What blocks of the head's chain changed from the base up to that height, if all is remembered. */
async function putsUpTo(s: LightState, base: Base, height: number): Promise<Put[] | undefined> {
  const changed = new Map<string, Put>();
  const last = (await entryAt(s.store, s.headPath, height)).id;
  let hex = toHex(last);
  for (let at = height; at > base.height; at--) {
    const state = s.states.get(hex);
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

/** Writes the lowest whole state below the head, leaf by leaf; until all are there it is no base. */
async function rewriteBase(s: LightState): Promise<void> {
  let hex = toHex(s.head.id);
  let lowest: [string, KnownState] | undefined;
  for (let state = s.states.get(hex); state && isWhole(state.tree); state = s.states.get(hex)) {
    // The head's own state is in no header yet: read again, nothing could prove it.
    if (state.height < s.head.header.height) lowest = [hex, state];
    hex = state.parent;
  }
  if (!lowest) return;
  const { id } = await entryAt(s.store, s.headPath, lowest[1].height);
  if (toHex(id) !== lowest[0] || (s.base && equal(s.base.id, id))) return;
  s.base = undefined;
  await s.store.batch([basePut(undefined)]);
  for (;;) {
    const old = await s.store.range('s/', 's0', LEAVES_AT_ONCE);
    if (!old.length) break;
    await s.store.batch(old.map(({ key }) => ({ key, value: undefined })));
  }
  const puts = basePuts(lowest[1], id);
  // The base's own record is the last.
  for (let at = 0; at < puts.length; at += LEAVES_AT_ONCE)
    await s.store.batch(puts.slice(at, at + LEAVES_AT_ONCE));
  s.base = { id, height: lowest[1].height };
}

/** Reads the base and executes the bodies above it, as far as they go. @throws the store's, STORE_CORRUPT */
export async function loadBase(s: LightState): Promise<void> {
  const data = await s.store.get(lightKey.base);
  const base = data && tryDecode(Base, data);
  const state = base && (await readBase(s, base));
  if (!state) return s.store.batch([basePut(undefined)]);
  s.base = base;
  keepState(s, base.id, state);
  for (let height = base.height + 1; height <= s.head.header.height; height++) {
    const { id, header } = await entryAt(s.store, s.headPath, height);
    const body = await bodyOf(s, id);
    if (!body) return;
    // Its links were written when it was executed here: then its signatures were right.
    const executedBefore = (await s.store.get(lightKey.links(id))) !== undefined;
    const done = executeOn(s, { header, body }, undefined, () => executedBefore);
    if ('fault' in done) return;
  }
}

async function readBase(s: LightState, { id, height }: Base): Promise<KnownState | undefined> {
  if (height >= Math.max(1, s.head.header.height)) return undefined;
  const entry = await entryAt(s.store, s.headPath, height);
  if (!equal(entry.id, id)) return undefined;
  const next = height
    ? await entryAt(s.store, s.headPath, height + 1)
    : { header: s.genesis.header };
  const tree = await loadLeaves(s.store);
  if (!tree || !equal(treeRoot(tree), next.header.stateRoot)) return undefined;
  // The next header tells its root: another branch may tell another, and be right.
  const executed = height ? undefined : UNTOUCHED;
  return { height, parent: toHex(entry.header.prevHash), tree, executed };
}
