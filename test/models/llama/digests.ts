/** What the importer gives of seeded operands and of a small file, as hashes: the same in every engine. */
import { plainHash } from '../../../src/core/hash.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { createArithmetic } from '../../../models/import/llama/kernel/arithmetic.ts';
import { importDecoder } from '../../../models/import/llama/convert.ts';
import { IMPORTED, importedRows, LABELLING, LENGTHS } from './imported.ts';
import { randomFloats } from './random.ts';
import { generated, ggufOf } from './read/generated.ts';
import { readGguf } from './read/reading.ts';

const hashOf = ({ buffer }: { buffer: ArrayBuffer }): string =>
  toHex(plainHash(new Uint8Array(buffer)));

export async function arithmeticDigests(): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const keep = (name: string, values: { buffer: ArrayBuffer }) => (found[name] = hashOf(values));
  const arithmetic = await createArithmetic();

  const grid = Float64Array.from({ length: 20_000 }, (_, i) => (i - 10_000) * 0.0067);
  for (const f of ['exp', 'sin', 'cos'] as const) keep(f, grid.map(arithmetic[f]));
  keep(
    'log',
    grid.map((x) => arithmetic.log(x * x + 1e-9)),
  );

  const [m, k, n] = [301, 44, 21];
  const x = randomFloats('x', m * k, 3);
  keep('product', arithmetic.multiply(x, randomFloats('w', n * k), k));
  const sums = arithmetic.gram(x, k);
  keep('gram', sums);
  const root = arithmetic.inverseRoot(sums, k);
  keep('root', root);
  const rows = Float64Array.from(randomFloats('rows', n * k, 70));
  keep('rounded', arithmetic.roundRows(rows, root, k, 63));
  keep('norm', arithmetic.norm(x, k, 1e-5, randomFloats('gain', k)));
  keep('gate', arithmetic.gate(randomFloats('gate', 4000, 40), randomFloats('up', 4000)));
  const table = Float64Array.from({ length: m * 4 }, (_, i) =>
    i % 4 < 2 ? arithmetic.cos(i) : arithmetic.sin(i - 2),
  );
  const turned = x.slice();
  arithmetic.turn(turned, k / 4, 4, table);
  keep('turned', turned);
  const memory = {
    keys: randomFloats('keys', 70 * 12),
    values: randomFloats('values', 70 * 12),
    width: 12,
  };
  keep('attention', arithmetic.attend(randomFloats('q', 50 * 24, 9), memory, 2));
  return found;
}

/** Id of the package that an import makes of a small decoder's file. */
export async function importedId(): Promise<string> {
  const llama = await readGguf(ggufOf(generated(IMPORTED)));
  const { model } = await importDecoder({
    llama,
    labelling: LABELLING,
    lengths: LENGTHS,
    rows: importedRows(),
  });
  return toHex(model.id);
}
