/** Which row programs share a dispatch: only where each reads, of what the others wrote, its own row. */
import { describe, expect, it } from 'vitest';
import type { Binding, RowProgram, RowsStep, Step } from '../../src/miner/executor/types.ts';
import { planOf } from '../../src/miner/executor/plan-of.ts';
import { groupsOf } from '../../src/miner/webgpu/executor/groups.ts';
import { layoutOf } from '../../src/miner/webgpu/executor/layout.ts';
import { DECODER_LAYER, decoderPackage } from '../models/decoder.ts';
import { loadModel } from './small-model.ts';

/** Programs that copy rows of so many columns. */
const WIDTHS = [8, 32];
const programs = WIDTHS.map((width): RowProgram => ({
  key: `copy ${width}`,
  inputs: [{ storage: 'i32', width, isTable: false, isIndexed: false }],
  values: [{ op: 'input', input: 0, width }],
  outputs: [{ value: 0, storage: 'i32', isQuick: true }],
  numbers: 0,
}));
const [HEADS, ROWS, HEAD, ALL] = [4, 5, 8, 32];
const whole = { loops: [2, ROWS], strides: [ROWS * ALL, ALL] };
const byHead = { loops: [2, HEADS, ROWS], strides: [ROWS * ALL, HEAD, ALL] };

function copy(
  { loops, strides }: typeof whole,
  from: number,
  to: number,
  change: Partial<Binding> = {},
): RowsStep {
  const program = loops.length === 2 ? 1 : 0;
  const input = { buffer: from, offset: 0, strides, ...change };
  const output = { buffer: to, offset: 0, strides };
  return { kind: 'rows', loops, program, inputs: [input], outputs: [output], numbers: [] };
}

const sizes = (steps: readonly Step[]): number[] =>
  groupsOf(steps, programs).map((step) => (step.kind === 'group' ? step.members.length : 0));

describe('row programs share a dispatch', () => {
  it('where rows are the same, or heads of them', () => {
    expect(sizes([copy(whole, 0, 1), copy(whole, 1, 2), copy(whole, 1, 3)])).toEqual([3]);
    expect(sizes([copy(whole, 0, 1), copy(byHead, 1, 2), copy(whole, 2, 3)])).toEqual([3]);
    const [group] = groupsOf([copy(byHead, 0, 1), copy(whole, 1, 2)], programs);
    expect(group).toMatchObject({ loops: [2, ROWS] });
    // Rows that have nothing to do with each other, too.
    expect(sizes([copy(whole, 0, 1), copy(whole, 2, 3)])).toEqual([2]);
  });

  it('and not where one reads another row, or part of what nobody of them wrote', () => {
    const next = { offset: ALL };
    expect(sizes([copy(whole, 0, 1), copy(whole, 1, 2, next)])).toEqual([1, 1]);
    expect(sizes([copy(whole, 0, 1), copy(whole, 1, 2, { offset: 1 })])).toEqual([1, 1]);
    // Few rows, of which each reads the first: the dispatch's row is then a sequence.
    const first = { strides: [ROWS * ALL, 0] };
    expect(groupsOf([copy(whole, 0, 1), copy(whole, 1, 2, first)], programs)).toMatchObject([
      { loops: [2] },
    ]);
    // Heads, of which the next reads another's.
    const other = { strides: [ROWS * ALL, 0, ALL] };
    expect(sizes([copy(byHead, 0, 1), copy(byHead, 1, 2, other)])).toEqual([2]);
    expect(groupsOf([copy(byHead, 0, 1), copy(byHead, 1, 2, other)], programs)).toMatchObject([
      { loops: [2, ROWS] },
    ]);
    const index = { buffer: 1, offset: 0, strides: whole.strides, scale: 1 };
    expect(sizes([copy(whole, 0, 1), copy(whole, 5, 2, { index })])).toEqual([1, 1]);
  });

  it('and not where one writes what another reads or writes', () => {
    expect(sizes([copy(whole, 0, 1), copy(whole, 2, 0)])).toEqual([1, 1]);
    expect(sizes([copy(whole, 0, 1), copy(whole, 2, 1)])).toEqual([1, 1]);
  });

  it('and not where most rows would go one after the other', () => {
    const one = { loops: [2, 17], strides: [17 * ALL, ALL] };
    const ofSequence: RowsStep = { ...copy(one, 2, 3), loops: [2] };
    const strided = (binding: Binding): Binding => ({ ...binding, strides: [17 * ALL] });
    const alone = {
      ...ofSequence,
      inputs: ofSequence.inputs.map(strided),
      outputs: ofSequence.outputs.map(strided),
    };
    expect(sizes([copy(one, 0, 1), alone])).toEqual([1, 1]);
  });

  const models = [
    { name: 'lingua', layer: 4, most: 9 },
    { name: 'polyglot', layer: 4, most: 9 },
    { name: 'decoder', layer: 5, most: 12 },
  ];
  it.each(models)('so that a layer of $name takes at most $most', async ({ name, layer, most }) => {
    const model = name === 'decoder' ? decoderPackage(DECODER_LAYER) : await loadModel(name);
    const plan = planOf(model)!;
    const { settles } = layoutOf(plan);
    const dispatches = plan.segments.map(
      ({ steps }, s) => groupsOf(steps!, plan.programs).length + settles[s]!.length,
    );
    for (let at = 1; at + layer <= dispatches.length; at += layer) {
      // The answer's own segment, after the last layer, takes some more.
      const own = dispatches.slice(at, at + layer - (layer === 4 ? 1 : 0));
      expect(own.reduce((sum, x) => sum + x, 0)).toBeLessThanOrEqual(most);
    }
  });
});
