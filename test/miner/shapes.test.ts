/** A sequence has one answer: in every shape that holds it, at any place of a batch, alone or in company. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ZERO_HASH } from '../../src/core/hash.ts';
import { inputBytesMax, shapeFor, shapeOfInput, type Manifest } from '../../src/core/manifest.ts';
import { checkModel } from '../../src/miner/checker/checker.ts';
import type { Backend, ModelPackage } from '../../src/miner/engine/backend.ts';
import { selfTest } from '../../src/miner/engine/self-test.ts';
import { joinTokens, sequencesOf } from '../../src/miner/engine/shapes.ts';
import { runPlain } from '../../src/miner/engine/unit.ts';
import { createCpuBackend } from '../../src/miner/cpu/cpu.ts';
import { MINI_SHAPES, miniModel, type Pooling } from '../models/mini.ts';
import { inventedManifest } from '../oracle/manifests.ts';

const SEED = 21;
const PATIENCE_MS = 180_000;
const VOCABULARY = 1024;
const LONGEST = Math.max(...MINI_SHAPES.map(({ tokens }) => tokens));

describe('the shape of a sequence', () => {
  const sizes = (...texts: string[]) =>
    texts.map((text) => {
      const [sequences, tokens] = text.split('x').map(Number);
      return { sequences: sequences!, tokens: tokens! };
    });

  it('is the shortest that holds it, of equals that with the most sequences', () => {
    const shapes = sizes('8x64', '4x16', '16x16', '2x128', '8x32');
    const chosen = [1, 16, 17, 32, 33, 64].map((length) => shapeFor({ shapes }, length));
    expect(chosen).toEqual([2, 2, 4, 4, 0, 0]);
  });

  const shaped = (packing: string, ...texts: string[]): Manifest => {
    const base = inventedManifest({ sequences: 2, tokens: 32, linears: [] });
    const shapes = sizes(...texts).map((size) => ({ ...base.shapes[0]!, ...size }));
    return { ...base, packing, shapes };
  };

  it('follows the last token that is no padding; padding alone keeps the longest length', () => {
    const manifest = { ...shaped('u16', '2x16', '4x8', '1x32'), vocabulary: 1024 };
    const ids = new Uint16Array(32 * 4 + 4);
    ids.set([5, 0, 0, 7]);
    ids.set([9], 32 + 8);
    ids.set([256], 64 + 16);
    ids.set([1, 2, 3, 4], 128);
    const input = new Uint8Array(ids.buffer);
    const placed = sequencesOf(input, manifest)!;
    expect(placed.map(({ shape, tokens }) => [shape, tokens.length])).toEqual([
      [1, 8],
      [0, 16],
      [2, 32],
      [2, 32],
      [1, 8],
    ]);
    expect([...joinTokens([placed[0]!, placed[4]!])]).toEqual([
      5, 0, 0, 7, 0, 0, 0, 0, 1, 2, 3, 4, 0, 0, 0, 0,
    ]);
    expect(placed[2]!.tokens[16]).toBe(256);
    expect(sequencesOf(input.slice(1), manifest)).toBeUndefined();
    const lengths = [input, input.slice(0, 64 + 18), input.slice(0, 64)].map(
      (part) => shapeOfInput(manifest, part).tokens,
    );
    expect(lengths).toEqual([32, 16, 8]);
  });

  it('of bytes, which have no padding, follows how many there are', () => {
    const manifest = { ...shaped('bytes', '2x16', '4x8', '1x32'), vocabulary: 257 };
    const placed = (n: number) => sequencesOf(new Uint8Array(n), manifest)!;
    const lengths = [0, 8, 9, 16, 17, 32, 33, 64].map((n) =>
      placed(n).map(({ tokens }) => tokens.length),
    );
    expect(lengths).toEqual([[32], [8], [16], [16], [32], [32], [32, 8], [32, 32]]);
    expect(inputBytesMax(manifest)).toBe(64);
  });
});

/** Token ids of a sequence: some may be padding, but for the last. */
const sequence = (longest: number) =>
  fc
    .array(
      fc.oneof(
        { weight: 9, arbitrary: fc.integer({ min: 1, max: VOCABULARY - 1 }) },
        fc.constant(0),
      ),
      {
        minLength: 1,
        maxLength: longest,
      },
    )
    .map((ids) => ids.with(-1, ids.at(-1) || 1));

/** Made once of each pooling. */
const made = new Map<Pooling, Promise<ModelPackage>>();
function mini(pooling: Pooling): Promise<ModelPackage> {
  const model = made.get(pooling) ?? miniModel(MINI_SHAPES, pooling);
  made.set(pooling, model);
  return model;
}

describe.each<[Pooling, 'the executor' | 'ONNX Runtime']>([
  ['mean', 'the executor'],
  ['cls', 'the executor'],
  ['mean', 'ONNX Runtime'],
])('an imported encoder, %s, on %s', { timeout: PATIENCE_MS }, (pooling, way) => {
  let model: ModelPackage;
  let backend: Backend;
  beforeAll(async () => {
    model = await mini(pooling);
    backend = await createCpuBackend(model, { runtimeOnly: way === 'ONNX Runtime' });
  }, PATIENCE_MS);
  afterAll(() => backend?.close());

  it('is proven in every shape, and gives every known answer', async () => {
    expect(checkModel(model)).toBeUndefined();
    await selfTest(backend, model);
    expect(backend.usesRuntime?.()).toBe(way === 'ONNX Runtime');
  });

  it('is not used where one known answer of any shape is another', async () => {
    for (const place of MINI_SHAPES.keys()) {
      const shapes = model.manifest.shapes.map((shape, i) => ({
        ...shape,
        known: i === place ? shape.known.with(3, ZERO_HASH) : shape.known,
      }));
      const other = { ...model, manifest: { ...model.manifest, shapes } };
      const tested = selfTest(backend, other);
      await expect(tested).rejects.toMatchObject({ code: 'SELF_TEST_FAILED' });
    }
  });

  /** A sequence's row, and its tokens' rows of one linear's operand, at place `at` of a batch. */
  async function run(shape: number, batch: readonly number[][], at: number, capture: number) {
    const length = model.manifest.shapes[shape]!.tokens;
    const tokens = new Uint32Array(batch.length * length);
    batch.forEach((ids, i) => tokens.set(ids, i * length));
    const { answer, captured } = await backend.pass({
      shape,
      tokens,
      sigma0: undefined,
      limits: [],
      capture,
    });
    const { answerSize, linears } = model.manifest;
    const { k } = linears[capture - 1]!;
    const from = at * length * k;
    return {
      row: answer.slice(at * answerSize, (at + 1) * answerSize),
      operand: captured!.slice(from, from + batch[at]!.length * k),
    };
  }

  it('gives a sequence the same bits in every shape, seat and company', async () => {
    const wanted = fc.record({
      ids: sequence(LONGEST),
      company: fc.array(sequence(LONGEST), { minLength: 8, maxLength: 8 }),
      capture: fc.integer({ min: 1, max: model.manifest.linears.length }),
    });
    const property = fc.asyncProperty(wanted, async ({ ids, company, capture }) => {
      const holding = MINI_SHAPES.flatMap(({ tokens }, i) => (tokens >= ids.length ? i : []));
      const alone = await run(holding[0]!, [ids], 0, capture);
      expect(alone.row.some((x) => x !== 0)).toBe(true);
      for (const shape of holding) {
        const { sequences, tokens } = MINI_SHAPES[shape]!;
        const others = company.map((other) => other.slice(0, tokens));
        for (const n of new Set([1, 2, sequences].filter((count) => count <= sequences)))
          for (let at = 0; at < n; at++) {
            const batch = others.slice(0, n).with(at, ids);
            expect(await run(shape, batch, at, capture)).toEqual(alone);
          }
      }
    });
    await fc.assert(property, { seed: SEED, numRuns: 8 });
  });

  it('answers a question of texts of many lengths as each alone in the longest shape', async () => {
    const length = LONGEST;
    const longest = MINI_SHAPES.findIndex(({ tokens }) => tokens === LONGEST);
    const { answerSize } = model.manifest;
    const texts = fc.array(sequence(length), { minLength: 1, maxLength: MINI_SHAPES[0].sequences });
    const property = fc.asyncProperty(texts, async (asked) => {
      const input = new Uint16Array(asked.length * length);
      asked.forEach((ids, i) => input.set(ids, i * length));
      const rows = await runPlain(model, backend, new Uint8Array(input.buffer));
      expect(rows).toHaveLength(asked.length * answerSize);
      for (const [i, ids] of asked.entries()) {
        const { row } = await run(longest, [ids], 0, 1);
        expect(Int8Array.from(rows.subarray(i * answerSize, (i + 1) * answerSize))).toEqual(row);
      }
    });
    await fc.assert(property, { seed: SEED, numRuns: 6 });
  });

  it('answers padding alone as the longest shape does', async () => {
    const input = new Uint8Array(2 * LONGEST);
    const longest = MINI_SHAPES.findIndex(({ tokens }) => tokens === LONGEST);
    const { row } = await run(longest, [new Array<number>(LONGEST).fill(0)], 0, 1);
    for (const given of [input, new Uint8Array()])
      expect(Int8Array.from(await runPlain(model, backend, given))).toEqual(row);
  });
});
