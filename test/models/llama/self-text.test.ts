/** Text that a model writes itself is a function of model, beginning and seed. */
import { expect, it } from 'vitest';
import { FloatDecoder, floatModel } from '../../../models/import/llama/float.ts';
import { createArithmetic } from '../../../models/import/llama/kernel/arithmetic.ts';
import { selfWritten } from '../../../models/import/llama/self-text.ts';
import { TINY, tinyLlama } from './tiny-llama.ts';

const decoder = new FloatDecoder(await createArithmetic(), floatModel(tinyLlama()));
const beginnings = [Uint32Array.of(1), Uint32Array.of(5, 9, 7), Uint32Array.of(1)];
const GREEDY = { temperature: 0, topK: 0, topP: 65_536, penalty: 256 };

it('greedy: each token is the one with the largest logit after all before it', () => {
  const [, text] = selfWritten(decoder, { beginnings, tokens: 12, choosing: GREEDY, name: '' });
  expect([...text!.subarray(0, 3)]).toEqual([5, 9, 7]);
  const logits = decoder.logits(decoder.forward([{ ids: text! }]));
  for (let i = 2; i < 11; i++) {
    const row = logits.subarray(i * TINY.vocabulary, (i + 1) * TINY.vocabulary);
    expect(text![i + 1]).toBe(row.indexOf(Math.max(...row)));
  }
});

it('sampled: the same again and with fewer others, another under another name or place', () => {
  const choosing = { ...GREEDY, temperature: 256 };
  const write = (name: string, count = 3) =>
    selfWritten(decoder, {
      beginnings: beginnings.slice(0, count),
      tokens: 40,
      choosing,
      name,
    });
  const texts = write('a');
  expect(texts.map(({ length }) => length)).toEqual([40, 40, 40]);
  expect(write('a', 2)).toEqual(texts.slice(0, 2));
  expect(texts[2]).not.toEqual(texts[0]);
  expect(write('b')[0]).not.toEqual(texts[0]);
});
