/** From a calibrated encoder to a package: ranks, manifest, and what a pass takes. */
import { ZERO_HASH } from '../../src/core/hash.ts';
import type { Manifest } from '../../src/core/manifest.ts';
import { tokensOf } from '../../src/core/pow/seed.ts';
import { AppError } from '../../src/lib/errors.ts';
import { checkModel, isRefusal, provenManifest } from '../../src/miner/checker/checker.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { createCpuBackend } from '../../src/miner/cpu/cpu.ts';
import { encodeOnnx } from '../../src/miner/package/onnx.ts';
import { cpuMs } from '../../bench/measure.ts';
import { draftOf, type Draft } from '../finish.ts';
import type { Bert } from './bert.ts';
import { blankCalibration, type Calibration } from './calibrate.ts';
import { exactBert, type UnitShape } from './exact-bert.ts';

/** Fold and peel together cost least near √(1.56·k): the nearest rank that the protocol allows. */
export function rankOf(k: number): number {
  const ranks = Array.from({ length: 15 }, (_, i) => 16 * (i + 1)).filter(
    (r) => k % r === 0 && k >= 8 * r,
  );
  const wanted = Math.sqrt(1.56 * k);
  const off = (r: number): number => Math.abs(Math.log(r / wanted));
  return ranks.reduce((best, r) => (off(r) < off(best) ? r : best));
}

/** What a package is made from. */
interface Source {
  readonly bert: Bert;
  readonly calibration: Calibration;
  readonly tokenizer: Uint8Array;
}

/** What a manifest says of a model and no rule reads. */
export type Labelling = Pick<Manifest, 'name' | 'licence' | 'attribution'>;

/** A package whose bounds and known answers are still open, and its last segment for measuring. */
export interface MeasuredDraft extends Draft {
  readonly measured: Uint8Array;
}

/**
 * @param shapes the first is mined. All have the calibration's constants, and exact forms of what depends on their own
 * length: so a sequence has the same answer in each that holds it
 */
export function draftPackage(
  labelling: Labelling,
  { bert, calibration, tokenizer }: Source,
  [shape, ...others]: readonly [UnitShape, ...UnitShape[]],
): MeasuredDraft {
  const { segments, measured, table } = exactBert(bert, calibration, shape);
  const draft = draftOf({
    ...labelling,
    ...shape,
    kind: 'encoder',
    vocabulary: bert.vocabulary,
    packing: bert.vocabulary > 2 ** 16 ? 'u24' : 'u16',
    answerSize: bert.hidden,
    labels: [],
    linears: calibration.linears.map(({ k, n, weight }) => ({ k, n, r: rankOf(k), weight })),
    tables: [table],
    graphs: segments,
    otherShapes: others.map((each) => ({
      ...each,
      graphs: exactBert(bert, calibration, each).segments,
    })),
    tokenizer,
  });
  return { ...draft, measured: encodeOnnx(measured) };
}

/**
 * Asks before the work what depends on sizes alone: the manifest's limits and a judge's, of every step of every shape.
 * @throws AppError MODEL_REFUSED
 */
export function requireSizes(
  labelling: Labelling,
  source: Omit<Source, 'calibration'>,
  shapes: readonly [UnitShape, ...UnitShape[]],
): void {
  const calibration = blankCalibration(source.bert);
  const draft = draftPackage(labelling, { ...source, calibration }, shapes);
  const manifest = provenManifest(draft);
  const found = isRefusal(manifest) ? manifest : checkModel({ ...draft, manifest });
  // Other rules are about integers, which are not chosen yet.
  if (found?.rule === 'manifest' || found?.rule === 'limit')
    throw new AppError('MODEL_REFUSED', found.sentence);
}

/** Time after which no further pass is timed. */
const TIMING_MS = 60_000;

export interface Timing {
  readonly plainMs: number;
  readonly noisyMs: number;
}

/**
 * Processor time of a pass on the CPU backend, the fastest of at most `rounds`: a busy machine empties caches.
 * @throws Error when plain and noisy passes differ
 */
export async function timePackage(model: ModelPackage, rounds: number): Promise<Timing> {
  let ms = 0;
  const backend = await createCpuBackend(model, {
    onStage: (_, lap) => (ms += lap),
    clock: cpuMs,
  });
  const tokens = tokensOf(ZERO_HASH, model.manifest);
  const limits = model.weights.map(() => 0n);
  const timed = async (sigma0: Uint8Array | undefined) => {
    ms = 0;
    const { x } = await backend.pass({ tokens, sigma0, limits: sigma0 ? limits : [] });
    return { ms, x };
  };
  let [plainMs, noisyMs] = [Infinity, Infinity];
  const began = performance.now();
  for (let i = 0; i < rounds && (i < 2 || performance.now() - began < TIMING_MS); i++) {
    const [plain, noisy] = [await timed(undefined), await timed(ZERO_HASH)];
    if (String(plain.x) !== String(noisy.x)) throw new Error('plain and noisy passes differ');
    plainMs = Math.min(plainMs, plain.ms);
    noisyMs = Math.min(noisyMs, noisy.ms);
  }
  await backend.close();
  return { plainMs, noisyMs };
}
