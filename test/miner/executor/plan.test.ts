/** What a plan is: addresses instead of movement, programs that layers share, and bounds. */
import { describe, expect, it } from 'vitest';
import { Graph } from '../../../models/graph.ts';
import { analyseModel, type Value } from '../../../src/miner/checker/checker.ts';
import { emitProgram } from '../../../src/miner/executor/wasm/emit.ts';
import { nest, isGroups } from '../../../src/miner/executor/nest.ts';
import { planOf } from '../../../src/miner/executor/plan-of.ts';
import { planModel } from '../../../src/miner/executor/plan.ts';
import { scheduleOf } from '../../../src/miner/executor/schedule.ts';
import type { Plan, RowValue, Step } from '../../../src/miner/executor/types.ts';
import type { OnnxGraph } from '../../../src/miner/package/onnx.ts';
import { DECODER_SMALL, decoderPackage } from '../../models/decoder.ts';
import { readModel } from '../../oracle/models.ts';

const ROWS = 32;
const B = 2;
/** Plan of one segment that reads C [32, n], with what the checker would prove given as an interval for all. */
function planGraph(graph: OnnxGraph, values: ReadonlyMap<string, Value>, n: number): Plan {
  const manifest = { linears: [{ n }], tables: [] } as never;
  const shape = { sequences: B, tokens: ROWS / B, carries: [] };
  const empty: OnnxGraph = { nodes: [], constants: [], inputs: [], outputs: [] };
  const facts = [
    { graph: empty, values: new Map<string, Value>() },
    { graph, values },
  ];
  return planModel({ manifest, shape, facts });
}

/** Values of a graph whose tensors all lie in one interval. */
function valuesOf(
  graph: OnnxGraph,
  dims: Readonly<Record<string, readonly number[]>>,
  about: Partial<Value> = {},
): Map<string, Value> {
  const value = (d: readonly number[]): Value => ({
    type: 'float32',
    dims: d,
    lo: -100,
    hi: 100,
    bits: 0,
    perSequence: true,
    ...about,
  });
  const all = [...graph.inputs, ...graph.outputs].map((v): [string, Value] => [
    v.name,
    value(v.dims),
  ]);
  return new Map([...all, ...Object.entries(dims).map(([k, d]): [string, Value] => [k, value(d)])]);
}

const kinds = (steps: readonly Step[] | undefined): string[] => (steps ?? []).map((s) => s.kind);

describe('a plan', () => {
  it('covers attention with two products, and moves nothing', async () => {
    const plan = planOf(await readModel('lingua'))!;
    const steps = plan.segments[1]!.steps!;
    expect(kinds(steps)).toEqual(['rows', 'rows', 'product', 'rows', 'product', 'rows', 'rows']);
    const products = steps.filter((s) => s.kind === 'product');
    // Queries, keys and values are columns of the same rows: 3·128 apart, heads 32 apart.
    expect(products[0]).toMatchObject({
      loops: [2, 4],
      left: { row: 384, offset: 0, strides: [49_152, 32] },
      right: { depth: 1, column: 384, offset: 128 },
    });
    expect(products[1]).toMatchObject({ right: { depth: 384, column: 1, offset: 256 } });
    // One head after the other runs from the first product to the division.
    const { phases, rooms } = nest(steps, plan);
    const groups = phases.flatMap((p) => (isGroups(p) ? p : []));
    expect(groups.map((g) => [g.heads, g.steps.length])).toEqual([
      [1, 1],
      [1, 1],
      [4, 4],
      [1, 1],
    ]);
    const scores = rooms.get(products[0]!.out.buffer)!;
    expect(scores).toEqual({ elements: 128 * 128, isShared: [true, true] });
  });

  it('shares key heads among their queries', () => {
    const { heads, keyHeads, tokens } = DECODER_SMALL;
    const plan = planOf(decoderPackage(DECODER_SMALL))!;
    const [first] = plan.segments[1]!.steps!.filter((s) => s.kind === 'product');
    const { loops, m } = first!;
    expect(loops.reduce((p, n) => p * n, 1) * m).toBe(2 * heads * tokens);
    expect(loops[1]).toBe(keyHeads);
  });

  it('leaves out what a causal mask hides, where the bounds of the scores prove it', () => {
    const model = decoderPackage(DECODER_SMALL);
    const found = analyseModel(model);
    if ('rule' in found) throw new Error(found.sentence);
    const { manifest } = model;
    const [facts] = found.shapes;
    const { graph, values } = facts![1]!;
    const [scores] = graph.nodes.filter((n) => n.op === 'MatMul').map((n) => n.outputs[0]!);
    const causalOf = (about: Partial<Value>) => {
      const changed = new Map([...values, [scores!, { ...values.get(scores!)!, ...about }]]);
      const given = facts!.with(1, { graph, values: changed });
      const plan = planModel({ manifest, shape: manifest.shapes[0]!, facts: given });
      return plan.segments[1]!.steps!.flatMap((s) => (s.kind === 'product' ? [s.causal] : []));
    };
    expect(causalOf({})).toEqual([{ columns: 0 }, { depths: 0 }]);
    // The table has 356 entries of 2^8 scores at most.
    const depth = 2 ** 23 + 2 ** 15;
    const width = depth - 2 ** 17;
    expect(causalOf({ lo: -width / 2, hi: width / 2 })).toEqual([{ columns: 0 }, { depths: 0 }]);
    const more = depth - 2 ** 16;
    expect(causalOf({ lo: -more / 2, hi: more / 2 })).toEqual([undefined, undefined]);
    expect(causalOf({ lo: 1 })).toEqual([undefined, undefined]);
  });

  it('leaves out what a mask hides in each block of keys', () => {
    const causalOf = (size: Partial<typeof DECODER_SMALL>) => {
      const plan = planOf(decoderPackage({ ...DECODER_SMALL, ...size }))!;
      return plan.segments[1]!.steps!.flatMap((s) => (s.kind === 'product' ? [s.causal] : []));
    };
    const blocks = [0, -12, -24];
    expect(causalOf({ blockKeys: 12 })).toEqual([
      ...blocks.map((columns) => ({ columns })),
      ...blocks.map((depths) => ({ depths })),
    ]);
  });

  it('makes large masks of places where they are read', () => {
    // 2^20 entries of each of four masks, made in three steps: of what is written out there may be 2^22.
    const otherShapes = [{ sequences: 1, tokens: 2048 }];
    const model = decoderPackage({ ...DECODER_SMALL, otherShapes });
    const found = analyseModel(model);
    if ('rule' in found) throw new Error(found.sentence);
    const [, shape] = model.manifest.shapes;
    const { manifest } = model;
    const { segments, buffers } = planModel({ manifest, shape: shape!, facts: found.shapes[1]! });
    expect(segments.flatMap(({ report }) => report)).toEqual([]);
    const constants = buffers.filter(({ role }) => role.kind === 'constant');
    expect(Math.max(...constants.map((b) => b.size))).toBeLessThanOrEqual(2048 * 64);
  });

  it('is one program for all layers, and little code', async () => {
    for (const name of ['lingua', 'polyglot']) {
      const { programs, segments } = planOf(await readModel(name))!;
      expect(segments.every(({ steps }) => steps)).toBe(true);
      expect(programs.length).toBeLessThanOrEqual(14);
      const code = programs.reduce((sum, p) => sum + emitProgram(p)!.code.length, 0);
      expect(code).toBeLessThanOrEqual(15_000);
    }
  });

  it('stores int16 only what fits and is whole', () => {
    const g = new Graph();
    g.input('c1', [ROWS, 8]);
    const x = g.mul('c1', g.number(0.5));
    const turned = g.transpose(g.reshape(x, [B, ROWS / B, 2, 4]), [0, 2, 1, 3]);
    g.output('a2', [ROWS, 8], g.clipLast(g.reshape(turned, [ROWS, 8]), -63, 63));
    const graph = g.graph();
    const [mul, four, moved, flat] = graph.nodes.map((n) => n.outputs[0]!);
    const dims = {
      [mul!]: [ROWS, 8],
      [four!]: [B, ROWS / B, 2, 4],
      [moved!]: [B, 2, ROWS / B, 4],
      [flat!]: [ROWS, 8],
    };
    const storageWith = (about: Partial<Value>): string[] => {
      const { buffers, segments } = planGraph(graph, valuesOf(graph, dims, about), 8);
      expect(segments[1]!.report).toEqual([]);
      const temporaries = buffers.filter((b) => b.role.kind === 'temporary');
      return [...new Set(temporaries.map((b) => b.storage))];
    };
    expect(storageWith({})).toEqual(['i16']);
    expect(storageWith({ lo: -32_768, hi: 32_767 })).toEqual(['i16']);
    expect(storageWith({ lo: -32_769 })).toEqual(['f32']);
    expect(storageWith({ hi: 32_768 })).toEqual(['f32']);
    expect(storageWith({ bits: 1 })).toEqual(['f32']);
  });

  it('takes a quotient only where the checker matched its form', () => {
    const g = new Graph();
    g.input('c1', [ROWS, 8]);
    const q = g.op('Div', ['c1', g.number(3)]);
    g.output('a2', [ROWS, 8], g.op('Floor', [q]));
    const graph = g.graph();
    const values = valuesOf(graph, {});
    const as = (bits: number) =>
      planGraph(graph, new Map([...values, [q, { ...values.get('c1')!, bits }]]), 8).segments[1]!;
    expect(as(Infinity).steps).toBeDefined();
    expect(as(0).steps).toBeUndefined();
    expect(as(0).report[0]).toContain('quotient');
  });

  it('knows how many parts a dividend has, of which all are odd', () => {
    const g = new Graph();
    const x = g.add(g.input('c1', [ROWS, 8]), g.number(0.5));
    const q = g.op('Div', [x, g.number(3)]);
    g.output('a2', [ROWS, 8], g.op('Floor', [q]));
    const graph = g.graph();
    const values = valuesOf(graph, { [x]: [ROWS, 8], [q]: [ROWS, 8] });
    const partsOf = (about: Partial<Value>) => {
      const known = new Map([
        ...values,
        [x, { ...values.get(x)!, ...about }] as const,
        [q, { ...values.get(q)!, bits: Infinity }] as const,
      ]);
      const { programs } = planGraph(graph, known, 8);
      return programs[0]!.values.flatMap((v) => (v.op === 'quotient' ? [v.parts] : []));
    };
    const odd = { bits: 1, odd: true };
    expect(partsOf({ ...odd, hi: 2 ** 22 - 0.5 })).toEqual([23]);
    expect(partsOf({ ...odd, lo: -(2 ** 22) })).toEqual([24]);
    expect(partsOf({ ...odd, hi: 2 ** 23 - 1 })).toEqual([24]);
    expect(partsOf({ ...odd, hi: 2 ** 23 - 0.5 })).toEqual([undefined]);
    expect(partsOf({ bits: 1, odd: false })).toEqual([undefined]);
  });

  it('multiplies constants by powers of two once, and by nothing else', () => {
    const columns = Float32Array.from({ length: 8 }, (_, i) => 1 + i);
    const lineWith = (scale: readonly number[]): string[] => {
      const g = new Graph();
      const scaled = g.mul(g.input('c1', [ROWS, 8]), g.floats('a', [8], columns));
      const sum = g.add(scaled, g.floats('b', [8], columns));
      const y = g.mul(sum, g.floats('c', [scale.length], scale));
      g.output('a2', [ROWS, 8], g.op('Floor', [y]));
      const graph = g.graph();
      const dims = Object.fromEntries([scaled, sum, y].map((name) => [name, [ROWS, 8]]));
      const { programs, buffers } = planGraph(graph, valuesOf(graph, dims), 8);
      const made = buffers.flatMap(({ role }) =>
        role.kind === 'constant' ? [[...role.data].join(' ')] : [],
      );
      const ops = programs[0]!.values.map(({ op }) => op).filter((op) => op !== 'input');
      return [ops.join(' '), ...made];
    };
    const halves = [0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4].join(' ');
    expect(lineWith([0.5])).toEqual(['mul add floor', halves, halves]);
    const each = Array.from({ length: 8 }, (_, i) => 2 ** -i);
    const lines = [...columns].map((x, i) => x * 2 ** -i).join(' ');
    expect(lineWith(each)).toEqual(['mul add floor', lines, lines]);
    expect(lineWith([0.75])[0]).toBe('mul add number mul floor');
    expect(lineWith(each.with(7, 3))[0]).toBe('mul add mul floor');
  });

  it('limits as int16 only what is quickly made whole', () => {
    const g = new Graph();
    const x = g.op('Floor', [g.mul(g.input('c1', [ROWS, 8]), g.number(0.75))]);
    g.output('a2', [ROWS, 8], g.clipLast(x, -63, 63));
    const graph = g.graph();
    const names = graph.nodes.map((n) => [n.outputs[0]!, [ROWS, 8]] as const);
    const values = valuesOf(graph, Object.fromEntries(names));
    const isLate = (about: Partial<Value>): boolean => {
      const known = new Map([...values, [x, { ...values.get(x)!, ...about }] as const]);
      return planGraph(graph, known, 8).programs[0]!.outputs[0]!.unclipped !== undefined;
    };
    expect(isLate({})).toBe(true);
    expect(isLate({ hi: 2 ** 22 })).toBe(true);
    expect(isLate({ hi: 2 ** 22 + 1 })).toBe(false);
    expect(isLate({ bits: 1 })).toBe(false);
  });

  it('leaves rows in millions of short turns, and large constants, to ONNX Runtime', () => {
    const n = 2 ** 18;
    const turned = new Graph();
    const x = turned.reshape(turned.input('c1', [ROWS, n]), [ROWS, n / 4, 2, 2]);
    const y = turned.transpose(x, [0, 1, 3, 2]);
    turned.output('a2', [ROWS, n], turned.reshape(y, [ROWS, n]));
    const dims = { [x]: [ROWS, n / 4, 2, 2], [y]: [ROWS, n / 4, 2, 2] };
    const ofTurned = valuesOf(turned.graph(), dims);
    expect(planGraph(turned.graph(), ofTurned, n).segments[1]!.report[0]).toContain('turns');

    const made = new Graph();
    made.input('c1', [ROWS, n]);
    let sum = made.floats('zeros', [n], new Float32Array(n));
    const constants: Record<string, readonly number[]> = {};
    for (let i = 0; i < 20; i++) constants[(sum = made.add(sum, made.number(i)))] = [n];
    made.output('a2', [ROWS, n], made.add('c1', sum));
    const ofConstants = valuesOf({ ...made.graph(), inputs: [], outputs: [] }, constants, {
      perSequence: false,
    });
    const ofMade = new Map([...valuesOf(made.graph(), {}), ...ofConstants]);
    expect(planGraph(made.graph(), ofMade, n).segments[1]!.report[0]).toContain('constants');
  });

  it('multiplies constants only while they stay few', () => {
    const n = 2 ** 16;
    const g = new Graph();
    const all = (word: string) => g.floats(word, [n], new Float32Array(n).fill(3));
    let x = g.input('c1', [ROWS, n]);
    const dims: Record<string, readonly number[]> = {};
    const put = (name: string): string => ((dims[name] = [ROWS, n]), name);
    for (let i = 0; i < 100; i++) {
      const sum = put(g.add(put(g.mul(x, all('a'))), all('b')));
      x = put(g.op('Floor', [put(g.mul(sum, g.number(0.5)))]));
    }
    g.output('a2', [ROWS, n], x);
    const { buffers, segments } = planGraph(g.graph(), valuesOf(g.graph(), dims), n);
    expect(segments[1]!.steps).toBeDefined();
    const constants = buffers.filter(({ role }) => role.kind === 'constant');
    const entries = constants.reduce((sum, { size }) => sum + size, 0);
    // What is made, beside the two that are given.
    expect(entries).toBe(2 ** 22 + 2 * n);
  });

  it('cuts a chain of thousands of nodes into programs of bounded size', () => {
    const g = new Graph();
    let x = g.input('c1', [ROWS, 8]);
    const names: Record<string, readonly number[]> = {};
    for (let i = 0; i < 3000; i++) names[(x = g.add(x, g.number(i % 7)))] = [ROWS, 8];
    g.output('a2', [ROWS, 8], x);
    const graph = g.graph();
    const { programs, segments } = planGraph(graph, valuesOf(graph, names), 8);
    expect(segments[1]!.steps).toBeDefined();
    for (const program of programs) {
      expect(program.values.length).toBeLessThan(600);
      expect(emitProgram(program)!.code.length).toBeLessThan(20_000);
    }
  });
});

describe('the order of a row', () => {
  const width = 8;
  const values: RowValue[] = [
    { op: 'input', input: 0, width },
    { op: 'input', input: 1, width },
    { op: 'mul', args: [0, 1], width },
    { op: 'add', args: [2, 0], width },
    { op: 'sum', args: [3], width: 1 },
    { op: 'sub', args: [3, 4], width },
    { op: 'most', args: [5], width: 2 },
    { op: 'sub', args: [5, 6], width },
  ];
  const outputs = [{ value: 7, storage: 'i16', isQuick: true }] as const;

  it('reads a sum in a later loop than makes it', () => {
    const { levels } = scheduleOf({ values, outputs })!;
    const made = levels.findIndex((l) => l.loops.some((o) => o.reductions.includes(4)));
    const group = levels.findIndex((l) => l.loops.some((o) => o.reductions.includes(6)));
    const end = levels.findIndex((l) => l.loops.some((o) => o.written.includes(7)));
    expect([made, group, end]).toEqual([0, 1, 2]);
    expect(levels[group]!.loops.map((l) => l.groups)).toEqual([2]);
  });

  it('keeps what is dear to compute again, and a group’s numbers', () => {
    const { kept } = scheduleOf({ values, outputs })!;
    expect(kept.has(6)).toBe(true);
    expect(kept.has(3)).toBe(true);
    expect(kept.has(0)).toBe(false);
  });
});
