/** A light client's headers in its store: reading, replaying chain points, writing a checked batch. */
import { decode, encode, tryDecode, u32 } from '../../core/codec.ts';
import {
  ChainPointRecord,
  extendPoint,
  verifyHeader,
  type ChainPoint,
} from '../../core/header/header.ts';
import type { Fault } from '../../core/faults.ts';
import type { Header } from '../../core/formats.ts';
import type { Params } from '../../core/params.ts';
import { equal } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { measuredAt, measureHead, type HeadMeasure } from '../shared/branch-tip.ts';
import { cutPath, cutSegments, PATH_WINDOW, segmentAt, type Path } from './memory/paths.ts';
import type { LightMemory } from './memory/memory.ts';
import { lightKey, type Segment } from './records.ts';
import { MainEntry, needRecord, POINT_EVERY } from '../store/records.ts';
import type { Put, Store } from '../store/store.ts';

export const damaged = (what: string): AppError =>
  new AppError('STORE_CORRUPT', `The light client's database is damaged: ${what}.`);

/** Entry of a height at most the tip's. @throws AppError STORE_CORRUPT */
export async function entryAt(store: Store, path: Path, height: number): Promise<MainEntry> {
  const near = path.recent.get(height);
  if (near) return { id: near.id, header: near.header };
  const key = lightKey.header(segmentAt(path.segments, height), height);
  return needRecord(store, key, MainEntry, damaged);
}

/** Entry of a height of the head's chain, at most the head's. @throws AppError STORE_CORRUPT */
export const headEntry = ({ store, branches }: LightMemory, height: number): Promise<MainEntry> =>
  entryAt(store, branches.headPath, height);

/** Header of that height of the head's chain; undefined above the head. */
export async function headerAt(memory: LightMemory, height: number): Promise<Header | undefined> {
  if (height < 0 || height > memory.branches.headHeight) return undefined;
  return (await headEntry(memory, height)).header;
}

/** Height of a block of the head's chain; undefined for any other. */
export async function heightOf(memory: LightMemory, id: Uint8Array): Promise<number | undefined> {
  const data = await memory.store.get(lightKey.height(id));
  const height = data && decode(u32, data);
  if (height === undefined || height > memory.branches.headHeight) return undefined;
  return equal((await headEntry(memory, height)).id, id) ? height : undefined;
}

/** What chain points are read with. */
type PointSource = Pick<LightMemory, 'store' | 'params'>;

/** How others are measured by a head on that path. @throws AppError STORE_CORRUPT */
export async function measureAt(
  { store, params }: PointSource,
  path: Path,
  head: ChainPoint,
): Promise<HeadMeasure> {
  const { deep, floor } = measuredAt(head.header);
  const totalAt = async (height: number) => (await entryAt(store, path, height)).header.totalWork;
  return measureHead(params, head, { deep: await totalAt(deep), floor: await totalAt(floor) });
}

/** The point that a batch of headers builds on. @throws AppError STORE_CORRUPT */
export async function pointAt(
  source: PointSource,
  path: Path,
  height: number,
): Promise<ChainPoint> {
  const near = path.recent.get(height);
  return near ?? (await replayPoints(source, path.segments, height, height)).at(-1)!;
}

/** A path of the store, its newest points in memory. @throws AppError STORE_CORRUPT */
export async function loadPath(
  source: PointSource,
  segments: readonly Segment[],
  tip: number,
): Promise<Path> {
  const lowest = Math.max(0, tip - PATH_WINDOW + 1);
  const points = await replayPoints(source, segments, lowest, tip);
  const last = points.at(-1);
  if (last?.header.height !== tip) throw damaged(`its newest header ${tip} is missing`);
  return { segments, tip: last, recent: new Map(points.map((p) => [p.header.height, p])) };
}

/** The path up to that height, with as many of its newest points as proving it can take. @throws AppError STORE_CORRUPT */
export async function pathUpTo(source: PointSource, path: Path, height: number): Promise<Path> {
  const cut = cutPath(path, height);
  if (cut?.recent.has(Math.max(1, height - PATH_WINDOW / 2))) return cut;
  return loadPath(source, cutSegments(path.segments, height), height);
}

/** Chain points of heights `from`..`to`, replayed from the last stored one. @throws AppError STORE_CORRUPT */
async function replayPoints(
  { store, params }: PointSource,
  segments: readonly Segment[],
  from: number,
  to: number,
): Promise<ChainPoint[]> {
  const start = Math.max(0, from - (from % POINT_EVERY));
  const key = lightKey.point(segmentAt(segments, start), start);
  let point = await needRecord(store, key, ChainPointRecord, damaged);
  const points = start >= from ? [point] : [];

  for (const { id, header } of await readEntries(store, segments, start + 1, to)) {
    if (!equal(header.prevHash, point.id)) throw damaged(`height ${header.height} does not link`);
    point = extendPoint(params, point, header);
    if (!equal(point.id, id)) throw damaged(`height ${header.height} is not what it says`);
    if (header.height >= from) points.push(point);
  }
  return points;
}

/** Entries `from`..`to` of a path, one range per segment. @throws AppError STORE_CORRUPT */
export async function readEntries(
  store: Store,
  segments: readonly Segment[],
  from: number,
  to: number,
): Promise<MainEntry[]> {
  const entries: MainEntry[] = [];
  for (const [i, { number, from: first }] of segments.entries()) {
    const low = Math.max(from, first);
    const high = Math.min(to, (segments[i + 1]?.from ?? Infinity) - 1);
    if (low > high) continue;

    const end = lightKey.header(number, high + 1);
    const rows = await store.range(lightKey.header(number, low), end, high - low + 1);
    for (const { value } of rows) {
      const entry = tryDecode(MainEntry, value);
      if (!entry) throw damaged('a header is mangled');
      entries.push(entry);
    }
    if (rows.length !== high - low + 1) throw damaged(`headers ${low}..${high} are not all there`);
  }
  return entries;
}

/** Full header rules, one after another. */
export function verifyHeaders(
  params: Params,
  parent: ChainPoint,
  headers: readonly Header[],
  nowMs: number,
): ChainPoint[] | Fault {
  const points: ChainPoint[] = [];
  for (const header of headers) {
    const wrong = verifyHeader(params, points.at(-1) ?? parent, header, nowMs);
    if (wrong) return wrong;
    points.push(extendPoint(params, points.at(-1) ?? parent, header));
  }
  return points;
}

/** Records of new headers in a segment. */
export function headerPuts(segment: number, points: readonly ChainPoint[]): Put[] {
  return points.flatMap((point) => {
    const { id, header } = point;
    const value = encode(MainEntry, { id, header });
    const puts: Put[] = [
      { key: lightKey.header(segment, header.height), value },
      { key: lightKey.height(id), value: encode(u32, header.height) },
    ];
    if (header.height % POINT_EVERY === 0)
      puts.push({
        key: lightKey.point(segment, header.height),
        value: encode(ChainPointRecord, point),
      });
    return puts;
  });
}

/** Deletes a segment, a page at a time: it may hold millions of headers. */
export async function clearSegment(store: Store, segment: number): Promise<void> {
  for (const kind of [lightKey.header, lightKey.point])
    for (;;) {
      const rows = await store.range(kind(segment, 0), kind(segment + 1, 0), 2000);
      if (!rows.length) break;
      const entries = kind === lightKey.header ? rows : [];
      const heights = entries.flatMap(({ value }) => {
        const entry = tryDecode(MainEntry, value);
        return entry ? [lightKey.height(entry.id)] : [];
      });
      const keys = [...rows.map(({ key }) => key), ...heights];
      await store.batch(keys.map((key) => ({ key, value: undefined })));
    }
}
