/**
 * Every branch that wins begins a segment of its own, so that the head's chain would come to lie in ever
 * more of them. At a start the old ones, which all branches share, are copied into the first.
 */
import { encode } from '../../core/codec.ts';
import { lightKey, PathsRecord } from './records.ts';
import type { Put, Store } from '../store/store.ts';

/** Segments of a path that are left as they are: a copy is costly, and a list of them cheap. */
export const SEGMENTS_LEFT = 512;
/** Headers copied in one batch. */
const COPIED_AT_ONCE = 1000;

type Segments = PathsRecord['paths'][number]['segments'];

/** The record with shorter paths; a kill in between leaves the old one, which still holds. */
export async function compactPaths(
  store: Store,
  record: PathsRecord,
  segmentsLeft = SEGMENTS_LEFT,
): Promise<PathsRecord> {
  const all = record.paths.map(({ segments }) => segments);
  if (Math.max(...all.map((segments) => segments.length)) <= segmentsLeft) return record;
  const shared = sharedCount(all);
  if (shared < 2) return record;
  const first = all[0]![0]!;
  // Of the last shared one, branches may use different parts.
  const moved = all[0]!.slice(1, shared);
  const ranges = moved.map(({ number, from }, i) => ({ number, from, to: all[0]![i + 2]!.from }));
  for (const range of ranges) await copyHeaders(store, range, first.number);
  const paths = record.paths.map(({ segments, tip }) => ({
    segments: [first, ...segments.slice(shared)],
    tip,
  }));
  const next = { ...record, paths };
  await store.batch([{ key: lightKey.paths, value: encode(PathsRecord, next) }]);
  for (const range of ranges) await copyHeaders(store, range, undefined);
  return next;
}

/** Segments at the beginning that all paths have, with one more after them that all have too. */
function sharedCount(all: readonly Segments[]): number {
  const [one] = all;
  let count = 0;
  const isShared = (i: number) =>
    all.every(
      (segments) => segments[i]?.number === one![i]?.number && segments[i]?.from === one![i]?.from,
    );
  while (one![count + 1] && isShared(count) && isShared(count + 1)) count++;
  return count;
}

/** Heights `from`..`to`−1 of a segment. */
interface HeaderRange {
  readonly number: number;
  readonly from: number;
  readonly to: number;
}

/** Copies headers to another segment; to none: deletes them. */
async function copyHeaders(
  store: Store,
  { number, from, to }: HeaderRange,
  target: number | undefined,
): Promise<void> {
  for (let low = from; low < to; low += COPIED_AT_ONCE) {
    const high = Math.min(to, low + COPIED_AT_ONCE);
    const puts: Put[] = [];
    for (const keyOf of [lightKey.header, lightKey.point])
      for (const { key, value } of await store.range(keyOf(number, low), keyOf(number, high)))
        puts.push(
          target === undefined
            ? { key, value: undefined }
            : { key: keyOf(target, Number(key.slice(-10))), value },
        );
    await store.batch(puts);
  }
}
