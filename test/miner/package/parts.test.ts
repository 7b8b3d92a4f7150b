/** Parts of a package: what is cut how, and that only the manifest's bytes pass. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { plainHash } from '../../../src/core/hash.ts';
import { unitShape, type Manifest } from '../../../src/core/manifest.ts';
import { hashOfParts, subtreeValue } from '../../../src/core/pow/blake3-tree.ts';
import { concat } from '../../../src/lib/bytes.ts';
import {
  isOutline,
  isPart,
  JOINED_BYTES,
  OUTLINE,
  partNumbers,
  partsOfFile,
  partSize,
  passFiles,
  piecesOf,
  planParts,
  PART_BYTES,
  valueOfPart,
} from '../../../src/miner/package/parts.ts';
import { bytesOfPart, outlineOf } from '../../client/models/kept-parts.ts';
import { loadModel } from '../small-model.ts';

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

/** The manifest with files of these sizes, which nobody looks at. */
const sized = (segments: number[], tokenizer?: number, template?: number): Manifest => {
  const ref = (size: number) => ({ hash: new Uint8Array(32), size });
  const shape = { ...unitShape(manifest), segments: segments.map(ref) };
  const last = [tokenizer, template].map((size) => (size === undefined ? null : ref(size)));
  return { ...manifest, shapes: [shape], tokenizer: last[0]!, template: last[1]! };
};

it('parts hold all files once and in order, none over its bound, neighbours joined as far as they fit', () => {
  const size = fc.oneof(
    fc.integer({ min: 0, max: 4096 }),
    fc.integer({ min: 0, max: 2 * JOINED_BYTES }),
  );
  const alone = fc.option(fc.integer({ min: 0, max: 4096 }), { nil: undefined });
  const partBytes = fc.integer({ min: 10, max: 23 }).map((bits) => 2 ** bits);
  const sizes = fc.array(size, { maxLength: 60 });
  fc.assert(
    fc.property(sizes, alone, alone, partBytes, (segments, tokenizer, template, most) => {
      const own = sized(segments, tokenizer, template);
      const plan = planParts(own, most);
      // Each byte's place follows the one before it, to the end of the last file.
      let [file, at] = [0, 0];
      for (const part of plan.parts) {
        let from = 0;
        for (const piece of piecesOf(plan, part)) {
          expect([piece.file, piece.at, piece.from]).toEqual([file, at, from]);
          from += piece.size;
          at += piece.size;
          if (at === plan.files[file]!.size) [file, at] = [file + 1, 0];
        }
        expect(part.size).toBe(from);
        expect(part.end).toBe(piecesOf(plan, part).at(-1)!.file + 1);
      }
      expect([file, at]).toEqual([plan.files.length, 0]);

      const joined = Math.min(most, JOINED_BYTES);
      const passes = passFiles(own).length;
      for (const [i, part] of plan.parts.entries()) {
        const count = part.end - part.file;
        expect(part.size).toBeLessThanOrEqual(count > 1 ? joined : most);
        if (count > 1) expect(part.end).toBeLessThanOrEqual(passes);
        expect(part.value === undefined).toBe(plan.files[part.file]!.size <= most);
        const next = plan.parts[i + 1];
        if (!next || next.file >= passes || part.value !== undefined) continue;
        expect(part.size + plan.files[next.file]!.size).toBeGreaterThan(joined);
      }
      for (const [i] of plan.files.entries()) {
        const numbers = partsOfFile(plan, i).filter((number) => number !== OUTLINE);
        const holds = plan.parts.map((part) => piecesOf(plan, part).some((p) => p.file === i));
        expect(numbers).toEqual(holds.flatMap((is, part) => (is ? [part + 1] : [])));
      }
    }),
    { numRuns: 200 },
  );
});

describe('a package of small files', () => {
  const plan = planParts(manifest);
  it('has them joined in parts of at most 256 KiB, and no outline', () => {
    expect(plan.parts.map(({ file, end }) => [file, end])).toEqual([
      [0, 8],
      [8, 10],
    ]);
    expect(plan.outlineBytes).toBe(0);
    expect(partNumbers(plan)).toEqual([1, 2]);
    expect(plan.bytes).toBe(files.reduce((sum, f) => sum + f.length, 0));
    expect([partSize(plan, 0), partSize(plan, 3)]).toEqual([undefined, undefined]);
  });
  it('has a part of which every file is the manifest’s, and no other bytes', async () => {
    for (const [i, part] of plan.parts.entries()) {
      const bytes = bytesOfPart(part, files);
      expect(await isPart(plan, i + 1, bytes, undefined)).toBe(true);
      for (const { from, size } of piecesOf(plan, part))
        for (const at of [from, from + size - 1])
          expect(await isPart(plan, i + 1, bytes.with(at, bytes[at]! ^ 1), undefined)).toBe(false);
      expect(await isPart(plan, i + 1, bytes.subarray(1), undefined)).toBe(false);
      expect(await isPart(plan, i + 1, concat(bytes, Uint8Array.of(0)), undefined)).toBe(false);
    }
    // Two files of one size in each other's places.
    const weights = plan.parts[1]!;
    const turned = bytesOfPart(weights, [...files.slice(0, 8), files[9]!, files[8]!]);
    expect(await isPart(plan, 2, turned, undefined)).toBe(false);
    expect(await isPart(plan, 3, files[0]!, undefined)).toBe(false);
  });
});

describe('a package with bigger files', () => {
  const partBytes = 64 * 1024;
  const plan = planParts(manifest, partBytes);
  const bytesOf = (part: number): Uint8Array => bytesOfPart(plan.parts[part - 1]!, files);
  const outline = outlineOf(plan, files);
  it('is cut within every file, in order', () => {
    expect(Math.max(...plan.parts.map((p) => p.size))).toBe(partBytes);
    for (const [i, file] of files.entries()) {
      const own = partsOfFile(plan, i).filter((part) => part !== OUTLINE);
      expect(own.length).toBe(Math.ceil(file.length / partBytes));
      expect(own.map((part) => plan.parts[part - 1]!.at)).toEqual(own.map((_, n) => n * partBytes));
    }
    // The table in three parts; of the weights 49,152 and 16,384 bytes are one part, those of 65,536 one each.
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
    [1, bytesOfPart(plan.parts[2]!, files).length],
  ]);
  const [first, second] = plan.parts.map((p) => data.subarray(p.at, p.at + p.size));
  const outline = concat(valueOfPart(plan.parts[0]!, first!), valueOfPart(plan.parts[1]!, second!));
  expect(isOutline(plan, outline)).toBe(true);
  expect(await isPart(plan, 1, first!, outline)).toBe(true);
  expect(await isPart(plan, 2, second!, outline)).toBe(true);
});
