/**
 * Products of a decode step over the weights of 30 layers of 576/1536 (106 MB, out of any cache) against the time in
 * which one thread merely reads them. Processor time, the least of rounds in turn. Run: node bench/decode-products.ts [rounds]
 */
import type { LinearSize } from '../src/core/manifest.ts';
import { createKernel } from '../src/miner/cpu/kernel/kernel.ts';
import { randomOperand } from '../test/oracle/random.ts';
import { cpuMs } from './measure.ts';

const LAYERS = 30;
const LAYER = [
  [576, 960],
  [576, 576],
  [576, 3072],
  [1536, 576],
] as const;
const ROWS = [1, 2, 4, 8, 16] as const;
const [rounds = '15'] = process.argv.slice(2);

/**
 * (module (memory (import "env" "memory") 1) (func (export "read") (param from i32) (param end i32) (result i32) …)):
 * XOR of all vectors from `from` to `end`, 64 bytes a turn in four sums.
 */
const READER = Uint8Array.from(
  atob(
    'AGFzbQEAAAABBwFgAn9/AX8CDwEDZW52Bm1lbW9yeQIAAAMCAQAHEQIEcmVhZAAABm1lbW9yeQIACm8BbQEEewNAIAAgAUkEQCACIAD9AAQA/VEhAiADIAD9AAQQ/VEhAyAEIAD9AAQg/VEhBCAFIAD9AAQw/VEhBSAAQUBrIQAMAQsLIAIgA/1RIAQgBf1R/VEiAv0bACAC/RsBcyAC/RsCcyAC/RsDcws=',
  ),
  (c) => c.charCodeAt(0),
);

const sizes: LinearSize[] = LAYER.map(([k, n]) => ({ m: 16, k, n, r: 16 }));
const kernel = await createKernel(sizes);
const first = kernel.reserve(64);
const rows = sizes.map(({ k, n }) => randomOperand(`${k}×${n}`, k * n));
const linears = Array.from({ length: LAYERS }, () =>
  sizes.map((l, i) => ({ ...l, weights: kernel.placeWeights(l, rows[i]!) })),
).flat();
const end = kernel.reserve(64);
kernel.loadOperand(randomOperand('a', 16 * 1536));
const { instance } = await WebAssembly.instantiate(READER, { env: { memory: kernel.memory } });
const { read } = instance.exports as { read: (from: number, until: number) => number };

const least: Record<string, number> = {};
for (let round = 0; round < Number(rounds); round++) {
  const time = async (name: string, run: () => unknown): Promise<void> => {
    const start = cpuMs();
    await run();
    if (round) least[name] = Math.min(least[name] ?? Infinity, cpuMs() - start);
  };
  await time('read', () => read(first, end));
  for (const way of ['relaxed', 'wide'] as const)
    for (const m of ROWS)
      await time(`${way}, ${m} rows`, async () => {
        for (const l of linears)
          await kernel.multiply({ ...l, m }, l.weights, () => undefined, way);
      });
}
const bytes = end - first;
const { read: reading = NaN } = least;
console.log(
  `${(bytes / 1e6).toFixed(1)} MB of weights, read at ${(bytes / reading / 1e6).toFixed(1)} GB/s`,
);
for (const [name, ms] of Object.entries(least))
  console.log(
    `${name}: ${ms.toFixed(2)} ms, ${((100 * reading) / ms).toFixed(0)} % of reading's speed`,
  );
