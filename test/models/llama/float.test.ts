/** The float decoder against loops in float64; and that the same tokens have the same bits however they are run. */
import { expect, it } from 'vitest';
import { FloatDecoder, floatModel, Past } from '../../../models/import/llama/float.ts';
import { createArithmetic } from '../../../models/import/llama/kernel/arithmetic.ts';
import type { LlamaConfig } from '../../../models/import/llama/read/llama.ts';
import { naiveForward, TINY, tinyLlama } from './tiny-llama.ts';

const arithmetic = await createArithmetic();
const ids = Uint32Array.from({ length: 45 }, (_, i) => (i * 17 + 3) % 59);

const KINDS: Record<string, Partial<LlamaConfig>> = {
  'as SmolLM2': {},
  'with biases, as Qwen2': { qkvBias: true },
  'with norms of heads, as Qwen3': { qkNorm: true, tied: false, heads: 2 },
  'with slow angles, as Llama 3': {
    rope: {
      theta: 100,
      scaling: {
        type: 'llama3',
        factor: 4,
        lowFactor: 1,
        highFactor: 4,
        originalContext: 16,
      },
    },
  },
};

it.each(Object.entries(KINDS))('%s', (_, change) => {
  const llama = tinyLlama({ ...TINY, ...change });
  const decoder = new FloatDecoder(arithmetic, floatModel(llama));
  const got = decoder.forward([{ ids }]);
  const wanted = naiveForward(llama, [...ids]).flat();
  const worst = wanted.reduce((most, v, i) => Math.max(most, Math.abs(v - got[i]!)), 0);
  expect(worst).toBeLessThan(3e-5);
  const logits = decoder.logits(got);
  const head = llama.weights.head.read(7, 8);
  const seventh = head.reduce((sum, w, j) => sum + w * got[j]!, 0);
  expect(logits[7]).toBeCloseTo(seventh, 4);
});

it('the same bits step by step, in company, after a kept beginning, and with weights in place', () => {
  const llama = tinyLlama();
  const decoder = new FloatDecoder(arithmetic, floatModel(llama));
  const { hidden } = TINY;
  const whole = decoder.forward([{ ids }]);

  const past = new Past();
  for (const [i, id] of ids.entries())
    expect(decoder.forward([{ ids: Uint32Array.of(id), past, keep: true }])).toEqual(
      whole.slice(i * hidden, (i + 1) * hidden),
    );

  const other = { ids: ids.toReversed().subarray(0, 13) };
  expect(decoder.forward([other, { ids }]).slice(13 * hidden)).toEqual(whole);

  const beginning = new Past();
  decoder.forward([{ ids: ids.subarray(0, 5), past: beginning, keep: true }]);
  const copy = beginning.copy();
  const rest = [
    { ids: ids.subarray(5), past: beginning, keep: true },
    { ids: ids.subarray(5, 9), past: copy },
  ];
  const after = decoder.forward(rest);
  expect(after.slice(0, 40 * hidden)).toEqual(whole.slice(5 * hidden));
  expect(after.slice(40 * hidden)).toEqual(whole.slice(5 * hidden, 9 * hidden));
  // What was not kept changed nothing.
  expect([beginning.length, copy.length]).toEqual([45, 5]);
  expect(copy.memories(1)[0]!.keys.length).toBe(5 * TINY.headWidth);

  const logits = decoder.logits(whole);
  decoder.place();
  expect(decoder.forward([{ ids }])).toEqual(whole);
  expect(decoder.logits(whole)).toEqual(logits);
});

it('a tap hears each layer, and changes nothing', () => {
  const decoder = new FloatDecoder(arithmetic, floatModel(tinyLlama()));
  const heard = new Map<string, number>();
  const got = decoder.forward([{ ids }], (name, layer, x) =>
    heard.set(`${name} ${layer}`, x.length),
  );
  expect(got).toEqual(decoder.forward([{ ids }]));
  expect(heard.size).toBe(2 * 10 + 1);
  expect(heard.get('inner 1')).toBe(45 * TINY.ffn);
});
