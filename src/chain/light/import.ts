/**
 * Headers into a light client, and which branch is its head. Headers cost nothing to make, so they
 * alone move no head: a branch becomes the head when it has the most work and the proofs of its
 * blocks above the fork were checked; of a deep one those of its audit and the last 100.
 */
import { fault, isFault, type Fault } from '../../core/faults.ts';
import type { Header } from '../../core/formats.ts';
import { blockId, type ChainPoint } from '../../core/header/header.ts';
import { looksForged, type Winner } from '../../core/light-safety.ts';
import { HEADERS_MAX } from '../../core/messages.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import { dropBodies } from './blocks.ts';
import { drawAudit, needsAudit } from './audit.ts';
import { clearLane, entryAt, headerPuts, loadPath, pointAt, verifyHeaders } from './headers.ts';
import { pathsPut, type LightState } from './open.ts';
import {
  commonHeight,
  cutPath,
  cutSegments,
  extendedPath,
  laneAt,
  pointsBetween,
  provenTip,
  type Audit,
  type Path,
} from './memory/paths.ts';
import { LIGHT_HEADERS_MAX, PATHS_MAX } from './records.ts';
import { rootFault } from './state.ts';
import type { Put } from '../store/store.ts';

export interface HeadersImported {
  /** Headers that were new. */
  readonly added: number;
  /** Blocks that left the head's chain. */
  readonly reorganised: number;
}

export interface LightHeadEvent {
  readonly type: 'head';
  readonly point: ChainPoint;
  /** Blocks that left the chain. */
  readonly reverted: number;
  /** Those of them whose headers are in memory, lowest first. */
  readonly left: readonly ChainPoint[];
  /** Blocks that joined it. */
  readonly adopted: number;
}

type OnHead = (event: LightHeadEvent) => void;

/** Contiguous headers, lowest first. @throws AppError STORE_CORRUPT, and the store's */
export async function importHeaders(
  s: LightState,
  headers: readonly Header[],
  nowMs: number,
  onHead: OnHead,
): Promise<HeadersImported | Fault> {
  if (headers.length > HEADERS_MAX) return fault('wire.too-large', { headers: headers.length });
  const first = headers[0];
  if (!first) return { added: 0, reorganised: 0 };
  if (first.height < 1) return fault('header.height', { height: first.height });
  if (first.height + headers.length > heightMax(s, nowMs))
    return fault('wire.too-large', { height: first.height });
  const place = await findPlace(s, headers);
  if (!place) return fault('header.parent-unknown', { height: first.height });
  const { path, known } = place;
  const fresh = headers.slice(known);
  const isEnd = headers.length < HEADERS_MAX;
  if (!fresh.length) {
    if (isEnd) await auditDeep(s);
    return { added: 0, reorganised: 0 };
  }
  const parent = await pointAt(s.store, s.params, path, fresh[0]!.height - 1);
  const points = verifyHeaders(s.params, parent, fresh, nowMs);
  if (isFault(points)) return points;
  const bad = points.find((point) => s.invalid.has(toHex(point.id)));
  if (bad) return fault('header.known-invalid', { id: toHex(bad.id) });
  for (const { header } of points) {
    const wrongRoot = rootFault(s, header);
    if (wrongRoot) return wrongRoot;
  }
  await attach(s, path, parent, points);
  // Drawn when a branch seems whole: what is drawn must not be known while it can still be chosen.
  if (isEnd) await auditDeep(s);
  return { added: fresh.length, reorganised: await selectHead(s, onHead) };
}

/**
 * ASERT keeps a chain to its schedule: to be this many blocks ahead takes 2^128 times the work of the
 * easiest target. Headers cost nothing to make, so without it one peer could fill the store.
 */
const AHEAD_MAX = 60 * 128;

function heightMax({ genesis, params }: LightState, nowMs: number): number {
  const elapsedMs = Math.max(0, nowMs - genesis.header.time);
  return Math.min(LIGHT_HEADERS_MAX, Math.floor(elapsedMs / params.blockTimeMs) + AHEAD_MAX);
}

/** The path that holds the most of these headers, and how many; undefined: none holds their parent. */
async function findPlace(
  s: LightState,
  headers: readonly Header[],
): Promise<{ path: Path; known: number } | undefined> {
  let best: { path: Path; known: number } | undefined;
  for (const path of s.paths) {
    const holds = async (height: number, id: Uint8Array) =>
      height <= path.tip.header.height && equal((await entryAt(s.store, path, height)).id, id);
    if (!(await holds(headers[0]!.height - 1, headers[0]!.prevHash))) continue;
    let known = 0;
    for (const header of headers) {
      if (!(await holds(headers[0]!.height + known, blockId(header)))) break;
      known++;
    }
    if (!best || known > best.known) best = { path, known };
  }
  return best;
}

async function attach(
  s: LightState,
  path: Path,
  parent: ChainPoint,
  points: ChainPoint[],
): Promise<void> {
  const next = parent.header.height + 1;
  const ownLane = path.segments.at(-1)!.lane;
  const used = s.paths.some(
    (p) => p.tip.header.height >= next && laneAt(p.segments, next) === ownLane,
  );
  const append = parent === path.tip && !used;
  const lane = append ? ownLane : s.nextLane;
  const below = cutSegments(path.segments, parent.header.height);
  const segments = append ? path.segments : [...below, { lane, from: next }];
  const kept = [...path.recent].filter(([height]) => height < next);
  const grown = extendedPath({ ...path, recent: new Map(kept) }, segments, points);
  const change: PathsChange = append
    ? { paths: [...s.paths.filter((p) => p !== path), grown] }
    : { paths: [...s.paths, grown], nextLane: s.nextLane + 1 };
  if (s.headPath === path && append) change.headPath = grown;
  await setPaths(s, change, headerPuts(lane, points));
}

type PathsChange = {
  paths: Path[];
  headPath?: Path;
  head?: ChainPoint;
  nextLane?: number;
};

/**
 * Writes, then remembers. Over the bound, a path is left out that has no more work than the head, else
 * the one that grew longest ago: claimed work is free, and must not crowd out the next honest block.
 */
async function setPaths(s: LightState, change: PathsChange, puts: Put[] = []): Promise<void> {
  const next = { ...s, ...change };
  while (next.paths.length > PATHS_MAX) {
    const others = next.paths.filter((path) => path !== next.headPath);
    const beaten = others.find((path) => workOf(path) <= next.head.header.totalWork);
    const left = beaten ?? others[0];
    next.paths = next.paths.filter((path) => path !== left);
  }
  await s.store.batch([...puts, pathsPut(next)]);
  const unused = lanesOf(s).difference(lanesOf(next));
  const { paths, headPath, head, nextLane } = next;
  Object.assign(s, { paths, headPath, head, nextLane });
  for (const lane of unused) await clearLane(s.store, lane);
}

const lanesOf = ({ paths }: { paths: readonly Path[] }): Set<number> =>
  new Set(paths.flatMap((path) => path.segments.map(({ lane }) => lane)));

const workOf = (path: Path): bigint => path.tip.header.totalWork;

/** Height of the last block that the head's chain and a path share. */
export const forkOf = (s: LightState, path: Path): number =>
  commonHeight(s.headPath.segments, s.head.header.height, path.segments, path.tip.header.height);

/** Draws the audits of branches with more work than the head that need one. @throws AppError STORE_CORRUPT */
export async function auditDeep(s: LightState): Promise<void> {
  for (const path of s.paths) {
    const fork = forkOf(s, path);
    if (workOf(path) <= s.head.header.totalWork || !needsAudit(path, fork)) continue;
    setAudit(s, path, await drawAudit(s, path, fork));
  }
}

function setAudit(s: LightState, path: Path, audit: Audit | undefined): void {
  const next = { ...path, audit };
  s.paths = s.paths.with(s.paths.indexOf(path), next);
  if (s.headPath === path) s.headPath = next;
}

/** Whether a branch that would replace blocks of ours shows winners too late in their passes. */
function isForged(s: LightState, path: Path, fork: number, top: ChainPoint): boolean {
  if (fork >= s.head.header.height) return false;
  const winners: Winner[] = [];
  for (const { id, header } of pointsBetween(path, fork, top.header.height)) {
    const linear = s.checked.get(toHex(id))?.linear;
    const manifest = s.models.get(toHex(header.modelId));
    if (linear && manifest) winners.push({ manifest, linear });
  }
  return looksForged(winners);
}

/** Moves the head to the best proven block. @returns how many blocks left its chain */
export async function selectHead(s: LightState, onHead: OnHead): Promise<number> {
  let best = { path: s.headPath, point: s.head, fork: s.head.header.height };
  for (const path of s.paths) {
    const fork = forkOf(s, path);
    const point = provenTip(path, fork, (id) => s.checked.has(id));
    if (!point || point.header.totalWork <= best.point.header.totalWork) continue;
    if (!isForged(s, path, fork, point)) best = { path, point, fork };
  }
  if (best.point === s.head) return 0;
  const reverted = s.head.header.height - best.fork;
  const adopted = best.point.header.height - best.fork;
  const left = pointsBetween(s.headPath, best.fork, s.head.header.height);
  await setPaths(s, { paths: s.paths, headPath: best.path, head: best.point });
  // The head may have come only part of the way: the rest still needs it.
  if ((best.path.audit?.upTo ?? Infinity) <= best.point.header.height)
    setAudit(s, best.path, undefined);
  const pruned = await prunePuts(s, reverted > 0);
  if (pruned.length) await s.store.batch(pruned);
  onHead({ type: 'head', point: best.point, reverted, left, adopted });
  return reverted;
}

/** Forgets proofs and bodies below the newest blocks, but of those that were drawn. */
async function prunePuts(s: LightState, reorganised: boolean): Promise<Put[]> {
  if (reorganised) {
    const on = await Promise.all(
      s.sample.map(
        async ({ height, id }) =>
          height <= s.head.header.height &&
          equal((await entryAt(s.store, s.headPath, height)).id, id),
      ),
    );
    s.sample = s.sample.filter((_, i) => on[i]);
  }
  const audited = s.paths.flatMap(({ audit }) => audit?.blocks ?? []).map(({ id }) => id);
  const sampled = new Set([...s.sample.map(({ id }) => toHex(id)), ...audited]);
  const puts = await dropBodies(s, sampled);
  for (const [hex, { height }] of s.checked)
    if (height <= s.head.header.height - s.blocksKept && !sampled.has(hex)) {
      s.checked.delete(hex);
      for (const kind of ['p', 'k']) puts.push({ key: `${kind}/${hex}`, value: undefined });
    }
  return puts;
}

/** Drops a branch that nobody proves. The head's chain stays up to the head. */
export async function dropBranch(s: LightState, tipId: Uint8Array): Promise<void> {
  const path = s.paths.find((p) => equal(p.tip.id, tipId));
  if (!path || equal(s.head.id, tipId)) return;
  if (path === s.headPath) return cutAt(s, path, s.head.header.height + 1);
  await setPaths(s, { paths: s.paths.filter((p) => p !== path) });
}

/** A block that failed execution: no path holds it any more; the head may fall back below it. */
export async function invalidate(
  s: LightState,
  id: Uint8Array,
  height: number,
  onHead: OnHead,
): Promise<void> {
  s.invalid.set(toHex(id), true);
  for (const path of [...s.paths]) {
    if (height > path.tip.header.height) continue;
    if (equal((await entryAt(s.store, path, height)).id, id)) await cutAt(s, path, height);
  }
  await selectHead(s, onHead);
}

/** Ends a path below that height. */
async function cutAt(s: LightState, path: Path, height: number): Promise<void> {
  const segments = cutSegments(path.segments, height - 1);
  const cut =
    cutPath(path, height - 1) ?? (await loadPath(s.store, s.params, segments, height - 1));
  const change: PathsChange = { paths: s.paths.with(s.paths.indexOf(path), cut) };
  if (path === s.headPath) change.headPath = cut;
  if (path === s.headPath && s.head.header.height >= height) change.head = cut.tip;
  await setPaths(s, change);
}
