/** Whole units on the CPU backend, plain and noisy. Run: node bench/cpu-pass.ts [model …] */
import { ZERO_HASH } from '../src/core/hash.ts';
import { unitMacs } from '../src/core/manifest.ts';
import { tokensOf } from '../src/core/pow/seed.ts';
import { createCpuBackend } from '../src/miner/cpu.ts';
import { readModel } from '../test/oracle/models.ts';

const names = process.argv.slice(2).length ? process.argv.slice(2) : ['tiny', 'lingua'];
for (const name of names as ('tiny' | 'lingua')[]) {
  const model = await readModel(name);
  const started = performance.now();
  const cpu = await createCpuBackend(model);
  const ready = performance.now() - started;
  const { manifest } = model;
  const limits = manifest.linears.map(() => 0n);
  const tokens = tokensOf(ZERO_HASH, manifest);
  const time = async (sigma0: Uint8Array | undefined) => {
    const times: number[] = [];
    for (let i = 0; i < 12; i++) {
      const start = performance.now();
      await cpu.pass({ tokens, sigma0, limits });
      times.push(performance.now() - start);
    }
    return Math.min(...times);
  };
  const plain = await time(undefined);
  const noisy = await time(ZERO_HASH);
  const macs = Number(unitMacs(manifest));
  console.log(
    `${name}: ${(macs / 1e6).toFixed(1)} MMAC a unit, ready in ${ready.toFixed(0)} ms; ` +
      `plain ${plain.toFixed(1)} ms, noisy ${noisy.toFixed(1)} ms ` +
      `(+${((noisy / plain - 1) * 100).toFixed(0)} %), ${(macs / noisy / 1e6).toFixed(2)} GMAC/s`,
  );
  await cpu.close();
}
