/** Quotients whose correction is left out, on dividends beside multiples of their divisors. */
import { expect, it } from 'vitest';
import type { ProgramInput, RowProgram, RowValue } from '../../../src/miner/executor/types.ts';
import { moduleOf } from '../../../src/miner/executor/wasm/code.ts';
import { emitProgram } from '../../../src/miner/executor/wasm/emit.ts';
import { createRandom } from '../../sim/random.ts';

const WIDTH = 1024;

/** q + ⌊(x − q·y)/y⌋ with q = ⌊x/y⌋, as graphs have it. */
function programOf(parts: 23 | 24): RowProgram {
  const width = WIDTH;
  const values: RowValue[] = [
    { op: 'input', input: 0, width },
    { op: 'input', input: 1, width: 1 },
    { op: 'quotient', args: [0, 1], width, parts },
    { op: 'floor', args: [2], width },
    { op: 'mul', args: [3, 1], width },
    { op: 'sub', args: [0, 4], width },
    { op: 'quotient', args: [5, 1], width },
    { op: 'floor', args: [6], width },
    { op: 'add', args: [7, 3], width },
  ];
  const input: ProgramInput = { storage: 'f32', width, isTable: false, isIndexed: false };
  const inputs = [input, { ...input, width: 1 }];
  const outputs = [{ value: 8, storage: 'i32', isQuick: false }] as const;
  return { key: '', inputs, values, outputs, numbers: 0 };
}

/** Runs the program on one row. */
function open(program: RowProgram): (x: readonly number[], y: number) => Int32Array {
  const made = emitProgram(program)!;
  const memory = new WebAssembly.Memory({ initial: 1 });
  const module = new WebAssembly.Module(moduleOf([made]));
  const { f0 } = new WebAssembly.Instance(module, { env: { memory } }).exports;
  const [xs, ys, out, frame] = [1024, 8192, 16_384, 32_768];
  const int = new Int32Array(memory.buffer);
  const { inputs, outputs } = made.layout;
  for (const [at, place] of [
    [inputs[0]!, xs],
    [inputs[1]!, ys],
    [outputs[0]!, out],
  ] as const)
    int[(frame + at) >> 2] = place;
  return (x, y) => {
    new Float32Array(memory.buffer, xs, WIDTH).set(x);
    new Float32Array(memory.buffer, ys, 1)[0] = y;
    (f0 as (rows: number, frame: number) => void)(1, frame);
    return new Int32Array(memory.buffer, out, WIDTH);
  };
}

it.each([23, 24] as const)(
  'floors of quotients of less than 2^%i odd halves are right',
  (parts) => {
    const program = programOf(parts);
    const run = open(program);
    const most = 2 ** parts - 3;
    const random = createRandom(23, 'quotients');
    for (let turn = 0; turn < 3000; turn++) {
      const y = turn < 500 ? turn + 1 : 1 + Math.floor((most / 2) * random.next() ** 3);
      const last = Math.floor(most / (2 * y));
      // Halves: 2·n·y is a whole quotient n, of which ±1 are its neighbours; the larger, the harder.
      const x = Array.from({ length: WIDTH }, (_, i) => {
        const n = i < WIDTH / 2 ? Math.max(0, last - i) : Math.floor(last * random.next());
        const odd = Math.min(most, Math.abs(2 * n * y + (i & 1 ? 1 : -1)));
        return (i & 2 ? odd : -odd) / 2;
      });
      const want = x.map((one) => Math.floor(one / y));
      expect([y, [...run(x, y)]]).toEqual([y, want]);
    }
  },
);

it('correct what may be larger, and what is right is not corrected', () => {
  const corrected = programOf(23);
  const { parts: _, ...unknown } = corrected.values[2] as RowValue & { op: 'quotient' };
  const values = corrected.values.with(2, unknown);
  const [short, long] = [corrected, { ...corrected, values }].map((p) => emitProgram(p)!.code);
  expect(short!.length).toBeLessThan(long!.length);
});
