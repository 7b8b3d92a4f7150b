/** Which points are computed together, and how much work it is to find out: graphs of strangers have 4,096 nodes. */
import { describe, expect, it } from 'vitest';
import { isDraft, slotsOf } from '../../../src/miner/executor/plan/assignment.ts';
import { keep, type Point, type Ref } from '../../../src/miner/executor/plan/items.ts';
import type { Value } from '../../../src/miner/checker/value.ts';

const COUNT = 1000;

/** Points in the order of their graph, and how often it was looked at what one of them reads. */
function createPoints() {
  const points: Point[] = [];
  let looks = 0;
  const add = (dims: readonly number[], from: readonly Point[], isKept = true): Point => {
    const args = from.map((point): Ref => ({ dims, point }));
    const value: Value = { type: 'float32', dims, lo: 0, hi: 1, bits: 0, perSequence: true };
    const point: Point = {
      name: `${points.length}`,
      op: 'add',
      dims,
      get args() {
        looks++;
        return args;
      },
      value,
      columns: dims[1]!,
      store: undefined,
      isOutput: false,
    };
    if (isKept) keep(point);
    points.push(point);
    return point;
  };
  return { points, add, looks: () => looks };
}

describe('the work of assigning points to programs', () => {
  it('is in proportion to a chain of points that each need a program of their own', () => {
    const { points, add, looks } = createPoints();
    for (let i = 0; i < COUNT; i++) add(i % 2 ? [2, 3] : [3, 2], points.slice(-1));
    expect(slotsOf(points)).toHaveLength(COUNT);
    expect(looks()).toBeLessThan(10 * COUNT);
  });

  it('is in proportion to points that read the same and nothing of each other', () => {
    const { points, add, looks } = createPoints();
    const first = add([3, 2], []);
    for (let i = 1; i < COUNT; i++) add([3, 2], [first]);
    // Programs as large as they may be.
    const slots = slotsOf(points).filter(isDraft);
    expect(slots.map(({ roots }) => roots.length)).toEqual([240, 240, 240, 240, 40]);
    expect(looks()).toBeLessThan(10 * COUNT);
  });
});
