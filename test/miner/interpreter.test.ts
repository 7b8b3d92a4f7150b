/** The interpreter against ONNX Runtime: every segment of the shipped models, and every operator as it broadcasts. */
import { describe, expect, it } from 'vitest';
import { Graph } from '../../models/graph.ts';
import { hash } from '../../src/core/hash.ts';
import { tokensOf } from '../../src/core/pow/seed.ts';
import { AppError } from '../../src/lib/errors.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { interpret, type Tensor } from '../../src/miner/interpreter.ts';
import { encodeOnnx, parseOnnx, type OnnxGraph } from '../../src/miner/package/onnx.ts';
import { difference } from '../fuzz/judge.ts';
import { runTask, toBase64 } from '../fuzz/session.ts';
import { multiplyNaively } from '../oracle/interpret-onnx.ts';
import { readModel } from '../oracle/models.ts';
import { createRandom } from '../sim/random.ts';

const numbers = ({ data }: Tensor): number[] => Array.from(data);

/** Where the interpreter and ONNX Runtime differ. */
async function differs(g: OnnxGraph, inputs: ReadonlyMap<string, Tensor>) {
  const run = Object.fromEntries([...inputs].map(([name, t]) => [name, numbers(t)]));
  const task = { segment: toBase64(encodeOnnx(g)), runs: [run] };
  const [want] = await runTask(task, { provider: 'wasm' });
  const made = interpret(g, inputs);
  for (const { name, dims } of g.outputs) expect(made.get(name)!.dims, name).toEqual(dims);
  const got = Object.fromEntries(g.outputs.map(({ name }) => [name, numbers(made.get(name)!)]));
  return difference(got, want!);
}

const tensor = (dims: readonly number[], data: ArrayLike<number>, isInt = false): Tensor => ({
  dims,
  data: isInt ? Int32Array.from(data) : Float32Array.from(data),
});

/** Rows of the tables for the tokens, as segment 0 reads them. */
function rowsOf({ manifest, tables }: ModelPackage, tokens: Uint32Array): [string, Tensor][] {
  return manifest.tables.map(({ width, wide }, i) => {
    const bytes = tables[i]!.slice().buffer;
    const all = wide === 1 ? new Int8Array(bytes) : new Int16Array(bytes);
    const rows = Array.from(tokens, (t) => [...all.subarray(t * width, (t + 1) * width)]).flat();
    return [`e${i}`, tensor([tokens.length, width], rows)];
  });
}

describe('the interpreter', () => {
  it.each(['tiny', 'lingua', 'polyglot'])('equals ONNX Runtime on %s', async (name) => {
    const model = await readModel(name);
    const { manifest: m, weights } = model;
    const { sequences, tokens: length } = m.shapes[0]!;
    const tokens = tokensOf(hash('seed', Uint8Array.of(7)), m);
    const known = new Map(rowsOf(model, tokens));
    known.set('tokens', tensor([sequences, length], tokens, true));
    for (const [i, bytes] of model.segments.entries()) {
      const g = parseOnnx(bytes) as OnnxGraph;
      const inputs = new Map(g.inputs.map((v) => [v.name, known.get(v.name)!]));
      expect(await differs(g, inputs), `segment ${i}`).toBeUndefined();
      const made = interpret(g, inputs);
      for (const v of g.outputs) known.set(v.name, made.get(v.name)!);
      const linear = m.linears[i];
      if (!linear) continue;
      const a = Int8Array.from(made.get(`a${i + 1}`)!.data);
      const c = multiplyNaively(a, weights[i]!, tokens.length, linear.k);
      known.set(`c${i + 1}`, tensor([tokens.length, linear.n], c));
    }
  });

  const PAIRS = [
    [
      [2, 3, 5],
      [2, 3, 5],
    ],
    [[2, 3, 5], [5]],
    [
      [2, 3, 5],
      [3, 1],
    ],
    [
      [2, 1, 5],
      [2, 3, 1],
    ],
    [[4], [2, 3, 1]],
    [[], [2, 3]],
    [
      [1, 1],
      [2, 4, 1, 1],
    ],
    [[], []],
  ] as const;
  const joint = (a: readonly number[], b: readonly number[]): number[] => {
    const rank = Math.max(a.length, b.length);
    const at = (x: readonly number[], d: number): number => x[d - rank + x.length] ?? 1;
    return Array.from({ length: rank }, (_, d) => Math.max(at(a, d), at(b, d)));
  };
  /** Numbers of 24 bits, so that results are rounded. */
  const some = (dims: readonly number[], name: string, isInt = false): Tensor => {
    const r = createRandom(5, name);
    const size = dims.reduce((p, d) => p * d, 1);
    const entry = (): number =>
      r.pick([r.int(-9, 9), r.int(-(2 ** 24), 2 ** 24) / 2 ** r.int(0, 9)]);
    return tensor(dims, Array.from({ length: size }, entry), isInt);
  };

  const BINARY = ['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min'];
  const COMPARE = ['Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual'];
  it.each([...BINARY, ...COMPARE])('%s broadcasts and rounds as ONNX Runtime', async (op) => {
    for (const [a, b] of PAIRS) {
      const g = new Graph();
      const made = g.op(op, [g.input('x', [...a]), g.input('y', [...b])]);
      g.output('z', joint(a, b), COMPARE.includes(op) ? g.toFloat(made) : made);
      const divisor = some(b, 'divisor').data.map((v) => v || 3);
      const y = op === 'Div' ? tensor(b, divisor) : some(b, `y ${b.length}`);
      const inputs = new Map([
        ['x', some(a, `x ${a.length}`)],
        ['y', y],
      ]);
      expect(await differs(g.graph(), inputs), `[${a}] and [${b}]`).toBeUndefined();
    }
  });

  type Piece = (g: Graph, x: string) => string;
  const MOVES: [string, number[], number[], Piece][] = [
    ['Floor', [3, 5], [3, 5], (g, x) => g.op('Floor', [x])],
    ['Sqrt', [3, 5], [3, 5], (g, x) => g.op('Sqrt', [g.op('Max', [x, g.sub(g.number(1), x)])])],
    ['Clip', [3, 5], [3, 5], (g, x) => g.clipLast(x, -3, 1000)],
    ['Cast', [3, 5], [3, 5], (g, x) => g.toFloat(g.toInt(g.op('Floor', [x])))],
    ['Reshape', [2, 6], [4, 3], (g, x) => g.reshape(x, [4, 3])],
    ['Transpose', [2, 3, 4, 5], [2, 5, 3, 4], (g, x) => g.transpose(x, [0, 3, 1, 2])],
    [
      'Slice',
      [2, 5, 6],
      [2, 2, 4],
      (g, x) => {
        const [from, to, axes] = [
          [1, 2],
          [3, 6],
          [1, 2],
        ].map((list) => g.shape(list));
        return g.op('Slice', [x, from!, to!, axes!]);
      },
    ],
    [
      'Concat',
      [2, 3, 2],
      [2, 8, 2],
      (g, x) => g.op('Concat', [x, g.slice(x, 1, 1, 3), x], { axis: -2 }),
    ],
    ['Gather', [2, 4, 3], [2, 5, 3], (g, x) => g.gather(x, g.ints('at', [3, 0, 0, 2, 1]), -2)],
    [
      'GatherElements',
      [2, 3],
      [2, 3],
      (g, x) =>
        g.lookup(g.floats('t', [4], [1, 2.5, -3, 4]), g.clip(g.op('Floor', [x]), 0, 3), [2, 3]),
    ],
    [
      'ReduceSum',
      [2, 3, 4],
      [2, 1, 1],
      (g, x) =>
        g.op('ReduceSum', [g.clip(g.op('Floor', [x]), -99, 99), g.shape([-1, 1])], { keepdims: 1 }),
    ],
    [
      'ReduceMax',
      [2, 3, 4],
      [2, 4],
      (g, x) => g.op('ReduceMax', [x, g.shape([1])], { keepdims: 0 }),
    ],
    [
      'MatMul',
      [2, 3, 4],
      [2, 3, 3],
      (g, x) => {
        const y = g.clip(g.op('Floor', [x]), -127, 127);
        return g.matmul(y, g.transpose(y, [0, 2, 1]));
      },
    ],
    [
      'MatMul of grouped heads',
      [2, 1, 6, 4],
      [2, 3, 6, 6],
      (g, x) => {
        const y = g.clip(g.op('Floor', [x]), -127, 127);
        const three = g.op('Concat', [y, g.sub(g.number(1), y), g.atLeast(y, 0)], { axis: 1 });
        return g.matmul(three, g.transpose(y, [0, 1, 3, 2]));
      },
    ],
    [
      'MatMul by a matrix',
      [2, 3, 4],
      [2, 3, 5],
      (g, x) => {
        const values = Array.from({ length: 20 }, (_, i) => i - 9);
        return g.matmul(g.clip(g.op('Floor', [x]), -127, 127), g.floats('b', [4, 5], values));
      },
    ],
  ];
  it.each(MOVES)('%s as ONNX Runtime', async (_, dims, to, piece) => {
    const g = new Graph();
    const x = g.input('x', dims);
    g.output('z', to, piece(g, x));
    expect(await differs(g.graph(), new Map([['x', some(dims, 'x')]]))).toBeUndefined();
  });

  it('refuses what the checker would not admit', () => {
    const run = (op: string, x: Tensor, y: Tensor) => {
      const node = { name: 'n', op, inputs: ['x', 'y'], outputs: ['z'], attributes: { axis: 0 } };
      return () =>
        interpret(
          { nodes: [node], constants: [] },
          new Map([
            ['x', x],
            ['y', y],
          ]),
        );
    };
    const x = some([2, 3], 'x');
    expect(run('Erf', x, x)).toThrow(AppError);
    expect(run('Add', x, some([2], 'y'))).toThrow('do not fit');
    expect(run('MatMul', x, x)).toThrow('[2,3] · [2,3]');
    expect(run('Gather', x, tensor([1], [2], true))).toThrow('index 2 of 2');
    expect(run('Gather', x, tensor([1], [-1], true))).toThrow('index -1 of 2');
    expect(run('Gather', x, tensor([1], [0.5]))).toThrow('index 0.5');
    const node = { name: 'n', op: 'Floor', inputs: ['w'], outputs: ['z'], attributes: {} };
    expect(() => interpret({ nodes: [node], constants: [] }, new Map())).toThrow('before it');
  });
});
