import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asertTarget } from '../../src/core/header/asert.ts';
import { bitsFromTarget, targetFromBits } from '../../src/core/header/target.ts';

const folder = join(import.meta.dirname, '../vectors/asert');
const BCH = { blockTimeMs: 600, halfLifeMs: 172_800, targetMax: targetFromBits(0x1d00ffff)! };

// The vectors count in seconds; the arithmetic knows no unit.
describe.each(readdirSync(folder))('%s of the aserti3-2d specification', (name) => {
  const lines = readFileSync(join(folder, name), 'utf8').split('\n');
  const field = (label: string) =>
    lines
      .find((l) => l.includes(label))!
      .split(label + ':')[1]!
      .trim();
  const rows = lines.filter((l) => /^\d/.test(l)).map((l) => l.trim().split(/\s+/));

  test(`every one of ${rows.length} rows`, () => {
    const anchorTarget = targetFromBits(Number(field('anchor nBits')))!;
    const anchorHeight = BigInt(field('anchor height'));
    const anchorTime = BigInt(field('anchor ancestor time'));
    expect(rows).toHaveLength(Number(field('iterations')));
    for (const [, height, time, bits] of rows) {
      const heightDelta = Number(BigInt(height!) - anchorHeight);
      const timeDeltaMs = Number(BigInt(time!) - anchorTime);
      const target = asertTarget({ anchorTarget, timeDeltaMs, heightDelta }, BCH);
      expect([height, bitsFromTarget(target)]).toEqual([height, Number(bits)]);
    }
  });
});

describe('our parameters', () => {
  const params = {
    blockTimeMs: 60_000,
    halfLifeMs: 21_600_000,
    targetMax: targetFromBits(0x2000ffff)!,
  };
  const anchorTarget = targetFromBits(0x1e0fffff)!;
  test.each([
    [0, 60, 0x1e0fffff],
    [10, 1260, 0x1e104fce],
    [10, 60, 0x1e0fb217],
    [1000, 0, 0x1e025425],
    [0, 21_660, 0x1e1ffffe],
    [0, -21_540, 0x1e07ffff],
    [5, 1_000_000, 0x2000ffff],
    [100, 50, 0x1e0d31bf],
  ])('height %i after %i s', (heightDelta, seconds, bits) => {
    const state = { anchorTarget, timeDeltaMs: seconds * 1000, heightDelta };
    expect(bitsFromTarget(asertTarget(state, params))).toBe(bits);
  });

  test('stays in [1, max] and never falls with time, whatever the numbers', () => {
    const time = fc.integer({ min: -(2 ** 48), max: 2 ** 48 });
    fc.assert(
      fc.property(time, fc.nat(2 ** 31), fc.nat(2 ** 32), (timeDeltaMs, more, heightDelta) => {
        const at = (t: number) =>
          asertTarget({ anchorTarget, timeDeltaMs: t, heightDelta }, params);
        expect(at(timeDeltaMs) >= 1n && at(timeDeltaMs) <= params.targetMax).toBe(true);
        expect(at(timeDeltaMs + more) >= at(timeDeltaMs)).toBe(true);
      }),
    );
  });

  test('one half-life late doubles the target', () => {
    const late = { anchorTarget, heightDelta: 9, timeDeltaMs: 600_000 + 21_600_000 };
    expect(asertTarget(late, params)).toBe(2n * anchorTarget);
  });
});
