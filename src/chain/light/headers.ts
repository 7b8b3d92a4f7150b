/** A light client's headers in its store: reading, replaying chain points, adding a checked batch. */
import { encode, tryDecode, u32 } from '../../core/codec.ts';
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
import { laneAt, PATH_WINDOW, type Path } from './memory/paths.ts';
import { lightKey, type Segment } from './records.ts';
import { MainEntry, needRecord, POINT_EVERY } from '../store/records.ts';
import type { Put, Store } from '../store/store.ts';

export const damaged = (what: string): AppError =>
  new AppError('STORE_CORRUPT', `The light client's database is damaged: ${what}.`);

/** Entry of a height at most the tip's. @throws AppError STORE_CORRUPT */
export async function entryAt(store: Store, path: Path, height: number): Promise<MainEntry> {
  const near = path.recent.get(height);
  if (near) return { id: near.id, header: near.header };
  const key = lightKey.header(laneAt(path.segments, height), height);
  return needRecord(store, key, MainEntry, damaged);
}

/** Chain points of heights `from`..`to`, replayed from the last stored one. @throws AppError STORE_CORRUPT */
export async function replayPoints(
  store: Store,
  params: Params,
  segments: readonly Segment[],
  from: number,
  to: number,
): Promise<ChainPoint[]> {
  const start = Math.max(0, from - (from % POINT_EVERY));
  const key = lightKey.point(laneAt(segments, start), start);
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

/** Entries `from`..`to` of a path, one range per lane. @throws AppError STORE_CORRUPT */
export async function readEntries(
  store: Store,
  segments: readonly Segment[],
  from: number,
  to: number,
): Promise<MainEntry[]> {
  const entries: MainEntry[] = [];
  for (const [i, { lane, from: first }] of segments.entries()) {
    const low = Math.max(from, first);
    const high = Math.min(to, (segments[i + 1]?.from ?? Infinity) - 1);
    if (low > high) continue;
    const end = lightKey.header(lane, high + 1);
    const rows = await store.range(lightKey.header(lane, low), end, high - low + 1);
    for (const { value } of rows) {
      const entry = tryDecode(MainEntry, value);
      if (!entry) throw damaged('a header is mangled');
      entries.push(entry);
    }
    if (rows.length !== high - low + 1) throw damaged(`headers ${low}..${high} are not all there`);
  }
  return entries;
}

/** The point that a batch of headers builds on. @throws AppError STORE_CORRUPT */
export const pointAt = async (
  store: Store,
  params: Params,
  path: Path,
  height: number,
): Promise<ChainPoint> =>
  path.recent.get(height) ??
  (await replayPoints(store, params, path.segments, height, height)).at(-1)!;

/** A path of the store, its newest points in memory. @throws AppError STORE_CORRUPT */
export async function loadPath(
  store: Store,
  params: Params,
  segments: readonly Segment[],
  tip: number,
): Promise<Path> {
  const points = await replayPoints(
    store,
    params,
    segments,
    Math.max(0, tip - PATH_WINDOW + 1),
    tip,
  );
  const last = points.at(-1);
  if (last?.header.height !== tip) throw damaged(`its newest header ${tip} is missing`);
  return { segments, tip: last, recent: new Map(points.map((p) => [p.header.height, p])) };
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

export function headerPuts(lane: number, points: readonly ChainPoint[]): Put[] {
  return points.flatMap((point) => {
    const { id, header } = point;
    const value = encode(MainEntry, { id, header });
    const puts: Put[] = [
      { key: lightKey.header(lane, header.height), value },
      { key: lightKey.height(id), value: encode(u32, header.height) },
    ];
    if (header.height % POINT_EVERY === 0)
      puts.push({
        key: lightKey.point(lane, header.height),
        value: encode(ChainPointRecord, point),
      });
    return puts;
  });
}

/** Keys of a lane from a height up, a page at a time: a lane may hold millions. */
export async function clearLane(store: Store, lane: number): Promise<void> {
  for (const kind of [lightKey.header, lightKey.point])
    for (;;) {
      const rows = await store.range(kind(lane, 0), kind(lane + 1, 0), 2000);
      if (!rows.length) break;
      const keys = rows.map(({ key }) => key);
      if (kind === lightKey.header)
        for (const { value } of rows) {
          const entry = tryDecode(MainEntry, value);
          if (entry) keys.push(lightKey.height(entry.id));
        }
      await store.batch(keys.map((key) => ({ key, value: undefined })));
    }
}
