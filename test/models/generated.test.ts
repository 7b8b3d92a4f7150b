/** Encoders as bge, e5 and gte are published, by the one command: small ones of their forms, with massive neurons. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTokeniser } from '../../src/client/models/tokeniser.ts';
import { calibrate } from '../../models/import/calibrate.ts';
import { importModel } from '../../models/import/convert.ts';
import { readFolder } from '../../models/import/folder.ts';
import {
  FORMS,
  generate,
  massiveNeuron,
  SIZES,
  writeFiles,
  type Size,
} from '../../models/import/generate.ts';
import { encodeFloat } from '../../models/import/reference.ts';

const CLS = 101;
const sample = join(import.meta.dirname, '../../models/import/sample.txt');
const texts = readFileSync(sample, 'utf8').split('\n').filter(Boolean);
/** Layers 0 and 1 of three have a massive neuron. */
const SMALL = { hidden: 128, ffn: 256, heads: 4, layers: 3, vocabulary: 1024 };

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'pila-generated-'));
});
afterAll(() => rmSync(root, { recursive: true }));

const read = async (name: string) => {
  const folder = join(root, name);
  writeFiles(folder, generate({ ...SIZES[name]!, ...SMALL }, FORMS[name]));
  return readFolder(folder);
};

test.each<[string, Size]>([
  // BAAI/bge-small-en-v1.5, intfloat/e5-small-v2, thenlper/gte-small
  ['bge', { hidden: 384, ffn: 1536, heads: 12, layers: 12, vocabulary: 30_522, pooling: 'cls' }],
  ['e5', { hidden: 384, ffn: 1536, heads: 12, layers: 12, vocabulary: 30_522, pooling: 'mean' }],
  ['gte', { hidden: 384, ffn: 1536, heads: 12, layers: 12, vocabulary: 30_522, pooling: 'mean' }],
])('%s has the sizes of the published one', (name, size) => {
  expect(SIZES[name]).toEqual({ ...size, massive: true });
});

describe.each(['bge', 'e5', 'gte'])('%s', (name) => {
  test('has massive neurons at [CLS], which calibration takes apart', async () => {
    const { bert, tokenizer } = await read(name);
    const tokeniser = await createTokeniser(tokenizer);
    const ids = texts.slice(0, 12).map((text) => tokeniser.encode(text, 32));
    const tokens = ids.flatMap((one) => [...one]);
    const planted = [0, 1].map((layer) => massiveNeuron(layer, bert.ffn));
    await encodeFloat(bert, ids, {
      linear(index, x, y) {
        const { k, n } = bert.linears[index]!;
        const layer = Math.floor(index / 4);
        if (index % 4 !== 3 || layer > 1) return;
        // Where the neuron is largest, and how far what it writes stands over the median channel.
        const values = tokens.map((_, row) => x[row * k + planted[layer]!]!);
        expect(tokens[values.indexOf(Math.max(...values))]).toBe(CLS);
        const peaks = Array.from({ length: n }, (_, c) =>
          Math.max(...tokens.map((_, row) => Math.abs(y[row * n + c]!))),
        ).toSorted((a, b) => a - b);
        expect(peaks.at(-1)! / peaks[n >> 1]!).toBeGreaterThan(10);
      },
    });
    const { linears } = await calibrate(bert, ids);
    for (const layer of [0, 1]) {
      const columns = linears[4 * layer + 3]!.massive.map(({ column }) => column);
      expect(columns).toContain(planted[layer]);
    }
  });

  test('is imported: the checker admits it, and it answers as the float encoder does', async () => {
    const source = await read(name);
    const { model, quality } = await importModel(source, {
      name,
      licence: 'MIT',
      attribution: '',
      shapes: [{ sequences: 4, tokens: 32 }],
      texts: texts.slice(0, 40),
      measureMax: 12,
      rounds: 1,
      log: () => undefined,
    });
    expect(model.manifest.answerSize).toBe(128);
    expect(quality.sentences.min).toBeGreaterThan(0.99);
    expect(quality.tokens.mean).toBeGreaterThan(0.99);
  });
});
