/** Opening a light client's store: memory is made again from it. Anything damaged is wiped, not mended. */
import { tryDecode } from '../../core/codec.ts';
import { SECRET_BYTES } from '../../core/header/draws.ts';
import { genesisPoint, genesisTree, type ChainPoint } from '../../core/header/header.ts';
import { chainParams } from '../../core/chain-params.ts';
import type { NetworkParams, Params } from '../../core/params.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import type { ErrorCode } from '../../lib/error-codes.ts';
import { AppError } from '../../lib/errors.ts';
import { formatPut, readFormat, type Format } from '../store/format-marker.ts';
import { VerifiedSignatures } from '../shared/verified-signatures.ts';
import { MainEntry, needRecord } from '../store/records.ts';
import type { Put, Store } from '../store/store.ts';
import { basePuts, loadBase, UNTOUCHED } from './base.ts';
import { compactPaths } from './compact.ts';
import { pathsPut } from './head.ts';
import { damaged, headerPuts, loadPath, measureAt, pointAt } from './headers.ts';
import { Branches, type BranchesNow } from './memory/branches.ts';
import { KeptBlocks, type KeptNow } from './memory/kept-blocks.ts';
import { KnownStates } from './memory/known-states.ts';
import { keepState, StoredBase, type LightDeps, type LightMemory } from './memory/memory.ts';
import type { Path } from './memory/paths.ts';
import { Checked, LIGHT_SCHEMA, lightKey, PathsRecord, Sample } from './records.ts';

/** Verified signatures remembered: those of the pool, and of ten full blocks. */
const SIGNATURES_MAX = 10_000;

/** What is wrong with a store that is wiped, since peers have all that it held. */
const WIPED: readonly ErrorCode[] = ['STORE_CORRUPT', 'STORE_OLD'];

const formatOf = (params: NetworkParams): Format => ({
  kind: 'light',
  schema: LIGHT_SCHEMA,
  chainId: params.chainId,
});

/**
 * The stored chain; undefined when there is none yet. `wiped`: why it is gone, damaged or an older program's.
 * @throws AppError STORE_FOREIGN, and the store's
 */
export async function openLight(
  deps: LightDeps,
): Promise<{ memory: LightMemory | undefined; wiped: AppError | undefined }> {
  const { store, params } = deps;
  const stored = await readFormat(store, formatOf(params));
  if (stored === 'empty') return { memory: undefined, wiped: undefined };
  try {
    if (stored === 'damaged') throw damaged('it has no format marker');
    if (stored instanceof AppError) throw stored;
    return { memory: await load(deps, stored), wiped: undefined };
  } catch (e) {
    if (!(e instanceof AppError) || !WIPED.includes(e.code)) throw e;
    await store.clear();
    return { memory: undefined, wiped: e };
  }
}

/** The device's secret; a new one where there is none yet. It is stored with the chain, and outlives a wiped one. */
export async function secretOf(store: Store): Promise<Uint8Array> {
  const stored = await store.get(lightKey.secret);
  if (stored?.length === SECRET_BYTES) return stored;
  return crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
}

const secretPut = (secret: Uint8Array): Put => ({ key: lightKey.secret, value: secret });

async function load(deps: LightDeps, genesisId: Uint8Array): Promise<LightMemory> {
  const { store, secret } = deps;
  const stored = await needRecord(store, lightKey.paths, PathsRecord, damaged);
  const record = await compactPaths(store, stored, deps.segmentsLeft);
  // Every branch begins with the same block.
  const first = lightKey.header(record.paths[0]?.segments[0]?.number ?? 0, 0);
  const { time } = (await needRecord(store, first, MainEntry, damaged)).header;
  const params = chainParams(deps.params, time);
  const genesis = genesisPoint(params, time);
  if (!equal(genesis.id, genesisId)) throw damaged('its genesis is not the one of its marker');
  const branches = await loadBranches({ store, params }, record);

  const kept: KeptNow = {
    sample: await loadSample(store),
    checked: await loadChecked(store),
    bodies: await loadBodies(store),
  };
  const memory = createMemory({ ...deps, params }, genesis, branches, kept);
  await loadBase(memory);
  // Nothing is written where it is the stored one.
  const known = await store.get(lightKey.secret);
  if (!known || !equal(known, secret)) await store.batch([secretPut(secret)]);
  return memory;
}

async function loadBranches(
  source: Pick<LightMemory, 'store' | 'params'>,
  record: PathsRecord,
): Promise<BranchesNow> {
  const paths: Path[] = [];
  for (const { segments, tip } of record.paths) paths.push(await loadPath(source, segments, tip));

  const headPath = paths[record.headPath];
  if (!headPath || record.headHeight > headPath.tip.header.height)
    throw damaged('its head is on no branch');
  const head = await pointAt(source, headPath, record.headHeight);
  const measure = await measureAt(source, headPath, head);
  return { paths, headPath, head, measure, nextSegment: record.nextSegment };
}

async function loadSample(store: Store): Promise<Sample> {
  const data = await store.get(lightKey.sample);
  const sample = data ? tryDecode(Sample, data) : [];
  if (!sample) throw damaged('its sample is mangled');
  return sample;
}

async function loadChecked(store: Store): Promise<Map<string, Checked>> {
  const rows = await store.range('k/', 'k0');
  return new Map(
    rows.map(({ key, value }) => {
      const checked = tryDecode(Checked, value);
      if (checked === undefined) throw damaged(`the record ${key} is mangled`);
      return [key.slice(2), checked];
    }),
  );
}

async function loadBodies(store: Store): Promise<Map<string, number>> {
  const rows = await store.range('i/', 'i0');
  return new Map(
    rows.map(({ key }) => {
      const [, height, hex] = key.split('/');
      return [hex ?? '', Number(height)];
    }),
  );
}

/** Wipes the store and begins at that genesis. */
export async function beginLight(deps: LightDeps, genesis: ChainPoint): Promise<LightMemory> {
  const { store, secret } = deps;
  const params = chainParams(deps.params, genesis.header.time);
  const path: Path = {
    segments: [{ number: 0, from: 0 }],
    tip: genesis,
    recent: new Map([[0, genesis]]),
  };
  const measure = await measureAt({ store, params }, path, genesis);
  const paths = [path];
  const branches = { paths, headPath: path, head: genesis, measure, nextSegment: 1 };
  const kept: KeptNow = { checked: new Map(), bodies: new Map(), sample: [] };
  const memory = createMemory({ ...deps, params }, genesis, branches, kept);
  const parent = toHex(genesis.header.prevHash);
  const state = { height: 0, parent, tree: genesisTree(params), executed: UNTOUCHED };
  keepState(memory, genesis.id, state);

  await store.clear();
  const format = formatPut(formatOf(params), genesis.id);
  const headers = headerPuts(0, [genesis]);
  const base = basePuts(state, genesis.id);
  const puts = [...headers, pathsPut(branches), format, secretPut(secret), ...base];
  await store.batch(puts, true);
  memory.base.moveTo({ id: genesis.id, height: 0 });
  return memory;
}

const createMemory = (
  deps: LightDeps & { readonly params: Params },
  genesis: ChainPoint,
  branches: BranchesNow,
  kept: KeptNow,
): LightMemory => ({
  ...deps,
  genesis,
  branches: new Branches(deps.params, branches),
  kept: new KeptBlocks(kept),
  states: new KnownStates(deps.stateLeavesMax),
  base: new StoredBase(),
  signatures: new VerifiedSignatures(genesis.id, SIGNATURES_MAX),
  outdated: [],
});
