/**
 * One row through the linears of all 30 layers of SmolLM2-135M, 106 MB of weights that no cache holds, beside merely
 * reading as many bytes once with one thread.
 */
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

/**
 * read(from, end) on an imported memory (env.memory), compiled from AssemblyScript with -O3: the XOR of the vectors from
 * `from` to `end`, 64 bytes a turn in four sums.
 */
const READER =
  'AGFzbQEAAAABBwFgAn9/AX8CDwEDZW52Bm1lbW9yeQIAAAMCAQAHEQIEcmVhZAAABm1lbW9yeQIACm8BbQEEewNAIA' +
  'AgAUkEQCACIAD9AAQA/VEhAiADIAD9AAQQ/VEhAyAEIAD9AAQg/VEhBCAFIAD9AAQw/VEhBSAAQUBrIQAMAQsLIAIg' +
  'A/1RIAQgBf1R/VEiAv0bACAC/RsBcyAC/RsCcyAC/RsDcws=';

/** Reads that many bytes of a memory once. */
export async function createReader(bytes: number): Promise<() => void> {
  const memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / 65_536) });
  // What was never written may all be one page of zeros.
  new Uint8Array(memory.buffer).fill(7);
  const wasm = Uint8Array.from(atob(READER), (c) => c.charCodeAt(0));
  const { instance } = await WebAssembly.instantiate(wasm, { env: { memory } });
  const { read } = instance.exports as { read: (from: number, end: number) => number };
  return () => void read(0, bytes & ~63);
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
