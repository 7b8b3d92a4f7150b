/** Every rule of the checker refuses a model that breaks it, with the node's name and the rule. */
import { describe, expect, it } from 'vitest';
import type { Graph } from '../../models/graph.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { createCpuBackend } from '../../src/miner/cpu/cpu.ts';
import { runPlain } from '../../src/miner/engine/unit.ts';
import { encodeOnnx } from '../../src/miner/package/onnx.ts';
import { HEADS_MAX, checkModel, type Rule } from '../../src/miner/checker/checker.ts';
import {
  firstSegment,
  lastSegment,
  loadModel,
  modelOf,
  modelWith,
  ROWS,
  WIDTH,
} from './small-model.ts';

/** Name of the rule's test, rule, operator of the node at fault, piece of graph. */
type Case = [string, Rule, string, (g: Graph, x: string) => string];

const to63 = (g: Graph, x: string): string => g.clip(x, -63, 63);
/** Each column in parts of its own. */
const columns = (g: Graph, x: string): string => {
  const powers = Array.from({ length: WIDTH }, (_, i) => 2 ** -(i % 24));
  return g.mul(x, g.floats('powers', [WIDTH], powers));
};
const table = (g: Graph): string => g.floats('t', [64], Array(64).fill(1));
const big = (g: Graph, x: string): string => g.mul(x, g.number(4000));
/** Dividends of 63 times `most` by divisors from 2 to `by`. */
const divided = (most: number, by: number) => (g: Graph, x: string) => {
  const divisor = g.clip(g.mul(x, g.number(20_000)), 2, by);
  return g.divide(g.mul(x, g.number(most)), divisor, 63 * most);
};

const CASES: Case[] = [
  ['an operator off the list', 'operator', 'Softmax', (g, x) => g.op('Softmax', [x], { axis: 2 })],
  ['Round', 'operator', 'Round', (g, x) => g.op('Round', [x])],
  ['ReduceMean', 'operator', 'ReduceMean', (g, x) => g.op('ReduceMean', [x], { keepdims: 1 })],
  ['too few inputs', 'operator', 'Add', (g, x) => g.op('Add', [x])],
  ['an unknown attribute', 'attribute', 'Floor', (g, x) => g.op('Floor', [x], { axis: 1 })],
  ['a cast to float16', 'attribute', 'Cast', (g, x) => g.op('Cast', [x], { to: 10 })],
  ['a cast of float32 to float32', 'type', 'Cast', (g, x) => g.toFloat(x)],
  ['arithmetic on int32', 'type', 'Add', (g, x) => g.add(g.toInt(x), x)],
  ['shapes that do not fit', 'shape', 'Add', (g, x) => g.add(x, g.floats('k', [3], [1, 2, 3]))],
  ['a reshape to another size', 'shape', 'Reshape', (g, x) => g.reshape(x, [ROWS, 64])],
  ['a sum over 2^24', 'magnitude', 'Mul', (g, x) => g.mul(big(g, x), g.number(67))],
  ['a square over 2^24', 'magnitude', 'Mul', (g, x) => g.mul(big(g, x), big(g, x))],
  [
    'a fraction that no Floor made whole',
    'integer',
    'ReduceSum',
    (g, x) => g.sum(g.mul(x, g.number(0.5)), 2),
  ],
  ['numbers of different scales', 'integer', 'Add', (g, x) => g.add(columns(g, x), x)],
  ['a scaling of different scales', 'integer', 'Mul', (g, x) => g.mul(columns(g, x), g.number(2))],
  [
    'parts over 2^24',
    'magnitude',
    'Add',
    (g, x) => g.add(g.mul(x, g.number(2 ** -20)), g.number(16)),
  ],
  [
    'parts below 2^-24',
    'scale',
    'Mul',
    (g, x) => g.mul(g.mul(x, g.number(2 ** -20)), g.mul(x, g.number(2 ** -5))),
  ],
  [
    'indices above the table',
    'gather-range',
    'Gather',
    (g, x) =>
      g.gather(
        g.floats('t', [64], Array(64).fill(1)),
        g.toInt(g.clip(g.mul(x, g.number(2)), 0, 64)),
      ),
  ],
  [
    'negative indices',
    'gather-range',
    'Gather',
    (g, x) => g.gather(g.floats('t', [64], Array(64).fill(1)), g.toInt(g.clip(x, -1, 63))),
  ],
  [
    'float indices',
    'type',
    'Gather',
    (g, x) => g.gather(g.floats('t', [64], Array(64).fill(1)), g.clip(x, 0, 63)),
  ],
  [
    'an element above the table',
    'gather-range',
    'GatherElements',
    (g, x) => g.lookup(table(g), g.clip(g.mul(x, g.number(2)), 0, 64), [2, 8, WIDTH]),
  ],
  [
    'a negative element',
    'gather-range',
    'GatherElements',
    (g, x) => g.lookup(table(g), g.clip(x, -1, 63), [2, 8, WIDTH]),
  ],
  [
    'elements along another axis',
    'attribute',
    'GatherElements',
    (g, x) => g.op('GatherElements', [table(g), g.toInt(g.clip(x, 0, 63))], { axis: 1 }),
  ],
  [
    'elements of a table by indices of another rank',
    'shape',
    'GatherElements',
    (g, x) => g.op('GatherElements', [table(g), g.toInt(g.clip(x, 0, 63))], { axis: 0 }),
  ],
  [
    'elements of one unit tensor by another',
    'shape',
    'GatherElements',
    (g, x) => g.op('GatherElements', [x, g.toInt(g.clip(x, 0, 1))], { axis: 0 }),
  ],
  [
    'the maximum of other rows less a row, as an index',
    'gather-range',
    'GatherElements',
    (g, x) => {
      const square = g.slice(x, 2, 0, 8);
      const most = g.transpose(g.max(square, 2), [0, 2, 1]);
      return g.lookup(table(g), g.atMost(g.sub(most, square), 63), [2, 8, 8]);
    },
  ],
  [
    "a row's maximum less what is more, as an index",
    'gather-range',
    'GatherElements',
    (g, x) => {
      const less = g.sub(g.max(x, 2), g.mul(x, g.number(2)));
      return g.lookup(table(g), g.atMost(less, 63), [2, 8, WIDTH]);
    },
  ],
  [
    'a matrix operand over 255',
    'matmul-operand',
    'MatMul',
    (g, x) => g.matmul(g.clip(g.mul(x, g.number(9)), -256, 255), g.transpose(x, [0, 2, 1])),
  ],
  [
    'a head whose real columns sum over 2^24',
    'matmul-sum',
    'MatMul',
    (g, x) => {
      const row = g.reshape(x, [2, 1024]);
      const wide = g.reshape(
        g.transpose(g.op('Concat', [row, row, row], { axis: 1 }), [0, 1]),
        [2, 3072],
      );
      return g.matmul(wide, g.floats('w', [3072, 1], Array(3072).fill(127)));
    },
  ],
  ['a sum of too many', 'sum', 'ReduceSum', (g, x) => g.sum(big(g, x), 2)],
  ['a division by zero', 'division', 'Div', (g, x) => g.divide(x, g.clip(x, 0, 9), 63)],
  [
    'a quotient over 2^22',
    'division',
    'Div',
    (g, x) => g.divide(g.mul(x, g.number(99_999)), g.number(1), 63 * 99_999),
  ],
  ['a dividend and divisors over 2^24 halves', 'division', 'Div', divided(120_000, 800_000)],
  ['a divisor whose rests could miss too', 'division', 'Div', divided(50_000, 900_000)],
  [
    'a quotient that may be whole',
    'division',
    'Div',
    (g, x) => g.op('Floor', [g.op('Div', [x, g.number(3)])]),
  ],
  [
    'a quotient of two halves, which are whole',
    'division',
    'Div',
    (g, x) => {
      const half = g.add(x, g.number(0.5));
      return g.op('Floor', [g.op('Div', [g.add(half, half), g.number(3)])]);
    },
  ],
  [
    'a quotient of halves that a limit made whole',
    'division',
    'Div',
    (g, x) => {
      const half = g.add(x, g.number(0.5));
      return g.op('Floor', [g.op('Div', [g.atLeast(half, 3), g.number(3)])]);
    },
  ],
  [
    'a large quotient without its rest',
    'division',
    'Div',
    (g, x) => g.divide(g.mul(x, g.number(50_000)), g.number(3), 63),
  ],
  [
    'a quotient by a fraction',
    'integer',
    'Div',
    (g, x) => g.divide(x, g.add(g.clip(x, 1, 9), g.number(0.5)), 63),
  ],
  ['the root of zero', 'square-root', 'Sqrt', (g, x) => g.squareRoot(g.mul(x, x))],
  [
    'the root of more than 4094²',
    'square-root',
    'Sqrt',
    (g, x) => g.squareRoot(g.clip(g.mul(g.mul(x, x), g.number(4224)), 1, 2 ** 24 - 1)),
  ],
  [
    'a bare root',
    'square-root',
    'Sqrt',
    (g, x) => g.op('Floor', [g.op('Sqrt', [g.clip(x, 1, 63)])]),
  ],
  ['a sum over sequences', 'sequence', 'ReduceSum', (g, x) => g.sum(x, 0)],
  ['a maximum over sequences', 'sequence', 'ReduceMax', (g, x) => g.max(x, 0)],
  ['a transpose of sequences', 'sequence', 'Transpose', (g, x) => g.transpose(x, [1, 0, 2])],
  ['a reshape that joins sequences', 'sequence', 'Reshape', (g, x) => g.reshape(x, [1, 2048])],
  ['a slice of sequences', 'sequence', 'Slice', (g, x) => g.slice(x, 0, 0, 1)],
  ['a choice of sequences', 'sequence', 'Gather', (g, x) => g.gather(x, g.ints('swap', [1, 0]), 0)],
  ['a join of sequences', 'sequence', 'Concat', (g, x) => g.op('Concat', [x, x], { axis: 0 })],
  [
    'sequences broadcast against others',
    'sequence',
    'Add',
    (g, x) => g.add(x, g.reshape(g.slice(g.reshape(x, [2, 1024]), 1, 0, 512), [8, 128])),
  ],
  [
    'a matrix product across sequences',
    'sequence',
    'MatMul',
    (g, x) => g.matmul(g.reshape(x, [32, 64]), g.reshape(x, [64, 32])),
  ],
  [
    'a constant that tells sequences apart',
    'sequence',
    'Mul',
    (g, x) => g.mul(x, g.floats('first', [2, 1, 1], [1, 0])),
  ],
];

describe('rules', () => {
  it('passes the small model that the cases break', () => {
    expect(checkModel(modelWith(to63))).toBeUndefined();
  });
  it('passes it with one sequence, whose rows another model has for two', async () => {
    const two = modelOf(firstSegment(to63));
    const model = modelOf(firstSegment(to63, 1), { last: lastSegment(undefined, 1), sequences: 1 });
    expect(checkModel(model)).toBeUndefined();
    const input = Uint8Array.from({ length: ROWS }, (_, i) => 5 * i);
    const [cpu, other] = [await createCpuBackend(model), await createCpuBackend(two)];
    const rows = await runPlain(model, cpu, input);
    expect(rows).toEqual((await runPlain(two, other, input)).slice(0, rows.length));
    await Promise.all([cpu.close(), other.close()]);
  });
  it.each(CASES)('refuses %s', (_, rule, op, piece) => {
    const refusal = checkModel(modelWith((g, x) => to63(g, piece(g, x))));
    expect(refusal?.rule).toBe(rule);
    expect(refusal?.node).toMatch(new RegExp(`^seg-0/piece\\.${op}_\\d+$`));
    expect(refusal?.sentence).toContain(refusal!.node);
  });

  it('takes products of ±255 as far as their sums stay below 2^24', () => {
    const of = (k: number) => (g: Graph, x: string) => {
      const wide = g.clip(g.mul(x, g.number(9)), -255, 255);
      const row = g.op('Concat', [wide, wide, g.slice(wide, 2, 0, k - 2 * WIDTH)], { axis: 2 });
      const sums = g.shift(g.matmul(row, g.transpose(row, [0, 2, 1])), 18);
      return g.add(x, g.max(sums, 2));
    };
    expect(checkModel(modelWith((g, x) => to63(g, of(258)(g, x))))).toBeUndefined();
    const refusal = checkModel(modelWith((g, x) => to63(g, of(259)(g, x))));
    expect(refusal).toMatchObject({ rule: 'matmul-sum', bound: 259 * 255 ** 2 });
  });
  it('names the bound', () => {
    const refusal = checkModel(modelWith((g, x) => g.mul(big(g, x), g.number(67))));
    expect(refusal).toMatchObject({ rule: 'magnitude', bound: 63 * 4000 * 67 });
  });
  it('knows that no entry is above the maximum of its row', () => {
    const piece = (g: Graph, x: string): string =>
      to63(g, g.lookup(table(g), g.atMost(g.sub(g.max(x, 2), x), 63), [2, 8, WIDTH]));
    expect(checkModel(modelWith(piece))).toBeUndefined();
  });
  it('takes fractions to the Floor that makes them whole', () => {
    const piece = (g: Graph, x: string): string =>
      to63(g, g.op('Floor', [g.add(g.mul(x, g.number(0.75)), g.number(-0.125))]));
    expect(checkModel(modelWith(piece))).toBeUndefined();
    const each = (g: Graph, x: string): string => to63(g, g.op('Floor', [columns(g, x)]));
    expect(checkModel(modelWith(each))).toBeUndefined();
  });
  /** Powers of two from 1 down, that a table gives for each entry; moved about before they are used. */
  const powers = (g: Graph, x: string, entries: readonly number[]): string => {
    const own = g.floats('shifts', [entries.length], entries);
    const found = g.lookup(own, g.clip(x, 0, entries.length - 1), [2, 8, WIDTH]);
    return g.transpose(g.transpose(found, [0, 2, 1]), [0, 2, 1]);
  };
  const downTo20 = Array.from({ length: 21 }, (_, i) => 2 ** -i);
  const downTo24 = Array.from({ length: 25 }, (_, i) => 2 ** -i);
  it('takes numbers times powers of two that a table gives to the Floor', () => {
    const piece = (entries: readonly number[]) => (g: Graph, x: string) =>
      to63(g, g.op('Floor', [g.mul(big(g, x), powers(g, x, entries))]));
    expect(checkModel(modelWith(piece(downTo24)))).toBeUndefined();
    const odd = checkModel(modelWith(piece(downTo20.with(7, 3 * 2 ** -20))));
    expect(odd).toMatchObject({ rule: 'magnitude', node: expect.stringContaining('Mul') });
    const joined = (g: Graph, x: string): string => {
      const some = powers(g, x, downTo20);
      const other = g.mul(g.clip(x, 1, 3), g.number(2 ** -20));
      const both = g.op('Concat', [g.slice(some, 2, 0, 64), g.slice(other, 2, 0, 64)], { axis: 2 });
      return to63(g, g.op('Floor', [g.mul(big(g, x), both)]));
    };
    expect(checkModel(modelWith(joined))).toMatchObject({ rule: 'magnitude' });
  });
  it('knows no more of a carry of powers of two than its bounds', () => {
    const first = firstSegment((g, x) => {
      const one = g.lookup(g.floats('one', [1], [1]), g.clip(x, 0, 0), [2, 8, WIDTH]);
      g.output('ones', [2, 8, WIDTH], g.clip(one, 1, 1));
      return x;
    });
    const last = lastSegment((g, c) => {
      const ones = g.slice(g.reshape(g.input('ones', [2, 8, WIDTH]), [ROWS, WIDTH]), 1, 0, 16);
      const fine = g.mul(g.mul(c, g.number(2 ** -20)), ones);
      return g.clip(g.op('Floor', [fine]), -9, 9);
    });
    const model = modelOf(first, { last });
    expect(checkModel(model)).toBeUndefined();
    const [shape, ...others] = model.manifest.shapes;
    const carries = shape!.carries.map((c) => ({ ...c, high: 2000 }));
    const manifest = { ...model.manifest, shapes: [{ ...shape!, carries }, ...others] };
    expect(checkModel({ ...model, manifest })).toMatchObject({ rule: 'magnitude' });
  });
  /** x − 2^s·⌊(x + h)·2^−s⌋ of a large x, as an index of a table of `size`, moved up by `up`. */
  const rest =
    (s: number, h: number, { size, up }: { size: number; up: number }) =>
    (g: Graph, x: string): string => {
      const y = big(g, x);
      const high = g.shift(h ? g.add(y, g.number(h)) : y, s);
      const low = g.sub(y, g.mul(high, g.number(2 ** s)));
      const all = g.floats('entries', [size], new Array<number>(size).fill(1));
      return to63(g, g.lookup(all, g.add(low, g.number(up)), [2, 8, WIDTH]));
    };
  it.each([
    [5, 0, 32, 0],
    [5, 16, 32, 16],
    [7, 64, 128, 64],
    [1, 0, 2, 0],
    [4, 3, 16, 3],
  ])('knows the remainder of a shift by %i bits, after %i', (s, h, size, up) => {
    expect(checkModel(modelWith(rest(s, h, { size, up })))).toBeUndefined();
    const over = checkModel(modelWith(rest(s, h, { size: size - 1, up })));
    expect(over).toMatchObject({ rule: 'gather-range', bound: size - 1 });
    const under = checkModel(modelWith(rest(s, h, { size, up: up - 1 })));
    expect(under).toMatchObject({ rule: 'gather-range', bound: -1 });
  });
  it('knows no remainder of another number, shift or factor', () => {
    const of = (low: (g: Graph, y: string, high: string) => string) => (g: Graph, x: string) => {
      const y = big(g, x);
      return to63(g, g.lookup(table(g), low(g, y, g.shift(y, 5)), [2, 8, WIDTH]));
    };
    const times = (factor: number) => (g: Graph, y: string, high: string) =>
      g.sub(y, g.mul(high, g.number(factor)));
    expect(checkModel(modelWith(of(times(32))))).toBeUndefined();
    for (const low of [
      times(16),
      times(64),
      (g: Graph, y: string, high: string) =>
        g.sub(g.add(y, g.number(1)), g.mul(high, g.number(32))),
      (g: Graph, y: string, high: string) => g.sub(g.mul(high, g.number(32)), y),
      (g: Graph, y: string, high: string) =>
        g.sub(y, g.mul(g.add(high, g.number(1)), g.number(32))),
      (g: Graph, y: string) => {
        const half = g.mul(g.op('Floor', [g.mul(y, g.number(0.75))]), g.number(32));
        return g.sub(y, half);
      },
    ])
      expect(checkModel(modelWith(of(low)))).toMatchObject({ rule: 'gather-range' });
  });
  it('takes a right operand for several of the left one, but not for several sequences', () => {
    const product = (right: (g: Graph, x: string) => string) => (g: Graph, x: string) => {
      const left = g.reshape(x, [2, 8, 4, 32]);
      return to63(g, g.reshape(g.shift(g.matmul(left, right(g, x)), 12), [2, 8, 128]));
    };
    const one = (g: Graph, x: string): string =>
      g.reshape(g.slice(g.slice(x, 1, 0, 8), 2, 0, 128), [2, 1, 32, 32]);
    const shared = (g: Graph, x: string): string => one(g, x);
    expect(checkModel(modelWith(product(shared)))).toBeUndefined();
    const across = (g: Graph, x: string): string =>
      g.reshape(g.slice(g.reshape(x, [2, 1024]), 1, 0, 512), [1, 1, 32, 32]);
    expect(checkModel(modelWith(product(across)))).toMatchObject({ rule: 'sequence' });
  });
  it('refuses a constant of parts that are too small', () => {
    const refusal = checkModel(modelWith((g, x) => g.add(x, g.number(3 * 2 ** -25))));
    expect(refusal).toMatchObject({ node: 'seg-0', rule: 'scale' });
  });
  it('refuses an infinite and a too large constant', () => {
    const infinite = checkModel(modelWith((g, x) => g.add(x, g.number(Infinity))));
    expect(infinite).toMatchObject({ node: 'seg-0', rule: 'integer' });
    const large = checkModel(modelWith((g, x) => g.add(x, g.number(2 ** 24))));
    expect(large).toMatchObject({ node: 'seg-0', rule: 'magnitude', bound: 2 ** 24 });
  });
  /** ⌊50,000·x / 3⌋, whose rest is divided again. */
  const large = (g: Graph, x: string): string =>
    g.divide(g.mul(x, g.number(50_000)), g.number(3), 63 * 50_000);
  it('takes a large quotient whose rest is divided again', () => {
    expect(checkModel(modelWith((g, x) => to63(g, large(g, x))))).toBeUndefined();
  });
  it('takes a small quotient whose rest is divided again, too, as its first Floor alone', () => {
    const small = (reach: number) => (g: Graph, x: string) =>
      to63(g, g.divide(g.mul(x, g.number(50)), g.clip(x, 3, 60), reach));
    expect(checkModel(modelWith(small(63 * 50)))).toBeUndefined();
    expect(checkModel(modelWith(small(2 ** 22)))).toBeUndefined();
    const read = (g: Graph, x: string): string => {
      const divisor = g.clip(x, 3, 60);
      const q = g.divide(g.mul(x, g.number(50)), divisor, 63 * 50);
      return to63(g, g.shift(g.mul(q, g.number(4)), 3));
    };
    expect(checkModel(modelWith(read))).toBeUndefined();
  });
  it.each([
    ['Floor', 5],
    ['Floor', 1],
    ['Sub', 3],
    ['Div', 2],
  ])('refuses a large quotient whose %s, %i steps earlier, is read too', (op, steps) => {
    const piece = (g: Graph, x: string): string => {
      const q = large(g, x);
      const inside = q.replace(/\d+$/, (n) => String(Number(n) - steps)).replace('Add', op);
      return to63(g, g.op('Floor', [g.add(q, inside)]));
    };
    expect(checkModel(modelWith(piece))).toMatchObject({ rule: 'division' });
  });
  it('refuses a quotient that is read without its Floor', () => {
    const piece = (g: Graph, x: string): string => {
      const q = g.op('Div', [g.add(x, g.number(0.5)), g.number(3)]);
      return to63(g, g.add(g.op('Floor', [q]), g.op('Floor', [g.mul(q, g.number(0.5))])));
    };
    expect(checkModel(modelWith(piece))).toMatchObject({ rule: 'division' });
  });
  it('refuses a quotient of more entries than a tensor may have', () => {
    const wide = (g: Graph, x: string): string => {
      const column = g.reshape(g.op('Concat', [x, x, x, x], { axis: 1 }), [2, 4096, 1]);
      const row = g.reshape(
        g.clip(g.op('Concat', Array(16).fill(x), { axis: 1 }), 1, 63),
        [2, 1, 16384],
      );
      return g.divide(column, row, 63);
    };
    expect(checkModel(modelWith(wide))).toMatchObject({
      rule: 'shape',
      sentence: expect.stringContaining('[2,4096,16384] is too large'),
    });
  });
  it.each(['Mul', 'Sub', 'Div', 'Add'])('refuses a rest with another %s', (op) => {
    const good = firstSegment((g, x) => to63(g, large(g, x)));
    const last = good.nodes.findLastIndex((n) => n.op === op);
    const nodes = good.nodes.map((n, i) => (i === last ? { ...n, op: 'Max' } : n));
    expect(checkModel(modelOf({ ...good, nodes }))).toMatchObject({ rule: 'division' });
  });
});

describe('the work of the checker', () => {
  it('is bounded for heads, which it reads', () => {
    const heads = (count: number) =>
      modelWith((g, x) => {
        const w = g.floats('w', [WIDTH, 4096], new Float32Array(WIDTH * 4096));
        for (let i = 0; i < count; i++) g.matmul(x, w);
        return to63(g, x);
      });
    expect(HEADS_MAX).toBe(32 * WIDTH * 4096);
    expect(checkModel(heads(32))).toBeUndefined();
    expect(checkModel(heads(33))).toMatchObject({ rule: 'work', bound: 33 * WIDTH * 4096 });
  });
});

describe('between the segments', () => {
  it('refuses operands over 63, with the bound', () => {
    expect(checkModel(modelWith((g, x) => g.mul(x, g.number(2))))).toMatchObject({
      node: 'seg-0',
      rule: 'linear-range',
      bound: -126,
    });
  });
  it('refuses an answer that is no int8', () => {
    const last = lastSegment((g, c) => g.clip(c, -127, 128));
    const model = modelOf(firstSegment(to63), { last });
    expect(checkModel(model)).toMatchObject({ node: 'seg-2', rule: 'answer-range', bound: 128 });
  });
  it('bounds the product by the real weights', () => {
    const last = lastSegment((g, c) => g.clip(g.mul(c, g.number(80)), -127, 127));
    const scaled = (weight: number) =>
      modelOf(firstSegment(to63), { last, weights: new Int8Array(16 * 128).fill(weight) });
    expect(checkModel(scaled(1))).toBeUndefined();
    const large = scaled(63);
    expect(checkModel(large)).toMatchObject({ rule: 'magnitude', bound: 63 * 63 * 128 * 80 });
  });
  it('refuses weights over 63', () => {
    const model = modelOf(firstSegment(to63), { weights: new Int8Array(16 * 128).fill(64) });
    expect(checkModel(model)).toMatchObject({ node: 'weights', rule: 'weights', bound: 64 });
  });
  it('refuses a carry that no earlier segment made', () => {
    const last = lastSegment((g, c) => g.clip(g.add(c, g.input('ghost', [ROWS, 16])), -9, 9));
    expect(checkModel(modelOf(firstSegment(to63), { last }))).toMatchObject({
      node: 'seg-2',
      rule: 'carry',
    });
  });
  it('refuses a carry of another shape than it was made with', () => {
    const first = firstSegment((g, x) => {
      g.output('kept', [2, 8, 128], g.clip(x, -5, 5));
      return to63(g, x);
    });
    const last = (dims: number[]) =>
      lastSegment((g, c) => {
        g.input('kept', dims);
        return g.clip(c, -9, 9);
      });
    const model = modelOf(first, { last: last([2, 8, 128]) });
    expect(checkModel(model)).toBeUndefined();
    const segments = model.segments.with(2, encodeOnnx(last([ROWS, 16])));
    expect(checkModel({ ...model, segments })).toMatchObject({ node: 'seg-2', rule: 'shape' });
  });
  it('refuses a file that is no ONNX', () => {
    const model = modelWith(to63);
    const segments = model.segments.with(1, Uint8Array.of(1, 2, 3));
    expect(checkModel({ ...model, segments })).toMatchObject({ node: 'seg-1', rule: 'file' });
  });
  it('refuses a manifest whose numbers do not fit', () => {
    const model = modelWith(to63);
    const manifest = { ...model.manifest, version: 1 };
    expect(checkModel({ ...model, manifest })).toMatchObject({ node: 'manifest' });
  });
});

describe('packaged models', () => {
  it.each(['tiny', 'lingua', 'polyglot'])('%s is proven', async (name) => {
    const model: ModelPackage = await loadModel(name);
    expect(checkModel(model)).toBeUndefined();
  });
});
