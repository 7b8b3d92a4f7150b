/** Joining segments of a light client's paths, against a store that is a table of what lies where. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { joinSegments } from '../../../src/chain/light/compact.ts';
import type { Segment } from '../../../src/chain/light/records.ts';

interface Lain {
  readonly segments: readonly Segment[];
  readonly tip: number;
}

/** A fork below a path's end with as many headers: in a segment of its own. */
const Fork = fc.record({ of: fc.nat(), below: fc.nat(6), grows: fc.integer({ min: 1, max: 9 }) });

const placeOf = ({ segments }: Lain, height: number): string =>
  `${segments.findLast(({ from }) => from <= height)!.number}/${height}`;

/** Paths as a client makes them: the newest eight, the one that forks most among them. */
function grow(forks: readonly { of: number; below: number; grows: number }[]) {
  const headers = new Map<string, string>();
  let paths: Lain[] = [{ segments: [{ number: 0, from: 0 }], tip: 0 }];
  headers.set('0/0', 'genesis');
  for (const [i, { of, below, grows }] of forks.entries()) {
    const path = paths[of % paths.length]!;
    const parent = Math.max(0, path.tip - below);
    const next = parent + 1;
    const segments = [
      ...path.segments.filter(({ from }) => from <= parent),
      { number: i + 1, from: next },
    ];
    for (let height = next; height < next + grows; height++)
      headers.set(`${i + 1}/${height}`, `${i + 1} at ${height}`);
    paths = [...paths, { segments, tip: parent + grows }].slice(-8);
  }
  return { paths, headers };
}

test('every path reads what it read before, also those that leave the joined ones half-way', () => {
  let joinedAny = 0;
  fc.assert(
    fc.property(fc.array(Fork, { minLength: 4, maxLength: 60 }), (forks) => {
      const { paths, headers } = grow(forks);
      const joined = joinSegments(paths, 4);
      if (!joined) return;
      joinedAny++;
      const copied = new Map(headers);
      for (const { number, from, to } of joined.moved)
        for (let height = from; height < to; height++)
          copied.set(`${joined.target}/${height}`, headers.get(`${number}/${height}`)!);
      // Killed before the record was written: the old paths still hold.
      for (const path of paths)
        for (let height = 0; height <= path.tip; height++)
          expect(copied.get(placeOf(path, height))).toBe(headers.get(placeOf(path, height)));
      for (const { number, from, to } of joined.moved)
        for (let height = from; height < to; height++) copied.delete(`${number}/${height}`);
      for (const [i, path] of paths.entries()) {
        const next = { ...path, segments: joined.segments[i]! };
        expect(next.segments.length).toBeLessThanOrEqual(path.segments.length);
        for (let height = 0; height <= path.tip; height++)
          expect(copied.get(placeOf(next, height))).toBe(headers.get(placeOf(path, height)));
      }
    }),
    { numRuns: 2000 },
  );
  expect(joinedAny).toBeGreaterThan(100);
});
