/** One change to a graph that was admitted: what comes out must be refused, or be as exact as before. */
import type { OnnxGraph, OnnxNode, OnnxTensor } from '../../src/miner/package/onnx.ts';
import type { Random } from '../sim/random.ts';

type Mutation = (g: OnnxGraph, r: Random) => OnnxGraph;

/** The list with one item changed; as it is when it is empty. */
function changed<T>(list: readonly T[], r: Random, change: (item: T) => T): readonly T[] {
  if (!list.length) return list;
  const at = r.int(0, list.length - 1);
  return list.with(at, change(list[at]!));
}
const isFloat = (t: OnnxTensor): boolean => t.type === 'float32';
const onNodes =
  (change: (n: OnnxNode, r: Random, g: OnnxGraph) => OnnxNode): Mutation =>
  (g, r) => ({ ...g, nodes: changed(g.nodes, r, (n) => change(n, r, g)) });

const NUMBERS = [
  ...[0, -0, 1, -1, 0.5, 0.3, -0.5, 3, 127, 128, 2 ** -24, 2 ** -25, 4094, 4095, 2 ** 22],
  ...[2 ** 23, 2 ** 24 - 1, 2 ** 24, -(2 ** 24), 2 ** 31, NaN, Infinity, 1e-40],
];
const nudged = (x: number, r: Random): number =>
  r.pick([x + 1, x - 1, 2 * x, x / 2, -x, 3 * x, r.pick(NUMBERS)]);

/** An entry of one of the constants that `which` picks. */
const entry =
  (which: (t: OnnxTensor, g: OnnxGraph) => boolean): Mutation =>
  (g, r) => {
    const found = g.constants.filter((t) => which(t, g));
    if (!found.length) return g;
    const chosen = r.pick(found);
    const data = chosen.data.slice() as typeof chosen.data;
    const at = r.int(0, data.length - 1);
    const next = nudged(Number(data[at]), r);
    if (data instanceof BigInt64Array)
      data[at] = BigInt(Number.isFinite(next) ? Math.trunc(next) : 0);
    else data[at] = next;
    const constants = g.constants.map((t) => (t === chosen ? { ...chosen, data } : t));
    return { ...g, constants };
  };
const readBy =
  (op: string, from: number) =>
  (t: OnnxTensor, g: OnnxGraph): boolean =>
    isFloat(t) && g.nodes.some((n) => n.op === op && n.inputs.indexOf(t.name) >= from);

const SAME_ARITY = [
  [
    'Add',
    'Sub',
    'Mul',
    'Div',
    'Greater',
    'GreaterOrEqual',
    'Less',
    'LessOrEqual',
    'MatMul',
    'Max',
    'Min',
  ],
  ['Floor', 'Sqrt', 'Round', 'Cast', 'Ceil', 'Abs', 'Neg'],
  ['ReduceSum', 'ReduceMax', 'ReduceMean', 'ReduceMin'],
  ['Gather', 'GatherElements', 'Concat', 'Clip', 'Slice', 'Reshape', 'Transpose'],
];

const operator = onNodes((n, r) => {
  const group = SAME_ARITY.find((ops) => ops.includes(n.op)) ?? SAME_ARITY[0]!;
  return { ...n, op: r.pick(group) };
});

const attribute = onNodes((n, r) => {
  const value = r.pick<number | number[]>([-2, -1, 0, 1, 2, 6, 7, 10, [0, 1], [0, 2, 1], [1, 0]]);
  const names = Object.keys(n.attributes);
  const name = r.chance(0.2) ? r.pick(['axis', 'to', 'perm', 'steps', 'noop']) : names[0];
  if (name === undefined) return n;
  const old = n.attributes[name];
  const next = Array.isArray(old) && r.chance(0.7) ? r.shuffle(old as number[]) : value;
  if (r.chance(0.1)) return { ...n, attributes: {} };
  return { ...n, attributes: { ...n.attributes, [name]: next } };
});

/** Reads another tensor, in another order, or one too many or few. */
const wiring = onNodes((n, r, g) => {
  const names = [...g.inputs, ...g.constants].map((t) => t.name);
  const known = [...names, ...g.nodes.slice(0, g.nodes.indexOf(n)).map((m) => m.outputs[0]!)];
  const kind = r.int(0, 5);
  if (kind === 0) return { ...n, inputs: n.inputs.toReversed() };
  if (kind === 1) return { ...n, inputs: [...n.inputs, r.pick(known)] };
  if (kind === 2) return { ...n, inputs: n.inputs.slice(1) };
  return { ...n, inputs: changed(n.inputs, r, () => r.pick(known)) };
});

/** What read one node's result reads its first input instead. */
const bypass: Mutation = (g, r) => {
  const node = r.pick(g.nodes);
  if (g.outputs.some((o) => o.name === node.outputs[0])) return g;
  const to = (name: string): string => (name === node.outputs[0] ? node.inputs[0]! : name);
  const others = g.nodes.filter((n) => n !== node);
  return { ...g, nodes: others.map((n) => ({ ...n, inputs: n.inputs.map(to) })) };
};

/** Nodes of a quotient or root as models/graph.ts writes it: what is inside is read instead of the result. */
const FORM = { Div: 7, Sqrt: 11 } as const;
const inside: Mutation = (g, r) => {
  const starts = g.nodes.flatMap((n, i) => (n.op in FORM ? [i] : []));
  if (!starts.length) return g;
  const at = r.pick(starts);
  const length = FORM[g.nodes[at]!.op as keyof typeof FORM];
  const result = g.nodes[at + length - 1]?.outputs[0];
  const other = g.nodes[at + r.int(1, length - 2)]?.outputs[0];
  if (result === undefined || other === undefined) return g;
  const to = (name: string): string => (name === result ? other : name);
  const nodes = g.nodes.map((n, i) => (i < at + length ? n : { ...n, inputs: n.inputs.map(to) }));
  return { ...g, nodes };
};

const order: Mutation = (g, r) => {
  if (g.nodes.length < 2) return g;
  const at = r.int(0, g.nodes.length - 2);
  const nodes = [...g.nodes];
  [nodes[at], nodes[at + 1]] = [nodes[at + 1]!, nodes[at]!];
  return { ...g, nodes };
};

const shape: Mutation = (g, r) => {
  const dims = (list: readonly number[]) => changed(list, r, (d) => Math.abs(nudged(d, r) | 0));
  if (r.chance(0.3)) {
    const side = r.pick(['inputs', 'outputs'] as const);
    return { ...g, [side]: changed(g[side], r, (v) => ({ ...v, dims: dims(v.dims) })) };
  }
  if (r.chance(0.3))
    return {
      ...g,
      constants: changed(g.constants, r, (t) => ({ ...t, dims: r.shuffle([...t.dims, 1]) })),
    };
  return entry((t) => t.type === 'int64')(g, r);
};

/** The same numbers as another element type. */
const type: Mutation = (g, r) => ({
  ...g,
  constants: changed(g.constants, r, (t) => {
    const numbers = Array.from(t.data as ArrayLike<number>, Number);
    return isFloat(t)
      ? { ...t, type: 'int32', data: Int32Array.from(numbers) }
      : { ...t, type: 'float32', data: Float32Array.from(numbers) };
  }),
});

export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  scale: entry(readBy('Mul', 0)),
  bound: entry((t, g) => ['Clip', 'Max', 'Min'].some((op) => readBy(op, 1)(t, g))),
  part: entry(readBy('Add', 1)),
  table: entry((t, g) => ['Gather', 'GatherElements'].some((op) => readBy(op, 0)(t, g))),
  entry: entry(() => true),
  operator,
  attribute,
  wiring,
  bypass,
  inside,
  order,
  shape,
  type,
};
