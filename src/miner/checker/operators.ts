/**
 * One transfer function per operator that a model may use: from what is known about the inputs to what is
 * proven about the output, or a refusal. Div and Sqrt are not here: patterns.ts has them.
 * Every interval must hold for any order of summation, fused or not (models/README.md).
 */
import { ELEMENTS_MAX, RANK_MAX, type OnnxNode } from '../package/onnx.ts';
import { matrixColumns, type Columns } from '../package/weights.ts';
import {
  axisOf,
  broadcast,
  concat,
  demandOtherAxis,
  numbersOf,
  reduced,
  reshape,
  slice,
  transpose,
} from './shape.ts';
import {
  BITS_MAX,
  EXACT_MAX,
  demand,
  demandExact,
  demandFloat,
  demandWhole,
  derived,
  exact,
  isShifts,
  magnitude,
  sizeOf,
  type Rounding,
  type Value,
} from './value.ts';

/**
 * Operands of a product within a segment. Multipliers of fewer digits are exact too: bfloat16 holds every whole number
 * to 256, TF32 and float16 to 2,048. Linears are no such products: their operands are int8.
 */
export const MATMUL_OPERAND_MAX = 255;
/** Entries of a head's matrix: larger matrices belong into linears, and bounding their products takes time. */
export const HEAD_ENTRIES_MAX = 2 ** 20;
const CAST_TO = { 1: 'float32', 6: 'int32' } as const;

type Inputs = readonly Value[];
type Attributes = OnnxNode['attributes'];
interface Operator {
  /** Names of its attributes: a node must have all of them and no others. */
  readonly attributes: readonly string[];
  /** Number of inputs; undefined for Concat, which has any number. */
  readonly inputs: number | undefined;
  /** `same`: both inputs are one tensor, as in a square. */
  run(x: Inputs, a: Attributes, sequences: number, same: boolean): Value;
}

type Ends = readonly [number, number];
const numeric = (...values: Inputs): void =>
  values.forEach((v) => {
    demandFloat(v);
    demandExact(v);
  });

const wholes = (...values: Inputs): void =>
  values.forEach((v) => {
    demandFloat(v);
    demandWhole(v);
  });

const elementwise =
  (ends: (a: Value, b: Value, same: boolean) => Ends, keepsOdd = false) =>
  ([a, b]: Inputs, _: Attributes, __: number, same: boolean): Value => {
    numeric(a!, b!);
    const { dims, perSequence } = broadcast(a!, b!);
    const bits = Math.max(a!.bits, b!.bits);
    // The sum of an odd multiple of a part and a multiple of twice the part, or more, is an odd multiple again.
    const [fine, coarse] = a!.bits > b!.bits ? [a!, b!] : [b!, a!];
    const odd = keepsOdd && fine.bits > coarse.bits && fine.odd;
    return exact(dims, ends(a!, b!, same), perSequence, { bits, odd });
  };

function difference(a: Value, b: Value, same: boolean): Ends {
  if (same) return [0, 0];
  // No entry is above the maximum of its own row, so the difference is at most 0.
  const [lo, hi] = [a.maximumOf === b ? 0 : a.lo - b.hi, a.hi - b.lo];
  const { of, plus, bits, stage } = b.rounding ?? {};
  if (stage !== 'multiple' || of !== a) return [lo, hi];
  // x − 2^s·⌊(x + h)·2^−s⌋ = ((x + h) mod 2^s) − h
  return [Math.max(lo, -plus!), Math.min(hi, 2 ** bits! - 1 - plus!)];
}

/** The one number of a constant that stands for every entry. */
const numberOf = ({ constant, dims }: Value): number | undefined =>
  constant && !dims.length ? constant[0] : undefined;

/** The operand that is a number, and the other one. */
function withNumber([a, b]: Inputs): { x: Value; number: number } | undefined {
  for (const [x, n] of [
    [a!, b!],
    [b!, a!],
  ] as const) {
    const number = numberOf(n);
    if (number !== undefined) return { x, number };
  }
  return undefined;
}

/** x + h of whole x and h, with which a remainder may begin. */
function summed(inputs: Inputs): Rounding | undefined {
  const { x, number = NaN } = withNumber(inputs) ?? {};
  const isWhole = Number.isInteger(number) && x!.type === 'float32' && x!.bits === 0;
  return isWhole ? { of: x!, plus: number, bits: 0, stage: 'sum' } : undefined;
}

/** Times 2^−s before a Floor, times 2^s after it. */
function scaledBy(inputs: Inputs): Rounding | undefined {
  const { x, number = NaN } = withNumber(inputs) ?? {};
  const bits = -Math.log2(number);
  if (!Number.isInteger(bits)) return undefined;
  const begun = x!.rounding;
  if (begun?.stage === 'floor')
    return begun.bits === -bits ? { ...begun, stage: 'multiple' } : undefined;
  if (bits < 1 || x!.bits || x!.type !== 'float32') return undefined;
  const from = begun?.stage === 'sum' ? begun : { of: x!, plus: 0 };
  return { ...from, bits, stage: 'scaled' };
}

const rounded = (value: Value, rounding: Rounding | undefined): Value =>
  rounding ? { ...value, rounding } : value;

const add = elementwise((a, b) => [a.lo + b.lo, a.hi + b.hi], true);

const compare = ([a, b]: Inputs): Value => {
  numeric(a!, b!);
  return { ...broadcast(a!, b!), type: 'bool', lo: 0, hi: 1, bits: 0 };
};

const corners = (a: Value, b: Value): number[] => [
  a.lo * b.lo,
  a.lo * b.hi,
  a.hi * b.lo,
  a.hi * b.hi,
];

function product(a: Value, b: Value, same: boolean): Ends {
  const all = corners(a, b);
  const hi = Math.max(...all);
  if (!same) return [Math.min(...all), hi];
  return [a.lo > 0 || a.hi < 0 ? Math.min(a.lo ** 2, a.hi ** 2) : 0, hi];
}

function scale([a, b]: Inputs, _: Attributes, __: number, same: boolean): Value {
  demandFloat(a!);
  demandFloat(b!);
  const { dims, perSequence } = broadcast(a!, b!);
  const ends = product(a!, b!, same);
  const bits = a!.bits + b!.bits;
  const fits = bits <= BITS_MAX && Math.max(...ends.map(Math.abs)) * 2 ** bits < EXACT_MAX;
  const [x, scale] = isShifts(b!) ? [a!, b!] : [b!, a!];
  if (fits || !isShifts(scale)) {
    numeric(a!, b!);
    return exact(dims, ends, perSequence, { bits });
  }
  demandExact(x);
  // Powers of two leave a number's digits as they are, however small the common part.
  const [lo, hi] = ends;
  return { type: 'float32', dims, lo, hi, bits: Infinity, perSequence };
}

const mul: Operator['run'] = (inputs, ...more) => rounded(scale(inputs, ...more), scaledBy(inputs));

function floor([x]: Inputs): Value {
  demandFloat(x!);
  const whole = exact(x!.dims, [Math.floor(x!.lo), Math.floor(x!.hi)], x!.perSequence);
  const { rounding } = x!;
  return rounded(whole, rounding?.stage === 'scaled' ? { ...rounding, stage: 'floor' } : undefined);
}

function clip([x, low, high]: Inputs): Value {
  numeric(x!, low!, high!);
  const bounds = [low!, high!].map((v) => {
    demandWhole(v);
    demand(v.constant && v.dims.length === 0, 'attribute', 'a limit is not a scalar constant');
    return v.constant[0]!;
  });
  const [from, to] = bounds as [number, number];
  demand(from <= to, 'attribute', `limits ${from}..${to}`);
  const clamp = (v: number): number => Math.min(Math.max(v, from), to);
  return exact(x!.dims, [clamp(x!.lo), clamp(x!.hi)], x!.perSequence, { bits: x!.bits });
}

function cast([x]: Inputs, { to }: Attributes): Value {
  demandWhole(x!);
  const type = CAST_TO[to as keyof typeof CAST_TO];
  demand(type, 'attribute', `casts to element type ${String(to)}`);
  const fits = type === 'float32' ? x!.type !== 'float32' : x!.type === 'float32';
  demand(fits && x!.type !== 'int64', 'type', `casts ${x!.type} to ${type}`);
  return { ...derived(x!), type };
}

function demandIndices({ type, lo, hi }: Value, size: number): void {
  demand(type === 'int32', 'type', `indices are ${type}, not int32`);
  demand(
    lo >= 0 && hi < size,
    'gather-range',
    `indices ${lo}..${hi} of ${size} entries`,
    lo < 0 ? lo : hi,
  );
}

/** What may be moved to other places: numbers, and powers of two, whose digits no move changes. */
function demandMovable(v: Value): void {
  if (!isShifts(v)) demandExact(v);
}

function gather([data, indices]: Inputs, { axis: attribute }: Attributes): Value {
  demandMovable(data!);
  demand(data!.type !== 'int64' && data!.type !== 'bool', 'type', `gathers ${data!.type}`);
  const axis = axisOf(attribute, data!.dims.length);
  demandIndices(indices!, data!.dims[axis]!);
  if (data!.perSequence) {
    demandOtherAxis(data!, axis);
    demand(!indices!.perSequence, 'sequence', 'looks up one unit tensor in another');
    // Which places it picks is read where it is proven on what they depend.
    demand(indices!.constant, 'attribute', 'picks places that are no constant of the file');
  } else
    demand(!indices!.perSequence || axis === 0, 'sequence', 'a table is read along axis 0 only');
  const dims = [...data!.dims.slice(0, axis), ...indices!.dims, ...data!.dims.slice(axis + 1)];
  const perSequence = data!.perSequence || indices!.perSequence;
  return { ...derived(data!, dims), perSequence };
}

/** GatherElements, from a constant table of rank 1 only. */
function gatherElements([table, indices]: Inputs, { axis }: Attributes): Value {
  demandFloat(table!);
  demandMovable(table!);
  demand(axis === 0, 'attribute', `axis ${String(axis)}, not 0`);
  demand(table!.constant && table!.dims.length === 1, 'shape', 'reads no constant table');
  demand(indices!.dims.length === 1, 'shape', `indices [${indices!.dims}] of a table of rank 1`);
  demandIndices(indices!, table!.dims[0]!);
  return { ...derived(table!, indices!.dims), perSequence: indices!.perSequence };
}

/** Interval of Σ a·w over a constant's columns, and the largest Σ |a|·|w|. */
export function columnBounds(
  a: Pick<Value, 'lo' | 'hi'>,
  { above, below }: Columns,
): { lo: number; hi: number; sum: number } {
  let [lo, hi, sum] = [Infinity, -Infinity, 0];
  for (let j = 0; j < above.length; j++) {
    const [up, down] = [above[j]!, below[j]!];
    lo = Math.min(lo, up * a.lo + down * a.hi);
    hi = Math.max(hi, up * a.hi + down * a.lo);
    sum = Math.max(sum, (up - down) * magnitude(a));
  }
  return { lo, hi, sum };
}

function matmul([a, b]: Inputs): Value {
  wholes(a!, b!);
  for (const v of [a!, b!])
    demand(
      magnitude(v) <= MATMUL_OPERAND_MAX,
      'matmul-operand',
      `an operand could reach ${magnitude(v)}, over ${MATMUL_OPERAND_MAX}`,
      magnitude(v),
    );
  const [p, q] = [a!.dims, b!.dims];
  demand(p.length >= 2 && q.length >= 2 && p.at(-1) === q.at(-2), 'shape', `[${p}]·[${q}]`);
  demand(a!.perSequence, 'sequence', 'the left operand does not depend on the unit');
  const k = p.at(-1)!;
  const dims = [...p.slice(0, -1), q.at(-1)!];
  if (b!.perSequence) {
    // An axis of length 1 of the right operand, but not the sequences', serves all of the left one's.
    const fits = p.slice(1, -2).every((d, i) => d === q[i + 1] || q[i + 1] === 1);
    const isAligned = p.length === q.length && p[0] === q[0] && fits;
    demand(isAligned && p.length >= 3, 'sequence', `[${p}]·[${q}] would mix sequences`);
    const bound = k * magnitude(a!) * magnitude(b!);
    demand(bound < EXACT_MAX, 'matmul-sum', `a sum could reach ${bound}`, bound);
    const all = corners(a!, b!);
    return exact(dims, [k * Math.min(...all), k * Math.max(...all)], true);
  }
  demand(q.length === 2 && b!.constant, 'shape', 'the right operand is no constant matrix');
  const n = q[1]!;
  demand(k * n <= HEAD_ENTRIES_MAX, 'shape', `a head of ${k * n} entries`, k * n);
  const { lo, hi, sum } = columnBounds(a!, matrixColumns(b!.constant, n));
  demand(sum < EXACT_MAX, 'matmul-sum', `a sum could reach ${sum}`, sum);
  return exact(dims, [lo, hi], true);
}

function reduceSum([x, axes]: Inputs, { keepdims }: Attributes): Value {
  wholes(x!);
  const { dims, count } = reduced(x!, axes!, keepdims);
  const bound = count * magnitude(x!);
  demand(bound < EXACT_MAX, 'sum', `a sum of ${count} could reach ${bound}`, bound);
  return exact(dims, [count * x!.lo, count * x!.hi], x!.perSequence);
}

function reduceMax([x, axes]: Inputs, { keepdims }: Attributes): Value {
  numeric(x!);
  const most = derived(x!, reduced(x!, axes!, keepdims).dims);
  return keepdims ? { ...most, maximumOf: x! } : most;
}

/** Checks that a tensor's entries may be moved to other places, which does not change their values. */
const movable = (v: Value): Value => {
  demandMovable(v);
  demand(v.type === 'float32' || v.type === 'int32', 'type', `moves ${v.type}`);
  return v;
};

const binary = (run: Operator['run']): Operator => ({ attributes: [], inputs: 2, run });

export const OPERATORS: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['Add', binary((inputs, ...more) => rounded(add(inputs, ...more), summed(inputs)))],
  ['Sub', binary(elementwise(difference, true))],
  ['Mul', binary(mul)],
  ['Max', binary(elementwise((a, b) => [Math.max(a.lo, b.lo), Math.max(a.hi, b.hi)]))],
  ['Min', binary(elementwise((a, b) => [Math.min(a.lo, b.lo), Math.min(a.hi, b.hi)]))],
  ['Greater', binary(compare)],
  ['GreaterOrEqual', binary(compare)],
  ['Less', binary(compare)],
  ['LessOrEqual', binary(compare)],
  ['Floor', { attributes: [], inputs: 1, run: floor }],
  ['Clip', { attributes: [], inputs: 3, run: clip }],
  ['Cast', { attributes: ['to'], inputs: 1, run: cast }],
  ['Gather', { attributes: ['axis'], inputs: 2, run: gather }],
  ['GatherElements', { attributes: ['axis'], inputs: 2, run: gatherElements }],
  ['MatMul', binary(matmul)],
  [
    'Reshape',
    binary(([x, dims], _, sequences) => reshape(movable(x!), numbersOf(dims!), sequences)),
  ],
  [
    'Transpose',
    {
      attributes: ['perm'],
      inputs: 1,
      run: ([x], { perm }) => transpose(movable(x!), perm),
    },
  ],
  ['Slice', { attributes: [], inputs: 4, run: ([x, a, b, c]) => slice(movable(x!), a!, b!, c!) }],
  [
    'Concat',
    {
      attributes: ['axis'],
      inputs: undefined,
      run: (parts, { axis }) => concat(parts.map(movable), axis),
    },
  ],
  ['ReduceSum', { attributes: ['keepdims'], inputs: 2, run: reduceSum }],
  ['ReduceMax', { attributes: ['keepdims'], inputs: 2, run: reduceMax }],
]);

/** The size limit of a node's result, the same as for a tensor in a file. */
export function demandSize({ dims }: Value): void {
  demand(
    dims.length <= RANK_MAX && sizeOf(dims) <= ELEMENTS_MAX,
    'shape',
    `the result [${dims}] is too large`,
  );
}

/** Entries of a head's matrix, which the checker itself reads one by one. */
export const headOf = (op: string, [, b]: readonly Value[]): number =>
  op === 'MatMul' && b!.constant ? sizeOf(b!.dims) : 0;

/** Result of one node, or a refusal. */
export function runOperator(node: OnnxNode, inputs: readonly Value[], sequences: number): Value {
  const operator = OPERATORS.get(node.op);
  demand(operator, 'operator', `operator ${node.op} is not allowed`);
  demand(node.outputs.length === 1, 'operator', `${node.outputs.length} outputs, not one`);
  const count = operator.inputs ?? Math.max(1, inputs.length);
  demand(inputs.length === count, 'operator', `${inputs.length} inputs of ${node.op}`);
  const names = Object.keys(node.attributes);
  const odd =
    names.find((n) => !operator.attributes.includes(n)) ??
    operator.attributes.find((n) => !names.includes(n));
  demand(odd === undefined, 'attribute', `attribute '${odd}' of ${node.op} is odd or missing`);
  const same = inputs.length === 2 && node.inputs[0] === node.inputs[1];
  const value = operator.run(inputs, node.attributes, sequences, same);
  demandSize(value);
  return value;
}
