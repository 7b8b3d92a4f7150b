/** Views of a buffer against the elements that the moved tensor has, one by one. */
import { describe, expect, it } from 'vitest';
import { createRandom, type Random } from '../../sim/random.ts';
import {
  broadcastView,
  dense,
  isPlain,
  regroup,
  relocate,
  reshapeView,
  rowMajor,
  sizeOf,
  sliceView,
  transposeView,
  type View,
} from '../../../src/miner/executor/plan/views.ts';

/** Places of a view's elements, in its order. */
function placesOf({ offset, dims }: View): number[] {
  let places = [offset];
  for (const { n, stride } of dims.flat())
    places = places.flatMap((p) => Array.from({ length: n }, (_, i) => p + i * stride));
  return places;
}

/** A tensor of places, moved the plain way. */
interface Moved {
  readonly dims: readonly number[];
  readonly places: readonly number[];
}
const indexOf = (at: number, dims: readonly number[]): number[] =>
  rowMajor(dims).map((s, i) => Math.floor(at / s) % dims[i]!);
const pick = ({ dims, places }: Moved, to: readonly number[], from: (i: number[]) => number[]) => ({
  dims: to,
  places: Array.from({ length: sizeOf(to) }, (_, at) => {
    const index = from(indexOf(at, to));
    return places[rowMajor(dims).reduce((sum, s, i) => sum + s * index[i]!, 0)]!;
  }),
});

function splits(size: number, random: Random): number[] {
  const dims: number[] = [];
  for (let left = size; left > 1;) {
    const factors = Array.from({ length: left }, (_, i) => i + 1).filter((f) => left % f === 0);
    const factor = random.pick(factors.slice(1));
    dims.push(factor);
    left /= factor;
  }
  return dims.length ? dims : [1];
}

describe('views', () => {
  it('are where the moved elements lie, through any chain of moves', () => {
    const random = createRandom(5, 'views');
    let whole = 0;
    for (let round = 0; round < 400; round++) {
      const dims = random.pick([
        [4, 6, 10],
        [2, 3, 4, 5],
        [8, 24],
        [6, 1, 12],
      ]);
      let view: View | undefined = dense(dims);
      let moved: Moved = { dims, places: Array.from({ length: sizeOf(dims) }, (_, i) => i) };
      for (let step = 0; step < 4 && view; step++) {
        const { dims: d } = moved;
        const kind = random.pick(['transpose', 'slice', 'reshape']);
        if (kind === 'transpose') {
          const perm = random.shuffle([...d.keys()]);
          view = transposeView(view, perm);
          moved = pick(
            moved,
            perm.map((p) => d[p]!),
            (i) => d.map((_, axis) => i[perm.indexOf(axis)]!),
          );
        } else if (kind === 'slice') {
          const axis = random.int(0, d.length - 1);
          const from = random.int(0, d[axis]! - 1);
          const to = random.int(from + 1, d[axis]!);
          view = sliceView(view, axis, from, to);
          moved = pick(
            moved,
            d.map((n, i) => (i === axis ? to - from : n)),
            (i) => i.map((x, a) => (a === axis ? x + from : x)),
          );
        } else {
          const shape = splits(sizeOf(d), random);
          view = reshapeView(view, shape);
          moved = { dims: shape, places: moved.places };
        }
      }
      if (!view) continue;
      whole++;
      expect(placesOf(view)).toEqual(moved.places);
      expect(isPlain(view, sizeOf(dims))).toBe(
        moved.places.length === sizeOf(dims) && moved.places.every((p, i) => p === i),
      );
      // The same elements where the buffer is turned.
      const strides = rowMajor([...dims].reverse()).reverse();
      const turned = relocate(view, dims, strides);
      if (!turned) continue;
      const there = moved.places.map((p) =>
        indexOf(p, dims).reduce((sum, x, i) => sum + x * strides[i]!, 0),
      );
      expect(placesOf(turned)).toEqual(there);
    }
    expect(whole).toBeGreaterThan(200);
  });

  it('read a broadcast element again and again', () => {
    const view = broadcastView(dense([3, 1, 4]), [3, 1, 4], [2, 3, 5, 4]);
    const want = [0, 1].flatMap(() =>
      [0, 1, 2].flatMap((i) => Array.from({ length: 20 }, (_, at) => 4 * i + (at % 4))),
    );
    expect(placesOf(view)).toEqual(want);
  });

  it('end where a dimension would end inside a step', () => {
    expect(regroup([{ n: 6, stride: 1, index: 0 }], [4])).toBeUndefined();
    const odd = transposeView(dense([4, 6]), [1, 0]);
    expect(reshapeView(odd, [8, 3])).toBeUndefined();
    expect(reshapeView(odd, [3, 2, 2, 2])).toBeDefined();
  });
});
