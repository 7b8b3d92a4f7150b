/**
 * The products that depend on the unit: int16 rows times int16 columns, batched. A workgroup makes 32×32 entries, a
 * thread 4×4. Sums of magnitudes are proven below 2^24, so float32 holds every partial sum.
 */
import type { ProductStep } from '../../executor/types.ts';
import type { Address } from './layout.ts';
import { addressWords, indexNames, loopIndices, Wgsl, Words, type StepCode } from './wgsl.ts';

/** Rows and columns of a workgroup, and how much of k it holds at a time. */
export const SIDE = 32;
const DEPTH = 16;
const THREADS = (SIDE * SIDE) / 16;

export interface ProductSpec {
  readonly step: ProductStep;
  readonly left: Address;
  readonly right: Address;
  readonly out: Address;
}

const FOUR = [0, 1, 2, 3] as const;
const each = (line: (i: number) => string): string => FOUR.map(line).join('\n    ');

/** The grid is tiles of the product × batches, from batch `first` on. */
export function productWgsl({ step, left, right, out }: ProductSpec): StepCode {
  const { causal } = step;
  const wgsl = new Wgsl();
  const words = new Words();
  const loops = step.loops.map((count) => words.add(count));
  const [m, n, k] = [step.m, step.n, step.k].map((x) => words.add(x)) as [string, string, string];
  const [leftRow, outRow] = [words.add(step.left.row), words.add(step.out.row)];
  const [deep, column] = [words.add(step.right.depth), words.add(step.right.column)];
  const [columns, depths] = [words.add(causal?.columns ?? 0), words.add(causal?.depths ?? 0)];
  const at = (address: Address): string =>
    wgsl.address(addressWords(words, address), address, indexNames(loops));
  const [leftAt, rightAt, outAt] = [at(left), at(right), at(out)];
  const loadLeft = wgsl.load(left.space, left.storage);
  const loadRight = wgsl.load(right.space, right.storage);
  // Causal: beyond the tile's last row plus a diagonal nothing is wanted, or the left side is 0.
  const reach = (diagonal: string): string =>
    `i32(min(row0 + ${SIDE}u, ${m})) + bitcast<i32>(${diagonal})`;
  const inner = causal?.depths === undefined ? k : `u32(clamp(${reach(depths)}, 0, i32(${k})))`;
  const depth =
    causal?.columns === undefined
      ? inner
      : `select(0u, ${inner}, i32(column0) < ${reach(columns)})`;
  const store = each((i) => {
    const lanes = FOUR.map((j) => {
      const to = `to + ${i}u * ${outRow} + ${j}u`;
      const isIn = `row + ${i}u < ${m} && column + ${j}u < ${n}`;
      return `if (${isIn}) { ${wgsl.store(out.space, 'i32', to, `sum${i}[${j}]`)} }`;
    });
    return lanes.join('\n    ');
  });
  const main = `
var<workgroup> As: array<f32, ${DEPTH * SIDE}>;
var<workgroup> Bs: array<f32, ${DEPTH * SIDE}>;
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) li: u32) {
  var rest = ${words.first} + id.y;
  ${loopIndices(loops, 'rest').join('\n  ')}
  let leftAt = ${leftAt};
  let rightAt = ${rightAt};
  let tile = ${words.end} + id.x;
  let across = (${n} + ${SIDE - 1}u) / ${SIDE}u;
  let row0 = tile / across * ${SIDE}u;
  let column0 = tile % across * ${SIDE}u;
  let depth = ${depth};
  ${each((i) => `var sum${i} = vec4<f32>();`)}
  for (var p0 = 0u; p0 < depth; p0 += ${DEPTH}u) {
    for (var e = li; e < ${DEPTH * SIDE}u; e += ${THREADS}u) {
      // Neighbours in memory are read by neighbours among the threads.
      let p = e % ${DEPTH}u;
      let line = e / ${DEPTH}u;
      let a = ${loadLeft}(leftAt + (row0 + line) * ${leftRow} + p0 + p);
      As[p * ${SIDE}u + line] = select(0.0, a, row0 + line < ${m} && p0 + p < ${k});
      let isAcross = ${deep} != 1u;
      let q = select(p, e / ${SIDE}u, isAcross);
      let j = select(line, e % ${SIDE}u, isAcross);
      let b = ${loadRight}(rightAt + (p0 + q) * ${deep} + (column0 + j) * ${column});
      Bs[q * ${SIDE}u + j] = select(0.0, b, column0 + j < ${n} && p0 + q < ${k});
    }
    workgroupBarrier();
    for (var p = 0u; p < ${DEPTH}u; p++) {
      let a = p * ${SIDE}u + li / 8u * 4u;
      let b = p * ${SIDE}u + li % 8u * 4u;
      let right = vec4<f32>(Bs[b], Bs[b + 1u], Bs[b + 2u], Bs[b + 3u]);
      ${FOUR.map((i) => `sum${i} += As[a + ${i}u] * right;`).join('\n      ')}
    }
    workgroupBarrier();
  }
  let row = row0 + li / 8u * 4u;
  let column = column0 + li % 8u * 4u;
  let to = ${outAt} + row * ${outRow} + column;
  ${store}
}`;
  return wgsl.step(words, main);
}
