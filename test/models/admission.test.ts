/** The condition of admission: no early stop pays more than 33/32 of whole passes, on any hardware. */
import { describe, expect, test } from 'vitest';
import type { Graph } from '../../models/graph.ts';
import { networkOf } from '../../src/client/models/networks.ts';
import { admissionOf, checkModel, type Package } from '../../src/miner/checker/checker.ts';
import { readModel } from '../oracle/models.ts';
import { chain, columns, mixed, ROWS, type Piece, type Size } from './chain.ts';

const EQUAL: readonly Size[] = Array.from({ length: 4 }, () => [128, 128]);

/** `count` look-ups a row, all of which the result needs. */
const lookups = (g: Graph, x: string, count: number): string => {
  const table = g.floats(
    `table_${count}`,
    [64],
    Float32Array.from({ length: 64 }, (_, i) => i),
  );
  const found = g.op('Gather', [table, g.toInt(g.clip(columns(g, x, 128, count), 0, 63))], {
    axis: 0,
  });
  return columns(g, found, count, 128);
};
const pieces = (first: Piece, last: Piece) => ({ 1: first, 3: last });
const looking =
  (count: number): Piece =>
  (g, x) =>
    lookups(g, mixed(g, x, 128), count);
const admitted = (model: Package) => {
  expect(checkModel(model)).toBeUndefined();
  return admissionOf(model);
};
/** What forbids mining, or nothing. */
const against = (model: Package): string => {
  const found = admitted(model);
  return 'sentence' in found ? found.sentence : '';
};

test.each(networkOf('e2e').names)('%s can be mined', async (name) => {
  const found = admissionOf(await readModel(name));
  expect(found).toHaveProperty('linear');
});

test('the worst stops are those that were found by hand', async () => {
  // E_3 of tiny is 19/51: its linears are 3, 1, 4, 4 parts of 12. Its peel is in proportion to n.
  expect(admissionOf(await readModel('tiny'))).toEqual({
    linear: 3,
    resource: 'multiplications of the peel',
    earned: expect.closeTo(19 / 51, 9),
    share: expect.closeTo(0.5, 9),
  });
  // Seven of its nine parts of look-ups lie before the last linear but one.
  expect(admissionOf(await readModel('polyglot'))).toMatchObject({
    linear: 11,
    resource: 'entries looked up',
    share: expect.closeTo(7 / 9, 9),
  });
});

describe('who stops after linear 3 of 4 equal ones earns a half', () => {
  // 32·½ ≤ 33·share where share is at least 16/33.
  test('for 16 of 33 look-ups: the most that is admitted', () => {
    const found = admitted(chain({ sizes: EQUAL, pieces: pieces(looking(16), looking(17)) }));
    expect(found).toMatchObject({ linear: 3, resource: 'entries looked up', earned: 0.5 });
    expect(found).toMatchObject({ share: expect.closeTo(16 / 33, 9) });
  });
  test('for a little less: refused, with linear, resource and both numbers', () => {
    const model = chain({ sizes: EQUAL, pieces: pieces(looking(160), looking(171)) });
    const found = admitted(model);
    expect(found).toMatchObject({ rule: 'admission', node: 'manifest' });
    expect(found).toHaveProperty(
      'sentence',
      expect.stringContaining(
        'stops after linear 3 earns 0.500000 of a pass for 0.483384 of its entries looked up',
      ),
    );
  });
});

describe('of what a segment does counts', () => {
  const refused = { rule: 'admission', sentence: expect.stringContaining('stops after linear') };
  const nothing: Piece = (g, x) => columns(g, mixed(g, x, 128), 128, 128);
  test('what a later one needs', () => {
    const unread: Piece = (g, x) => {
      lookups(g, x, 64);
      return mixed(g, x, 128);
    };
    expect(
      admitted(chain({ sizes: EQUAL, pieces: pieces(looking(64), looking(64)) })),
    ).toHaveProperty('linear');
    expect(admitted(chain({ sizes: EQUAL, pieces: pieces(unread, looking(64)) }))).toMatchObject(
      refused,
    );
  });
  test('what depends on the unit', () => {
    const constant: Piece = (g, x) => {
      const table = g.floats('fixed', [64], new Float32Array(64).fill(1));
      const places = g.ints('places', Array<number>(8192).fill(0));
      const ones = g.op('GatherElements', [table, places], { axis: 0 });
      const sum = g.add(mixed(g, x, 128), g.slice(ones, 0, 0, 128));
      return columns(g, sum, 128, 128);
    };
    const found = against(chain({ sizes: EQUAL, pieces: pieces(constant, looking(64)) }));
    expect(found).toContain('0.000000 of its entries looked up');
  });
  /** The same work for windows of any number of tokens: five parts are added, some of them alike. */
  const window =
    (tokens: number): Piece =>
    (g, x) => {
      const rows = g.reshape(g.clip(x, -9, 9), [2, 16, 128]);
      const parts = Array.from({ length: 5 }, (_, part) => {
        const places = Array.from({ length: 16 }, (_, i) => (i + (part % tokens)) % 16);
        return g.gather(rows, g.ints(`places_${part}`, places), 1);
      });
      const sum = parts.reduce((a, b) => g.add(a, b));
      return lookups(g, g.reshape(sum, [ROWS, 128]), 64);
    };
  const windows = (first: number, last: number): string =>
    against(chain({ sizes: EQUAL, pieces: pieces(window(first), window(last)) }));
  test('nothing that a table of tokens can replace', () => {
    expect(windows(1, 5)).toContain('stops after linear');
    // Rows of one token each: the whole model is looked up.
    expect(windows(1, 1)).toBe('');
  });
  test('windows of five tokens of 257, none of four', () => {
    expect(windows(5, 5)).toBe('');
    expect(windows(4, 5)).toContain('stops after linear');
  });
  test('nothing in the first segment', () => {
    const still: Piece = (g, x) => mixed(g, x, 128);
    const moving: Piece = (g, x) => columns(g, mixed(g, x, 128), 128, 128);
    const model = chain({ sizes: EQUAL, pieces: { 1: still, 2: still, 3: moving } });
    expect(against(model)).toContain('0.000000 of its entries moved');
  });
  test('no resource of which there is nothing', () => {
    expect(against(chain({ sizes: EQUAL, pieces: pieces(nothing, nothing) }))).toBe('');
  });
});

describe('products of one operand', () => {
  /** The operand of the linear before, or another that was there: the product is not needed. */
  const again: Piece = (g, _, width) => columns(g, g.input('kept', [ROWS, 4]), 4, width);
  const mixing: Piece = (g, x, width) => columns(g, mixed(g, x, 128), 128, width);
  test('are one linear before tokens are mixed', () => {
    const model = chain({ sizes: EQUAL, pieces: { 1: again, 2: mixing, 3: mixing }, keeper: 0 });
    expect(admitted(model)).toMatchObject({
      rule: 'admission',
      sentence: expect.stringContaining('linear 2 does not need the product of linear 1'),
    });
  });
  test('may be cut after it', () => {
    const six: readonly Size[] = [...EQUAL, [128, 128], [128, 128]];
    const all = { 1: mixing, 2: again, 3: mixing, 4: mixing, 5: mixing };
    expect(against(chain({ sizes: six, pieces: all, keeper: 1 }))).toBe('');
  });
});

describe('numbers of the manifest', () => {
  test('a last linear that earns too much a ticket', () => {
    const found = admitted(
      chain({
        sizes: [
          [256, 256],
          [128, 16],
        ],
      }),
    );
    expect(found).toMatchObject({
      rule: 'admission',
      sentence: expect.stringContaining('linear 2'),
    });
  });
  test('operands over 63', () => {
    const model = chain({ sizes: EQUAL });
    const linears = model.manifest.linears.map((l, i) => (i === 2 ? { ...l, high: 64 } : l));
    const found = admitted({ ...model, manifest: { ...model.manifest, linears } });
    expect(found).toMatchObject({ rule: 'admission', sentence: expect.stringContaining('64') });
  });
});
