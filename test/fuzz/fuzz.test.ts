/** A small share of `npm run fuzz:checker`: graphs, mutants and files, by all who run in Node. */
import { describe, expect, it } from 'vitest';
import { encodeOnnx, parseOnnx, type OnnxGraph } from '../../src/miner/package/onnx.ts';
import { createRandom } from '../sim/random.ts';
import { exactGraph, falseClaim, Inexact } from './exact.ts';
import { edgeSubjectOf, subjectOf, type Subject } from './formed.ts';
import { generateModel } from './generate.ts';
import { attackFiles } from './hostile.ts';
import { KINDS } from './inputs.ts';
import { judge } from './judge.ts';
import { MUTATIONS } from './mutate.ts';

const SEED = 7;
const trial = { kinds: KINDS.slice(0, 4), climbs: 0 };

describe('checker under attack', () => {
  it('admits only graphs that are exact, and many of them', async () => {
    let [admitted, reached] = [0, 0];
    for (let i = 0; i < 20; i++) {
      const verdict = await judge(
        { model: generateModel(SEED, i), segment: 1 },
        trial,
        createRandom(SEED, `${i}`),
      );
      expect(verdict.faults, `graph ${i}`).toEqual([]);
      if (verdict.case) admitted++;
      reached = Math.max(reached, verdict.reached);
    }
    expect(admitted).toBeGreaterThanOrEqual(8);
    expect(reached).toBeGreaterThan(2 ** 24 - 1000);
  });

  it('refuses changed graphs, or they are exact', async () => {
    let refused = 0;
    for (let i = 0; i < 40; i++) {
      const r = createRandom(SEED, `mutant ${i}`);
      const model = generateModel(SEED, i % 10);
      const graph = parseOnnx(model.segments[1]!) as OnnxGraph;
      const change = MUTATIONS[r.pick(Object.keys(MUTATIONS))]!;
      const segments = model.segments.with(1, encodeOnnx(change(graph, r)));
      const few = { kinds: ['ends', 'random'], climbs: 0 };
      const verdict = await judge({ model: { ...model, segments }, segment: 1 }, few, r);
      expect(verdict.faults, `mutant ${i}`).toEqual([]);
      if (verdict.refusal) refused++;
    }
    expect(refused).toBeGreaterThan(8);
  });

  it('refuses damaged files with a code or a sentence', async () => {
    const count = await attackFiles(generateModel(SEED, 0), 40, createRandom(SEED, 'files'), 600);
    expect(count.faults).toEqual([]);
    expect(count.tried - count.taken).toBeGreaterThan(80);
  });
});

describe('who computes an admitted graph', () => {
  /** The first subjects: how many were admitted, and who left which segment to others. */
  async function judgeAll(subject: (seed: number, index: number) => Subject, count: number) {
    const left: string[] = [];
    let admitted = 0;
    for (let i = 0; i < count; i++) {
      const few = { kinds: ['ends', 'random'], climbs: 0 };
      const verdict = await judge(subject(SEED, i), few, createRandom(SEED, `formed ${i}`));
      expect(verdict.faults, `graph ${i}`).toEqual([]);
      if (verdict.case) admitted++;
      for (const by of verdict.by) if (by.left) left.push(`${by.name}, ${i}: ${by.left}`);
    }
    return { admitted, left };
  }

  it('all give the same numbers for what real models are made of', async () => {
    const { left } = await judgeAll(subjectOf, 40);
    // The plan and the executor leave the same segments.
    expect(left.length, left.join('; ')).toBeLessThanOrEqual(4);
  });

  it('all give the same numbers at the bounds of what an executor leaves out', async () => {
    const { admitted, left } = await judgeAll(edgeSubjectOf, 48);
    expect(admitted).toBeGreaterThan(36);
    expect(left).toEqual([]);
  });
});

describe('the exact interpreter', () => {
  const x = { name: 'x', type: 'float32' as const, dims: [2] };
  const one = (op: string, y: number): OnnxGraph => ({
    inputs: [x],
    outputs: [{ ...x, name: 'z' }],
    constants: [{ ...x, name: 'y', data: Float32Array.of(y, y) }],
    nodes: [{ name: 'n', op, inputs: ['x', 'y'], outputs: ['z'], attributes: {} }],
  });
  const run = (op: string, a: bigint, y: number) =>
    exactGraph(one(op, y), new Map([['x', { dims: [2], num: [a, 0n] }]])).get('z')!.num[0];

  it('refuses what float32 need not give', () => {
    expect(run('Add', 2n ** 24n - 1n, 1)).toBe(2n ** 24n);
    expect(() => run('Add', 2n ** 24n - 1n, 2)).toThrow(Inexact);
    expect(() => run('Mul', 4097n, 4097)).toThrow(Inexact);
    expect(run('Mul', 3n, 0.75)).toBe(9n);
    expect(() => run('Mul', 2n ** 23n + 1n, 0.75)).toThrow(Inexact);
    expect(() => run('Div', 2n ** 22n, 1)).toThrow(Inexact);
    expect(() => run('Div', 1n, 0)).toThrow(Inexact);
  });
  it('sees a claim that is too narrow', () => {
    const tensors = new Map([['x', { dims: [2], num: [5n, -3n] }]]);
    const claim = (lo: number, hi: number) =>
      new Map([['x', { ...x, lo, hi, bits: 0, perSequence: true }]]);
    expect(falseClaim(tensors, claim(-3, 5))).toBeUndefined();
    expect(falseClaim(tensors, claim(-3, 4))).toContain('outside -3..4');
    expect(falseClaim(tensors, claim(-2, 5))).toContain('outside -2..5');
    const halves = new Map([['x', { dims: [2], num: [5n, -3n], den: [2n, 2n] }]]);
    const inParts = (bits: number, odd: boolean) =>
      new Map([['x', { ...x, lo: -3, hi: 5, bits, odd, perSequence: true }]]);
    expect(falseClaim(halves, inParts(1, true))).toBeUndefined();
    expect(falseClaim(halves, inParts(0, false))).toContain('not in parts of 2^-0');
    expect(falseClaim(halves, inParts(2, true))).toContain('not in parts of 2^-2');
  });
});
