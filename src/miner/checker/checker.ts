/**
 * Proves a model exact before it is used: abstract interpretation over all its segments, with the real weights.
 * A model that passes gives the same bits on every device that keeps WGSL's and IEEE's rules (models/README.md).
 * Every segment is proven for all inputs within the bounds that the manifest gives, and that it keeps them itself,
 * so that each step can be judged alone. loadPackage checks the hashes. Pure; a hostile package gives a refusal,
 * never an exception or a hang.
 */
import {
  answerRows,
  KIND,
  manifestProblem,
  type Carry,
  type Manifest,
  type Shape,
  type Table,
} from '../../core/manifest.ts';
import { compare, utf8 } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { ModelPackage } from '../engine/backend.ts';
import { bestStop, type SegmentFacts, type Stop } from './admission.ts';
import { Causality } from './causality.ts';
import { demandStep, SEGMENT_BYTES_MAX } from './limits.ts';
import { columnBounds, headOf, runOperator } from './operators.ts';
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
  type Rule,
  type Value,
} from './value.ts';
import { parseOnnx, type OnnxGraph, type OnnxNode, type OnnxValue } from '../package/onnx.ts';
import { firstOutside, linearColumns, type Columns } from '../package/weights.ts';

export type { Refusal, Rule, Value } from './value.ts';

const ANSWER_MIN = -128;
const ANSWER_MAX = 127;
/** Operands of a model that is only served: int8. */
const SERVED_MAX = 127;
/** Entries of all heads, which the checker reads one by one. */
export const HEADS_MAX = 2 ** 24;
/** Names of the operands, products, rows of tables, tokens and answer; no carry may have such a name. */
const RESERVED = /^([ace]\d+|tokens|answer)$/;

/** `segments`: those of the first shape; `otherShapes`: those of the others, in order. */
export interface Package extends Pick<
  ModelPackage,
  'manifest' | 'segments' | 'tables' | 'weights'
> {
  readonly otherShapes?: readonly (readonly Uint8Array[])[];
}
type Values = Map<string, Value>;
type Bounds = Pick<Value, 'lo' | 'hi'>;

/** What is proven about every tensor. */
export interface Analysis {
  /**
   * The graphs and their values, of every segment of every shape: what an executor is planned from. Of `analyseToRun`
   * an entry may throw when it is read. @throws AppError MODEL_REFUSED
   */
  readonly shapes: readonly (readonly SegmentFacts[])[];
}

/** What the checker itself reads entry by entry, summed up so far. */
class Work {
  #heads = 0;
  add(op: string, inputs: readonly Value[]): void {
    this.#heads += headOf(op, inputs);
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
  work.add(node.op, inputs);
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

/** A tensor that a segment hands on. */
interface Handed extends Bounds {
  readonly made: number;
  last: number;
  readonly size: number;
}

/** One shape while its segments are looked at in order. */
interface Run {
  readonly manifest: Manifest;
  readonly shape: Shape;
  readonly files: readonly Uint8Array[];
  /** `seg-`, and the shape's number where it is not the first. */
  readonly prefix: string;
  /** What segments to come may read. */
  readonly known: Values;
  readonly carries: Map<string, Handed>;
  readonly work: Work;
}

/** Values of a segment's inputs: tokens and rows of tables, or c<ℓ>; and carries. */
function inputsOf(graph: OnnxGraph, segment: number, { manifest: m, known, carries }: Run): Values {
  const values: Values = new Map();
  const main = segment === 0 ? ['tokens', ...m.tables.map((_, i) => `e${i}`)] : [`c${segment}`];
  for (const v of graph.inputs) {
    demand(main.includes(v.name) || !RESERVED.test(v.name), 'carry', `'${v.name}' is no carry`);
    values.set(v.name, declared(v, known.get(v.name)));
    const carry = carries.get(v.name);
    if (carry) carry.last = segment;
  }
  for (const name of main) demand(values.has(name), 'carry', `'${name}' is not an input`);
  return values;
}

/** Checks a segment's outputs and notes its carries. @returns A_ℓ where a linear follows */
function outputsOf(
  graph: OnnxGraph,
  segment: number,
  values: ReadonlyMap<string, Value>,
  { manifest: m, shape, known, carries }: Run,
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
    demand(!RESERVED.test(v.name) && !carries.has(v.name), 'carry', `'${v.name}' can't be a carry`);
    const size = sizeOf(value.dims) / shape.sequences;
    carries.set(v.name, { made: segment, last: segment, size, lo: value.lo, hi: value.hi });
    // Of a carry a later segment knows the bounds only: who judges one step has no more.
    known.set(v.name, { ...derived(value), shifts: false });
  }
  demand(
    graph.outputs.some((o) => o.name === main),
    'carry',
    `'${main}' is not an output`,
  );
  const value = values.get(main)!;
  const rows = shape.sequences * shape.tokens;
  const dims = linear ? [rows, linear.k] : [shape.sequences * answerRows(m, shape), m.answerSize];
  demand(sameDims(value.dims, dims), 'shape', `'${main}' is [${value.dims}], not [${dims}]`);
  return linear && value;
}

/** Refuses a tensor that could leave its bounds. */
function demandWithin(
  name: string,
  { lo, hi }: Bounds,
  [low, high]: readonly [number, number],
  rule: Rule,
): void {
  const outside = lo < low ? lo : hi;
  demand(
    lo >= low && hi <= high,
    rule,
    `'${name}' could be ${outside}, outside ${low}..${high}`,
    outside,
  );
}

/** C = A·B from A's bounds and B's real columns. */
function productOf(columns: Columns, a: Bounds): Bounds {
  const found = columnBounds(a, columns);
  demand(found.sum < EXACT_MAX, 'matmul-sum', `the product could reach ${found.sum}`, found.sum);
  return found;
}

/** Columns of each linear; of weights that linears share they are found once. */
function checkWeights(m: Manifest, weights: readonly Int8Array[]): Columns[] {
  demand(weights.length === m.linears.length, 'weights', 'as many weights as linears');
  const known = new Map<Int8Array, { readonly k: number; readonly columns: Columns }>();
  return m.linears.map(({ k, n }, i) => {
    const w = weights[i]!;
    demand(w.length === k * n, 'weights', `linear ${i + 1} has ${w.length} weights`);
    const found = known.get(w);
    if (found?.k === k) return found.columns;
    const odd = firstOutside(w);
    demand(odd === undefined, 'weights', `linear ${i + 1} has weight ${odd}`, odd);
    const columns = linearColumns(w, n, k);
    known.set(w, { k, columns });
    return columns;
  });
}

/** Least and largest entry of a table: int8, or int16 little-endian. */
function rangeOf({ wide }: Table, bytes: Uint8Array): Bounds {
  const { buffer, byteOffset, length } = bytes;
  const view = new DataView(buffer, byteOffset, length);
  const entries =
    wide === 1
      ? new Int8Array(buffer, byteOffset, length)
      : Int16Array.from({ length: length / wide }, (_, i) => view.getInt16(wide * i, true));
  let [lo, hi] = [Infinity, -Infinity];
  for (let i = 0; i < entries.length; i++) {
    const x = entries[i]!;
    if (x < lo) lo = x;
    if (x > hi) hi = x;
  }
  return { lo, hi };
}

/** Bounds of a table hold for every row: any token may be asked for. */
function checkTables(m: Manifest, tables: Package['tables']): void {
  demand(tables.length === m.tables.length, 'table', 'as many tables as the manifest lists');
  for (const [i, table] of m.tables.entries()) {
    const { low, high, size } = table;
    demand(tables[i]!.length === size, 'table', `table ${i} has ${tables[i]!.length} bytes`);
    demandWithin(`table ${i}`, rangeOf(table, tables[i]!), [low, high], 'table');
  }
}

/** What may be read before any segment ran. */
function beginRun(m: Manifest, shape: Shape, files: readonly Uint8Array[], index: number): Run {
  const { sequences, tokens } = shape;
  demand(sizeOf([sequences, tokens]) <= 2 ** 20, 'manifest', 'a unit has too many tokens');
  const ids: Value = {
    type: 'int32',
    dims: [sequences, tokens],
    lo: 0,
    hi: m.vocabulary - 1,
    bits: 0,
    perSequence: true,
  };
  const known: Values = new Map([['tokens', ids]]);
  for (const [i, { width, low, high }] of m.tables.entries())
    known.set(`e${i}`, exact([sequences * tokens, width], [low, high], true));
  const prefix = index ? `seg-${index}-` : 'seg-';
  return { manifest: m, shape, files, prefix, known, carries: new Map(), work: new Work() };
}

function analyseSegment(run: Run, segment: number) {
  const bytes = run.files[segment]!;
  demand(
    bytes.length <= SEGMENT_BYTES_MAX,
    'limit',
    `has ${bytes.length} bytes, over ${SEGMENT_BYTES_MAX}`,
    bytes.length,
  );
  const graph = parseOnnx(bytes);
  if (typeof graph === 'string') throw new Refused('file', graph);
  const values = inputsOf(graph, segment, run);
  for (const c of graph.constants) values.set(c.name, constantValue(c));
  analyseNodes(graph, values, run.shape.sequences, run.work);
  const a = outputsOf(graph, segment, values, run);
  demandStep({ ...run, segment, graph, values });
  return { graph, values, a };
}

/** The smallest bounds around all. */
const around = (all: readonly Bounds[]): Bounds => ({
  lo: Math.min(...all.map(({ lo }) => lo)),
  hi: Math.max(...all.map(({ hi }) => hi)),
});

/** Whose bounds readers assume: the manifest's, which makers must keep, or what is proven as it comes. */
type Assumed = 'declared' | 'proven';

/** Replaces the bounds of what a segment handed on by those that readers assume. @returns A's, where a linear follows */
function settle(
  runs: readonly Run[],
  segment: number,
  found: readonly { a: Value | undefined; values: Values }[],
  assumed: Assumed,
): Bounds | undefined {
  const names = new Set(
    runs.flatMap(({ carries }) => [...carries].flatMap(([n, c]) => (c.made === segment ? n : []))),
  );
  for (const name of names) {
    const proven = around(runs.flatMap(({ carries }) => carries.get(name) ?? []));
    for (const { shape, known } of runs) {
      const value = known.get(name);
      if (!value) continue;
      let bounds = proven;
      if (assumed === 'declared') {
        const carry = shape.carries.find((c) => c.name === name);
        demand(carry, 'carry', `'${name}' is not among the manifest's carries`);
        demandWithin(name, proven, [carry.low, carry.high], 'carry');
        bounds = { lo: carry.low, hi: carry.high };
      }
      known.set(name, { ...value, ...bounds });
    }
  }
  const linear = runs[0]!.manifest.linears[segment];
  if (!linear) {
    for (const { values } of found)
      demandWithin('answer', values.get('answer')!, [ANSWER_MIN, ANSWER_MAX], 'answer-range');
    return undefined;
  }
  const a = around(found.map((f) => f.a!));
  const { low, high } = assumed === 'declared' ? linear : { low: -SERVED_MAX, high: SERVED_MAX };
  demandWithin(`a${segment + 1}`, a, [low, high], 'linear-range');
  return assumed === 'declared' ? { lo: low, hi: high } : a;
}

/** Refuses a table of carries that is not that of the graphs, or has bounds of its own in one shape. */
function checkCarries({ shape, carries }: Run, first: Shape): void {
  for (const [name, { last, made }] of carries)
    demand(last > made, 'carry', `'${name}' is read by no later segment`);
  for (const { name, made, last, size, low, high } of shape.carries) {
    const same = first.carries.find((c) => c.name === name);
    demand(
      !same || (same.low === low && same.high === high),
      'carry',
      `'${name}' has not the same bounds in all shapes`,
    );
    const found = carries.get(name);
    demand(found, 'carry', `'${name}' is made by no segment`);
    const [told, real] = [
      [made, last, size],
      [found.made, found.last, found.size],
    ];
    demand(
      sameDims(told, real),
      'carry',
      `'${name}' is made, last read, of size ${real.join(', ')}, not ${told.join(', ')}`,
    );
  }
}

/** Refuses a language model of which a token's row depends on later ones. */
function* proveCausal(
  { manifest: m, shape, prefix }: Run,
  segments: readonly SegmentFacts[],
): Generator<string, void> {
  const widths = m.tables.map(({ width }) => width);
  const causality = new Causality(shape, widths);
  for (const [i, facts] of segments.entries()) {
    yield `${prefix}${i}`;
    const linear = m.linears[i];
    const found = causality.segment(facts, linear ? `a${i + 1}` : 'answer', linear?.n);
    if (found) throw new RefusedAt(found.node.name, found.refused);
  }
}

/** What the proofs of all shapes have in common. */
interface Common {
  readonly manifest: Manifest;
  /** Segments of each shape. */
  readonly files: readonly (readonly Uint8Array[])[];
  readonly columns: readonly Columns[];
}

function* begin(pkg: Package): Generator<string, Common> {
  const { manifest } = pkg;
  yield 'manifest';
  const problem = manifestProblem(manifest);
  demand(problem === undefined, 'manifest', problem ?? '');
  const files = [pkg.segments, ...(pkg.otherShapes ?? [])];
  demand(files.length === manifest.shapes.length, 'manifest', 'segments of a shape are missing');
  for (const [i, { segments }] of manifest.shapes.entries())
    demand(files[i]!.length === segments.length, 'manifest', 'segments are missing');
  yield 'weights';
  const columns = checkWeights(manifest, pkg.weights);
  yield 'tables';
  checkTables(manifest, pkg.tables);
  return { manifest, files, columns };
}

interface Proof {
  readonly runs: readonly Run[];
  /** A of every linear. */
  readonly operands: readonly Bounds[];
  /** Segments of each of the shapes. */
  readonly shapes: readonly (readonly SegmentFacts[])[];
}

/**
 * Looks at the segments of some shapes in turn, so that bounds are those of all of them. Where bounds are declared, no
 * shape's proof needs another's. Tells where it is before it looks.
 * @param which places of the shapes in the manifest
 */
function* analyse(
  { manifest: m, files, columns }: Common,
  assumed: Assumed,
  which: readonly number[],
): Generator<string, Proof> {
  yield 'manifest';
  const runs = which.map((i) => beginRun(m, m.shapes[i]!, files[i]!, i));
  const operands: Bounds[] = [];
  const shapes: SegmentFacts[][] = runs.map(() => []);
  for (let i = 0; i <= m.linears.length; i++) {
    const found: ReturnType<typeof analyseSegment>[] = [];
    for (const run of runs) {
      yield `${run.prefix}${i}`;
      found.push(analyseSegment(run, i));
    }
    yield `seg-${i}`;
    const a = settle(runs, i, found, assumed);
    for (const [shape, facts] of found.entries()) shapes[shape]!.push(facts);
    if (!a) continue;
    operands.push(a);
    const { lo, hi } = productOf(columns[i]!, a);
    for (const { shape, known } of runs) {
      const rows = shape.sequences * shape.tokens;
      known.set(`c${i + 1}`, exact([rows, m.linears[i]!.n], [lo, hi], true));
    }
  }
  if (m.kind === KIND.generator)
    for (const [i, run] of runs.entries()) yield* proveCausal(run, shapes[i]!);
  yield 'manifest';
  for (const run of runs) if (assumed === 'declared') checkCarries(run, m.shapes[0]!);
  return { runs, operands, shapes };
}

/** All shapes of a package. */
function* analyseAll(pkg: Package, assumed: Assumed): Generator<string, Proof> {
  const common = yield* begin(pkg);
  return yield* analyse(common, assumed, [...common.files.keys()]);
}

/** What a proof gives, or its first refusal. */
function outcomeOf<T>(proof: Generator<string, T>): T | Refusal {
  let place = 'manifest';
  try {
    for (;;) {
      const { done, value } = proof.next();
      if (done) return value;
      place = value;
    }
  } catch (e) {
    const refused = e instanceof RefusedAt ? e.refused : e;
    if (!(refused instanceof Refused)) throw e;
    const node = e instanceof RefusedAt ? `${place}/${e.node}` : place;
    const { rule, bound, message } = refused;
    return { node, rule, bound, sentence: `${node}: ${message}` };
  }
}

export const isRefusal = (found: object): found is Refusal => 'rule' in found;

/** What is proven about every tensor, or the first refusal. */
export function analyseModel(pkg: Package): Analysis | Refusal {
  const proof = outcomeOf(analyseAll(pkg, 'declared'));
  return isRefusal(proof) ? proof : { shapes: proof.shapes };
}

/**
 * The same for whoever runs the model. Of a language model, which is never mined, the first shape is proven, and each
 * of the others when it is first read: who asks something short does not wait for the proof of what is long.
 */
export function analyseToRun(pkg: Package): Analysis | Refusal {
  if (pkg.manifest.kind !== KIND.generator) return analyseModel(pkg);
  const common = outcomeOf(begin(pkg));
  if (isRefusal(common)) return common;
  const prove = (shape: number): readonly SegmentFacts[] | Refusal => {
    const proof = outcomeOf(analyse(common, 'declared', [shape]));
    return isRefusal(proof) ? proof : proof.shapes[0]!;
  };
  const first = prove(0);
  if (isRefusal(first)) return first;
  const found = new Map<number, readonly SegmentFacts[] | Refusal>([[0, first]]);
  const read = (shape: number): readonly SegmentFacts[] => {
    const facts = found.get(shape) ?? prove(shape);
    found.set(shape, facts);
    if (isRefusal(facts)) throw new AppError('MODEL_REFUSED', facts.sentence);
    return facts;
  };
  const shapes: (readonly SegmentFacts[])[] = [];
  for (const i of common.files.keys())
    Object.defineProperty(shapes, i, { get: () => read(i), enumerable: true });
  return { shapes };
}

/** Why this model can't be used, or undefined when it is proven exact. */
export function checkModel(pkg: Package): Refusal | undefined {
  const result = analyseModel(pkg);
  return isRefusal(result) ? result : undefined;
}

/** The stop that pays best, or why a model can't be mined. */
export type Admission = Stop | Refusal;

function* admit(pkg: Package): Generator<string, Stop> {
  const { shapes } = yield* analyseAll(pkg, 'declared');
  yield 'manifest';
  return bestStop(pkg.manifest, shapes[0]!);
}

/** The stop that pays best, or why this model can't be mined. */
export const admissionOf = (pkg: Package): Admission => outcomeOf(admit(pkg));

/**
 * The manifest of a package that is being made, with the bounds of its operands and its carries as they are proven;
 * or the first refusal. Known answers need these and are left as they are.
 */
export function provenManifest(pkg: Package): Manifest | Refusal {
  const proof = outcomeOf(analyseAll(pkg, 'proven'));
  if (isRefusal(proof)) return proof;
  const { manifest: m } = pkg;
  const carriesOf = ({ carries, known }: Run): Carry[] =>
    [...carries]
      .map(([name, { made, last, size }]) => {
        const { lo: low, hi: high } = known.get(name)!;
        return { name, made, last, size, low, high };
      })
      .sort((a, b) => compare(utf8(a.name), utf8(b.name)));
  return {
    ...m,
    linears: m.linears.map((l, i) => ({
      ...l,
      low: proof.operands[i]!.lo,
      high: proof.operands[i]!.hi,
    })),
    shapes: m.shapes.map((shape, i) => ({ ...shape, carries: carriesOf(proof.runs[i]!) })),
  };
}
