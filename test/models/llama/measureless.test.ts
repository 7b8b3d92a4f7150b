/** Weights that are numbers and no model: an import of them ends with a code, or in a package that is admitted. */
import { expect, test } from 'vitest';
import { importDecoder } from '../../../models/import/llama/convert.ts';
import type { LlamaLayer, Rows } from '../../../models/import/llama/read/llama.ts';
import { IMPORTED, importedRows, LABELLING, LENGTHS } from './imported.ts';
import { generated, ggufOf } from './read/generated.ts';
import { readGguf } from './read/reading.ts';

const FILE = ggufOf(generated(IMPORTED));

/** An import of a decoder whose second layer, or last norm, has other numbers. */
async function imported(part: keyof LlamaLayer | 'norm', change: (value: number) => number) {
  const llama = await readGguf(FILE);
  const changed = (rows: Rows): Rows => ({
    ...rows,
    read: (from, to) => rows.read(from, to).map(change),
  });
  const { layers, norm } = llama.weights;
  const weights = {
    ...llama.weights,
    norm: part === 'norm' ? changed(norm) : norm,
    layers: layers.map((layer, i) =>
      i === 1 && part !== 'norm' ? { ...layer, [part]: changed(layer[part] as Rows) } : layer,
    ),
  };
  const rows = importedRows();
  return importDecoder({
    llama: { ...llama, weights },
    labelling: LABELLING,
    lengths: LENGTHS,
    rows,
  });
}

test.each([
  ['v', 1e30, /column \d+ is scaled by/],
  ['v', 1e38, /not finite/],
  ['attentionNorm', 1e30, /not finite/],
  ['norm', 0, /NaN/],
] as const)(
  'of %s times %d are refused',
  async (part, factor, say) => {
    await expect(imported(part, (value) => value * factor)).rejects.toMatchObject({
      code: 'MODEL_REFUSED',
      message: expect.stringMatching(say) as string,
    });
  },
  60_000,
);
