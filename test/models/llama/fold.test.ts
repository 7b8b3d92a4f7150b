/** Gains in the weights and turned streams change no logit; what can't be turned is refused with its width. */
import { expect, it } from 'vitest';
import { FloatDecoder, floatModel, type FloatModel } from '../../../models/import/llama/float.ts';
import { foldedModel } from '../../../models/import/llama/fold.ts';
import { createArithmetic } from '../../../models/import/llama/kernel/arithmetic.ts';
import type { LlamaConfig } from '../../../models/import/llama/read/llama.ts';
import { hadamard, headRotation, streamRotation } from '../../../models/import/llama/rotation.ts';
import { TINY, tinyLlama } from './tiny-llama.ts';

const arithmetic = await createArithmetic();
const ids = Uint32Array.from({ length: 30 }, (_, i) => (i * 17 + 3) % 59);

const logitsOf = (model: FloatModel) => {
  const decoder = new FloatDecoder(arithmetic, model);
  return decoder.logits(decoder.forward([{ ids }]));
};

it.each([
  ['tied', {}],
  ['with biases and a head of its own', { qkvBias: true, tied: false }],
  ['with norms of heads, six columns', { qkNorm: true, headWidth: 6 }],
] as [string, Partial<LlamaConfig>][])('logits stay: %s', (_, change) => {
  const model = floatModel(tinyLlama({ ...TINY, ...change }));
  const folded = foldedModel(arithmetic, model);
  const { attentionGain, ffnGain } = folded.layer(0);
  expect([attentionGain, ffnGain, folded.gain]).toEqual([undefined, undefined, undefined]);
  expect(folded.head === folded.embedding).toBe(model.head === model.embedding);
  const [before, after] = [logitsOf(model), logitsOf(folded)];
  const worst = before.reduce((most, v, i) => Math.max(most, Math.abs(v - after[i]!)), 0);
  expect(worst).toBeLessThan(1e-4);
  expect(before.reduce((most, v) => Math.max(most, Math.abs(v)), 0)).toBeGreaterThan(1);
});

it.each([1, 2, 12, 20, 28, 60, 64, 576, 896, 960])('a Hadamard matrix of %d', (n) => {
  const h = hadamard(n)!;
  expect(h.length).toBe(n);
  expect(h.flat().every((v) => v === 1 || v === -1)).toBe(true);
  // Rows at a few distances: all pairs of 960 would take long.
  for (let i = 0; i < n; i++)
    for (const j of [i, (i + 1) % n, (i + 7) % n, (i * 5 + 3) % n]) {
      const dot = h[i]!.reduce((sum, v, t) => sum + v * h[j]![t]!, 0);
      expect(dot).toBe(i === j ? n : 0);
    }
});

it('rotations are orthogonal, and a width without a matrix is refused with it', () => {
  for (const [n, rows] of [
    [576, streamRotation(576)],
    [24, headRotation(24)],
  ] as const) {
    const product = arithmetic.multiply(rows, rows, n);
    const worst = product.reduce(
      (most, v, at) => Math.max(most, Math.abs(v - +(at % (n + 1) === 0))),
      0,
    );
    expect(worst).toBeLessThan(1e-5);
  }
  expect(() => streamRotation(18)).toThrow('hidden 18');
  // Turned in blocks of 8.
  expect(headRotation(24).filter((v) => v !== 0).length).toBe(24 * 8);
});
