/** Opening a full chain: genesis into an empty store, or its memory made from a filled one. */
import { encode, tryDecode, u32 } from '../../core/codec.ts';
import { chainParams } from '../../core/chain-params.ts';
import { Body, Header } from '../../core/formats.ts';
import { bodyOf } from '../../core/tx/body.ts';
import {
  ChainPointRecord,
  extendPoint,
  genesisPoint,
  genesisTree,
  type ChainPoint,
} from '../../core/header/header.ts';
import type { Params } from '../../core/params.ts';
import { verifyStateRoot } from '../../core/state.ts';
import { treeEntries, treeRoot, type Tree } from '../../core/tree/tree.ts';
import { equal, fromHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { FORMAT_KEY, formatPut, readFormat, type Format } from '../store/format-marker.ts';
import { loadLeaves } from '../store/leaves.ts';
import { FullState, keepTree, readUndo, undoTree, type FullDeps } from './state.ts';
import { HeaderIndex } from './header-index.ts';
import { readPruned } from './prune.ts';
import { Believed, FULL_SCHEMA, recordKey, WINDOW, type Totals } from './records.ts';
import { MainEntry, needRecord, POINT_EVERY } from '../store/records.ts';
import type { Put, Store } from '../store/store.ts';
import { genesisTotals } from './totals.ts';

/** Rows deleted in one batch: each is read with its value, of up to 64 KiB. */
const WIPED_AT_ONCE = 256;

const corrupt = (what: string): AppError =>
  new AppError(
    'STORE_CORRUPT',
    `The chain's database is damaged: ${what}. Delete it to sync again.`,
  );

/**
 * `replaced`: says that an older program's chain was wiped.
 * @param genesisTimeMs asked for a new chain @throws AppError STORE_FOREIGN, STORE_CORRUPT
 */
export async function openFull(
  deps: FullDeps,
  genesisTimeMs: () => Promise<number>,
): Promise<{ state: FullState; replaced: AppError | undefined }> {
  const { store, params } = deps;
  const format: Format = { kind: 'full', schema: FULL_SCHEMA, chainId: params.chainId };
  const stored = await readFormat(store, format);
  if (stored === 'damaged') throw corrupt('it has no format marker');
  if (stored instanceof Uint8Array)
    return { state: await loadFull(deps, stored), replaced: undefined };

  const replaced = stored === 'empty' ? undefined : stored;
  const timeMs = await genesisTimeMs();
  if (replaced) await wipe(store);
  return { state: await createGenesis(deps, format, timeMs), replaced };
}

/**
 * All but the marker, which gives way to the new chain's: whoever is killed while a large database goes, batch by batch,
 * goes on with that at the next start, and does not find one without a marker, which is refused as damaged.
 */
export async function wipe(store: Store): Promise<void> {
  for (let from = ''; ;) {
    const rows = await store.range(from, '\x7f', WIPED_AT_ONCE);
    const last = rows.at(-1);
    if (!last) return;
    const gone = rows.filter(({ key }) => key !== FORMAT_KEY);
    await store.batch(gone.map(({ key }) => ({ key, value: undefined })));
    from = `${last.key}\0`;
  }
}

async function loadFull(deps: FullDeps, genesisId: Uint8Array): Promise<FullState> {
  const { store } = deps;
  const first = await needRecord(store, recordKey.main(0), MainEntry, corrupt);
  const params = chainParams(deps.params, first.header.time);
  if (!equal(params.genesis.id, genesisId))
    throw corrupt('its first block is not the one of its marker');

  const headId = (await store.get(recordKey.head)) ?? new Uint8Array(32);
  const header = await needRecord(store, recordKey.header(headId), Header, corrupt);
  const index = new HeaderIndex();
  const believed = await readBelieved(store);
  const known = { ...deps, params, believed };
  const head = await loadMain(known, index, header.height);
  if (!equal(head.id, headId)) throw corrupt('its newest block is not its head');

  const { tree, totals } = await loadLeavesOf(known, head);
  const pruned = await readPruned(store);
  const state = new FullState(known, index, { head, totals, pruned });
  await loadBranches(state);
  keepTree(state, head, tree);
  return state;
}

export async function readBelieved(store: Store): Promise<Believed | undefined> {
  const data = await store.get(recordKey.believed);
  return data && tryDecode(Believed, data);
}

async function createGenesis(deps: FullDeps, format: Format, timeMs: number): Promise<FullState> {
  const { store } = deps;
  const params = chainParams(deps.params, timeMs);
  const head = genesisPoint(params, timeMs);
  const { id } = head;
  const tree = genesisTree(params);
  const leaves = [...treeEntries(tree)];
  const puts: Put[] = [
    ...leaves.map(({ key, value }) => ({ key: recordKey.leaf(key), value })),
    ...genesisPuts(head),
    { key: recordKey.recent(0, id), value: encode(u32, 0) },
    { key: recordKey.head, value: id },
    formatPut(format, id),
  ];
  await store.batch(puts, true);

  const index = new HeaderIndex();
  index.add(head);
  index.setMain([head]);
  const at = { head, totals: genesisTotals(params), pruned: 1 };
  const state = new FullState({ ...deps, params }, index, at);
  keepTree(state, head, tree);
  return state;
}

/** What is kept of genesis for good. */
export const genesisPuts = (point: ChainPoint): Put[] => [
  { key: recordKey.header(point.id), value: encode(Header, point.header) },
  { key: recordKey.body(point.id), value: encode(Body, bodyOf()) },
  { key: recordKey.main(0), value: encode(MainEntry, point) },
  { key: recordKey.point(0), value: encode(ChainPointRecord, point) },
];

type KnownDeps = FullDeps & { readonly params: Params };

/** Replays headers from the last stored point below the window, and so checks that they link. */
async function loadMain(
  { store, params }: KnownDeps,
  index: HeaderIndex,
  headHeight: number,
): Promise<ChainPoint> {
  const lowest = Math.max(0, headHeight - WINDOW);
  const start = lowest - (lowest % POINT_EVERY);
  let point = await needRecord(store, recordKey.point(start), ChainPointRecord, corrupt);
  const kept = start >= lowest ? [point] : [];
  const to = recordKey.main(headHeight + 1);
  const rows = await store.range(recordKey.main(start + 1), to);
  for (const { key, value } of rows) {
    const entry = tryDecode(MainEntry, value);
    if (!entry || !equal(entry.header.prevHash, point.id)) throw corrupt(`${key} does not link`);
    point = extendPoint(params, point, entry.header);
    if (point.header.height >= lowest) kept.push(point);
  }
  for (const at of kept) index.add(at);
  index.setMain(kept);
  return point;
}

async function loadBranches({ store, params, index, sides, head }: FullState): Promise<void> {
  const lowest = Math.max(0, head.header.height - WINDOW);
  for (let from = recordKey.recent(lowest); ;) {
    const rows = await store.range(from, 'i0');
    for (const { key, value } of rows) {
      const id = fromHex(key.slice(-64), 32);
      if (!id) throw corrupt(`the key ${key} holds no id`);
      if (index.get(id)) continue;
      const header = await needRecord(store, recordKey.header(id), Header, corrupt);
      const parent = index.get(header.prevHash);
      // Its branch may start below the window: then it can't win and is left to be pruned.
      if (!parent) continue;
      const point = extendPoint(params, parent, header);
      index.add(point);
      sides.add(point, tryDecode(u32, value) ?? 0);
    }
    const last = rows.at(-1);
    if (!last) return;
    from = `${last.key}0`;
  }
}

/** The state after the head from its leaves, checked by undoing the head; and the totals after it. */
async function loadLeavesOf(
  deps: KnownDeps,
  head: ChainPoint,
): Promise<{ tree: Tree; totals: Totals }> {
  const tree = await loadLeaves(deps.store);
  if (!tree) throw corrupt('a key of its state is none');
  if (head.header.height === 0) return { tree, totals: genesisTotals(deps.params) };

  const { believed } = deps;
  if (believed?.height === head.header.height) {
    if (!equal(treeRoot(tree), believed.root)) throw corrupt('its state is not the believed one');
    return { tree, totals: believed.totals };
  }
  const undo = await readUndo(deps, head.id);
  if (!undo) throw corrupt('the newest block has no undo record');
  // The head's header commits to the state before it.
  if (verifyStateRoot(deps.params, undoTree(tree, undo), head.header))
    throw corrupt('its state is not the one that its newest block followed');
  return { tree, totals: undo.totals };
}
