/** What a light client holds in memory, and opening its store: anything damaged is wiped, not mended. */
import { encode, tryDecode } from '../../core/codec.ts';
import { genesisPoint, genesisTree, type ChainPoint } from '../../core/header/header.ts';
import type { Params } from '../../core/params.ts';
import type { Models } from '../../core/tx/tx.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { formatPut, readFormat, type Format } from '../store/format-marker.ts';
import { damaged, entryAt, headerPuts, loadPath, pointAt } from './headers.ts';
import { needRecord } from '../store/records.ts';
import type { Path } from './memory/paths.ts';
import { keepState, type KnownState } from './state.ts';
import { compactPaths } from './compact.ts';
import { basePuts, loadBase, UNTOUCHED } from './base.ts';
import { Checked, LIGHT_SCHEMA, lightKey, PathsRecord, Sample, type Base } from './records.ts';
import type { Put, Store } from '../store/store.ts';

/** Ids of blocks that failed execution. Each cost a proof of work. */
const INVALID_MAX = 1024;

export interface LightTools {
  readonly store: Store;
  readonly params: Params;
  readonly models: Models;
  /** Uniform in [0, 1), unknown to peers beforehand. */
  readonly random: () => number;
  /** Leaves of a state that may be held as a whole. */
  readonly stateLeavesMax: number;
  /** Newest blocks kept with body and proof. */
  readonly blocksKept: number;
  /** Segments of a path that a start leaves as they are. */
  readonly segmentsLeft: number;
}

export interface LightState extends LightTools {
  readonly genesis: ChainPoint;
  /** Most of them branches that wait for their proofs. */
  paths: Path[];
  /** The one of `paths` that the head is on. */
  headPath: Path;
  head: ChainPoint;
  nextLane: number;
  /** Blocks whose proof passed and is stored, by id in hex. */
  readonly checked: Map<string, Checked>;
  /** Heights of blocks whose body is stored, by id in hex. */
  readonly bodies: Map<string, number>;
  sample: Sample;
  /** By block id in hex. */
  readonly states: Map<string, KnownState>;
  /** The newest block whose following state is stored whole. */
  base: Base | undefined;
  /** Blocks above are kept whole, but for those near the head. */
  keptDownTo: number;
  /** The whole state is more than may be held: it is not asked for again. */
  stateTooLarge: boolean;
  readonly invalid: BoundedMap<string, true>;
}

export function pathsPut(s: LightState): Put {
  const paths = s.paths.map(({ segments, tip }) => ({
    segments: [...segments],
    tip: tip.header.height,
  }));
  const headPath = s.paths.indexOf(s.headPath);
  const headHeight = s.head.header.height;
  const record = { nextLane: s.nextLane, headPath, headHeight, paths };
  return { key: lightKey.paths, value: encode(PathsRecord, record) };
}

const formatOf = (params: Params): Format => ({
  kind: 'light',
  schema: LIGHT_SCHEMA,
  replacesOlder: true,
  chainId: params.chainId,
});

/**
 * The stored chain; undefined when there is none yet. `rebuilt`: it was damaged and has been wiped.
 * @throws AppError STORE_FOREIGN, and the store's
 */
export async function openLight(
  tools: LightTools,
): Promise<{ state: LightState | undefined; rebuilt: boolean }> {
  const { store, params } = tools;
  const stored = await readFormat(store, formatOf(params));
  if (stored === 'empty') return { state: undefined, rebuilt: false };
  try {
    if (stored === 'damaged') throw damaged('it has no format marker');
    return { state: await load(tools, stored), rebuilt: false };
  } catch (e) {
    if (!(e instanceof AppError) || e.code !== 'STORE_CORRUPT') throw e;
    await store.clear();
    return { state: undefined, rebuilt: true };
  }
}

async function load(tools: LightTools, genesisId: Uint8Array): Promise<LightState> {
  const { store, params } = tools;
  const record = await compactPaths(
    store,
    await needRecord(store, lightKey.paths, PathsRecord, damaged),
    tools.segmentsLeft,
  );
  const paths: Path[] = [];
  for (const { segments, tip } of record.paths)
    paths.push(await loadPath(store, params, segments, tip));
  const headPath = paths[record.headPath];
  if (!headPath || record.headHeight > headPath.tip.header.height)
    throw damaged('its head is on no branch');
  const head = await pointAt(store, params, headPath, record.headHeight);
  const first = (await entryAt(store, headPath, 0)).header;
  const genesis = genesisPoint(params, first.time);
  if (!equal(genesis.id, genesisId)) throw damaged('its genesis is not the one of its marker');
  const sampleBytes = await store.get(lightKey.sample);
  const sample = sampleBytes ? tryDecode(Sample, sampleBytes) : [];
  if (!sample) throw damaged('its sample is mangled');
  const s: LightState = {
    ...tools,
    genesis,
    paths,
    headPath,
    head,
    sample,
    checked: await loadChecked(store),
    bodies: await loadBodies(store),
    nextLane: record.nextLane,
    states: new Map(),
    base: undefined,
    stateTooLarge: false,
    keptDownTo: Infinity,
    invalid: new BoundedMap(INVALID_MAX),
  };
  await loadBase(s);
  return s;
}

async function loadChecked(store: Store): Promise<LightState['checked']> {
  const rows = await store.range('k/', 'k0');
  return new Map(
    rows.map(({ key, value }) => {
      const checked = tryDecode(Checked, value);
      if (checked === undefined) throw damaged(`the record ${key} is mangled`);
      return [key.slice(2), checked];
    }),
  );
}

async function loadBodies(store: Store): Promise<LightState['bodies']> {
  const rows = await store.range('i/', 'i0');
  return new Map(
    rows.map(({ key }) => {
      const [, height, hex] = key.split('/');
      return [hex ?? '', Number(height)];
    }),
  );
}

/** Wipes the store and begins at that genesis. */
export async function beginLight(tools: LightTools, genesis: ChainPoint): Promise<LightState> {
  const { store, params } = tools;
  const path: Path = {
    segments: [{ lane: 0, from: 0 }],
    tip: genesis,
    recent: new Map([[0, genesis]]),
  };
  const s: LightState = {
    ...tools,
    genesis,
    paths: [path],
    headPath: path,
    head: genesis,
    nextLane: 1,
    checked: new Map(),
    bodies: new Map(),
    sample: [],
    states: new Map(),
    base: undefined,
    stateTooLarge: false,
    keptDownTo: Infinity,
    invalid: new BoundedMap(INVALID_MAX),
  };
  const parent = toHex(genesis.header.prevHash);
  const state = { height: 0, parent, tree: genesisTree(params), executed: UNTOUCHED };
  keepState(s, genesis.id, state);
  await store.clear();
  const format = formatPut(formatOf(params), genesis.id);
  const puts = [...headerPuts(0, [genesis]), pathsPut(s), format, ...basePuts(state, genesis.id)];
  await store.batch(puts, true);
  s.base = { id: genesis.id, height: 0 };
  return s;
}
