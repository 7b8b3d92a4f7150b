/** A package is loaded only if every byte is the one its manifest names. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writePackage } from '../../../models/write-package.ts';
import { checkModel } from '../../../src/miner/checker/checker.ts';
import { inShape, segmentsOf } from '../../../src/miner/engine/backend.ts';
import { isPart, planParts } from '../../../src/miner/package/parts.ts';
import { bytesOfPart } from '../../client/models/kept-parts.ts';
import { unitShape } from '../../../src/core/manifest.ts';
import { tokensOf } from '../../../src/core/pow/seed.ts';
import { plainHash } from '../../../src/core/hash.ts';
import { encodeOnnx } from '../../../src/miner/package/onnx.ts';
import {
  GENERATION_BYTES_MAX,
  PACKAGE_BYTES_MAX,
  TOKENIZER_BYTES_MAX,
  loadPackage,
  manifestFromJson,
  manifestToJson,
  parseManifest,
} from '../../../src/miner/package/package.ts';
import { equal, utf8 } from '../../../src/lib/bytes.ts';
import { encoderSegments } from '../../../models/encoder.ts';
import { tinyEncoder } from '../../../models/integers.ts';
import { interpretKnown, interpretModel } from '../../oracle/interpret-onnx.ts';
import { firstSegment, loadModel, modelOf, readModelFile } from '../small-model.ts';

const read = readModelFile('tiny');
const tiny = await loadModel('tiny');

/** The package of tiny with one file changed. */
const loadChanged = (file: string, change: (b: Uint8Array) => Uint8Array) =>
  loadPackage(async (f) => (f === file ? change(await read(f)) : read(f)));
const flipped = (b: Uint8Array): Uint8Array => b.with(b.length >> 1, b[b.length >> 1]! ^ 1);

describe('a manifest', () => {
  it.each([
    ['tokenizer', TOKENIZER_BYTES_MAX],
    ['template', GENERATION_BYTES_MAX],
  ])('names no %s of more than %d bytes', (field, most) => {
    const named = (size: number) =>
      manifestToJson({ ...tiny.manifest, [field]: { hash: new Uint8Array(32), size } });
    expect(manifestFromJson(named(most))).toMatchObject({ [field]: { size: most } });
    expect(() => manifestFromJson(named(most + 1))).toThrow(
      expect.objectContaining({ code: 'MODEL_REFUSED' }) as Error,
    );
  });
});

describe('loadPackage', () => {
  it('gives segments, tables and weights', () => {
    expect(tiny.segments).toHaveLength(5);
    expect(tiny.tables.map((t) => t.length)).toEqual([tiny.manifest.tables[0]!.size]);
    expect(tiny.weights.map((w) => w.length)).toEqual([49_152, 16_384, 65_536, 65_536]);
  });
  it.each(['seg-0.onnx', 'seg-4.onnx', 'table-0.bin', 'weights.bin'])(
    'refuses a flipped bit in %s',
    async (f) => {
      await expect(loadChanged(f, flipped)).rejects.toMatchObject({ code: 'MODEL_CORRUPT' });
    },
  );
  it.each(['seg-0.onnx', 'table-0.bin', 'weights.bin', 'manifest.json'])(
    'refuses a cut %s',
    async (f) => {
      await expect(loadChanged(f, (b) => b.subarray(1))).rejects.toMatchObject({
        code: 'MODEL_CORRUPT',
      });
    },
  );
  it('names the file that is missing', async () => {
    const load = loadPackage((f) =>
      f === 'seg-2.onnx' ? Promise.reject(new Error('404')) : read(f),
    );
    await expect(load).rejects.toMatchObject({
      code: 'MODEL_MISSING',
      message: expect.stringContaining('seg-2.onnx'),
    });
  });
  it('refuses weights over 63 though their hash is right', async () => {
    const weights = (await read('weights.bin')).with(0, 64);
    const linears = tiny.manifest.linears.with(0, {
      ...tiny.manifest.linears[0]!,
      weights: plainHash(weights.subarray(0, 49_152)),
    });
    const json = utf8(JSON.stringify(manifestToJson({ ...tiny.manifest, linears })));
    const load = loadPackage(async (f) =>
      f === 'weights.bin' ? weights : f === 'manifest.json' ? json : read(f),
    );
    await expect(load).rejects.toMatchObject({ code: 'MODEL_REFUSED' });
  });
});

describe('a package of several shapes', () => {
  const many = modelOf(
    firstSegment((_, x) => x),
    { others: [4, 1] },
  );
  const folder = mkdtempSync(join(tmpdir(), 'pila-shapes-'));
  writePackage(folder, many);
  afterAll(() => rmSync(folder, { recursive: true }));
  const load = (change: (file: string, bytes: Uint8Array) => Uint8Array) =>
    loadPackage(async (file) => change(file, new Uint8Array(readFileSync(join(folder, file)))));

  it('comes back with the segments of each', async () => {
    const loaded = await load((_, bytes) => bytes);
    expect(loaded).toEqual(many);
    expect(loaded.manifest.shapes.map((s) => [s.sequences, s.tokens])).toEqual([
      [2, 8],
      [4, 4],
      [1, 16],
    ]);
    const [first, second] = loaded.otherShapes!;
    expect([loaded.segments, first, second].map((s) => s?.length)).toEqual([3, 3, 3]);
    expect(segmentsOf(loaded, 2)).toBe(second);
    expect(first![0]).not.toEqual(loaded.segments[0]);
    expect(checkModel(loaded)).toBeUndefined();
  });
  it.each(['seg-1-0.onnx', 'seg-2-2.onnx'])(
    'refuses a flipped bit in the segment %s',
    async (name) => {
      const found = load((file, bytes) => (file === name ? flipped(bytes) : bytes));
      await expect(found).rejects.toMatchObject({
        code: 'MODEL_CORRUPT',
        message: expect.stringContaining(name),
      });
    },
  );
  it('is one shape of it, as if it had no other', () => {
    const alone = inShape(many, 2);
    expect(alone.manifest.shapes).toEqual([many.manifest.shapes[2]]);
    expect(alone.segments).toBe(many.otherShapes![1]);
    expect(checkModel(alone)).toBeUndefined();
  });
  it('has all segments among its parts, those of the first shape first', async () => {
    const files = [...many.segments, ...many.otherShapes!.flat()];
    const plan = planParts(many.manifest);
    // Both linears have the same weights.
    expect(plan.files).toHaveLength(files.length + 1);
    const all = [...files, new Uint8Array(many.weights[0]!.buffer)];
    for (const [i, part] of plan.parts.entries())
      expect(await isPart(plan, i + 1, bytesOfPart(part, all), undefined)).toBe(true);
  });
});

describe('sizes', () => {
  /** What loading says when the manifest names other sizes; nothing else is read. */
  const loadSized = (sizes: readonly number[], n = 16): Promise<unknown> => {
    const shape = unitShape(tiny.manifest);
    const segments = shape.segments.map((s, i) => ({ ...s, size: sizes[i] ?? 1 }));
    const linears = tiny.manifest.linears.with(0, { ...tiny.manifest.linears[0]!, n });
    const json = utf8(
      JSON.stringify(
        manifestToJson({ ...tiny.manifest, shapes: [{ ...shape, segments }], linears }),
      ),
    );
    return loadPackage(async (f) => {
      if (f === 'manifest.json') return json;
      throw new Error(`${f} is read`);
    });
  };
  const MiB = 2 ** 20;
  it('refuses a segment over 256 MiB before anything else is read', async () => {
    await expect(loadSized([256 * MiB])).rejects.toMatchObject({ code: 'MODEL_MISSING' });
    await expect(loadSized([256 * MiB + 1])).rejects.toMatchObject({ code: 'MODEL_REFUSED' });
  });
  it('refuses a package over 1 GiB', async () => {
    const [, ...others] = tiny.manifest.linears;
    const [k, rest] = [tiny.manifest.linears[0]!.k, others.reduce((s, l) => s + l.k * l.n, 0)];
    const table = tiny.manifest.tables[0]!.size;
    const left = PACKAGE_BYTES_MAX - 3 * 256 * MiB - rest - 16 * k - table - 1;
    const full = [256 * MiB, 256 * MiB, 256 * MiB, left];
    await expect(loadSized(full)).rejects.toMatchObject({ code: 'MODEL_MISSING' });
    await expect(loadSized(full.with(3, left + 1))).rejects.toMatchObject({
      code: 'MODEL_REFUSED',
    });
    await expect(loadSized([], 2 ** 24)).rejects.toMatchObject({ code: 'MODEL_CORRUPT' });
  });
  it('does not repeat a long key', () => {
    expect(() => parseManifest(utf8(`{"${'k'.repeat(5000)}":1}`))).toThrow(/^.{1,200}$/);
  });
});

describe('tiny', () => {
  it('is what its builder makes', () => {
    const built = encoderSegments(tinyEncoder()).map(encodeOnnx);
    expect(built.map((b, i) => equal(b, tiny.segments[i]!))).toEqual(Array(5).fill(true));
  });
  it('gives its known answers', () => {
    expect(interpretKnown(tiny)).toEqual(unitShape(tiny.manifest).known);
  });
  it('answers a sequence whatever the other one holds, padding included', () => {
    const { tokens: length } = unitShape(tiny.manifest);
    const unit = tokensOf(new Uint8Array(32), tiny.manifest).fill(0, 5, length);
    const other = unit.slice().fill(9, length);
    const answers = [unit, other].map((t) => interpretModel(tiny, t).answer);
    expect(answers[0]!.subarray(0, 16)).toEqual(answers[1]!.subarray(0, 16));
    expect(answers[0]!.subarray(16)).not.toEqual(answers[1]!.subarray(16));
  });
});

describe('manifest as JSON', () => {
  const json = (): any => JSON.parse(JSON.stringify(manifestToJson(tiny.manifest)));
  it('comes back the same', () => {
    expect(manifestFromJson(json())).toEqual(tiny.manifest);
  });

  const CASES: [string, (m: any) => unknown, string][] = [
    ['null', () => null, 'not an object'],
    ['a list', () => [], 'not an object'],
    ['a missing field', ({ name: _, ...m }) => m, "'name'"],
    ['a field too many', (m) => ({ ...m, extra: 1 }), "'extra'"],
    ['a text for a number', (m) => ({ ...m, vocabulary: '16' }), 'vocabulary'],
    ['a fraction', (m) => ({ ...m, vocabulary: 16.5 }), '16.5'],
    ['a negative number', (m) => ({ ...m, kind: -1 }), '-1'],
    [
      'a short hash',
      (m) => ({ ...m, shapes: [{ ...m.shapes[0], known: ['00'] }] }),
      'shapes[0].known[0]',
    ],
    [
      'a hash of odd letters',
      (m) => ({ ...m, tables: [{ ...m.tables[0], hash: 'zz'.repeat(32) }] }),
      'tables[0].hash',
    ],
    ['too long a name', (m) => ({ ...m, name: 'x'.repeat(65) }), 'length 65'],
    ['a bound below int8', (m) => ({ ...m, linears: [{ ...m.linears[0], low: -129 }] }), '-129'],
    [
      'a shape with a field too many',
      (m) => ({ ...m, shapes: [{ ...m.shapes[0], m: 32 }] }),
      "'m'",
    ],
    ['a linear that is a number', (m) => ({ ...m, linears: [1] }), 'linears[0]'],
    [
      'numbers that do not fit',
      (m) => ({ ...m, shapes: [{ ...m.shapes[0], sequences: 0 }] }),
      '0 rows',
    ],
    ['an unknown packing', (m) => ({ ...m, packing: 'words' }), 'words'],
  ];
  it.each(CASES)('refuses %s', (_, change, message) => {
    const load = (): unknown => manifestFromJson(change(json()));
    expect(load).toThrow(expect.objectContaining({ code: 'MODEL_CORRUPT' }));
    expect(load).toThrow(message);
  });
  it('refuses what is no JSON and what is too long', () => {
    for (const bytes of [utf8('{'), Uint8Array.of(0xff), new Uint8Array(2 ** 20 + 1)])
      expect(() => parseManifest(bytes)).toThrow(
        expect.objectContaining({ code: 'MODEL_CORRUPT' }),
      );
  });
});
