/** Parts of a package: what is cut how, and that only the manifest's bytes pass. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainHash } from '../../src/core/hash.ts';
import { unitShape, type Manifest } from '../../src/core/manifest.ts';
import { hashOfParts, subtreeValue } from '../../src/core/pow/blake3-tree.ts';
import { concat } from '../../src/lib/bytes.ts';
import {
  isOutline,
  isPart,
  partNumbers,
  partSize,
  planParts,
  PART_BYTES,
  valueOfPart,
} from '../../src/miner/package/parts.ts';
import { loadModel } from './small-model.ts';

const { manifest, segments, tables, weights } = await loadModel('tiny');
const files = [...segments, ...tables, ...weights.map((w) => new Uint8Array(w.buffer))];
const noise = (size: number) => Uint8Array.from({ length: size }, (_, i) => (i * 7919) >>> 5);

it('hashes of parts of 2^n chunks join to the plain hash, at every size', () => {
  const sizes = fc.tuple(fc.constantFrom(1024, 2048, 8192), fc.integer({ min: 1, max: 40_000 }));
  fc.assert(
    fc.property(sizes, ([part, more]) => {
      const data = noise(part + more);
      const values: Uint8Array[] = [];
      for (let at = 0; at < data.length; at += part)
        values.push(subtreeValue(data.subarray(at, at + part), at / 1024));
      expect(hashOfParts(values)).toEqual(plainHash(data));
    }),
    { numRuns: 60 },
  );
});

describe('a package of files below 8 MiB', () => {
  const plan = planParts(manifest);
  it('has a part for each file and no outline', () => {
    expect(plan.parts.map(({ size }) => size)).toEqual(files.map((f) => f.length));
    expect(plan.outlineBytes).toBe(0);
    expect(partNumbers(plan)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(plan.bytes).toBe(files.reduce((sum, f) => sum + f.length, 0));
    expect([partSize(plan, 0), partSize(plan, 11)]).toEqual([undefined, undefined]);
  });
  it('takes each file, and no other bytes', async () => {
    for (const [i, file] of files.entries()) {
      expect(await isPart(plan, i + 1, file, undefined)).toBe(true);
      expect(await isPart(plan, i + 1, file.with(3, file[3]! ^ 1), undefined)).toBe(false);
      expect(await isPart(plan, i + 1, file.subarray(1), undefined)).toBe(false);
    }
    expect(await isPart(plan, 11, files[0]!, undefined)).toBe(false);
  });
});

describe('a package with bigger files', () => {
  const partBytes = 64 * 1024;
  const plan = planParts(manifest, partBytes);
  const bytesOf = (part: number): Uint8Array => {
    const { file, at, size } = plan.parts[part - 1]!;
    return files[file]!.subarray(at, at + size);
  };
  const outline = concat(
    ...plan.parts.flatMap((p, i) =>
      p.value === undefined ? [] : [valueOfPart(p, bytesOf(i + 1))],
    ),
  );
  it('is cut within every file, in order', () => {
    expect(Math.max(...plan.parts.map((p) => p.size))).toBe(partBytes);
    for (const [i, file] of files.entries()) {
      const own = plan.parts.filter((p) => p.file === i);
      expect(own.length).toBe(Math.ceil(file.length / partBytes));
      expect(own.map((p) => p.at)).toEqual(own.map((_, n) => n * partBytes));
    }
    // The table in three parts; the weights of 65,536 bytes are one part each.
    expect(plan.outlineBytes).toBe(3 * 32);
  });
  it('has one outline: any changed bit, another length or another place is refused', () => {
    expect(isOutline(plan, outline)).toBe(true);
    for (let bit = 0; bit < 8 * outline.length; bit += 13)
      expect(isOutline(plan, outline.with(bit >> 3, outline[bit >> 3]! ^ (1 << (bit & 7))))).toBe(
        false,
      );
    expect(isOutline(plan, outline.subarray(32))).toBe(false);
    expect(isOutline(plan, concat(outline.subarray(32), outline.subarray(0, 32)))).toBe(false);
  });
  it('takes each part at its place only, and nothing without its outline', async () => {
    for (const part of partNumbers(plan).slice(1)) {
      const bytes = bytesOf(part);
      expect(await isPart(plan, part, bytes, outline)).toBe(true);
      expect(await isPart(plan, part, bytes.with(9, bytes[9]! ^ 128), outline)).toBe(false);
    }
    const first = plan.parts.findIndex((p) => p.value !== undefined) + 1;
    expect(await isPart(plan, first + 1, bytesOf(first), outline)).toBe(false);
    expect(await isPart(plan, first, bytesOf(first), undefined)).toBe(false);
    expect(await isPart(plan, 0, outline, undefined)).toBe(true);
  });
});

it('parts of the real size: a file of one byte over 8 MiB is two parts', async () => {
  const data = noise(PART_BYTES + 1);
  const shape = unitShape(manifest);
  const big: Manifest = {
    ...manifest,
    shapes: [
      {
        ...shape,
        segments: shape.segments.with(0, { hash: plainHash(data), size: data.length }),
      },
    ],
  };
  const plan = planParts(big);
  expect(plan.parts.slice(0, 3).map((p) => [p.file, p.size])).toEqual([
    [0, PART_BYTES],
    [0, 1],
    [1, files[1]!.length],
  ]);
  const [first, second] = plan.parts.map((p) => data.subarray(p.at, p.at + p.size));
  const outline = concat(valueOfPart(plan.parts[0]!, first!), valueOfPart(plan.parts[1]!, second!));
  expect(isOutline(plan, outline)).toBe(true);
  expect(await isPart(plan, 1, first!, outline)).toBe(true);
  expect(await isPart(plan, 2, second!, outline)).toBe(true);
});
