/** A sum or maximum over a sequence's rows: a thread takes one column. */
import type { PoolStep } from '../../executor/types.ts';
import type { Address } from './layout.ts';
import { addressWords, indexNames, loopIndices, Wgsl, Words, type StepCode } from './wgsl.ts';

/** Columns of a workgroup. */
export const POOL_THREADS = 64;

export interface PoolSpec {
  readonly step: PoolStep;
  readonly from: Address;
  readonly to: Address;
}

/** Columns `first` to `end` of all, counted over the loops. */
export function poolWgsl({ step, from, to }: PoolSpec): StepCode {
  const wgsl = new Wgsl();
  const words = new Words();
  const loops = step.loops.map((count) => words.add(count));
  const [rows, width] = [words.add(step.rows), words.add(step.width)];
  const row = words.add(step.from.row);
  const at = (address: Address): string =>
    wgsl.address(addressWords(words, address), address, indexNames(loops));
  const [fromAt, toAt] = [at(from), at(to)];
  const load = wgsl.load(from.space, from.storage);
  const add = step.op === 'sum' ? 'result += x;' : 'result = max(result, x);';
  const whole = to.storage === 'f32' ? 'f32' : 'i32';
  const main = `
@compute @workgroup_size(${POOL_THREADS})
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
  let wanted = ${words.first} + id.x;
  if (wanted >= ${words.end}) { return; }
  let column = wanted % ${width};
  var rest = wanted / ${width};
  ${loopIndices(loops, 'rest').join('\n  ')}
  let start = ${fromAt} + column;
  var result = ${step.op === 'sum' ? '0.0' : `${load}(start)`};
  for (var r = 0u; r < ${rows}; r++) {
    let x = ${load}(start + r * ${row});
    ${add}
  }
  ${wgsl.store(to.space, whole, `${toAt} + column`, 'result')}
}`;
  return wgsl.step(words, main);
}
