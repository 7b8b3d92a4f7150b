/**
 * One model, in turn within each round: the backend as it was on ONNX Runtime, the backend as it is, with each plain
 * product, and the float encoder of the shape. Only ratios within a round mean something.
 */
import type { Backend, ModelPackage } from '../../src/miner/engine/backend.ts';
import type { Clock, OnStage } from '../../src/miner/engine/stages.ts';
import { checkout, load } from '../against/checkout.ts';
import { createFloat } from '../contest.ts';
import type { Encoder } from '../encoders.ts';
import { median } from '../measure.ts';
import { createCpuRounds, total, type Round, type Stretch } from '../pass-split.ts';
import { withWay } from './ways.ts';

/** The last commit before the executor: all segments on ONNX Runtime, weights packed in every pass. */
export const BEFORE = '606bfe0';
/** Rounds that compile and warm up. */
const WARM = 3;

interface Before {
  createCpuBackend(model: ModelPackage, onStage: OnStage, clock: Clock): Promise<Backend>;
}

interface Measured {
  readonly before: Round;
  /** Plain product on int16, and by relaxed SIMD where it is quicker. */
  readonly wide: Round;
  readonly now: Round;
  /** ms; undefined for a model that has no float encoder. */
  readonly float: number | undefined;
}

/** Medians over rounds; ratios are medians of each round's ratio. */
export interface ShapeFigures {
  /** ms of a noisy unit's segments with their conversions. */
  readonly segmentsMs: number;
  readonly segmentsBeforeMs: number;
  readonly segmentsRatio: number;
  readonly plainMs: number;
  readonly noisyMs: number;
  /** ÷ the plain pass whose product is the noisy pass's own, and ÷ the fastest plain pass. */
  readonly noisyOverWide: number;
  readonly noisyOverPlain: number;
  readonly floatMs: number;
  /** Float encoder ÷ plain pass, the product on int16 and the fastest; NaN where there is no encoder. */
  readonly floatOverWide: number;
  readonly floatOverPlain: number;
  /** Time of a plain pass's products before ÷ now. */
  readonly productSpeed: number;
  readonly peelMs: number;
  readonly peelRatio: number;
  /** A noisy unit's time ÷ that of its noise, products and tickets. */
  readonly overhead: number;
}

const of = (pass: readonly Stretch[], ...stages: Stretch['stage'][]): number =>
  stages.reduce((sum, stage) => sum + total(pass, stage), 0);

function figuresOf(rounds: readonly Measured[]): ShapeFigures {
  const each = (value: (r: Measured) => number): number => median(rounds.map(value));
  // In a noisy pass `convert` is between tensors and operands alone; packing belongs to the noise.
  const segments = ({ noisy }: Round): number => of(noisy, 'segments', 'convert');
  return {
    segmentsMs: each((r) => segments(r.now)),
    segmentsBeforeMs: each((r) => segments(r.before)),
    segmentsRatio: each((r) => segments(r.now) / segments(r.before)),
    plainMs: each((r) => total(r.now.plain)),
    noisyMs: each((r) => total(r.now.noisy)),
    noisyOverWide: each((r) => total(r.now.noisy) / total(r.wide.plain)),
    noisyOverPlain: each((r) => total(r.now.noisy) / total(r.now.plain)),
    floatMs: each((r) => r.float ?? NaN),
    floatOverWide: each((r) => (r.float ?? NaN) / total(r.wide.plain)),
    floatOverPlain: each((r) => (r.float ?? NaN) / total(r.now.plain)),
    productSpeed: each((r) => of(r.before.plain, 'gemm') / of(r.now.plain, 'gemm')),
    peelMs: each((r) => of(r.now.noisy, 'peel')),
    peelRatio: each((r) => of(r.now.noisy, 'peel') / of(r.before.noisy, 'peel')),
    overhead: each((r) => total(r.now.noisy) / of(r.now.noisy, 'noise', 'gemm', 'tickets')),
  };
}

/** @param encoder the float encoder of the model, if there is one */
export async function measureShape(
  model: ModelPackage,
  rounds: number,
  encoder?: Encoder,
): Promise<ShapeFigures> {
  const { createCpuBackend } = await load<Before>(checkout(BEFORE), 'src/miner/cpu/cpu.ts');
  const before = await createCpuRounds(model, (onStage, clock) =>
    createCpuBackend(model, onStage, clock),
  );
  const now = await createCpuRounds(model);
  const float = encoder && (await createFloat(encoder));
  const measured: Measured[] = [];
  for (let i = -WARM; i < rounds; i++) {
    const round = {
      float: await float?.run(),
      before: await before.round(i),
      wide: await withWay('wide', () => now.round(i)),
      now: await withWay(undefined, () => now.round(i)),
    };
    if (i >= 0) measured.push(round);
  }
  for (const each of [before, now, float]) await each?.close();
  return figuresOf(measured);
}
