/**
 * Speed of the CPU's linears: plain by both ways, noisy, and what the peel takes of it. Processor time, the least
 * of rounds in which everything runs in turn, so that the ratios hold on a busy machine.
 *
 * node bench/cpu-kernel.ts [rounds] [CHECKOUT]
 *
 * CHECKOUT: another checkout, of commit 606bfe0 say (`git worktree add`), whose kernel runs in the same rounds.
 */
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { plainHash } from '../src/core/hash.ts';
import type { LinearSize } from '../src/core/manifest.ts';
import { createKernel } from '../src/miner/cpu/kernel/kernel.ts';
import { randomBytes, randomOperand } from '../test/oracle/random.ts';
import { cpuMs } from './measure.ts';

type Run = () => unknown;

/** The kernel as it was before weights lay in its memory: it took Bᵀ with every product. */
interface OldKernel {
  loadOperand(a: Int8Array): void;
  multiply(l: LinearSize, b: Int8Array, yieldToLoop: () => undefined): Promise<void>;
  multiplyNoisy(
    l: LinearSize,
    b: Int8Array,
    seed: { sigma: Uint8Array; number: number },
    yieldToLoop: () => undefined,
  ): Promise<unknown>;
}
type CreateOld = (linears: LinearSize[], carry: number, lap: Lap) => Promise<OldKernel>;
type Lap = (stage?: string, shared?: readonly [stage: string, share: number]) => void;

const [rounds = '9', other] = process.argv.slice(2);
const yieldToLoop = () => undefined;

/** Widths of models in use with the importer's ranks, then other shapes and ranks. */
const layer = (m: number, w: number, narrow: number, wide: number) =>
  [
    [m, w, 3 * w, narrow],
    [m, w, w, narrow],
    [m, w, 4 * w, narrow],
    [m, 4 * w, w, wide],
  ] as const;
const SHAPES = [
  ...layer(512, 384, 32, 48),
  ...layer(256, 768, 32, 64),
  ...layer(256, 1024, 32, 64),
  [256, 128, 512, 16],
] as const;

/** Sums the processor time of each stage. */
function createStages(): { lap: Lap; take: () => Record<string, number> } {
  let last = cpuMs();
  let sums: Record<string, number> = {};
  const lap: Lap = (stage, [other, share] = ['peel', 0]) => {
    const ms = cpuMs() - last;
    if (stage) sums[stage] = (sums[stage] ?? 0) + ms * (1 - share);
    if (share) sums[other] = (sums[other] ?? 0) + ms * share;
    last = cpuMs();
  };
  const take = () => {
    const all = sums;
    sums = {};
    return all;
  };
  return { lap, take };
}

async function oldRuns(
  l: LinearSize,
  [a, b]: readonly [Int8Array, Int8Array],
  sigma: Uint8Array,
  lap: Lap,
): Promise<Record<string, Run>> {
  if (!other) return {};
  const url = pathToFileURL(join(resolve(other), 'src/miner/cpu/kernel/kernel.ts'));
  const { createKernel: create } = (await import(url.href)) as { createKernel: CreateOld };
  const kernel = await create([l], 0, lap);
  kernel.loadOperand(a);
  return {
    'old plain': () => kernel.multiply(l, b, yieldToLoop),
    'old noisy': () => kernel.multiplyNoisy(l, b, { sigma, number: 2 }, yieldToLoop),
  };
}

/** ms of each run in each round, and of each stage of noisy ones. */
async function inTurn(
  runs: Readonly<Record<string, Run>>,
  { lap, take }: ReturnType<typeof createStages>,
): Promise<Record<string, number[]>> {
  const times: Record<string, number[]> = {};
  for (let round = -1; round < Number(rounds); round++)
    for (const [name, run] of Object.entries(runs)) {
      lap();
      const start = cpuMs();
      await run();
      const all = cpuMs() - start;
      const stages = Object.entries(take());
      if (round < 0) continue;
      (times[name] ??= []).push(all);
      if (!name.endsWith('noisy')) continue;
      for (const [stage, ms] of stages) (times[`${name} ${stage}`] ??= []).push(ms);
    }
  return times;
}

const totals: Record<string, number> = {};
for (const [m, k, n, r] of SHAPES) {
  const l = { m, k, n, r, weights: plainHash(new Uint8Array(0)) };
  const [a, b] = [randomOperand('a', m * k), randomOperand('b', n * k)];
  const sigma = randomBytes('sigma', 32);
  const { lap, take } = createStages();
  // Without laps, of which there are several a panel.
  const kernel = await createKernel([l]);
  kernel.loadOperand(a);
  const placed = kernel.placeWeights(l, b);
  const noisy = (exact: boolean) =>
    kernel.multiplyNoisy(l, placed, { sigma, number: 2, exact }, yieldToLoop);
  const runs: Record<string, Run> = {
    ...(await oldRuns(l, [a, b], sigma, lap)),
    quads: () => kernel.multiply(l, placed, yieldToLoop, 'quads'),
    pairs: () => kernel.multiply(l, placed, yieldToLoop, 'pairs'),
    wide: () => kernel.multiply(l, placed, yieldToLoop, 'wide'),
    noisy: () => noisy(true),
    unpeeled: () => noisy(false),
  };
  const times = await inTurn(runs, { lap, take });
  const ms = Object.fromEntries(
    Object.entries(times).map(([name, all]) => [name, Math.min(...all)]),
  );
  for (const [name, one] of Object.entries(ms)) {
    totals[`${m}×${k <= n ? k : n} ${name}`] =
      (totals[`${m}×${k <= n ? k : n} ${name}`] ?? 0) + one;
  }
  const shown = Object.entries(ms).map(([name, one]) => `${name} ${one.toFixed(2)}`);
  console.log(`${m}×${k}×${n} r=${r}: ${shown.join(', ')} ms`);
}
console.log('Sums by rows and width:');
for (const [name, ms] of Object.entries(totals)) console.log(`${name}: ${ms.toFixed(1)} ms`);
