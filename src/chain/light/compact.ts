/**
 * Every branch begins a segment of its own, so that the head's chain would come to lie in ever more of them, and
 * whoever puts free headers beside it decides how soon. The newer ones are joined into one: at a start, and while the
 * client runs before the record of paths could grow too long to be written.
 */
import { encode } from '../../core/codec.ts';
import { pathsPut } from './head.ts';
import type { LightMemory } from './memory/memory.ts';
import { lightKey, PathsRecord, type HeaderRange, type Segment } from './records.ts';
import type { Put, Store } from '../store/store.ts';

/** Segments of a path that a start leaves as they are: a copy is costly, and a list of them cheap. */
export const SEGMENTS_LEFT = 512;
/** As many times that are left while the client runs. */
const RUNNING_FACTOR = 2;
/** Headers copied in one batch. */
const COPIED_AT_ONCE = 1000;

/** A path's segments, and the height at which it ends. */
interface Lain {
  readonly segments: readonly Segment[];
  readonly tip: number;
}

interface Joined {
  /** Of each path, in their order. */
  readonly segments: readonly (readonly Segment[])[];
  /** What moves, and the segment that it moves to. */
  readonly moved: readonly HeaderRange[];
  readonly target: number;
}

/** The longest path's newer segments in one, and what the others share of them too. undefined: nothing to do. */
export function joinSegments(paths: readonly Lain[], left: number): Joined | undefined {
  const { segments: long } = paths.reduce((a, b) =>
    b.segments.length > a.segments.length ? b : a,
  );
  if (long.length <= left) return undefined;
  // Its last one stays, since it may still grow; half of those that are left stay, so that a copy is short.
  const last = long.length - 1;
  const at = firstFree(paths, long, Math.floor(left / 2));
  if (at === undefined || at + 1 >= last) return undefined;
  const target = long[at]!.number;
  const ends = (i: number): number => long[i + 1]!.from;
  const moved = long
    .slice(at + 1, last)
    .map(({ number, from }, i) => ({ number, from, to: ends(at + 1 + i) }));

  const rest = ({ segments, tip }: Lain): Segment[] =>
    segments.flatMap((segment, i) => {
      const isMoved = i > at && i < last && isSame(segment, long[i]);
      if (!isMoved) return segment;
      // It goes on in this segment where the longest path has left it.
      const isLonger = (segments[i + 1]?.from ?? tip + 1) > ends(i);
      return isLonger ? { number: segment.number, from: ends(i) } : [];
    });
  return { segments: paths.map(rest), moved, target };
}

/** The first segment from that one on which no path follows past where the long one leaves it: there is room in it. */
function firstFree(
  paths: readonly Lain[],
  long: readonly Segment[],
  least: number,
): number | undefined {
  const isFree = (i: number): boolean =>
    paths.every(({ segments, tip }) => {
      const own = segments.findIndex(({ number }) => number === long[i]!.number);
      return own < 0 || (segments[own + 1]?.from ?? tip + 1) <= long[i + 1]!.from;
    });
  for (let i = least; i < long.length - 1; i++) if (isFree(i)) return i;
  return undefined;
}

const isSame = (a: Segment, b: Segment | undefined): boolean =>
  a.number === b?.number && a.from === b.from;

/** The record with shorter paths; a kill in between leaves the old one, which still holds. */
export async function compactPaths(
  store: Store,
  record: PathsRecord,
  left: number,
): Promise<PathsRecord> {
  const joined = joinSegments(record.paths, left);
  if (!joined) return record;
  for (const range of joined.moved) await copyHeaders(store, range, joined.target);
  const paths = record.paths.map((path, i) => ({ ...path, segments: [...joined.segments[i]!] }));
  const next = { ...record, paths };
  await store.batch([{ key: lightKey.paths, value: encode(PathsRecord, next) }]);
  for (const range of joined.moved) await copyHeaders(store, range, undefined);
  return next;
}

/** Joins segments where a path has too many. Before headers come in: paths in hand are others afterwards. */
export async function joinLongPaths(memory: LightMemory): Promise<void> {
  const { store, branches, segmentsLeft, outdated } = memory;
  // Whoever read them where they lay before has read them by now.
  for (const range of outdated.splice(0)) await copyHeaders(store, range, undefined);

  const lain = branches.paths.map(({ segments, tip }) => ({ segments, tip: tip.header.height }));
  const isLong = lain.some(({ segments }) => segments.length > RUNNING_FACTOR * segmentsLeft);
  const joined = isLong && joinSegments(lain, segmentsLeft);
  if (!joined) return;
  for (const range of joined.moved) await copyHeaders(store, range, joined.target);
  const paths = branches.paths.map((path, i) => ({ ...path, segments: joined.segments[i]! }));
  const headPath = paths[branches.paths.indexOf(branches.headPath)]!;
  const next = branches.after({ paths, headPath });
  await store.batch([pathsPut(next)]);
  branches.moveTo(next);
  outdated.push(...joined.moved);
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
