/** What a step may take, each limit at its end and one over. */
import { expect, test } from 'vitest';
import type { Graph } from '../../models/graph.ts';
import { checkModel, type Package } from '../../src/miner/checker/checker.ts';
import {
  costOf,
  SEGMENT_BYTES_MAX,
  STEP_ENTRIES_MAX,
  STEP_MACS_MAX,
  STEP_MEMORY_MAX,
} from '../../src/miner/checker/limits.ts';
import { encodeOnnx, parseOnnx, type OnnxGraph } from '../../src/miner/package/onnx.ts';
import { DECODER_SMALL, decoderPackage } from './decoder.ts';
import { bounded, chain, columns, draftChain, ROWS, SEQUENCES } from './chain.ts';

const SIZES = [
  [128, 64],
  [128, 64],
  [128, 64],
] as const;

/** Refused by the limit, for this reason, in that step. */
const refusal = (what: string, step: number) => ({
  rule: 'limit',
  sentence: expect.stringContaining(`step ${step} ${what}`),
});

/** A model in whose segment 1 `piece` does something to the product that nobody needs. */
const doing = (piece: (g: Graph, x: string) => void): Package => {
  const pieces = {
    1: (g: Graph, x: string, width: number) => {
      const small = g.clip(x, -63, 63);
      piece(g, small);
      return columns(g, small, 64, width);
    },
  };
  return { ...chain({ sizes: SIZES }), segments: draftChain({ sizes: SIZES, pieces }).segments };
};

test('the bytes of a segment', () => {
  const model = chain({ sizes: SIZES });
  const graph = parseOnnx(model.segments[1]!) as OnnxGraph;
  const padded = (entries: number): Package => {
    const pad = {
      name: 'pad',
      type: 'float32' as const,
      dims: [entries],
      data: new Float32Array(entries),
    };
    const segment = encodeOnnx({ ...graph, constants: [...graph.constants, pad] });
    return { ...model, segments: model.segments.with(1, segment) };
  };
  const room = 2 ** 20 - 1;
  const over = padded(room).segments[1]!.length - SEGMENT_BYTES_MAX;
  const most = padded(room - Math.ceil(over / 4));
  expect(SEGMENT_BYTES_MAX - most.segments[1]!.length).toBeLessThan(4);
  expect(checkModel(most)).toBeUndefined();
  expect(checkModel(padded(room - Math.ceil(over / 4) + 1))).toMatchObject({
    rule: 'limit',
    node: 'seg-1',
    bound: expect.any(Number),
  });
});

test('of a language model, four times as much in the shapes that are not mined', () => {
  const make = (tokens: number, otherTokens: number) => () =>
    decoderPackage({
      ...DECODER_SMALL,
      sequences: 1,
      tokens,
      otherShapes: [{ sequences: 1, tokens: otherTokens }],
      heads: 7,
      keyHeads: 1,
      head: 64,
    });
  // Seven heads' scores of 512 keys: 29 MB with 2048 rows, as many blocks as there are keys for, and what is made of one.
  expect(make(16, 2048)).not.toThrow();
  expect(make(2048, 16)).toThrow(/step 2 holds too many bytes: \d+, over 134217728/);
  expect(make(16, 4096)).toThrow(/step 2 holds too many bytes: \d+, over 536870912/);
});

test('multiply-accumulates, those of its linear among them', () => {
  const products = (count: number): Package =>
    doing((g, x) => {
      const row = g.reshape(x, [SEQUENCES, 16, 64]);
      const rows = g.op('Concat', Array(128).fill(row), { axis: 1 });
      const across = g.transpose(rows, [0, 2, 1]);
      for (let i = 0; i < count; i++) g.matmul(rows, across);
    });
  const each = SEQUENCES * 2048 * 2048 * 64;
  const most = Math.floor((STEP_MACS_MAX - ROWS * 128 * 64) / each);
  expect(checkModel(products(most))).toBeUndefined();
  expect(checkModel(products(most + 1))).toMatchObject({
    ...refusal('multiplies too much', 2),
    bound: (most + 1) * each + ROWS * 128 * 64,
  });
});

/** 2^23 entries. */
const wide = (g: Graph, x: string): string => columns(g, x, 64, 2 ** 18);

test('entries that it writes', () => {
  const sums = (count: number): Package =>
    doing((g, x) => {
      const y = wide(g, x);
      for (let i = 0; i < count; i++) g.add(y, g.number(1));
    });
  const most = STEP_ENTRIES_MAX / 2 ** 23 - 2;
  expect(checkModel(sums(most))).toBeUndefined();
  expect(checkModel(sums(most + 1))).toMatchObject(refusal('writes too many entries', 2));
});

test('bytes that it holds at once: each tensor until its last reader', () => {
  const held = (count: number): Package =>
    doing((g, x) => {
      const y = wide(g, x);
      const all = Array.from({ length: count }, (_, i) => g.add(y, g.number(i)));
      for (const one of all) g.mul(one, g.number(0));
    });
  // The first tensor goes once it was read, and one is made beside the others.
  const most = STEP_MEMORY_MAX / 2 ** 25 - 2;
  expect(checkModel(held(most))).toBeUndefined();
  expect(checkModel(held(most + 1))).toMatchObject(refusal('holds too many bytes', 2));
});

test('bytes of the rows of tables from which the first step starts, with their paths', () => {
  const model = chain({ sizes: SIZES });
  const state = (width: number): number => {
    const table = { ...model.manifest.tables[0]!, width, wide: 2, size: 257 * 2 * width };
    const manifest = { ...model.manifest, tables: [table] };
    const graph: OnnxGraph = { nodes: [], constants: [], inputs: [], outputs: [] };
    return costOf({ manifest, shape: manifest.shapes[0]!, segment: 0, graph, values: new Map() })
      .state;
  };
  // Rows of 1200 bytes, of twice m tokens: each in three chunks at most, of 302; 2·(3 + 1) hashes a row.
  expect(state(600)).toBe(3 * 64 * 1024 + 64 * 8 * 32);
  // No more than the whole table.
  expect(state(4)).toBe(3 * 1024 + 3 * 2 * 32);
});

test('bytes of the state from which it starts: of what its segment does not read the hash alone', () => {
  const state = (reach: number): Package => {
    const graphs = draftChain({ sizes: SIZES }).segments.map((s) => parseOnnx(s) as OnnxGraph);
    // A carry of 2^21 entries: int16 or int32.
    const name = 'large';
    const dims = [ROWS, 2 ** 16];
    const first = graphs[1]!;
    const factor = {
      name: 'factor',
      type: 'float32' as const,
      dims: [1, 2 ** 16],
      data: new Float32Array(2 ** 16).fill(reach),
    };
    const column = { name: 'column', type: 'int32' as const, dims: [1], data: Int32Array.of(0) };
    const limits = [-1, 1].map((x) => ({
      name: `limit${x}`,
      type: 'float32' as const,
      dims: [],
      data: Float32Array.of(x),
    }));
    const step = (op: string, inputs: string[], output: string, attributes = {}) => {
      return { name: output, op, inputs, outputs: [output], attributes };
    };
    const graph: OnnxGraph = {
      nodes: [
        ...first.nodes,
        step('Gather', ['c1', 'column'], 'own', { axis: 1 }),
        step('Clip', ['own', 'limit-1', 'limit1'], 'sign'),
        step('Mul', ['sign', 'factor'], name),
      ],
      constants: [...first.constants, factor, column, ...limits],
      inputs: first.inputs,
      outputs: [...first.outputs, { name, type: 'float32', dims }],
    };
    const last = graphs[3]!;
    const reader = { ...last, inputs: [...last.inputs, { name, type: 'float32' as const, dims }] };
    return draftChain({ sizes: SIZES }, [graphs[0]!, graph, graphs[2]!, reader]);
  };
  expect(checkModel(bounded(state(32_767)))).toBeUndefined();
  const over = bounded(state(32_768));
  expect(checkModel(over)).toMatchObject(refusal('starts from too many bytes', 4));
});
