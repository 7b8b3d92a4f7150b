import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DRAWS_MAX, drawEvenly, drawWorks } from '../../../src/core/header/draws.ts';
import { xof } from '../../../src/core/hash.ts';
import { bytes32 } from '../fixtures.ts';

const seed = { secret: bytes32(1), headId: bytes32(2) };
const anySeed = fc.record({
  secret: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  headId: fc.uint8Array({ minLength: 32, maxLength: 32 }),
});

test('lie between the fork and the tail, the nearer to the head the denser: V·(W/V)^((j+u)/m) from it', () => {
  fc.assert(
    fc.property(
      anySeed,
      fc.bigInt({ min: 0n, max: 1n << 100n }),
      fc.bigInt({ min: 1n, max: 1n << 80n }),
      fc.bigInt({ min: 1n, max: 1n << 24n }),
      (anyOne, fork, near, times) => {
        const far = near * times;
        const head = fork + far;
        const works = drawWorks({ head, fork, tail: head - near }, anyOne);
        expect(works?.length === 0).toBe(times === 1n);
        if (times === 1n) return;
        const ratio = Math.log(Number(far) / Number(near));
        const count = Math.ceil(24 * ratio) + 10;
        // The formula in doubles may differ where it is about to step.
        expect(Math.abs(works!.length - count)).toBeLessThanOrEqual(1);
        const { secret, headId } = anyOne;
        const stream = Buffer.from(xof('draw', 4 * works!.length, secret, headId));
        for (const [j, work] of works!.entries()) {
          expect(work >= fork && work < head - near).toBe(true);
          // A distance of few units of work is moved by rounding it up.
          if (near < 1n << 40n) continue;
          const place = (Math.log(Number(head - work) / Number(near)) / ratio) * works!.length;
          expect(place).toBeCloseTo(j + stream.readUInt32LE(4 * j) / 2 ** 32, 3);
        }
      },
    ),
    { numRuns: 40 },
  );
});

test('the same head gets the same draws, another head or device others', () => {
  const work = { head: 200_000n * 10n ** 6n, fork: 0n, tail: 199_900n * 10n ** 6n };
  const first = drawWorks(work, seed);
  expect(drawWorks(work, { ...seed })).toEqual(first);
  const others = [
    { ...seed, secret: bytes32(3) },
    { ...seed, headId: bytes32(3) },
  ];
  for (const other of others) {
    const works = drawWorks(work, other)!;
    expect(works.filter((x) => first!.includes(x)).length).toBeLessThan(5);
  }
});

test('are refused where the last blocks hold too little of the work, none where they hold all', () => {
  const at = (near: bigint) =>
    drawWorks({ head: 1n << 60n, fork: 0n, tail: (1n << 60n) - near }, seed);
  expect(at(1n << 60n)).toEqual([]);
  expect(at((1n << 60n) + 1n)).toEqual([]);
  expect(at(0n)).toEqual([]);
  // e^18.25 = 84,309,069: as many times the last blocks' work needs 448 draws.
  expect(at((1n << 60n) / 84_309_000n)).toHaveLength(DRAWS_MAX);
  expect(at((1n << 60n) / 84_310_000n)).toBeUndefined();
});

test('are the same numbers in every engine', () => {
  const works = drawWorks({ head: 10n ** 12n, fork: 3n, tail: 10n ** 12n - 10n ** 10n }, seed)!;
  expect(works.length).toBe(121);
  expect([0, 1, 60, 120].map((j) => String(works[j]))).toEqual([
    '989921809632',
    '989464307772',
    '899830151904',
    '27823404713',
  ]);
  expect(drawEvenly(100n, 10n ** 9n, 8, seed).map(String)).toEqual([
    '25580686',
    '171389588',
    '344681729',
    '409428856',
    '570943525',
    '683931505',
    '757306234',
    '910490574',
  ]);
});

test('even draws: one in each equal share', () => {
  fc.assert(
    fc.property(
      anySeed,
      fc.bigInt({ min: 0n, max: 1n << 90n }),
      fc.bigInt({ min: 8n, max: 1n << 90n }),
      (anyOne, from, span) => {
        for (const [j, work] of drawEvenly(from, from + span, 8, anyOne).entries()) {
          expect(work >= from + (span * BigInt(j)) / 8n - 1n).toBe(true);
          expect(work < from + (span * BigInt(j + 1)) / 8n + 1n).toBe(true);
        }
      },
    ),
  );
});
