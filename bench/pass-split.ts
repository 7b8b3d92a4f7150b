/** Where the time of a unit goes: plain and noisy passes in turn, split into stages. */
import { tokensOf } from '../src/core/pow/seed.ts';
import type { Backend, ModelPackage, PassInput } from '../src/miner/engine/backend.ts';
import { createCpuBackend } from '../src/miner/cpu/cpu.ts';
import type { Clock, OnStage, Stage } from '../src/miner/engine/stages.ts';
import type { BrowserBackend } from '../test/browser/harness.ts';
import { readModel } from '../test/oracle/models.ts';
import { randomBytes } from '../test/oracle/random.ts';
import { cpuMs, median } from './measure.ts';

export type ModelName = 'tiny' | 'lingua';

export interface Stretch {
  readonly stage: Stage;
  readonly ms: number;
}

/** One plain pass and the noisy one after it, as stretches in order. */
export interface Round {
  readonly plain: readonly Stretch[];
  readonly noisy: readonly Stretch[];
}

/** Medians over rounds; ratios are medians of each round's ratio, so that a busy machine cancels out. */
export interface Split {
  readonly rounds: number;
  readonly plainMs: number;
  readonly noisyMs: number;
  readonly noisyOverPlain: number;
  /** ms of a noisy pass by stage; gemm without the fold. */
  readonly stages: Readonly<Record<Stage | 'fold', number>>;
}

/** ms of a pass, or of one stage of it. */
export const total = (pass: readonly Stretch[], stage?: Stage): number =>
  pass.reduce((sum, x) => sum + (stage && x.stage !== stage ? 0 : x.ms), 0);

const STAGES: readonly Stage[] = [
  'segments',
  'convert',
  'hash',
  'noise',
  'gemm',
  'tickets',
  'peel',
  'readback',
];

export function splitOf(rounds: readonly Round[]): Split {
  const of = (value: (r: Round) => number): number => median(rounds.map(value));
  const stages = Object.fromEntries(
    STAGES.map((stage) => [stage, of((r) => total(r.noisy, stage))]),
  ) as Record<Stage, number>;
  const gemm = of((r) => total(r.plain, 'gemm'));
  return {
    rounds: rounds.length,
    plainMs: of((r) => total(r.plain)),
    noisyMs: of((r) => total(r.noisy)),
    noisyOverPlain: of((r) => total(r.noisy) / total(r.plain)),
    stages: { ...stages, gemm, fold: of((r) => total(r.noisy, 'gemm') - total(r.plain, 'gemm')) },
  };
}

export interface CpuRounds {
  round(i: number): Promise<Round>;
  close(): Promise<void>;
}

/** A backend of this process whose stretches are told as they end, by that clock. */
export type OpenTimed = (onStage: OnStage, clock: Clock) => Promise<Backend>;

/**
 * The CPU backend in this process, or another that is opened so: a plain pass and a noisy one of the same tokens, by
 * stretches of processor time.
 */
export async function createCpuRounds(
  model: ModelPackage,
  open: OpenTimed = (onStage, clock) => createCpuBackend(model, { onStage, clock }),
): Promise<CpuRounds> {
  const { manifest } = model;
  let pass: Stretch[] = [];
  const backend = await open((stage, ms) => pass.push({ stage, ms }), cpuMs);
  const run = async (input: PassInput): Promise<Stretch[]> => {
    pass = [];
    await backend.pass(input);
    return pass;
  };
  const limits = manifest.linears.map(() => 0n);
  return {
    async round(i) {
      const sigma0 = randomBytes(`bench ${i}`, 32);
      const tokens = tokensOf(sigma0, manifest);
      const plain = await run({ tokens, sigma0: undefined, limits: [] });
      return { plain, noisy: await run({ tokens, sigma0, limits }) };
    },
    close: () => backend.close(),
  };
}

export async function measureCpu(name: ModelName, rounds: number): Promise<Round[]> {
  const cpu = await createCpuRounds(await readModel(name));
  const measured: Round[] = [];
  // The first rounds compile and warm up.
  for (let i = -5; i < rounds; i++) {
    const found = await cpu.round(i);
    if (i >= 0) measured.push(found);
  }
  await cpu.close();
  return measured;
}

/**
 * The WebGPU backend in Chromium. Waits for the device after every stage, so that a stage's time is
 * its own; `whole` is wall time without these waits.
 */
export async function measureWebgpu(
  browser: BrowserBackend,
  name: ModelName,
  rounds: number,
): Promise<{ device: string; rounds: Round[]; whole: { plain: number[]; noisy: number[] } }> {
  const device = await browser.call('open', name);
  const whole = { plain: [] as number[], noisy: [] as number[] };
  for (let i = -1; i < rounds; i++) {
    const { plain, noisy } = await browser.call('round', i & 0xff);
    if (i < 0) continue;
    whole.plain.push(plain.ms);
    whole.noisy.push(noisy.ms);
  }
  await browser.call('open', name, { stages: true });
  const measured: Round[] = [];
  for (let i = -1; i < rounds; i++) {
    const { plain, noisy } = await browser.call('round', i & 0xff);
    if (i >= 0) measured.push({ plain: plain.stretches, noisy: noisy.stretches });
  }
  return { device, rounds: measured, whole };
}
