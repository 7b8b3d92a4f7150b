import { expect, test } from 'vitest';
import { firstInputs } from '../../../src/miner/engine/inputs.ts';
import { inventedManifest } from '../../oracle/manifests.ts';

const V = 257;
const table = (width: number, wide: number) => ({
  width,
  wide,
  low: -100,
  high: 100,
  hash: new Uint8Array(32),
  size: V * width * wide,
});
const manifest = inventedManifest({
  sequences: 2,
  tokens: 8,
  linears: [1, 2].map(() => ({ k: 128, n: 16, r: 16 })),
  tables: [table(3, 1), table(2, 2)],
});
/** Entry j of row i of each table. */
const narrow = (i: number, j: number) => ((7 * i + j) % 201) - 100;
const wide = (i: number, j: number) => 100 * narrow(i, j);

test('segment 0 reads tokens and the rows of its tokens of each table, signed', () => {
  const rows = [...Array(V).keys()];
  const bytes = Int8Array.from(rows.flatMap((i) => [0, 1, 2].map((j) => narrow(i, j))));
  const words = Int16Array.from(rows.flatMap((i) => [0, 1].map((j) => wide(i, j))));
  const tables = [new Uint8Array(bytes.buffer), new Uint8Array(words.buffer)];
  const tokens = Uint32Array.from({ length: 16 }, (_, i) => (i * 97) % V);
  const [first, e0, e1] = firstInputs({ manifest, tables }, tokens);
  expect(first).toEqual({ name: 'tokens', dims: [2, 8], data: Int32Array.from(tokens) });
  const read = (of: (i: number, j: number) => number, width: number) =>
    Float32Array.from([...tokens].flatMap((t) => [...Array(width).keys()].map((j) => of(t, j))));
  expect(e0).toEqual({ name: 'e0', dims: [16, 3], data: read(narrow, 3) });
  expect(e1).toEqual({ name: 'e1', dims: [16, 2], data: read(wide, 2) });
  expect(() => firstInputs({ manifest, tables }, tokens.subarray(1))).toThrow('B·S');
});
