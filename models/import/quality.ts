/** How near the exact package comes to the float encoder: per token, and per pooled sentence. */
import { Tensor } from 'onnxruntime-web/webgpu';
import { unitLinears, unitShape } from '../../src/core/manifest.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { createCpuBackend } from '../../src/miner/cpu/cpu.ts';
import { createKernel } from '../../src/miner/cpu/kernel/kernel.ts';
import { firstInputs } from '../../src/miner/engine/inputs.ts';
import { createSegmentChain } from '../../src/miner/engine/segments.ts';
import type { Bert } from './bert.ts';
import { encodeFloat, pool } from './reference.ts';

export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let [dot, p, q] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    p += a[i]! ** 2;
    q += b[i]! ** 2;
  }
  return dot / Math.sqrt(p * q);
}

export interface Cosines {
  readonly count: number;
  readonly mean: number;
  readonly median: number;
  readonly min: number;
  /** One in a hundred is below. */
  readonly p1: number;
}
const summary = (values: readonly number[]): Cosines => {
  const sorted = values.toSorted((a, b) => a - b);
  const mean = values.reduce((s, v) => s + v, 0) / values.length;
  return {
    count: values.length,
    mean,
    median: sorted[values.length >> 1]!,
    min: sorted[0]!,
    p1: sorted[Math.floor(values.length / 100)]!,
  };
};

export interface Quality {
  readonly tokens: Cosines;
  readonly sentences: Cosines;
  /** The same without what all sentences share: the mean direction is taken off on both sides. */
  readonly centred: Cosines;
  /** Largest difference between the cosines of two sentences, exact and float. */
  readonly similarity: number;
  /** Share of a sentence's ten nearest among the others that are the float model's; of too few sentences there is none. */
  readonly overlap: number | undefined;
}

type Parts = Pick<ModelPackage, 'manifest' | 'segments' | 'tables' | 'weights'>;

/** Hidden states [m, hidden] of a plain pass: `measured` stands in for the last segment. */
async function createHidden(model: Parts, measured: Uint8Array) {
  const { manifest, segments, weights } = model;
  const linears = unitLinears(manifest);
  const chain = await createSegmentChain([...segments.slice(0, -1), measured], {
    provider: 'wasm',
  });
  const kernel = await createKernel(linears);
  const placed = linears.map((l, i) => kernel.placeWeights(l, weights[i]!));
  return {
    async run(tokens: Uint32Array): Promise<Float32Array> {
      let tensor = await chain.run(0, firstTensors(model, tokens));
      for (const [i, l] of linears.entries()) {
        if (!kernel.loadActivations(l, tensor.data as Float32Array)) throw new Error(`a${i + 1}`);
        await kernel.multiply(l, placed[i]!, () => undefined);
        const product = new Tensor('float32', kernel.product(l), [l.m, l.n]);
        tensor = await chain.run(i + 1, { [`c${i + 1}`]: product });
      }
      chain.reset();
      return tensor.data as Float32Array;
    },
    close: () => chain.close(),
  };
}

/** What segment 0 takes. */
function firstTensors(model: Parts, tokens: Uint32Array): Record<string, Tensor> {
  const inputs = firstInputs(model, tokens).map(({ name, data, dims }) => [
    name,
    new Tensor(data instanceof Int32Array ? 'int32' : 'float32', data, dims),
  ]);
  return Object.fromEntries(inputs) as Record<string, Tensor>;
}

/** Differences of all pairs' cosines. */
function similarityGap(
  exact: readonly ArrayLike<number>[],
  float: readonly Float32Array[],
): number {
  let gap = 0;
  for (let i = 0; i < exact.length; i++)
    for (let j = 0; j < i; j++)
      gap = Math.max(gap, Math.abs(cosine(exact[i]!, exact[j]!) - cosine(float[i]!, float[j]!)));
  return gap;
}

const NEAREST = 10;

/** Indices of the nearest by cosine; equal ones in their order. */
function nearest(vectors: readonly ArrayLike<number>[], own: number): number[] {
  const cosines = vectors.map((v) => cosine(v, vectors[own]!));
  return Array.from(vectors.keys())
    .filter((i) => i !== own)
    .sort((a, b) => cosines[b]! - cosines[a]!)
    .slice(0, NEAREST);
}

/** Mean share of the ten nearest that both have. */
export function overlapOf(
  exact: readonly ArrayLike<number>[],
  float: readonly ArrayLike<number>[],
): number | undefined {
  if (exact.length < 3 * NEAREST) return undefined;
  const shared = exact.map((_, i) => {
    const wanted = new Set(nearest(float, i));
    return nearest(exact, i).filter((j) => wanted.has(j)).length;
  });
  return shared.reduce((sum, count) => sum + count, 0) / NEAREST / exact.length;
}

/** Unit vectors minus their mean. */
function centred(vectors: readonly ArrayLike<number>[]): number[][] {
  const units = vectors.map((v) => {
    const norm = Math.hypot(...Array.from(v));
    return Array.from(v, (x) => x / norm);
  });
  const mean = units[0]!.map((_, j) => units.reduce((sum, u) => sum + u[j]! / units.length, 0));
  return units.map((u) => u.map((x, j) => x - mean[j]!));
}

/** @param sentences token ids without padding */
export async function measureQuality(
  bert: Bert,
  model: ModelPackage,
  measured: Uint8Array,
  sentences: readonly Uint32Array[],
): Promise<Quality> {
  const { sequences, tokens: length } = unitShape(model.manifest);
  const { hidden } = bert;
  const float = await encodeFloat(bert, sentences);
  const lengths = sentences.map((s) => s.length);
  const pooled = pool(bert, float, lengths);
  const states = await createHidden(model, measured);
  const backend = await createCpuBackend(model);
  const answers: Int8Array[] = [];
  const perToken: number[] = [];
  let row = 0;
  for (let from = 0; from < sentences.length; from += sequences) {
    const part = sentences.slice(from, from + sequences);
    const tokens = new Uint32Array(sequences * length);
    part.forEach((ids, i) => tokens.set(ids, i * length));
    const x = await states.run(tokens);
    for (const [i, { length: used }] of part.entries())
      for (let t = 0; t < used; t++, row++) {
        const at = (i * length + t) * hidden;
        const wanted = float.subarray(row * hidden, (row + 1) * hidden);
        perToken.push(cosine(x.subarray(at, at + hidden), wanted));
      }
    const { answer } = await backend.pass({ tokens, sigma0: undefined, limits: [] });
    part.forEach((_, i) => answers.push(answer.slice(i * hidden, (i + 1) * hidden)));
  }
  await states.close();
  await backend.close();
  const [exactCentred, floatCentred] = [centred(answers), centred(pooled)];
  return {
    tokens: summary(perToken),
    sentences: summary(answers.map((a, i) => cosine(a, pooled[i]!))),
    centred: summary(exactCentred.map((v, i) => cosine(v, floatCentred[i]!))),
    similarity: similarityGap(answers, pooled),
    overlap: overlapOf(answers, pooled),
  };
}
