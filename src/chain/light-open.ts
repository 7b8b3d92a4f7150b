/** What a light client holds in memory, and opening its store: anything damaged is wiped, not mended. */
import { encode, tryDecode, u32 } from '../core/codec.ts';
import { Proof } from '../core/formats.ts';
import { genesisPoint, type ChainPoint } from '../core/header.ts';
import type { Params } from '../core/params.ts';
import type { Tree } from '../core/tree.ts';
import type { Models } from '../core/tx.ts';
import { equal } from '../lib/bytes.ts';
import { AppError } from '../lib/errors.ts';
import { BoundedMap } from '../lib/bounded.ts';
import { formatPut, readFormat, type Format } from './format-marker.ts';
import { damaged, entryAt, headerPuts, loadPath, needRecord, pointAt } from './light-headers.ts';
import type { Path } from './light-paths.ts';
import { LIGHT_SCHEMA, lightKey, PathsRecord, Sample } from './light-records.ts';
import type { Put, Store } from './store.ts';

/** States kept: those after the newest blocks that were executed here. */
export const LIGHT_TREES_MAX = 16;
/** Ids of blocks that failed execution. Each cost a proof of work. */
const INVALID_MAX = 1024;

export interface LightState {
  readonly store: Store;
  readonly params: Params;
  readonly models: Models;
  readonly genesis: ChainPoint;
  /** Most of them branches that wait for their proofs. */
  paths: Path[];
  /** The one of `paths` that the head is on. */
  headPath: Path;
  head: ChainPoint;
  nextLane: number;
  /** Heights of blocks whose proof passed, by id in hex. */
  readonly checked: Map<string, number>;
  /** Heights of those whose proof is stored. */
  readonly proofs: Map<string, number>;
  sample: Sample;
  readonly trees: BoundedMap<string, Tree>;
  readonly invalid: BoundedMap<string, true>;
  /** Winning linears of checked blocks, by id in hex. */
  readonly winners: Map<string, number>;
  /** Uniform in [0, 1), unknown to peers beforehand. */
  readonly random: () => number;
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
  chainId: params.chainId,
});

/**
 * The stored chain; undefined when there is none yet. `rebuilt`: it was damaged and has been wiped.
 * @throws AppError STORE_FOREIGN, and the store's
 */
export async function openLight(
  store: Store,
  params: Params,
  models: Models,
  random: () => number,
): Promise<{ state: LightState | undefined; rebuilt: boolean }> {
  const stored = await readFormat(store, formatOf(params));
  if (stored === 'empty') return { state: undefined, rebuilt: false };
  try {
    if (stored === 'damaged') throw damaged('it has no format marker');
    return { state: await load(store, params, models, random, stored), rebuilt: false };
  } catch (e) {
    if (!(e instanceof AppError) || e.code !== 'STORE_CORRUPT') throw e;
    await store.clear();
    return { state: undefined, rebuilt: true };
  }
}

async function load(
  store: Store,
  params: Params,
  models: Models,
  random: () => number,
  genesisId: Uint8Array,
): Promise<LightState> {
  const record = await needRecord(store, lightKey.paths, PathsRecord);
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
  const checked = await loadHeights(store, 'k');
  const proofs = new Map<string, number>();
  const winners = new Map<string, number>();
  for (const [hex, height] of checked) {
    const data = await store.get(`p/${hex}`);
    const proof = data && tryDecode(Proof, data);
    if (!proof) continue;
    proofs.set(hex, height);
    winners.set(hex, proof.linear);
  }
  return {
    ...{ store, params, models, genesis, paths, headPath, head, checked, proofs, sample },
    ...{ winners, random },
    nextLane: record.nextLane,
    trees: new BoundedMap(LIGHT_TREES_MAX),
    invalid: new BoundedMap(INVALID_MAX),
  };
}

async function loadHeights(store: Store, kind: string): Promise<Map<string, number>> {
  const rows = await store.range(`${kind}/`, `${kind}0`);
  return new Map(
    rows.map(({ key, value }) => {
      const height = tryDecode(u32, value);
      if (height === undefined) throw damaged(`the record ${key} is mangled`);
      return [key.slice(2), height];
    }),
  );
}

/** Wipes the store and begins at that genesis. */
export async function beginLight(
  store: Store,
  params: Params,
  models: Models,
  random: () => number,
  genesis: ChainPoint,
): Promise<LightState> {
  const path: Path = {
    segments: [{ lane: 0, from: 0 }],
    tip: genesis,
    recent: new Map([[0, genesis]]),
  };
  const s: LightState = {
    ...{ store, params, models, genesis, paths: [path], headPath: path, head: genesis },
    nextLane: 1,
    checked: new Map(),
    proofs: new Map(),
    sample: [],
    trees: new BoundedMap(LIGHT_TREES_MAX),
    invalid: new BoundedMap(INVALID_MAX),
    winners: new Map(),
    random,
  };
  await store.clear();
  const puts = [...headerPuts(0, [genesis]), pathsPut(s), formatPut(formatOf(params), genesis.id)];
  await store.batch(puts, true);
  return s;
}
