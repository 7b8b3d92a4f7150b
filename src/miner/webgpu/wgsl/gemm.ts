/**
 * The int8 GEMM with its transcript (docs/protocol.md §5.5): C' = A'·B' in int32, after every r
 * columns the XOR of each 16×16 tile into the tile's message, and the peel to the exact product at
 * the end, while the accumulators are still in registers.
 *
 * A workgroup computes rows × columns of C, a thread 4×4 of it. Sixteen threads with consecutive
 * numbers own one tile, and each of them also owns one of the tile's sixteen message words.
 */

/**
 * How int8 products are summed: by WGSL's packed dot product, or as float32, which every device has. The float32
 * sums are whole numbers: of 64 columns at most, 64 · 126² < 2^24, before they are added to the int32
 * accumulators that are folded. Tried and dropped, none 10 % faster on any device that was measured: int32
 * lanes, operands spread out in workgroup memory, folds by subgroup shuffles
 * (docs/decisions/0009-two-gpu-kernels.md).
 */
export const DOT_KINDS = ['dp4a', 'f32'] as const;
export type DotKind = (typeof DOT_KINDS)[number];

export type GemmShape = {
  readonly k: number;
  readonly r: number;
  /** Rows and columns of C per workgroup: multiples of 16, at most 64. */
  readonly rows: number;
  readonly columns: number;
  readonly dot: DotKind;
  /** Noisy: fold the transcript and peel with this many limbs. 0: plain product, neither. */
  readonly limbs: number;
};

const FOUR = [0, 1, 2, 3] as const;
const LANES = ['x', 'y', 'z', 'w'] as const;
const each = (line: (i: number) => string): string => FOUR.map(line).join('\n    ');

const dotHeader = (kind: DotKind): string =>
  kind === 'dp4a' ? 'requires packed_4x8_integer_dot_product;\n' : '';

/** `sum0..sum3` += rows a × columns b, four of each, over the four columns of A in a word of each. */
const addWgsl = (kind: DotKind, sum: string): string => {
  const dots = (dot: (lane: string, i: number) => string): string => LANES.map(dot).join(', ');
  if (kind === 'dp4a')
    return each((i) => {
      const a = `a.${LANES[i]!}`;
      return `${sum}${i} += vec4<i32>(${dots((lane) => `dot4I8Packed(${a}, b.${lane})`)});`;
    });
  return `${each((i) => `let p${i} = quad(a.${LANES[i]!}); let q${i} = quad(b.${LANES[i]!});`)}
    ${each((i) => `${sum}${i} += vec4<f32>(${dots((_, j) => `dot(p${i}, q${j})`)});`)}`;
};

/** Columns of A that a workgroup loads at a time: whole folds, or a whole part of one. */
export function columnStep(k: number, r: number): number {
  const fits = (step: number): boolean =>
    k % step === 0 && (r % step === 0 || step % r === 0) && step % 4 === 0;
  for (let step = 64; step > 16; step -= 16) if (fits(step)) return step;
  return 16;
}

/** Rows per workgroup for an operand of `size` rows: no more rows than it has, so that few threads are idle. */
export const groupSide = (size: number): number => Math.min(64, size);

/** The four int8 values of a word. */
const QUAD = `fn quad(x: u32) -> vec4<f32> {
  return vec4<f32>((vec4<i32>(bitcast<i32>(x)) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u));
}`;

const loadWgsl = (name: string, line: string, side: number, words: number): string => {
  const word = (i: number): string => `${name}In[min(first + ${i}u, ${line}Max) * K4 + at]`;
  return `
    for (var e = li; e < ${(side / 4) * words}u; e += THREADS) {
      let first = ${line}0 + e / ${words}u * 4u;
      let at = k0 + e % ${words}u;
      ${name}[e % ${words}u * ${side / 4}u + e / ${words}u] =
        vec4<u32>(${FOUR.map(word).join(', ')});
    }`;
};

/** Reduces the threads' partial XORs of this step and rolls them into the message words. */
const rollWgsl = (folds: number, every: number): string => `
    ${every > 1 ? `if (step % ${every}u == ${every - 1}u) {` : '{'}
      for (var f = 0u; f < ${folds}u; f++) {
        let fold = step / ${every}u * ${folds}u + f;
        if (fold % 16u == li % 16u) {
          var x = 0u;
          for (var i = 0u; i < 16u; i++) { x ^= partial[f * THREADS + li / 16u * 16u + i]; }
          message = ((message << 13u) | (message >> 19u)) ^ x;
        }
      }
    }`;

const gather = (name: string, line: string, part: string): string => {
  const at = (i: number): string => `(min(${line} + ${i}u, ${line}Max) * PARTS + ${part}) * R4 + w`;
  return `vec4<u32>(${FOUR.map((i) => `${name}[${at(i)}]`).join(', ')})`;
};

/**
 * C −= (A·F_L)·F_R + E_L·(E_R·B'), each thin factor as base-256 digits: digit d of A·F_L meets F_R,
 * then E_L meets digit d of E_R·B'. One place in the code for both: compiling is slow on software
 * devices.
 */
const peelWgsl = ({ r, limbs, dot }: GemmShape): string => `
  for (var term = 0u; term < ${2 * limbs}u; term++) {
    let digit = term % ${limbs}u;
    let partA = select(${limbs}u, digit, term < ${limbs}u);
    let partB = select(digit, ${limbs}u, term < ${limbs}u);
    ${sumsWgsl(dot, 'thin')}
    for (var w = 0u; w < ${r / 4}u; w++) {
      let a = ${gather('rowFactors', 'row', 'partA')};
      let b = ${gather('columnFactors', 'column', 'partB')};
    ${addWgsl(dot, 'thin')}
    }
    ${each((i) => `acc${i} -= vec4<i32>(thin${i}) << vec4<u32>(8u * digit);`)}
  }`;

/** Four times four sums of what `addWgsl` adds. */
const sumsWgsl = (dot: DotKind, name: string): string =>
  each((i) => `var ${name}${i} = vec4<${dot === 'f32' ? 'f32' : 'i32'}>();`);

const bindings = (noisy: boolean): string => `
struct G { m: u32, n: u32, firstRow: u32, firstColumn: u32 };
@group(0) @binding(0) var<uniform> g: G;
@group(0) @binding(1) var<storage, read> AsIn: array<u32>;
@group(0) @binding(2) var<storage, read> BsIn: array<u32>;
@group(0) @binding(3) var<storage, read_write> product: array<i32>;
${
  noisy
    ? `@group(0) @binding(4) var<storage, read_write> messages: array<u32>;
@group(0) @binding(5) var<storage, read> rowFactors: array<u32>;
@group(0) @binding(6) var<storage, read> columnFactors: array<u32>;`
    : ''
}`;

/**
 * The inner product over what lies in workgroup memory, with a fold after each r columns.
 */
const multiplyWgsl = (s: GemmShape, step: number): string => {
  const cells = step / 4;
  const folds = s.limbs ? Math.max(1, step / s.r) : 1;
  return `
    for (var f = 0u; f < ${folds}u; f++) {
      ${s.dot === 'f32' ? sumsWgsl(s.dot, 'sum') : ''}
      for (var w = f * ${cells / folds}u; w < (f + 1u) * ${cells / folds}u; w++) {
        let a = As[w * ${s.rows / 4}u + y];
        let b = Bs[w * ${s.columns / 4}u + x];
    ${addWgsl(s.dot, s.dot === 'f32' ? 'sum' : 'acc')}
      }
      ${s.dot === 'f32' ? each((i) => `acc${i} += vec4<i32>(sum${i});`) : ''}
      ${
        s.limbs
          ? `let all = acc0 ^ acc1 ^ acc2 ^ acc3;
      partial[f * THREADS + li] = bitcast<u32>(all.x ^ all.y ^ all.z ^ all.w);`
          : ''
      }
    }`;
};

/**
 * A: m×k, B: Bᵀ n×k, both int8 packed along k; product: m×n int32; messages: 16
 * words per tile. The grid is as many column and row groups as wanted, beginning at column
 * G.firstColumn and row G.firstRow.
 */
export function gemmWgsl(s: GemmShape): string {
  const step = columnStep(s.k, s.r);
  const noisy = s.limbs > 0;
  const threads = (s.rows * s.columns) / 16;
  const folds = Math.max(1, step / s.r);
  const cells = step / 4;
  const store = each((i) =>
    LANES.map((lane, j) => `product[(row + ${i}u) * g.n + column + ${j}u] = acc${i}.${lane};`).join(
      ' ',
    ),
  );
  return `${dotHeader(s.dot)}${bindings(noisy)}
const THREADS = ${threads}u;
const K4 = ${s.k / 4}u;
const R4 = ${s.r / 4}u;
const PARTS = ${s.limbs + 1}u;
var<workgroup> As: array<vec4<u32>, ${cells * (s.rows / 4)}>;
var<workgroup> Bs: array<vec4<u32>, ${cells * (s.columns / 4)}>;
${noisy ? `var<workgroup> partial: array<u32, ${folds * threads}>;` : ''}
${s.dot === 'f32' ? QUAD : ''}
@compute @workgroup_size(${threads})
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) li: u32) {
  let row0 = g.firstRow + group.y * ${s.rows}u;
  let column0 = g.firstColumn + group.x * ${s.columns}u;
  let rowMax = g.m - 1u;
  let columnMax = g.n - 1u;
  // Threads 16·t..16·t+15 own tile t of the group; within it they lie 4×4.
  let tile = li / 16u;
  let y = tile / ${s.columns / 16}u * 4u + li % 16u / 4u;
  let x = tile % ${s.columns / 16}u * 4u + li % 4u;
  let row = row0 + y * 4u;
  let column = column0 + x * 4u;
  ${each((i) => `var acc${i} = vec4<i32>();`)}
  ${noisy ? 'var message = 0u;' : ''}
  for (var step = 0u; step < ${s.k / step}u; step++) {
    let k0 = step * ${step / 4}u;
    ${loadWgsl('As', 'row', s.rows, step / 4)}
    ${loadWgsl('Bs', 'column', s.columns, step / 4)}
    workgroupBarrier();
    ${multiplyWgsl(s, step)}
    workgroupBarrier();
    ${noisy ? rollWgsl(folds, Math.max(1, s.r / step)) : ''}
  }
  // m and n are multiples of 16: a tile lies inside or outside as a whole.
  if (row >= g.m || column >= g.n) { return; }
  ${
    noisy
      ? `messages[((row / 16u) * (g.n / 16u) + column / 16u) * 16u + li % 16u] = message;
  ${peelWgsl(s)}`
      : ''
  }
  ${store}
}`;
}
