/** The choice of a GEMM kernel, its memory, and how long a dispatch may be. */
import { describe, expect, it, test } from 'vitest';
import { bundlesOf, slicesOf, workMaxOf } from '../../src/miner/webgpu/kernels.ts';
import {
  chooseTuning,
  describeTuning,
  largestOf,
  parseTuning,
  tune,
  tuningKey,
} from '../../src/miner/webgpu/tuning.ts';
import { memoryStore } from '../../src/miner/engine/trust/device-store.ts';
import { openGpu } from '../gpu.ts';

const opened = await openGpu();
if (!opened) console.warn('gpu-tuning: partly skipped, no WebGPU adapter in this Node');
const weights = new Uint8Array(32);
const linear = { m: 32, k: 128, n: 32, r: 16, weights };

describe('the choice', () => {
  it('is the fastest that computes right', () => {
    expect(chooseTuning({ dp4a: 5, f32: 7 }).dot).toBe('f32');
    expect(chooseTuning({ dp4a: 7, f32: 5 })).toMatchObject({ dot: 'dp4a', pace: { gemm: 7 } });
    // 0 is wrong however fast; one that was not tried is not chosen.
    expect(chooseTuning({ dp4a: 0, f32: 1e-3 }).dot).toBe('f32');
    expect(chooseTuning({ dp4a: 3 }).dot).toBe('dp4a');
    expect(() => chooseTuning({ dp4a: 0, f32: 0 })).toThrow(/no product is right/);
    expect(() => chooseTuning({})).toThrow(/no product is right/);
  });

  it('is told, wrong kernels too', () => {
    expect(describeTuning(chooseTuning({ dp4a: 0, f32: 2.5e6 }))).toBe(
      'f32 2.50 GMAC/s (dp4a 0.00)',
    );
    expect(describeTuning(chooseTuning({ f32: 1e6 }))).toBe('f32 1.00 GMAC/s');
  });

  it('survives as text; anything else is measured again', () => {
    const tuning = chooseTuning({ dp4a: 5, f32: 7 }, { chunks: 3 });
    expect(parseTuning(JSON.stringify(tuning))).toEqual(tuning);
    const bad = [
      undefined,
      '',
      '{}',
      '{"rates":null}',
      '{"rates":{"f32":1}}',
      '{"rates":{"dp4a":"9"},"pace":{}}',
      '{"rates":{"x":1},"pace":{}}',
    ];
    for (const text of bad) expect(parseTuning(text)).toBeUndefined();
  });

  it('belongs to a device, a model and the kernels of its largest linear', () => {
    const large = { ...linear, n: 64 };
    expect(largestOf([linear, large, linear])).toBe(large);
    const keys = [
      tuningKey('a', new Uint8Array(32), linear),
      tuningKey('b', new Uint8Array(32), linear),
      tuningKey('a', new Uint8Array(32).fill(1), linear),
      tuningKey('a', new Uint8Array(32), { ...linear, k: 256 }),
    ];
    expect(new Set(keys).size).toBe(4);
    expect(tuningKey('a', new Uint8Array(32), linear)).toBe(keys[0]);
  });

  it('is kept for a bounded number of devices, the newest ones', async () => {
    const store = memoryStore();
    for (let i = 0; i < 20; i++) await store.write(`key ${i}`, `${i}`);
    expect(await store.read('key 3')).toBeUndefined();
    expect(await store.read('key 4')).toBe('4');
    expect(await store.read('key 19')).toBe('19');
  });
});

describe.skipIf(!opened)('on a device', { timeout: 120_000 }, () => {
  it('measures once, remembers, and measures again what it cannot use', async () => {
    const { gpu, device } = opened!;
    const store = memoryStore();
    const run = (): ReturnType<typeof tune> => tune(gpu, device, linear, { key: 'key', store });
    const first = await run();
    expect(first.rates[first.dot]).toBe(first.pace.gemm);
    const cut = ['apply', 'chunks', 'gemm', 'noise', 'thin', 'tickets'];
    expect(Object.keys(first.pace).sort()).toEqual(cut);
    for (const rate of Object.values(first.pace)) expect(rate).toBeGreaterThan(0);
    // What it remembers is what it takes, without measuring: no device is that fast.
    const kept = chooseTuning({ f32: 1e15 });
    await store.write('key', JSON.stringify(kept));
    expect(await run()).toEqual(kept);
    await store.write('key', 'junk');
    expect((await run()).pace.gemm).toBeLessThan(1e15);
    expect(parseTuning(await store.read('key'))!.pace.gemm).toBeLessThan(1e15);
  });

  it('chooses no kernel that computes wrong', async () => {
    const { gpu, device } = opened!;
    // A device that gets float32 wrong, in every product by one.
    const broken = new Proxy(device, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (name === 'createShaderModule')
          return ({ code }: { code: string }) =>
            device.createShaderModule({
              code: code.replaceAll('dot(p0, q0)', '(dot(p0, q0) + 1f)'),
            });
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const none = { wgslLanguageFeatures: new Set<string>() } as unknown as GPU;
    const tuning = tune(none, broken, linear, { key: 'key', store: memoryStore() });
    await expect(tuning).rejects.toThrow(/no product is right/);
    if (!gpu.wgslLanguageFeatures.has('packed_4x8_integer_dot_product')) return;
    const { dot, rates } = await tune(gpu, broken, linear, { key: 'key', store: memoryStore() });
    expect({ dot, wrong: rates.f32 ?? 0 }).toEqual({ dot: 'dp4a', wrong: 0 });
  });
});

test('a dispatch takes half of 50 ms at the measured pace; a product never more than 5e9 MACs', () => {
  const workMax = workMaxOf({ gemm: 1e5, chunks: 8 });
  expect([workMax('gemm'), workMax('chunks')]).toEqual([25e5, 200]);
  expect(workMaxOf({ gemm: 1e9 })('gemm')).toBe(5e9);
  // Nothing measured: a product is bounded all the same.
  expect([workMaxOf({})('gemm'), workMax('thin')]).toEqual([5e9, Infinity]);
});

test('what is submitted together makes no more than one longest dispatch', () => {
  const bundles = (...shares: number[]): number[][] =>
    bundlesOf(shares.map((share) => ({ share }))).map((bundle) => bundle.map((s) => s.share));
  expect(bundles()).toEqual([]);
  expect(bundles(0, 0, 0)).toEqual([[0, 0, 0]]);
  expect(bundles(0.5, 0.5, 0.25, 1, 0, 0.5)).toEqual([[0.5, 0.5], [0.25], [1, 0], [0.5]]);
  // One group can be too long by itself.
  expect(bundles(64, 64, 0)).toEqual([[64], [64], [0]]);
});

test('slices cover a grid once, in whole rows where they fit', () => {
  expect(slicesOf(4, 3, 100)).toEqual([{ row: 0, column: 0, y: 4, x: 3 }]);
  expect(slicesOf(4, 3, 6).map(({ y, x }) => [y, x])).toEqual([
    [2, 3],
    [2, 3],
  ]);
  for (const max of [0, 0.5, 1, 2, 3, 4, 7, 11, 12, Infinity]) {
    const seen = new Set<string>();
    for (const { row, column, y, x } of slicesOf(4, 3, max)) {
      expect(y * x).toBeLessThanOrEqual(Math.max(1, max));
      for (let i = 0; i < y; i++)
        for (let j = 0; j < x; j++) {
          const cell = `${row + i} ${column + j}`;
          expect(seen).not.toContain(cell);
          seen.add(cell);
        }
    }
    expect(seen.size).toBe(12);
  }
});
