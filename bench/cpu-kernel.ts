/** Speed of the CPU's linears, plain and noisy. Run: node bench/cpu-kernel.ts */
import { plainHash } from '../src/core/hash.ts';
import { createKernel } from '../src/miner/cpu/kernel/kernel.ts';
import { randomBytes, randomOperand } from '../test/oracle/random.ts';
import { cpuMs } from './measure.ts';

const yieldToLoop = () => undefined;

/** Shortest of several runs, ms. */
async function shortest(run: () => unknown): Promise<number> {
  let best = Infinity;
  for (let i = 0; i < 7; i++) {
    const start = cpuMs();
    await run();
    best = Math.min(best, cpuMs() - start);
  }
  return best;
}

for (const [m, k, n, r] of [
  [32, 128, 512, 16],
  [512, 128, 384, 16],
  [1024, 256, 1024, 16],
  [1024, 256, 1024, 32],
  [1024, 512, 512, 16],
  [1024, 512, 512, 32],
  [1024, 768, 3072, 32],
  [1024, 3072, 768, 64],
  [1024, 768, 3072, 16],
  [1024, 3072, 768, 16],
  [1024, 1024, 4096, 16],
  [1024, 4096, 1024, 16],
  [1024, 4096, 1024, 64],
] as const) {
  const l = { m, k, n, r, weights: plainHash(new Uint8Array(0)) };
  const kernel = await createKernel([l]);
  kernel.loadOperand(randomOperand('a', m * k));
  const values = Float32Array.from(randomOperand('a', m * k));
  const b = randomOperand('b', n * k);
  const sigma = randomBytes('sigma', 32);
  const plain = await shortest(() => kernel.multiply(l, b, yieldToLoop));
  const noisy = await shortest(() => kernel.multiplyNoisy(l, b, { sigma, number: 1 }, yieldToLoop));
  const rest = await shortest(() => {
    kernel.loadActivations(l, values);
    kernel.hashActivations(l);
    kernel.product(l);
  });
  const rate = (ms: number) => ((m * k * n) / ms / 1e6).toFixed(1);
  console.log(
    `${m}×${k}×${n} r=${r}: plain ${plain.toFixed(2)} ms ${rate(plain)} GMAC/s, ` +
      `noisy ${noisy.toFixed(2)} ms ${rate(noisy)} GMAC/s (+${((noisy / plain - 1) * 100).toFixed(0)} %), ` +
      `load, hash A, unload ${rest.toFixed(2)} ms`,
  );
}
