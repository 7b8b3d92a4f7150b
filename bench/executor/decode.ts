/**
 * One row through the linears of all 30 layers of SmolLM2-135M, 106 MB of weights that no cache holds, beside merely
 * reading as many bytes once with one thread.
 */
import asc from 'assemblyscript/asc';
import { ZERO_HASH } from '../../src/core/hash.ts';
import { createKernel } from '../../src/miner/cpu/kernel/kernel.ts';
import { randomOperand } from '../../test/oracle/random.ts';
import { cpuMs, median } from '../measure.ts';

const LAYERS = 30;
/** k, n and rank of a layer's linears: qkv, o, gate and up, down. */
const LAYER = [
  [576, 960, 32],
  [576, 576, 32],
  [576, 3072, 32],
  [1536, 576, 48],
] as const;
const LAYER_BYTES = LAYER.reduce((sum, [k, n]) => sum + k * n, 0);
const WARM = 3;
/** Passes a round: a pass is not much longer than what a clock may be off by. */
const TIMES = 3;

const READ = `
export function readAll(from: usize, count: usize): i32 {
  let x = i32x4.splat(0), y = i32x4.splat(0), z = i32x4.splat(0), t = i32x4.splat(0);
  for (const end = from + count; from < end; from += 64) {
    x = v128.xor(x, v128.load(from)); y = v128.xor(y, v128.load(from, 16));
    z = v128.xor(z, v128.load(from, 32)); t = v128.xor(t, v128.load(from, 48));
  }
  x = v128.xor(v128.xor(x, y), v128.xor(z, t));
  return i32x4.extract_lane(x, 0) ^ i32x4.extract_lane(x, 1);
}`;

/** Reads that many bytes of a memory once. */
async function createReader(bytes: number): Promise<() => void> {
  let wasm: Uint8Array<ArrayBuffer> | undefined;
  const options = ['-O3', '--enable', 'simd', '--runtime', 'stub'];
  await asc.main(['read.ts', '--outFile', 'read.wasm', ...options], {
    readFile: (name) => (name === 'read.ts' ? READ : null),
    writeFile: (name, data) => {
      if (name === 'read.wasm') wasm = Uint8Array.from(data as Uint8Array);
    },
  });
  const { instance } = await WebAssembly.instantiate(wasm!, {});
  const { memory, readAll } = instance.exports as {
    memory: WebAssembly.Memory;
    readAll(from: number, count: number): number;
  };
  const before = memory.buffer.byteLength;
  memory.grow(Math.ceil(bytes / 65_536));
  // What was never written may all be one page of zeros.
  new Uint8Array(memory.buffer, before).fill(7);
  return () => void readAll(before, bytes);
}

export interface DecodeFigures {
  readonly bytes: number;
  readonly ms: number;
  readonly readMs: number;
  /** Speed of the products ÷ that of reading, median of the rounds' ratios. */
  readonly share: number;
}

export async function measureDecode(rounds: number): Promise<DecodeFigures> {
  const linears = LAYER.map(([k, n, r]) => ({ m: 16, k, n, r, weights: ZERO_HASH }));
  const kernel = await createKernel(linears);
  const b = linears.map(({ k, n }, i) => randomOperand(`b ${i}`, k * n));
  const placed = Array.from({ length: LAYERS }, () =>
    linears.map((l, i) => ({ l: { ...l, m: 1 }, weights: kernel.placeWeights(l, b[i]!) })),
  ).flat();
  kernel.loadOperand(randomOperand('a', 1536));
  const bytes = LAYERS * LAYER_BYTES;
  const read = await createReader(bytes);
  const found: { ms: number; readMs: number }[] = [];
  for (let i = -WARM; i < rounds; i++) {
    let started = cpuMs();
    for (let j = 0; j < TIMES; j++) read();
    const readMs = (cpuMs() - started) / TIMES;
    started = cpuMs();
    for (let j = 0; j < TIMES; j++)
      for (const { l, weights } of placed) await kernel.multiply(l, weights, () => undefined);
    if (i >= 0) found.push({ ms: (cpuMs() - started) / TIMES, readMs });
  }
  return {
    bytes,
    ms: median(found.map((x) => x.ms)),
    readMs: median(found.map((x) => x.readMs)),
    share: median(found.map((x) => x.readMs / x.ms)),
  };
}
