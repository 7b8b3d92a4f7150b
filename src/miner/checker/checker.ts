/**
 * Proves a model exact before it is used: abstract interpretation over all its segments, with the real weights.
 * A model that passes gives the same bits on every device that keeps WGSL's and IEEE's rules (models/README.md).
 * loadPackage checks the hashes. Pure; a hostile package gives a refusal, never an exception or a hang.
 */
import { manifestProblem, OPERAND_MAX, type Linear, type Manifest } from '../../core/manifest.ts';
import type { ModelPackage } from '../engine/backend.ts';
import { columnBounds, runOperator, stepsOf } from './operators.ts';
import { indexGraph, matchDivision, matchSquareRoot } from './patterns.ts';
import {
  EXACT_MAX,
  Refused,
  constantValue,
  demand,
  derived,
  exact,
  sizeOf,
  type Refusal,
  type Value,
} from './value.ts';
import { parseOnnx, type OnnxGraph, type OnnxNode, type OnnxValue } from '../package/onnx.ts';

export type { Refusal, Rule, Value } from './value.ts';

const ANSWER_MIN = -128;
const ANSWER_MAX = 127;
/** Entries and products of a unit outside the linears: more than any model that is worth mining with. */
export const STEPS_MAX = 2 ** 36;
/** Entries of all heads, which the checker reads one by one. */
export const HEADS_MAX = 2 ** 24;
/** Names of the operands, products, tokens and answer; no carry may have such a name. */
const RESERVED = /^([ac]\d+|tokens|answer)$/;

type Package = Pick<ModelPackage, 'manifest' | 'segments' | 'weights'>;
type Values = Map<string, Value>;

/** What is proven about every tensor of every segment. */
export interface Analysis {
  readonly segments: readonly ReadonlyMap<string, Value>[];
}

/** The cost of a unit, summed up so far. */
class Work {
  #steps = 0;
  #heads = 0;
  add(op: string, inputs: readonly Value[], made: readonly Value[]): void {
    const { steps, head } = stepsOf(op, inputs, made);
    this.#steps += steps;
    this.#heads += head;
    demand(this.#steps <= STEPS_MAX, 'work', `a unit takes over ${STEPS_MAX} steps`, this.#steps);
    demand(this.#heads <= HEADS_MAX, 'work', `heads of over ${HEADS_MAX} entries`, this.#heads);
  }
}

/** Runs the rules on nodes in order; the name of the node at fault goes with the refusal. */
function analyseNodes(graph: OnnxGraph, values: Values, sequences: number, work: Work): void {
  const index = indexGraph(graph);
  const done = new Set<number>();
  for (const [i, node] of graph.nodes.entries()) {
    if (done.has(i)) continue;
    try {
      if (node.op === 'Div' || node.op === 'Sqrt') {
        demand(!Object.keys(node.attributes).length, 'attribute', `${node.op} with attributes`);
        const match = node.op === 'Div' ? matchDivision : matchSquareRoot;
        const matched = match(index, i, values);
        for (const n of matched.nodes) done.add(n);
        for (const [name, value] of matched.values) values.set(name, value);
        work.add(
          node.op,
          [],
          matched.values.map(([, value]) => value),
        );
      } else values.set(node.outputs[0] ?? '', operate(node, values, sequences, work));
    } catch (e) {
      if (e instanceof Refused) throw new RefusedAt(node.name, e);
      throw e;
    }
  }
}

function operate(node: OnnxNode, values: Values, sequences: number, work: Work): Value {
  const inputs = node.inputs.map((name) => values.get(name));
  // A node that comes before the rest of its pattern would read a tensor that does not exist yet.
  demand(
    inputs.every((v) => v !== undefined),
    'operator',
    'reads what was not made before it',
  );
  const made = runOperator(node, inputs, sequences);
  work.add(node.op, inputs, [made]);
  return made;
}

class RefusedAt extends Error {
  readonly node: string;
  readonly refused: Refused;
  constructor(node: string, refused: Refused) {
    super(refused.message);
    this.node = node;
    this.refused = refused;
  }
}

const sameDims = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i]);

function declared(v: OnnxValue, value: Value | undefined): Value {
  demand(value, 'carry', `'${v.name}' is no output of an earlier segment`);
  demand(
    v.type === value.type && sameDims(v.dims, value.dims),
    'shape',
    `'${v.name}' is declared ${v.type} [${v.dims}], not ${value.type} [${value.dims}]`,
  );
  return value;
}

/** Values of a segment's inputs: tokens or c<ℓ>, and carries. */
function inputsOf(graph: OnnxGraph, segment: number, known: ReadonlyMap<string, Value>): Values {
  const values: Values = new Map();
  const main = segment === 0 ? 'tokens' : `c${segment}`;
  for (const v of graph.inputs) {
    demand(v.name === main || !RESERVED.test(v.name), 'carry', `'${v.name}' is no carry`);
    values.set(v.name, declared(v, known.get(v.name)));
  }
  demand(values.has(main), 'carry', `'${main}' is not an input`);
  return values;
}

/** Checks a segment's outputs and adds its carries to `known`. @returns A_ℓ where a linear follows */
function outputsOf(
  graph: OnnxGraph,
  { manifest: m, segment }: { manifest: Manifest; segment: number },
  values: ReadonlyMap<string, Value>,
  known: Values,
): Value | undefined {
  const linear = m.linears[segment];
  const main = linear ? `a${segment + 1}` : 'answer';
  for (const v of graph.outputs) {
    const value = declared(v, values.get(v.name));
    demand(
      value.bits === 0 && value.type === 'float32',
      'carry',
      `'${v.name}' is not whole float32`,
    );
    demand(value.perSequence, 'sequence', `'${v.name}' does not depend on the unit`);
    if (v.name === main) continue;
    demand(!RESERVED.test(v.name) && !known.has(v.name), 'carry', `'${v.name}' can't be a carry`);
    known.set(v.name, derived(value));
  }
  demand(
    graph.outputs.some((o) => o.name === main),
    'carry',
    `'${main}' is not an output`,
  );
  const value = values.get(main)!;
  const dims = linear ? [linear.m, linear.k] : [m.sequences, m.answerSize];
  demand(sameDims(value.dims, dims), 'shape', `'${main}' is [${value.dims}], not [${dims}]`);
  const [lo, hi] = linear ? [-OPERAND_MAX, OPERAND_MAX] : [ANSWER_MIN, ANSWER_MAX];
  const outside = value.lo < lo ? value.lo : value.hi;
  demand(
    value.lo >= lo && value.hi <= hi,
    linear ? 'linear-range' : 'answer-range',
    `'${main}' could be ${outside}, outside ${lo}..${hi}`,
    outside,
  );
  return linear && value;
}

/** C = A·B from A's interval and B's real columns. */
function productOf(l: Linear, weights: Int8Array, a: Value): Value {
  const { lo, hi, sum } = columnBounds(a, {
    values: weights,
    rows: l.k,
    columns: l.n,
    at: (i, j) => j * l.k + i,
  });
  demand(sum < EXACT_MAX, 'matmul-sum', `the product could reach ${sum}`, sum);
  return exact([l.m, l.n], [lo, hi], true);
}

function checkWeights(m: Manifest, weights: readonly Int8Array[]): void {
  demand(weights.length === m.linears.length, 'weights', 'as many weights as linears');
  for (const [i, l] of m.linears.entries()) {
    const w = weights[i]!;
    demand(w.length === l.k * l.n, 'weights', `linear ${i + 1} has ${w.length} weights`);
    const odd = w.find((x) => x > OPERAND_MAX || x < -OPERAND_MAX);
    demand(odd === undefined, 'weights', `linear ${i + 1} has weight ${odd}`, odd);
  }
}

function* analyse(pkg: Package): Generator<[place: string, segment?: Values]> {
  const { manifest: m } = pkg;
  yield ['manifest'];
  const problem = manifestProblem(m);
  demand(problem === undefined, 'manifest', problem ?? '');
  demand(pkg.segments.length === m.segments.length, 'manifest', 'segments are missing');
  demand(sizeOf([m.sequences, m.tokens]) <= 2 ** 20, 'manifest', 'a unit has too many tokens');
  yield ['weights'];
  checkWeights(m, pkg.weights);
  const tokens: Value = {
    type: 'int32',
    dims: [m.sequences, m.tokens],
    lo: 0,
    hi: m.vocabulary - 1,
    bits: 0,
    perSequence: true,
  };
  const known: Values = new Map([['tokens', tokens]]);
  const work = new Work();
  for (const [i, bytes] of pkg.segments.entries()) {
    yield [`seg-${i}`];
    const graph = parseOnnx(bytes);
    if (typeof graph === 'string') throw new Refused('file', graph);
    const values = inputsOf(graph, i, known);
    for (const c of graph.constants) values.set(c.name, constantValue(c));
    analyseNodes(graph, values, m.sequences, work);
    const a = outputsOf(graph, { manifest: m, segment: i }, values, known);
    yield [`seg-${i}`, values];
    if (a) known.set(`c${i + 1}`, productOf(m.linears[i]!, pkg.weights[i]!, a));
  }
}

/** What is proven about every tensor, or the first refusal. */
export function analyseModel(pkg: Package): Analysis | Refusal {
  const segments: Values[] = [];
  let place = 'manifest';
  try {
    for (const [at, values] of analyse(pkg)) {
      place = at;
      if (values) segments.push(values);
    }
    return { segments };
  } catch (e) {
    const refused = e instanceof RefusedAt ? e.refused : e;
    if (!(refused instanceof Refused)) throw e;
    const node = e instanceof RefusedAt ? `${place}/${e.node}` : place;
    const { rule, bound, message } = refused;
    return { node, rule, bound, sentence: `${node}: ${message}` };
  }
}

/** Why this model can't be used, or undefined when it is proven exact. */
export function checkModel(pkg: Package): Refusal | undefined {
  const result = analyseModel(pkg);
  return 'rule' in result ? result : undefined;
}
