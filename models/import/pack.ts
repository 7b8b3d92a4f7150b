/** From a calibrated encoder to a package: ranks, manifest, known answers, credit. */
import { blake3 } from 'hash-wasm';
import { ZERO_HASH } from '../../src/core/hash.ts';
import { manifestProblem, type Manifest } from '../../src/core/manifest.ts';
import { tokensOf } from '../../src/core/pow/seed.ts';
import { fromHex } from '../../src/lib/bytes.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { createCpuBackend } from '../../src/miner/cpu/cpu.ts';
import { encodeOnnx } from '../../src/miner/package/onnx.ts';
import { cpuMs } from '../../bench/measure.ts';
import { kappa64Of, overheadOf, stoppingPays, type Stretch } from '../overhead.ts';
import type { Bert } from './bert.ts';
import type { Calibration } from './calibrate.ts';
import { exactBert, type UnitShape } from './exact-bert.ts';

const hashOf = async (bytes: Uint8Array): Promise<Uint8Array> => fromHex(await blake3(bytes), 32)!;
const bytesOf = (x: Int8Array): Uint8Array => new Uint8Array(x.buffer, x.byteOffset, x.length);

/** Fold and peel together cost least near √(1.56·k): the nearest rank that the protocol allows. */
export function rankOf(k: number): number {
  const ranks = Array.from({ length: 15 }, (_, i) => 16 * (i + 1)).filter(
    (r) => k % r === 0 && k >= 8 * r,
  );
  const wanted = Math.sqrt(1.56 * k);
  const off = (r: number): number => Math.abs(Math.log(r / wanted));
  return ranks.reduce((best, r) => (off(r) < off(best) ? r : best));
}

/** A package whose credit and known answer are still open, and its last segment for measuring. */
export interface Draft extends Omit<ModelPackage, 'id'> {
  readonly measured: Uint8Array;
}

/** What a package is made from. */
interface Source {
  readonly bert: Bert;
  readonly calibration: Calibration;
  readonly tokenizer: Uint8Array;
}

export async function draftPackage(
  name: string,
  { bert, calibration, tokenizer }: Source,
  shape: UnitShape,
): Promise<Draft> {
  const exact = exactBert(bert, calibration, shape);
  const segments = exact.segments.map(encodeOnnx);
  const weights = calibration.linears.map((l) => l.weight);
  const manifest: Manifest = {
    version: 1,
    name,
    ...shape,
    vocabulary: bert.vocabulary,
    packing: 'u16',
    answerSize: bert.hidden,
    labels: [],
    segments: await Promise.all(
      segments.map(async (s) => ({ hash: await hashOf(s), size: s.length })),
    ),
    linears: await Promise.all(
      calibration.linears.map(async ({ k, n, weight }) => ({
        m: shape.sequences * shape.tokens,
        k,
        n,
        r: rankOf(k),
        weights: await hashOf(bytesOf(weight)),
      })),
    ),
    kappa64: 0,
    knownAnswer: [],
    tokenizer: { hash: await hashOf(tokenizer), size: tokenizer.length },
  };
  return { manifest, segments, weights, measured: encodeOnnx(exact.measured) };
}

/** Time after which no further pass is timed. */
const TIMING_MS = 60_000;

export interface Timing {
  readonly plainMs: number;
  readonly noisyMs: number;
  /** o of the fastest run of every stretch. */
  readonly overhead: number;
}

/**
 * Known answer and credit: runs the known unit on the CPU backend, at most `rounds` times plain and
 * noisy.
 * @param o what κ is set for; without it, this machine's: then other machines give other packages
 * @throws Error when plain and noisy passes differ, or the manifest breaks a rule
 */
export async function finishPackage(
  draft: Draft,
  rounds: number,
  o?: number,
): Promise<{ manifest: Manifest; timing: Timing; stopping: number; o: number }> {
  let pass: Stretch[] = [];
  const { segments, weights } = draft;
  const open: ModelPackage = { id: ZERO_HASH, manifest: draft.manifest, segments, weights };
  const backend = await createCpuBackend(open, (stage, ms) => pass.push({ stage, ms }), cpuMs);
  const tokens = tokensOf(ZERO_HASH, draft.manifest);
  const limits = weights.map(() => 0n);
  const ms = (x: readonly Stretch[]): number => x.reduce((sum, { ms: one }) => sum + one, 0);
  let [plainMs, noisy]: [number, Stretch[]] = [Infinity, []];
  let knownAnswer: readonly Uint8Array[] = [];
  const began = performance.now();
  // Processor time, and the fastest of many runs: a busy machine empties caches.
  for (let i = 0; i < rounds && (i < 2 || performance.now() - began < TIMING_MS); i++) {
    pass = [];
    const plain = await backend.pass({ tokens, sigma0: undefined, limits: [] });
    plainMs = Math.min(plainMs, ms(pass));
    pass = [];
    const found = await backend.pass({ tokens, sigma0: ZERO_HASH, limits });
    noisy = i ? noisy.map((x, j) => ({ ...x, ms: Math.min(x.ms, pass[j]!.ms) })) : pass;
    if (String(plain.a) !== String(found.a)) throw new Error('plain and noisy passes differ');
    knownAnswer = plain.a;
  }
  await backend.close();
  const overhead = overheadOf(noisy);
  // Rounded up, as the table of our own models is.
  const setFor = o ?? Math.ceil(overhead * 10) / 10;
  const kappa64 = kappa64Of(setFor);
  const manifest = { ...draft.manifest, kappa64, knownAnswer: [...knownAnswer] };
  const problem = manifestProblem(manifest);
  if (problem) throw new Error(problem);
  const timing = { plainMs, noisyMs: ms(noisy), overhead };
  const stopping = Math.max(...stoppingPays(manifest, noisy).slice(0, -1));
  return { manifest, timing, stopping, o: setFor };
}
