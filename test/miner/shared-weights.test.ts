/** Linears of the same weights, as the limbs of a decoder's `down`, have their bytes once: in files, parts, memory. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writePackage } from '../../models/write-package.ts';
import { openPackageStore } from '../../src/client/models/package-store.ts';
import type { PartSource } from '../../src/client/models/part-sources.ts';
import { heldPlaces } from '../../src/core/manifest.ts';
import { concat, equal, toHex } from '../../src/lib/bytes.ts';
import { AppError } from '../../src/lib/errors.ts';
import { createCpuBackend } from '../../src/miner/cpu/cpu.ts';
import { openLane } from '../../src/miner/cpu/lanes.ts';
import { selfTest } from '../../src/miner/engine/self-test.ts';
import { memoryStore } from '../../src/miner/engine/trust/device-store.ts';
import { GENERATION_FILE, loadPackage, packageOf } from '../../src/miner/package/package.ts';
import { createMemoryParts, type PartStore } from '../../src/miner/package/part-store.ts';
import { partNumbers, partsOfFile, passFiles, planParts } from '../../src/miner/package/parts.ts';
import { startLane } from '../../src/node/contributor/lane-thread.ts';
import { createPackagedParts } from '../../src/node/packaged-parts.ts';
import {
  DECODER_SMALL,
  decoderPackage,
  generatedGeneration,
  withOwnWeights,
} from '../models/decoder.ts';

const PATIENCE_MS = 300_000;
/** The weights of `down` fill two pages of WebAssembly's memory. */
const SIZE = { ...DECODER_SMALL, ffn: 1024 };
const DOWN = SIZE.ffn * SIZE.hidden;
/** Places of the limbs' linears. */
const [FIRST, SECOND] = [3, 4];

const model = decoderPackage(SIZE, true);
/** The same, but that the second limb's linear has weights of its own. */
const apart = withOwnWeights(model, SECOND);

describe('in files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pila-shared-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const written = [model, apart].map((each, i) =>
    writePackage(join(folder, String(i), 'decoder'), each),
  );
  const generation = generatedGeneration(SIZE);
  writeFileSync(join(folder, '0/decoder', GENERATION_FILE), generation);
  const read = (file: string): Uint8Array =>
    new Uint8Array(readFileSync(join(folder, '0/decoder', file)));

  it('a package is smaller by the second, and comes back whole', async () => {
    expect(written[1]! - written[0]!).toBe(DOWN);
    const bytes = [model, apart].map(({ manifest }) => planParts(manifest).bytes);
    expect(bytes[1]! - bytes[0]!).toBe(DOWN);
    const loaded = await loadPackage(async (file) => read(file));
    expect(loaded).toEqual({ ...model, generation });
    expect(loaded.weights[SECOND]).toBe(loaded.weights[FIRST]);
    expect(new Set(loaded.weights).size).toBe(model.weights.length - 1);
  });

  it('weights.bin that repeats them, or that lacks them, is refused', async () => {
    const weights = read('weights.bin');
    const before = model.weights.slice(0, FIRST).reduce((sum, each) => sum + each.length, 0);
    const [first, rest] = [weights.subarray(0, before + DOWN), weights.subarray(before + DOWN)];
    const again = concat(first, weights.subarray(before, before + DOWN), rest);
    for (const wrong of [again, concat(weights.subarray(0, before), rest)]) {
      const load = loadPackage(async (file) => (file === 'weights.bin' ? wrong : read(file)));
      await expect(load).rejects.toMatchObject({ code: 'MODEL_CORRUPT' });
    }
    const damaged = weights.with(before, weights[before]! ^ 1);
    const load = loadPackage(async (file) => (file === 'weights.bin' ? damaged : read(file)));
    await expect(load).rejects.toMatchObject({
      code: 'MODEL_CORRUPT',
      message: expect.stringContaining(`linear ${FIRST + 1}`),
    });
  });

  const id = toHex(model.id);
  const { manifest } = model;
  const plan = planParts(manifest);
  const models = new Map([[id, manifest]]);
  /** What is fetched from a node that has the folder, whose parts go through `pass`. */
  async function fetched(pass: (part: number, bytes: Uint8Array) => Uint8Array | undefined) {
    const there = await createPackagedParts(models, createMemoryParts(), join(folder, '0'));
    const asked: number[] = [];
    const store: PartStore = createMemoryParts();
    const source: PartSource = {
      name: 'a node',
      async fetch({ part }) {
        asked.push(part);
        const bytes = pass(part, (await there.read(id, part))!);
        if (!bytes) throw new AppError('MODEL_MISSING', 'it is not here');
        return bytes;
      },
      blame: () => undefined,
    };
    const sources = (): PartSource[] => [source];
    const packages = await openPackageStore({ models, store, sources, onChange: () => undefined });
    return { packages, asked };
  }

  it('a package is loaded from parts, each asked for once', async () => {
    const { packages, asked } = await fetched((_, bytes) => bytes);
    const load = async () => (await packages.load(id)).files.slice(0, passFiles(manifest).length);
    const files = await load();
    expect(asked.toSorted((x, y) => x - y)).toEqual(partNumbers(plan));
    expect(packageOf(manifest, files)).toEqual(model);
    const more = await load();
    expect(() => packageOf(manifest, [...more, more.at(-1)!])).toThrow(
      expect.objectContaining({ code: 'MODEL_CORRUPT' }),
    );
  });

  it('the part of shared weights is refused where it is damaged or missing', async () => {
    const { weights } = manifest.linears[FIRST]!;
    const [own] = partsOfFile(
      plan,
      plan.files.findIndex(({ hash }) => equal(hash, weights)),
    );
    const damaged = await fetched((part, bytes) => (part === own ? bytes.with(7, 99) : bytes));
    await expect(damaged.packages.load(id)).rejects.toMatchObject({ code: 'MODEL_CORRUPT' });
    const missing = await fetched((part, bytes) => (part === own ? undefined : bytes));
    await expect(missing.packages.load(id)).rejects.toMatchObject({ code: 'MODEL_MISSING' });
  });
});

describe('in memory', { timeout: PATIENCE_MS }, () => {
  it('the CPU places them once', async () => {
    const sizes: number[] = [];
    for (const each of [model, apart]) {
      const backend = await createCpuBackend(each);
      sizes.push(backend.memoryBytes());
      if (each === model) {
        await selfTest(backend, model);
        for (const [i, rows] of model.weights.entries())
          expect(backend.weights!(i + 1)).toEqual(rows);
      }
      await backend.close();
    }
    expect(sizes[1]! - sizes[0]!).toBeGreaterThanOrEqual(DOWN);
  });

  it('a lane gets them once', async () => {
    const reads: number[] = [];
    const weights: Int8Array[] = [];
    for (const [i, rows] of model.weights.entries())
      Object.defineProperty(weights, i, { get: () => (reads.push(i), rows), enumerable: true });
    const given = { ...model, weights };
    const parts = { model: given, verdicts: memoryStore(), onLost: () => undefined };
    const lane = await openLane(startLane, parts);
    expect(reads).toEqual(heldPlaces(model.manifest));
    await lane.close();
  });
});
