/**
 * The only two patterns in which a quotient or a root may appear, each with its Floor. A GPU's Div may be
 * 2.5 ULP off and its Sqrt 5. Either a quotient is further than that from every integer, or the remainder that
 * its floor missed is divided again; a root's floor is corrected. No other node may read the tensors inside a
 * pattern. Both are exact inside their bounds, and refused outside.
 */
import type { OnnxGraph, OnnxNode } from '../package/onnx.ts';
import { demandSize } from './operators.ts';
import { broadcast } from './shape.ts';
import {
  EXACT_MAX,
  Refused,
  demand,
  demandFloat,
  demandWhole,
  derived,
  magnitude,
  type Rule,
  type Value,
} from './value.ts';

/** Parts of a dividend below which 2.5 ULP of its quotient, 2.5·2^−23 of it, are less than a part of the divisor. */
export const DIVIDEND_PARTS = 2 ** 23 / 2.5;
/** Quotients below it have ULP ≤ 1/4, so 2.5 ULP moves a floor by at most one. */
export const QUOTIENT_MAX = 2 ** 22;
/** Roots up to it leave room for (s+2)² < 2^24. */
export const ROOT_MAX = 4094;
const FLOAT = 1;

export interface Matched {
  /** Indices of the pattern's nodes. */
  readonly nodes: ReadonlySet<number>;
  /** Values of all tensors that the pattern makes, the result included. */
  readonly values: readonly (readonly [string, Value])[];
}

export interface GraphIndex {
  readonly graph: OnnxGraph;
  /** Tensor name → indices of the nodes that read it. */
  readonly readers: ReadonlyMap<string, readonly number[]>;
  readonly outputs: ReadonlySet<string>;
}

export function indexGraph(graph: OnnxGraph): GraphIndex {
  const readers = new Map<string, number[]>();
  for (const [i, node] of graph.nodes.entries())
    for (const name of new Set(node.inputs)) {
      const list = readers.get(name);
      if (list) list.push(i);
      else readers.set(name, [i]);
    }
  return { graph, readers, outputs: new Set(graph.outputs.map((o) => o.name)) };
}

/** Follows a pattern node by node and remembers which nodes it took. */
class Trail {
  readonly taken = new Set<number>();
  readonly #index: GraphIndex;
  readonly #rule: Rule;
  constructor(index: GraphIndex, start: number, rule: Rule) {
    this.#index = index;
    this.#rule = rule;
    this.taken.add(start);
  }

  /** Output of the node `op(inputs)` that reads `inputs[0]`; `either` allows the other order. */
  step(op: string, inputs: readonly string[], to?: number, either = false): string {
    const fits = (n: OnnxNode): boolean =>
      n.op === op &&
      n.outputs.length === 1 &&
      n.inputs.length === inputs.length &&
      (n.inputs.every((x, i) => x === inputs[i]) ||
        (either && n.inputs[0] === inputs[1] && n.inputs[1] === inputs[0])) &&
      Object.entries(n.attributes).every(([k, v]) => k === 'to' && v === to) &&
      'to' in n.attributes === (to !== undefined);
    const { graph, readers } = this.#index;
    const at = readers.get(inputs[0]!)?.find((i) => fits(graph.nodes[i]!));
    demand(at !== undefined, this.#rule, `is not followed by its correction: no ${op} that fits`);
    this.taken.add(at);
    return graph.nodes[at]!.outputs[0]!;
  }

  /** Comparison with a scalar constant on the right. */
  stepConstant(
    op: string,
    input: string,
    value: number,
    values: ReadonlyMap<string, Value>,
  ): string {
    const { graph, readers } = this.#index;
    const isIt = (name: string | undefined): boolean => {
      const v = name === undefined ? undefined : values.get(name);
      if (v?.type !== 'float32' || v.dims.length || !v.constant) return false;
      return v.constant[0] === value;
    };
    const found = readers.get(input)?.find((i) => {
      const n = graph.nodes[i]!;
      return n.op === op && n.inputs[0] === input && isIt(n.inputs[1]);
    });
    demand(found !== undefined, this.#rule, `is not followed by its correction: no ${op} ${value}`);
    return this.step(op, [input, graph.nodes[found]!.inputs[1]!]);
  }

  /** Demands that no node outside the pattern reads the tensors inside it. */
  close(inside: readonly string[]): void {
    for (const name of inside)
      if (
        this.#index.outputs.has(name) ||
        this.#index.readers.get(name)!.some((i) => !this.taken.has(i))
      )
        throw new Refused(this.#rule, `'${name}' is read outside the correction`);
  }
}

const between = (lo: number, hi: number, from: Value): Value => ({
  ...derived(from),
  type: 'float32',
  lo,
  hi,
  bits: 0,
  odd: false,
  shifts: false,
});
/** A raw quotient or root. */
const raw = (lo: number, hi: number, from: Value): Value => ({
  ...between(lo, hi, from),
  bits: Infinity,
});
const flag = (from: Value, type: Value['type']): Value => ({ ...between(0, 1, from), type });

/**
 * ⌊x/y⌋ of an x that no whole y divides, because x is an odd multiple of 2^−bits. The pattern is Floor(Div(x, y)),
 * since the quotient is at least 2^−bits/y away from every integer. For a large x, q = Floor(Div(x, y)) may
 * be wrong by one, so the pattern is q + Floor(Div(x − q·y, y)). A small x may have it too: a model whose shapes have
 * larger and smaller ones has one form.
 */
export function matchDivision(
  index: GraphIndex,
  at: number,
  values: ReadonlyMap<string, Value>,
): Matched {
  const node = index.graph.nodes[at]!;
  demand(node.inputs.length === 2 && node.outputs.length === 1, 'division', 'odd Div');
  const [xName, yName] = node.inputs as [string, string];
  const [x, y] = [values.get(xName)!, values.get(yName)!];
  demandFloat(x);
  demandFloat(y);
  demandWhole(y);
  demand(x.odd, 'division', 'divides what could be a multiple of the divisor');
  const shape: Value = { ...x, ...broadcast(x, y) };
  demandSize(shape);
  demand(y.lo >= 1, 'division', `divides by what could be ${y.lo}`, y.lo);
  const ends = [x.lo / y.lo, x.lo / y.hi, x.hi / y.lo, x.hi / y.hi].map(Math.floor);
  const [lo, hi] = [Math.min(...ends), Math.max(...ends)];

  const division = { index, at, names: [xName, yName], x, y, shape, lo, hi } as const;
  if (magnitude(x) * 2 ** x.bits >= DIVIDEND_PARTS) return matchCorrected(division);
  // Either form gives the same; in which the nodes stand, the longer one tells.
  return unlessRefused(() => matchCorrected(division)) ?? matchUncorrected(division);
}

interface Division {
  readonly index: GraphIndex;
  readonly at: number;
  readonly names: readonly [string, string];
  readonly x: Value;
  readonly y: Value;
  readonly shape: Value;
  /** Ends of the floored quotient. */
  readonly lo: number;
  readonly hi: number;
}

function unlessRefused<T>(match: () => T): T | undefined {
  try {
    return match();
  } catch (e) {
    if (e instanceof Refused) return undefined;
    throw e;
  }
}

/** Floor(Div(x, y)). */
function matchUncorrected({ index, at, shape, lo, hi }: Division): Matched {
  const trail = new Trail(index, at, 'division');
  const div = index.graph.nodes[at]!.outputs[0]!;
  const q = trail.step('Floor', [div]);
  trail.close([div]);
  return {
    nodes: trail.taken,
    values: [
      [div, raw(lo, hi + 1, shape)],
      [q, between(lo, hi, shape)],
    ],
  };
}

/** q + Floor(Div(x − q·y, y)), q = Floor(Div(x, y)). */
function matchCorrected({ index, at, names, x, y, shape, lo, hi }: Division): Matched {
  const [xName, yName] = names;
  const trail = new Trail(index, at, 'division');
  const div = index.graph.nodes[at]!.outputs[0]!;
  const q = trail.step('Floor', [div]);
  const part = 2 ** x.bits;
  const quotient = magnitude(x) / y.lo;
  demand(quotient < QUOTIENT_MAX, 'division', `a quotient could reach ${quotient}`, quotient);
  const reach = magnitude(x) + 2 * y.hi;
  demand(reach * part <= EXACT_MAX, 'division', `|x| + 2y could reach ${reach}`, reach);
  const left = 2 * y.hi;
  demand(left * part < DIVIDEND_PARTS, 'division', `2y could reach ${left}`, left);

  const back = trail.step('Mul', [q, yName], undefined, true);
  // The Sub is found as the reader of the product, because x may have many readers.
  const rest = readerOf(index, trail, 'Sub', [xName, back]);
  const again = trail.step('Div', [rest, yName]);
  const more = trail.step('Floor', [again]);
  const result = trail.step('Add', [q, more], undefined, true);
  trail.close([div, q, back, rest, again, more]);
  return {
    nodes: trail.taken,
    values: [
      [div, raw(lo - 1, hi + 2, shape)],
      [q, between(lo - 1, hi + 1, shape)],
      [back, between(-reach, reach, shape)],
      [rest, { ...between(-y.hi, left, shape), bits: x.bits, odd: true }],
      [again, raw(-1, 2, shape)],
      [more, between(-1, 1, shape)],
      [result, between(lo, hi, shape)],
    ],
  };
}

/** The node `op(left, right)`, found as a reader of `right`, which belongs to the pattern. */
function readerOf(
  index: GraphIndex,
  trail: Trail,
  op: string,
  [left, right]: readonly [string, string],
): string {
  const reads = (i: number): boolean => index.graph.nodes[i]!.op === op;
  demand(
    index.readers.get(right)?.some(reads),
    'division',
    `is not followed by its correction: no ${op} of the product`,
  );
  return trail.step(op, [left, right]);
}

/** ⌊√v⌋: s = Floor(Sqrt); s −= (s² > v); s + ((s+1)² ≤ v). */
export function matchSquareRoot(
  index: GraphIndex,
  at: number,
  values: ReadonlyMap<string, Value>,
): Matched {
  const node = index.graph.nodes[at]!;
  demand(node.inputs.length === 1 && node.outputs.length === 1, 'square-root', 'odd Sqrt');
  const vName = node.inputs[0]!;
  const v = values.get(vName)!;
  demandFloat(v);
  demandWhole(v);
  demand(v.lo >= 1, 'square-root', `takes the root of what could be ${v.lo}`, v.lo);
  demand(v.hi <= ROOT_MAX ** 2, 'square-root', `takes the root of what could be ${v.hi}`, v.hi);

  const trail = new Trail(index, at, 'square-root');
  const root = node.outputs[0]!;
  const s = trail.step('Floor', [root]);
  const square = trail.step('Mul', [s, s]);
  const over = trail.step('Greater', [square, vName]);
  const down = trail.step('Cast', [over], FLOAT);
  const low = trail.step('Sub', [s, down]);
  const next = trail.stepConstant('Add', low, 1, values);
  const nextSquare = trail.step('Mul', [next, next]);
  const under = trail.step('LessOrEqual', [nextSquare, vName]);
  const up = trail.step('Cast', [under], FLOAT);
  const result = trail.step('Add', [low, up], undefined, true);
  trail.close([root, s, square, over, down, low, next, nextSquare, under, up]);

  const [lo, hi] = [Math.floor(Math.sqrt(v.lo)), Math.floor(Math.sqrt(v.hi))];
  return {
    nodes: trail.taken,
    values: [
      [root, raw(lo - 1, hi + 2, v)],
      [s, between(lo - 1, hi + 1, v)],
      [square, between(0, (hi + 1) ** 2, v)],
      [over, flag(v, 'bool')],
      [down, flag(v, 'float32')],
      [low, between(lo - 1, hi, v)],
      [next, between(lo, hi + 1, v)],
      [nextSquare, between(0, (hi + 1) ** 2, v)],
      [under, flag(v, 'bool')],
      [up, flag(v, 'float32')],
      [result, between(lo, hi, v)],
    ],
  };
}
