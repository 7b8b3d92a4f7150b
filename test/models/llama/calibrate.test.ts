/** Integers chosen for a small decoder of random weights: the package that they make says nearly what the float model says. */
import { describe, expect, it } from 'vitest';
import { decoderSource } from '../../../models/decoder/decoder.ts';
import { boundedManifest, draftOf } from '../../../models/finish.ts';
import { calibrated } from '../../../models/import/llama/calibrate.ts';
import { openLayers } from '../../../models/import/llama/exact-layer.ts';
import { FloatDecoder, floatModel, Past } from '../../../models/import/llama/float.ts';
import { foldedModel } from '../../../models/import/llama/fold.ts';
import { createArithmetic } from '../../../models/import/llama/kernel/arithmetic.ts';
import {
  exponentOf,
  quantile,
  quantised,
  rowUnits,
  scalable,
} from '../../../models/import/llama/quantise.ts';
import type { LlamaConfig } from '../../../models/import/llama/read/llama.ts';
import { randomFloats } from './random.ts';
import { SMALL, tinyLlama, tinySequences } from './tiny-llama.ts';

const arithmetic = await createArithmetic();

const modelOf = (change: Partial<LlamaConfig> = {}) =>
  foldedModel(arithmetic, floatModel(tinyLlama({ ...SMALL, ...change })));

/** log of the softmax. */
function logShares(x: Float32Array): number[] {
  const most = Math.max(...x);
  const all = Math.log(x.reduce((sum, v) => sum + Math.exp(v - most), 0)) + most;
  return Array.from(x, (v) => v - all);
}

describe('the package of chosen integers', () => {
  it.each([
    ['as SmolLM2', {}],
    ['with biases, as Qwen2', { qkvBias: true }],
  ] as [string, Partial<LlamaConfig>][])(
    '%s: Kullback–Leibler divergence on other text',
    async (_, change) => {
      const model = modelOf(change);
      const sequences = tinySequences('calibration', 12, 64);
      const { constants, logitUnit } = await calibrated({
        arithmetic,
        model,
        first: 1,
        sequences,
      });

      // Of the same constants packages of other shapes are admitted too.
      const shapes = [16, 64].map((tokens) => ({ sequences: 1, tokens }));
      const source = decoderSource(constants, {
        name: 'small',
        licence: '',
        attribution: '',
        shapes,
      });
      expect(boundedManifest(draftOf(source)).linears.length).toBe(5 * SMALL.layers + 1);

      const held = tinySequences('held out', 3, 64);
      const package_ = await openLayers(constants, 64);
      let state = await package_.embed(held);
      for (let l = 1; l <= 5 * SMALL.layers + 1; l++)
        state = { ...state, ...(await package_.run(l, state, held.length)) };
      const { hidden, vocabulary } = SMALL;
      const answer = Float32Array.from(state['answer']!);
      const exact = arithmetic
        .multiply(answer, Float32Array.from(constants.rows), hidden)
        .map((sum, at) => sum * constants.multipliers[at % vocabulary]! * logitUnit);

      const decoder = new FloatDecoder(arithmetic, model);
      const past = new Past();
      decoder.forward([{ ids: Uint32Array.of(1), past, keep: true }]);
      const float = decoder.logits(decoder.forward(held.map((ids) => ({ ids, past }))));

      let [divergence, spread] = [0, 0];
      for (let at = 0; at < float.length; at += vocabulary) {
        const [f, e] = [float, exact].map((x) => logShares(x.subarray(at, at + vocabulary)));
        const uniform = Math.log(1 / vocabulary);
        f!.forEach((v, i) => {
          divergence += Math.exp(v) * (v - e![i]!);
          spread += Math.exp(v) * (v - uniform);
        });
      }
      const rows = float.length / vocabulary;
      // The float model is far from knowing nothing, and the exact one near it.
      expect(spread / rows).toBeGreaterThan(1);
      expect(divergence / rows).toBeLessThan(0.03);
    },
  );
});

describe('rounding', () => {
  it('exponents and scales', () => {
    for (const [x, exponent] of [
      [1, 0],
      [0.999, -1],
      [5e-7, -21],
      [1e9, 29],
    ] as const)
      expect(exponentOf(x)).toBe(exponent);
    for (const x of [1, 0.37, 3e-5, 254.7, 1.9999]) {
      const near = scalable(x);
      expect(Math.abs(near - x)).toBeLessThanOrEqual(x / 256);
      expect(near / 2 ** (exponentOf(near) - 7)).toSatisfy(Number.isInteger);
    }
    expect(quantile(Float32Array.of(3, -9, 1, 2), 0)).toBe(9);
    expect(quantile(Float32Array.of(3, -9, 1, 2), 0.25)).toBe(3);
  });

  it('a row with one large weight is cut, unless that weight counts', () => {
    const row = randomFloats('row', 4000, 0.5).fill(1, 0, 1);
    const [free] = rowUnits(row, 4000, 63);
    const energy = new Float64Array(4000).fill(1).fill(1e6, 0, 1);
    const [held] = rowUnits(row, 4000, 63, energy);
    expect(free!).toBeLessThan(1 / 63);
    expect(held! * 63).toBeCloseTo(1, 2);
  });

  it('by GPTQ loses less of the products than to nearest, whatever the order of columns', () => {
    const [n, k, rows] = [6, 32, 300];
    const w = randomFloats('w', n * k);
    const common = randomFloats('common', rows, 60);
    const operand = randomFloats('a', rows * k, 30).map((v, at) =>
      Math.round(v * (1 + (at % 5)) * 0.3 + common[Math.floor(at / k)]!),
    );
    const wanted = new Float64Array(n).fill(0.01);
    const { weight, units } = quantised(arithmetic, w, operand, wanted);
    const lost = (of: (i: number, j: number) => number): number => {
      let sum = 0;
      for (let r = 0; r < rows; r++)
        for (let i = 0; i < n; i++) {
          let error = 0;
          for (let j = 0; j < k; j++)
            error += operand[r * k + j]! * (of(i, j) * units[i]! - w[i * k + j]!);
          sum += error ** 2;
        }
      return sum;
    };
    const near = lost((i, j) => Math.max(-63, Math.min(63, Math.round(w[i * k + j]! / units[i]!))));
    expect(lost((i, j) => weight[i * k + j]!)).toBeLessThan(0.5 * near);
    for (const u of units) expect(scalable(u / 0.01)).toBeCloseTo(u / 0.01, 12);
  });
});
