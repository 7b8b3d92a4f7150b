/** Every rule of the checker refuses a model that breaks it, with the node's name and the rule. */
import { describe, expect, it } from 'vitest';
import type { Graph } from '../../models/graph.ts';
import type { ModelPackage } from '../../src/miner/backend.ts';
import { HEADS_MAX, STEPS_MAX, checkModel, type Rule } from '../../src/miner/checker.ts';
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
const big = (g: Graph, x: string): string => g.mul(x, g.number(4000));

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
    'Add',
    (g, x) => g.add(g.mul(x, g.number(0.5)), x),
  ],
  [
    'a fraction shifted twice',
    'integer',
    'Mul',
    (g, x) => g.mul(g.mul(x, g.number(0.5)), g.number(0.5)),
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
    'a matrix operand over 127',
    'matmul-operand',
    'MatMul',
    (g, x) => g.matmul(g.mul(x, g.number(3)), g.transpose(x, [0, 2, 1])),
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
  ['a division by zero', 'division', 'Div', (g, x) => g.divide(x, g.clip(x, 0, 9))],
  [
    'a quotient over 2^22',
    'division',
    'Div',
    (g, x) => g.divide(g.mul(x, g.number(99_999)), g.number(1)),
  ],
  [
    '|x| + 2y over 2^24',
    'division',
    'Div',
    (g, x) => g.divide(x, g.clip(g.mul(x, g.number(199_999)), 1, 12_599_937)),
  ],
  ['a bare quotient', 'division', 'Div', (g, x) => g.op('Floor', [g.op('Div', [x, g.number(3)])])],
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
  it.each(CASES)('refuses %s', (_, rule, op, piece) => {
    const refusal = checkModel(modelWith((g, x) => to63(g, piece(g, x))));
    expect(refusal?.rule).toBe(rule);
    expect(refusal?.node).toMatch(new RegExp(`^seg-0/piece\\.${op}_\\d+$`));
    expect(refusal?.sentence).toContain(refusal!.node);
  });

  it('names the bound', () => {
    const refusal = checkModel(modelWith((g, x) => g.mul(big(g, x), g.number(67))));
    expect(refusal).toMatchObject({ rule: 'magnitude', bound: 63 * 4000 * 67 });
  });
  it('refuses a constant that is neither whole nor a power of two', () => {
    const refusal = checkModel(modelWith((g, x) => g.op('Floor', [g.mul(x, g.number(0.3))])));
    expect(refusal).toMatchObject({ node: 'seg-0', rule: 'scale' });
  });
  it('refuses an infinite and a too large constant', () => {
    const infinite = checkModel(modelWith((g, x) => g.add(x, g.number(Infinity))));
    expect(infinite).toMatchObject({ node: 'seg-0', rule: 'integer' });
    const large = checkModel(modelWith((g, x) => g.add(x, g.number(2 ** 24))));
    expect(large).toMatchObject({ node: 'seg-0', rule: 'magnitude', bound: 2 ** 24 });
  });
  it('refuses a quotient that is read before its correction', () => {
    const piece = (g: Graph, x: string): string => {
      const q = g.divide(x, g.number(3));
      const floor = q.replace(/\d+$/, (n) => String(Number(n) - 8)).replace('Sub', 'Floor');
      return to63(g, g.add(q, floor));
    };
    expect(checkModel(modelWith(piece))).toMatchObject({ rule: 'division' });
  });
  it('refuses a correction that compares with an int32', () => {
    const good = firstSegment((g, x) => to63(g, g.divide(x, g.number(3))));
    const int = { name: 'zero', type: 'int32' as const, dims: [], data: Int32Array.of(0) };
    const nodes = good.nodes.map((n) =>
      n.op === 'Less' ? { ...n, inputs: [n.inputs[0]!, 'zero'] } : n,
    );
    const changed = { ...good, nodes, constants: [...good.constants, int] };
    expect(checkModel(modelOf(changed))).toMatchObject({ rule: 'division' });
  });
  it('refuses a quotient of more entries than a tensor may have', () => {
    const wide = (g: Graph, x: string): string => {
      const column = g.reshape(g.op('Concat', [x, x, x, x], { axis: 1 }), [2, 4096, 1]);
      const row = g.reshape(
        g.clip(g.op('Concat', Array(16).fill(x), { axis: 1 }), 1, 63),
        [2, 1, 16384],
      );
      return g.divide(column, row);
    };
    expect(checkModel(modelWith(wide))).toMatchObject({
      rule: 'shape',
      sentence: expect.stringContaining('[2,4096,16384] is too large'),
    });
  });
  it('refuses a wrong correction', () => {
    const good = firstSegment((g, x) => to63(g, g.divide(x, g.number(3))));
    const nodes = good.nodes.map((n) => (n.op === 'Less' ? { ...n, op: 'LessOrEqual' } : n));
    expect(checkModel(modelOf({ ...good, nodes }))).toMatchObject({ rule: 'division' });
  });
});

describe('the work of a unit', () => {
  /** `count` products of [2, s, 64] with its transpose: 2·s·s·64 steps each, and little else. */
  const products = (count: number) =>
    modelWith((g, x) => {
      const rows = g.op('Concat', Array(128).fill(g.reshape(x, [2, 16, 64])), { axis: 1 });
      const across = g.transpose(g.clip(rows, -63, 63), [0, 2, 1]);
      for (let i = 0; i < count; i++) g.matmul(rows, across);
      return to63(g, x);
    });
  it('is bounded', () => {
    const each = 2 * 2048 * 2048 * 64 + 2 * 2048 * 2048 + 4 * 2048 * 64;
    const most = Math.floor((STEPS_MAX - 4_000_000) / each);
    expect(checkModel(products(most))).toBeUndefined();
    expect(checkModel(products(most + 1))).toMatchObject({ rule: 'work' });
  });
  it('is bounded for heads too, which the checker reads', () => {
    const heads = (count: number) =>
      modelWith((g, x) => {
        const w = g.floats('w', [WIDTH, 8192], new Float32Array(WIDTH * 8192));
        for (let i = 0; i < count; i++) g.matmul(x, w);
        return to63(g, x);
      });
    expect(HEADS_MAX).toBe(16 * WIDTH * 8192);
    expect(checkModel(heads(16))).toBeUndefined();
    expect(checkModel(heads(17))).toMatchObject({ rule: 'work', bound: 17 * WIDTH * 8192 });
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
    const model = modelOf(
      firstSegment(to63),
      lastSegment((g, c) => g.clip(c, -127, 128)),
    );
    expect(checkModel(model)).toMatchObject({ node: 'seg-1', rule: 'answer-range', bound: 128 });
  });
  it('bounds the product by the real weights', () => {
    const scaled = lastSegment((g, c) => g.clip(g.mul(c, g.number(80)), -127, 127));
    const small = modelOf(firstSegment(to63), scaled, new Int8Array(16 * 128).fill(1));
    expect(checkModel(small)).toBeUndefined();
    const large = modelOf(firstSegment(to63), scaled, new Int8Array(16 * 128).fill(63));
    expect(checkModel(large)).toMatchObject({ rule: 'magnitude', bound: 63 * 63 * 128 * 80 });
  });
  it('refuses weights over 63', () => {
    const model = modelOf(firstSegment(to63), lastSegment(), new Int8Array(16 * 128).fill(64));
    expect(checkModel(model)).toMatchObject({ node: 'weights', rule: 'weights', bound: 64 });
  });
  it('refuses a carry that no earlier segment made', () => {
    const last = lastSegment((g, c) => g.clip(g.add(c, g.input('ghost', [ROWS, 16])), -9, 9));
    expect(checkModel(modelOf(firstSegment(to63), last))).toMatchObject({
      node: 'seg-1',
      rule: 'carry',
    });
  });
  it('refuses a carry of another shape than it was made with', () => {
    const first = firstSegment((g, x) => {
      g.output('kept', [2, 8, 128], g.clip(x, -5, 5));
      return to63(g, x);
    });
    const last = lastSegment((g, c) => g.add(g.clip(c, -9, 9), g.input('kept', [ROWS, 16])));
    expect(checkModel(modelOf(first, last))).toMatchObject({ node: 'seg-1', rule: 'shape' });
  });
  it('refuses a file that is no ONNX', () => {
    const model = modelWith(to63);
    const segments = [model.segments[0]!, Uint8Array.of(1, 2, 3)];
    expect(checkModel({ ...model, segments })).toMatchObject({ node: 'seg-1', rule: 'file' });
  });
  it('refuses a manifest whose numbers do not fit', () => {
    const model = modelWith(to63);
    const manifest = { ...model.manifest, sequences: 1 };
    expect(checkModel({ ...model, manifest })).toMatchObject({ node: 'manifest' });
  });
});

describe('packaged models', () => {
  it.each(['tiny', 'lingua'])('%s is proven', async (name) => {
    const model: ModelPackage = await loadModel(name);
    expect(checkModel(model)).toBeUndefined();
  });
});
