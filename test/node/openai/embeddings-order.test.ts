/** Texts of several shapes are asked in passes of their own, and told in the order in which they came. */
import { expect, it } from 'vitest';
import { modelNamed, networkOf } from '../../../src/client/models/networks.ts';
import { packSequences } from '../../../src/client/models/tokeniser.ts';
import { sequenceBytes, shapesOfInput } from '../../../src/core/manifest.ts';
import { concat } from '../../../src/lib/bytes.ts';
import type { Question } from '../../../src/node/http/paid-inference.ts';
import { embed } from '../../../src/node/openai/embeddings.ts';

const { id, manifest } = modelNamed(networkOf('local'), 'minilm')!;
const model = { name: 'minilm', id, manifest };
/** Tokens of each text, by which it is known. */
const LENGTHS = [200, 3, 100, 4, 250, 120, 5, ...Array.from({ length: 9 }, (_, i) => 40 + i)];

it('gives texts of several shapes back in their order', async () => {
  const asked: Question[] = [];
  const deps = {
    inference: {
      find: async () => model,
      read: async ({ input }: { input: string[] }) => {
        const length = Number(input[0]);
        const ids = new Uint32Array(length).fill(length);
        return { model, input: packSequences([ids], manifest).input! };
      },
    },
    priceMaxOf: async () => ({ priceMax: 1n, isPriceNamed: false }),
    // A vector that has the text's length in its place of that number, and 0 elsewhere.
    askPaid: async (question: Question) => {
      asked.push(question);
      const { input } = question;
      const rows = Array.from({ length: input.length / sequenceBytes(manifest) }, (_, i) => {
        const first = input[i * sequenceBytes(manifest)]!;
        return new Uint8Array(manifest.answerSize).fill(1, first, first + 1);
      });
      return { rows: concat(...rows), cost: 1n, paid: undefined, shared: undefined };
    },
  };
  const asking = {
    request: { headers: {} },
    call: { key: 'key' },
    gone: new AbortController().signal,
  };
  const body = { model: 'minilm', input: LENGTHS.map(String) };
  const told = (await embed(deps as never, asking as never, body)) as any;

  const lengths = told.data.map(({ embedding }: any) => embedding.indexOf(1));
  expect(lengths).toEqual(LENGTHS);
  expect(told.pila.cost).toBe(String(asked.length));
  // Long texts make short ones dear: each pass has texts of one shape.
  for (const { input } of asked) expect(new Set(shapesOfInput(manifest, input)).size).toBe(1);
  expect(asked.length).toBeGreaterThan(3);
});
