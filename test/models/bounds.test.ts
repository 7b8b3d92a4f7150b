/** What is handed from step to step: carries, operands and tables within bounds that are proven. */
import { describe, expect, test } from 'vitest';
import { Graph } from '../../models/graph.ts';
import type { Carry, Linear, Manifest } from '../../src/core/manifest.ts';
import { analyseModel, checkModel, type Package } from '../../src/miner/checker/checker.ts';
import { encodeOnnx, parseOnnx, type OnnxGraph } from '../../src/miner/package/onnx.ts';
import { bounded, chain, draftChain, ROWS, SEQUENCES, TOKENS } from './chain.ts';

const SIZES = [
  [128, 64],
  [128, 64],
  [128, 64],
] as const;

/** Segment 1 makes `kept`, −40..40, and `wide`; segment 3 reads `kept`, segment 2 `wide`. */
function carrying(): Package {
  const draft = draftChain({ sizes: SIZES });
  const graphs = draft.segments.map((bytes) => parseOnnx(bytes) as OnnxGraph);
  const made = new Graph().scope('carry');
  const c = made.input('c1', [ROWS, 64]);
  made.output(
    'kept',
    [SEQUENCES, TOKENS, 4],
    made.reshape(made.clip(made.slice(c, 1, 0, 4), -40, 40), [SEQUENCES, TOKENS, 4]),
  );
  made.output('wide', [ROWS, 1], made.clip(made.slice(c, 1, 0, 1), -40_000, 0));
  const add = made.graph();
  const reading = (g: OnnxGraph, name: string, dims: number[]): OnnxGraph => ({
    ...g,
    inputs: [...g.inputs, { name, type: 'float32', dims }],
  });
  graphs[1] = {
    nodes: [...graphs[1]!.nodes, ...add.nodes],
    constants: [
      ...new Map([...graphs[1]!.constants, ...add.constants].map((t) => [t.name, t])).values(),
    ],
    inputs: graphs[1]!.inputs,
    outputs: [...graphs[1]!.outputs, ...add.outputs],
  };
  graphs[2] = reading(graphs[2]!, 'wide', [ROWS, 1]);
  graphs[3] = reading(graphs[3]!, 'kept', [SEQUENCES, TOKENS, 4]);
  return bounded({ ...draftChain({ sizes: SIZES }, graphs) });
}

const model = carrying();
const [shape] = model.manifest.shapes;

const withManifest = (change: Partial<Manifest>): Package => ({
  ...model,
  manifest: { ...model.manifest, ...change },
});
const withCarries = (carries: Carry[]): Package =>
  withManifest({ shapes: [{ ...shape!, carries }] });
/** `kept` told otherwise. */
const kept = (change: Partial<Carry>): Package =>
  withCarries(shape!.carries.map((c) => (c.name === 'kept' ? { ...c, ...change } : c)));
const linear = (index: number, change: Partial<Linear>): Package =>
  withManifest({
    linears: model.manifest.linears.map((l, i) => (i === index ? { ...l, ...change } : l)),
  });
/** A segment with another input or output. */
function withGraph(index: number, change: (g: OnnxGraph) => OnnxGraph): Package {
  const graph = change(parseOnnx(model.segments[index]!) as OnnxGraph);
  return { ...model, segments: model.segments.with(index, encodeOnnx(graph)) };
}

test('the table of carries is that of the graphs, in order of names', () => {
  expect(shape!.carries).toEqual([
    { name: 'kept', made: 1, last: 3, size: 4 * TOKENS, low: -40, high: 40 },
    { name: 'wide', made: 1, last: 2, size: TOKENS, low: -8064, high: 0 },
  ]);
  expect(checkModel(model)).toBeUndefined();
});

describe('a carry', () => {
  test('may have wider bounds, which its readers assume', () => {
    const wider = kept({ low: -41, high: 50_000 });
    const analysis = analyseModel(wider);
    if ('rule' in analysis) throw new Error(analysis.sentence);
    expect(analysis.shapes[0]![3]!.values.get('kept')).toMatchObject({ lo: -41, hi: 50_000 });
  });
  test.each([
    ['narrower bounds below', kept({ low: -39 }), 'seg-1', -40],
    ['narrower bounds above', kept({ high: 39 }), 'seg-1', 40],
    ['another size', kept({ size: 4 }), 'manifest', undefined],
    ['another maker', kept({ made: 0 }), 'manifest', undefined],
    ['another last reader', kept({ last: 2 }), 'manifest', undefined],
    ['no row', withCarries(shape!.carries.slice(1)), 'seg-1', undefined],
    [
      'a row that no segment makes',
      withCarries([{ ...shape!.carries[0]!, name: 'ghost' }, ...shape!.carries]),
      'manifest',
      undefined,
    ],
  ])('with %s is refused', (_, changed, node, bound) => {
    expect(checkModel(changed)).toMatchObject({ rule: 'carry', node, bound });
  });
  test('that nobody reads is refused', () => {
    const unread = withGraph(3, (g) => ({
      ...g,
      inputs: g.inputs.filter((v) => v.name !== 'kept'),
    }));
    expect(checkModel(unread)).toMatchObject({
      rule: 'carry',
      sentence: expect.stringContaining("'kept' is read by no later segment"),
    });
  });
});

describe('operands', () => {
  test('are bounded as they are proven, or wider', () => {
    expect(model.manifest.linears.map(({ low, high }) => [low, high])).toEqual(
      Array.from(SIZES, () => [-63, 63]),
    );
    expect(checkModel(linear(1, { low: -100, high: 127 }))).toBeUndefined();
  });
  test.each([
    ['below', { low: -62 }, -63],
    ['above', { high: 62 }, 63],
  ])('that could leave their bounds %s are refused', (_, change, bound) => {
    expect(checkModel(linear(1, change))).toMatchObject({
      rule: 'linear-range',
      node: 'seg-1',
      bound,
    });
  });
  test('with wider bounds widen the product that the next segment reads', () => {
    const analysis = analyseModel(linear(1, { low: -100, high: 127 }));
    if ('rule' in analysis) throw new Error(analysis.sentence);
    expect(analysis.shapes[0]![2]!.values.get('c2')).toMatchObject({ lo: -12_800, hi: 16_256 });
  });
});

describe('segments', () => {
  const input = (name: string, type: 'float32' | 'int32', dims: number[]) => (g: OnnxGraph) => ({
    ...g,
    inputs: [...g.inputs, { name, type, dims }],
  });
  test.each([
    ['tokens', input('tokens', 'int32', [SEQUENCES, TOKENS])],
    ['rows of a table', input('e0', 'float32', [ROWS, 4])],
    ['a product that is not its own', input('c1', 'float32', [ROWS, 64])],
    ['operands', input('a1', 'float32', [ROWS, 128])],
  ])('after the first read no %s', (_, change) => {
    expect(checkModel(withGraph(2, change))).toMatchObject({ rule: 'carry', node: 'seg-2' });
  });
  test('that come first take all tables', () => {
    const without = withGraph(0, (g) => ({
      ...g,
      nodes: g.nodes.map((n) => ({ ...n, inputs: n.inputs.map((x) => (x === 'e0' ? 'own' : x)) })),
      constants: [
        ...g.constants,
        { name: 'own', type: 'float32', dims: [ROWS, 4], data: new Float32Array(4 * ROWS) },
      ],
      inputs: g.inputs.filter((v) => v.name !== 'e0'),
    }));
    expect(checkModel(without)).toMatchObject({ rule: 'carry', node: 'seg-0' });
  });
});

describe('a table', () => {
  const table = model.manifest.tables[0]!;
  test.each([1, 2] as const)('of %i bytes an entry gives its bounds to segment 0', (wide) => {
    const own = chain({ sizes: SIZES, wide });
    expect(own.tables[0]).toHaveLength(257 * 4 * wide);
    const analysis = analyseModel(own);
    if ('rule' in analysis) throw new Error(analysis.sentence);
    expect(analysis.shapes[0]![0]!.values.get('e0')).toMatchObject({
      dims: [ROWS, 4],
      lo: -63,
      hi: 63,
    });
  });
  test('may have wider bounds; an entry outside them is refused', () => {
    expect(checkModel(withManifest({ tables: [{ ...table, low: -64 }] }))).toBeUndefined();
    const narrow = withManifest({ tables: [{ ...table, low: -62 }] });
    expect(checkModel(narrow)).toMatchObject({ rule: 'table', node: 'tables', bound: -63 });
    const high = withManifest({ tables: [{ ...table, high: 62 }] });
    expect(checkModel(high)).toMatchObject({ rule: 'table', bound: 63 });
  });
  test('of another size, or none, is refused', () => {
    const short = { ...model, tables: [model.tables[0]!.slice(1)] };
    expect(checkModel(short)).toMatchObject({ rule: 'table' });
    expect(checkModel({ ...model, tables: [] })).toMatchObject({ rule: 'table' });
  });
});

describe('further shapes', () => {
  /** The model again, as a second shape whose segments may differ. */
  const twice = (others: readonly Uint8Array[], carries = shape!.carries): Package => ({
    ...withManifest({ shapes: [shape!, { ...shape!, carries }] }),
    otherShapes: [others],
  });
  test('are proven with the same bounds', () => {
    expect(checkModel(twice(model.segments))).toBeUndefined();
    const joint = bounded({ ...twice(model.segments), tables: model.tables });
    expect(joint.manifest.shapes[1]!.carries).toEqual(shape!.carries);
  });
  test('are refused where one is not exact, missing, or has bounds of its own', () => {
    const bad = withGraph(2, (g) => ({ ...g, outputs: [] })).segments;
    expect(checkModel(twice(bad))).toMatchObject({ node: 'seg-1-2', rule: 'carry' });
    const wider = shape!.carries.map((c) => ({ ...c, low: c.low - 1 }));
    expect(checkModel(twice(model.segments, wider))).toMatchObject({ rule: 'carry' });
    const { otherShapes: _, ...alone } = twice(model.segments);
    expect(checkModel(alone)).toMatchObject({ node: 'manifest', rule: 'manifest' });
  });
});
