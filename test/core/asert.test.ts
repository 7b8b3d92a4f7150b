import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { asertExponent, asertTarget } from '../../src/core/header/asert.ts';

const folder = join(import.meta.dirname, '../vectors/asert');

/** Bitcoin's compact form, in which the specification writes targets. */
const expanded = (bits: number): bigint =>
  BigInt(bits & 0x7fffff) << BigInt(8 * (bits >>> 24) - 24);
function compact(target: bigint): number {
  let size = Math.ceil(target.toString(16).length / 2);
  let mantissa = Number((target << 24n) >> BigInt(8 * size));
  if (mantissa & 0x800000) [size, mantissa] = [size + 1, mantissa >> 8];
  return size * 2 ** 24 + mantissa;
}

// The vectors count in seconds; the arithmetic knows no unit. There the lateness is that of the parent.
describe.each(readdirSync(folder))('%s of the aserti3-2d specification', (name) => {
  const lines = readFileSync(join(folder, name), 'utf8').split('\n');
  const field = (label: string) =>
    lines
      .find((l) => l.includes(label))!
      .split(label + ':')[1]!
      .trim();
  const rows = lines.filter((l) => /^\d/.test(l)).map((l) => l.trim().split(/\s+/));

  test(`every one of ${rows.length} rows`, () => {
    const start = expanded(Number(field('anchor nBits')));
    const anchorHeight = BigInt(field('anchor height'));
    const anchorTime = BigInt(field('anchor ancestor time'));
    expect(rows).toHaveLength(Number(field('iterations')));
    for (const [, height, time, bits] of rows) {
      const late = BigInt(time!) - anchorTime - 600n * (BigInt(height!) - anchorHeight + 1n);
      const target = asertTarget(start, asertExponent(Number(late), 172_800), expanded(0x1d00ffff));
      expect([height, compact(target)]).toEqual([height, Number(bits)]);
    }
  });
});

describe('our parameters', () => {
  const halfLife = 21_600_000;
  const max = 0xffffn << 232n;
  const start = 0x0fffffn << 216n;

  test('stays in [1, max] and never falls with time, whatever the numbers', () => {
    const late = fc.integer({ min: -(2 ** 48), max: 2 ** 48 });
    fc.assert(
      fc.property(late, fc.nat(2 ** 31), (lateMs, more) => {
        const at = (ms: number) => asertTarget(start, asertExponent(ms, halfLife), max);
        expect(at(lateMs) >= 1n && at(lateMs) <= max).toBe(true);
        expect(at(lateMs + more) >= at(lateMs)).toBe(true);
      }),
    );
  });

  test('one half-life late doubles the target', () => {
    const at = (ms: number) => asertTarget(start, asertExponent(ms, halfLife), max);
    expect(at(0)).toBe(start);
    expect(at(halfLife)).toBe(2n * start);
    expect(at(-3 * halfLife)).toBe(start / 8n);
  });
});
