/**
 * What the checker proves must hold: on random graphs that it accepts, and on tiny, every value
 * lies in its interval and is exact in float32, a GPU's sloppy Div and Sqrt change nothing, and
 * ONNX Runtime gives the interpreter's numbers. Inputs are the ends of the intervals and inside.
 */
import fc from 'fast-check';
import * as ort from 'onnxruntime-web';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Graph } from '../../models/graph.ts';
import { analyseModel, type Value } from '../../src/miner/checker/checker.ts';
import { encodeOnnx, type OnnxGraph } from '../../src/miner/package/onnx.ts';
import {
  interpretGraph,
  tensorFrom,
  type Operators,
  type Tensor,
  type Tensors,
} from '../oracle/interpret-onnx.ts';
import { firstSegment, loadModel, modelOf } from './small-model.ts';

type Known = ReadonlyMap<string, Value>;
type Random = () => number;

beforeAll(() => {
  ort.env.wasm.numThreads = 1;
});

/** Numbers 0..1, the same for one seed. */
function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

/** Entries inside an interval: both ends, or whole numbers between. */
function inputIn(v: Value, mode: 'low' | 'high' | 'ends' | 'any', random: Random): Tensor {
  const entry = (): number => {
    if (mode === 'low') return v.lo;
    if (mode === 'high') return v.hi;
    if (mode === 'ends') return random() < 0.5 ? v.lo : v.hi;
    return v.lo + Math.floor(random() * (v.hi - v.lo + 1));
  };
  return tensorFrom(v.dims, Array.from({ length: v.dims.reduce((p, d) => p * d, 1) }, entry));
}

const inputsOf = (g: OnnxGraph, known: Known, mode: 'low' | 'high' | 'ends' | 'any', r: Random) =>
  new Map(g.inputs.map((v): [string, Tensor] => [v.name, inputIn(known.get(v.name)!, mode, r)]));

/** Names of raw quotients and roots: the only values that may be no float32. */
const rawNames = (g: OnnxGraph): Set<string> =>
  new Set(g.nodes.filter((n) => n.op === 'Div' || n.op === 'Sqrt').map((n) => n.outputs[0]!));

function faultOf(g: OnnxGraph, known: Known, tensors: Tensors): string | undefined {
  const raw = rawNames(g);
  for (const [name, t] of tensors) {
    const v = known.get(name)!;
    for (const x of t.data) {
      if (x < v.lo || x > v.hi) return `${name} = ${x} outside ${v.lo}..${v.hi}`;
      if (raw.has(name)) continue;
      if (Math.fround(x) !== x) return `${name} = ${x} is no float32`;
      if (v.bits < Infinity && !Number.isInteger(x * 2 ** v.bits))
        return `${name} = ${x} is no multiple of 2^-${v.bits}`;
    }
    if (String(t.dims) !== String(v.dims)) return `${name} is [${t.dims}], not [${v.dims}]`;
  }
  return undefined;
}

/** float32 division and root that miss by up to 2.5 and 5 ULP, as WGSL allows. */
function sloppy(random: Random): Operators {
  const miss = (x: number, ulps: number): number => {
    const exact = Math.fround(x);
    const ulp = exact === 0 ? 0 : 2 ** (Math.floor(Math.log2(Math.abs(exact))) - 23);
    return Math.fround(exact + Math.round((random() - 0.5) * 2 * ulps) * ulp);
  };
  const entry = (t: Tensor, i: number, dims: readonly number[]): number => {
    let [flat, rest, stride] = [0, i, 1];
    for (let d = dims.length - 1, e = t.dims.length - 1; e >= 0; d--, e--) {
      flat += (t.dims[e] === 1 ? 0 : rest % dims[d]!) * stride;
      stride *= t.dims[e]!;
      rest = Math.floor(rest / dims[d]!);
    }
    return t.data[flat]!;
  };
  return {
    // In accepted graphs of this test the dividend is never the smaller operand.
    Div: ([x, y]) => ({ ...x!, data: x!.data.map((v, i) => miss(v / entry(y!, i, x!.dims), 2)) }),
    Sqrt: ([x]) => ({ ...x!, data: x!.data.map((v) => miss(Math.sqrt(v), 5)) }),
  };
}

/** Where two arrays differ, or −1; −0 and 0 are the same number. */
function firstDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return 0;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return i;
  return -1;
}

async function runtimeOutputs(
  g: OnnxGraph,
  inputs: Tensors,
): Promise<Map<string, ArrayLike<number>>> {
  const session = await ort.InferenceSession.create(encodeOnnx(g), {
    executionProviders: ['wasm'],
    graphOptimizationLevel: 'all',
  });
  const feeds = Object.fromEntries(
    g.inputs.map((v) => {
      const { dims, data } = inputs.get(v.name)!;
      const typed = v.type === 'int32' ? Int32Array.from(data) : Float32Array.from(data);
      return [v.name, new ort.Tensor(v.type as 'int32', typed as Int32Array, dims)];
    }),
  );
  const out = await session.run(feeds);
  const numbers = Object.entries(out).map(([n, t]): [string, Float32Array] => [
    n,
    (t.data as Float32Array).slice(),
  ]);
  await session.release();
  return new Map(numbers);
}

async function expectSound(g: OnnxGraph, known: Known, seed: number): Promise<void> {
  const random = randomFrom(seed);
  for (const mode of ['low', 'high', 'ends', 'any'] as const) {
    const inputs = inputsOf(g, known, mode, random);
    const tensors = interpretGraph(g, inputs);
    expect(faultOf(g, known, tensors)).toBeUndefined();
    const blurred = interpretGraph(g, inputs, sloppy(random));
    const outputs = mode === 'any' ? await runtimeOutputs(g, inputs) : undefined;
    for (const { name } of g.outputs) {
      const want = tensors.get(name)!.data;
      expect(firstDifference(blurred.get(name)!.data, want), `${name}, sloppy`).toBe(-1);
      if (outputs) expect(firstDifference(outputs.get(name)!, want), `${name}, ORT`).toBe(-1);
    }
  }
}

/** Of odd numbers, so large that the rest is divided again. */
const reachIn = (n: number): number => (n % 2 ? 2 ** 23 : 63);

/** [what, number]: one step of a random graph on x [2, 8, 128]. */
type Step = readonly [keyof typeof STEPS, number];

const STEPS = {
  add: (g: Graph, x: string, n: number) => g.add(x, g.number(n - 500)),
  scale: (g: Graph, x: string, n: number) => g.mul(x, g.number((n % 257) - 128)),
  columns: (g: Graph, x: string, n: number) =>
    g.mul(
      x,
      g.floats(
        `columns_${n}`,
        [128],
        Array.from({ length: 128 }, (_, i) => (i * n) % 255),
      ),
    ),
  shift: (g: Graph, x: string, n: number) => g.shift(x, 1 + (n % 12)),
  clip: (g: Graph, x: string, n: number) => g.clip(x, -n, 2 * n + 1),
  square: (g: Graph, x: string) => g.mul(g.clip(x, -3000, 3000), g.clip(x, -3000, 3000)),
  own: (g: Graph, x: string) => g.mul(x, x),
  center: (g: Graph, x: string) => g.sub(x, g.max(x, 2)),
  sum: (g: Graph, x: string) => g.add(g.sum(x, -1), x),
  divide: (g: Graph, x: string, n: number) => g.divide(x, g.number(1 + n), reachIn(n)),
  rows: (g: Graph, x: string, n: number) => g.divide(x, g.clip(g.max(x, 2), 1, 1 + n), reachIn(n)),
  each: (g: Graph, x: string, n: number) =>
    g.divideRounded(g.mul(x, g.number(n)), g.clip(x, 1, 1 + n), reachIn(n), 1 + n),
  part: (g: Graph, x: string, n: number) =>
    g.op('Floor', [g.add(g.mul(x, g.number((n % 31) / 16)), g.number(n / 32))]),
  root: (g: Graph, x: string) => g.squareRoot(g.clip(x, 1, 4094 ** 2)),
  table: (g: Graph, x: string, n: number) => {
    const table = Array.from({ length: 32 }, (_, i) => ((i * n) % 301) - 150);
    const name = g.floats(`table_${n}`, [32], table);
    const index = n % 2 ? g.clip(x, 0, 31) : g.atMost(g.sub(g.max(x, 2), x), 31);
    return n % 3 ? g.lookup(name, index, [2, 8, 128]) : g.gather(name, g.toInt(index));
  },
  compare: (g: Graph, x: string, n: number) =>
    g.sub(x, g.toFloat(g.op('Greater', [x, g.number(n - 500)]))),
  attend: (g: Graph, x: string) => {
    const small = g.clip(x, -127, 127);
    const scores = g.clip(g.shift(g.matmul(small, g.transpose(small, [0, 2, 1])), 8), 0, 127);
    return g.matmul(scores, small);
  },
  turn: (g: Graph, x: string, n: number) => {
    const cut = 1 + (n % 127);
    return g.op('Concat', [g.slice(x, 2, cut, 128), g.slice(x, 2, 0, cut)], { axis: 2 });
  },
} as const;

const step: fc.Arbitrary<Step> = fc.tuple(
  fc.constantFrom(...(Object.keys(STEPS) as (keyof typeof STEPS)[])),
  fc.integer({ min: 0, max: 1000 }),
);

const graphFrom = (steps: readonly Step[]): OnnxGraph =>
  firstSegment((g, x) => {
    const y = steps.reduce((value, [what, n]) => STEPS[what](g, value, n), x);
    return g.clip(y, -63, 63);
  });

describe('soundness', () => {
  it('holds on random graphs that the checker accepts', async () => {
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 5 }),
        fc.nat(),
        async (steps, seed) => {
          const graph = graphFrom(steps);
          const analysis = analyseModel(modelOf(graph));
          if ('rule' in analysis) return;
          accepted++;
          await expectSound(graph, analysis.shapes[0]![0]!.values, seed);
        },
      ),
      { numRuns: 30 },
    );
    expect(accepted).toBeGreaterThan(4);
  });

  it('holds on every segment of tiny', async () => {
    const model = await loadModel('tiny');
    const analysis = analyseModel(model);
    if ('rule' in analysis) throw new Error(analysis.sentence);
    for (const [i, { graph, values }] of analysis.shapes[0]!.entries())
      await expectSound(graph, values, i);
  });
});
