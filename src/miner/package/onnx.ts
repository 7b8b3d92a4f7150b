/**
 * The part of ONNX that a model's segments may use: parsed from hostile bytes, written in one form. A file is
 * accepted only if encoding the parsed graph gives the same bytes again, so nothing in it can mean more to
 * ONNX Runtime than to the checker. Field numbers: onnx.proto, IR 9. protobufjs/minimal generates no code at
 * run time, as the page's CSP demands.
 */
import protobuf from 'protobufjs/minimal.js';
import { equal } from '../../lib/bytes.ts';

export const ONNX_BYTES_MAX = 256 * 2 ** 20;
export const NODES_MAX = 4096;
export const TENSORS_MAX = 4096;
export const RANK_MAX = 6;
export const ELEMENTS_MAX = 2 ** 26;
/**
 * Fields of a file, nested ones too: four times what 4096 ordinary nodes and tensors have. Without it
 * 6.5 MB of empty attributes took 7.8 s to read.
 */
export const FIELDS_MAX = 2 ** 18;
const NAME_MAX = 128;
const IR_VERSION = 9;
const OPSET = 18;

export type ElementType = 'float32' | 'int32' | 'int64';
const TYPE_NUMBER: Record<ElementType, number> = { float32: 1, int32: 6, int64: 7 };
const BYTES_OF: Record<ElementType, number> = { float32: 4, int32: 4, int64: 8 };

export interface OnnxTensor {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly number[];
  readonly data: Float32Array | Int32Array | BigInt64Array;
}
export interface OnnxNode {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, number | readonly number[]>>;
}
export interface OnnxValue {
  readonly name: string;
  readonly type: ElementType;
  readonly dims: readonly number[];
}
export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly constants: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

type Reader = protobuf.Reader;
type Writer = protobuf.Writer;
type Wire = 'int' | 'string' | 'bytes' | Message;
/** Field name → number and type; every field is read as a list and written in this order. */
export type Message = { readonly [field: string]: readonly [number, Wire] };
export type Raw = { [field: string]: (number | string | Uint8Array | Raw)[] };

const DIMENSION: Message = { value: [1, 'int'] };
const SHAPE: Message = { dims: [1, DIMENSION] };
const TENSOR_TYPE: Message = { type: [1, 'int'], shape: [2, SHAPE] };
const TYPE: Message = { tensor: [1, TENSOR_TYPE] };
const VALUE: Message = { name: [1, 'string'], type: [2, TYPE] };
const TENSOR: Message = {
  dims: [1, 'int'],
  type: [2, 'int'],
  name: [8, 'string'],
  data: [9, 'bytes'],
};
const ATTRIBUTE: Message = {
  name: [1, 'string'],
  i: [3, 'int'],
  ints: [8, 'int'],
  type: [20, 'int'],
};
const NODE: Message = {
  inputs: [1, 'string'],
  outputs: [2, 'string'],
  name: [3, 'string'],
  op: [4, 'string'],
  attributes: [5, ATTRIBUTE],
};
const GRAPH: Message = {
  nodes: [1, NODE],
  name: [2, 'string'],
  constants: [5, TENSOR],
  inputs: [11, VALUE],
  outputs: [12, VALUE],
};
const OPSET_ID: Message = { domain: [1, 'string'], version: [2, 'int'] };
const MODEL: Message = { ir: [1, 'int'], graph: [7, GRAPH], opset: [8, OPSET_ID] };

const AN_INT = 2;
const SOME_INTS = 7;

class Malformed extends Error {}
function need(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Malformed(message);
}

interface Reading {
  /** Fields read so far. */
  fields: number;
  /** The file was written by another program: fields that `message` does not name are skipped, bytes are not copied. */
  readonly foreign?: true;
}

function readInt(r: Reader, { foreign }: Reading): number {
  const value = Number(r.int64());
  need(foreign || Number.isSafeInteger(value), 'an integer is over 2^53');
  return value;
}

function readMessage(r: Reader, end: number, message: Message, reading: Reading): Raw {
  need(end <= r.len, 'truncated');
  const raw: Raw = Object.fromEntries(Object.keys(message).map((k) => [k, []]));
  const byNumber = new Map(
    Object.entries(message).map(([k, [n, wire]]) => [n, [k, wire] as const]),
  );
  while (r.pos < end) {
    need(++reading.fields <= FIELDS_MAX, `more than ${FIELDS_MAX} fields`);
    const tag = r.uint32();
    const [field, wire] = byNumber.get(tag >>> 3) ?? [];
    if (!field && reading.foreign) {
      r.skipType(tag & 7);
      continue;
    }
    need(field !== undefined && wire !== undefined, `field ${tag >>> 3} is not known`);
    need((tag & 7) === (wire === 'int' ? 0 : 2), `field ${field} has wire type ${tag & 7}`);
    const list = raw[field]!;
    need(list.length < TENSORS_MAX, `more than ${TENSORS_MAX} ${field}`);
    if (wire === 'int') list.push(readInt(r, reading));
    else if (wire === 'string') list.push(r.string());
    else if (wire === 'bytes') list.push(reading.foreign ? r.bytes() : r.bytes().slice());
    else {
      const length = r.uint32();
      list.push(readMessage(r, r.pos + length, wire, reading));
    }
  }
  need(r.pos === end, 'a message runs over its end');
  return raw;
}

function writeMessage(w: Writer, raw: Raw, message: Message): Writer {
  for (const [field, [number, wire]] of Object.entries(message))
    for (const value of raw[field] ?? []) {
      w.uint32((number << 3) | (wire === 'int' ? 0 : 2));
      if (wire === 'int') w.int64(value as number);
      else if (wire === 'string') w.string(value as string);
      else if (wire === 'bytes') w.bytes(value as Uint8Array);
      else writeMessage(w.fork(), value as Raw, wire).ldelim();
    }
  return w;
}

const one = (raw: Raw, field: string): number | string | Uint8Array | Raw => {
  const list = raw[field]!;
  need(list.length === 1, `${list.length} of ${field}, not one`);
  return list[0]!;
};

function nameOf(raw: Raw, field = 'name'): string {
  const name = one(raw, field) as string;
  need(/^[\w.\-/]+$/.test(name) && name.length <= NAME_MAX, 'a name is empty, long or odd');
  return name;
}

function typeOf(raw: Raw): ElementType {
  const number = one(raw, 'type') as number | undefined;
  const found = Object.entries(TYPE_NUMBER).find(([, n]) => n === number);
  need(found, `element type ${String(number)} is not float32, int32 or int64`);
  return found[0] as ElementType;
}

function dimsOf(list: readonly number[]): number[] {
  need(list.length <= RANK_MAX, `rank ${list.length} is over ${RANK_MAX}`);
  need(
    list.every((d) => d >= 1),
    'a dimension is below 1',
  );
  const size = list.reduce((product, d) => product * d, 1);
  need(size <= ELEMENTS_MAX, `a tensor has ${size} elements`);
  return [...list];
}

function tensorOf(raw: Raw): OnnxTensor {
  const type = typeOf(raw);
  const dims = dimsOf(raw.dims as number[]);
  const data = one(raw, 'data') as Uint8Array;
  const size = dims.reduce((product, d) => product * d, 1);
  const name = nameOf(raw);
  need(data.length === size * BYTES_OF[type], `${name}: ${data.length} bytes of data`);
  const Array = { float32: Float32Array, int32: Int32Array, int64: BigInt64Array }[type];
  return { name, type, dims, data: new Array(data.slice().buffer) };
}

function nodeOf(raw: Raw): OnnxNode {
  const attributes = Object.create(null) as Record<string, number | number[]>;
  for (const a of raw.attributes as Raw[]) {
    const name = nameOf(a);
    need(!(name in attributes), `attribute ${name} is there twice`);
    const type = one(a, 'type') as number | undefined;
    need(type === AN_INT || type === SOME_INTS, `attribute ${name} has type ${String(type)}`);
    need(a.ints!.length <= RANK_MAX, `attribute ${name} has over ${RANK_MAX} numbers`);
    attributes[name] = type === AN_INT ? (one(a, 'i') as number) : (a.ints as number[]);
  }
  const inputs = raw.inputs as string[];
  const outputs = raw.outputs as string[];
  return { name: nameOf(raw), op: nameOf(raw, 'op'), inputs, outputs, attributes };
}

function valueOf(raw: Raw): OnnxValue {
  const tensor = one(one(raw, 'type') as Raw, 'tensor') as Raw;
  const shape = one(tensor, 'shape') as Raw;
  const dims = (shape.dims as Raw[]).map((d) => one(d, 'value') as number);
  return { name: nameOf(raw), type: typeOf(tensor), dims: dimsOf(dims) };
}

/** Checks that every tensor name is defined once, before it is used. */
function checkNames(g: OnnxGraph): void {
  const known = new Set<string>();
  const add = (name: string): void => {
    need(name.length <= NAME_MAX && name, 'a name is empty or long');
    need(!known.has(name), `'${name}' is made twice`);
    known.add(name);
  };
  for (const v of [...g.inputs, ...g.constants]) add(v.name);
  const nodes = new Set<string>();
  for (const n of g.nodes) {
    need(!nodes.has(n.name), `node '${n.name}' is there twice`);
    nodes.add(n.name);
    for (const i of n.inputs)
      need(known.has(i), `node '${n.name}' reads unknown '${i.slice(0, NAME_MAX)}'`);
    n.outputs.forEach(add);
  }
  const outputs = new Set(g.outputs.map((o) => o.name));
  need(outputs.size === g.outputs.length, 'an output is there twice');
  const made = new Set(g.nodes.flatMap((n) => n.outputs));
  for (const o of outputs) need(made.has(o), `output '${o}' is made by no node`);
}

/**
 * The fields that `message` names in a file that another program wrote, with bytes as views of the file. For
 * tools, not for consensus: the same limits, but no canonical form. Returns one sentence if it is damaged.
 */
export function readForeign(file: Uint8Array, message: Message): Raw | string {
  try {
    const plain = new Uint8Array(file.buffer, file.byteOffset, file.length);
    const reader = protobuf.Reader.create(plain);
    return readMessage(reader, file.length, message, { fields: 0, foreign: true });
  } catch (e) {
    return e instanceof Error ? e.message : String(e);
  }
}

/** Graph of an ONNX file, or one sentence about what is wrong with it. Never throws on bad bytes. */
export function parseOnnx(bytes: Uint8Array): OnnxGraph | string {
  if (bytes.length > ONNX_BYTES_MAX) return `file is over ${ONNX_BYTES_MAX} bytes`;
  try {
    // Copied, because protobufjs has other code for a Node Buffer than for a Uint8Array.
    const reader = protobuf.Reader.create(new Uint8Array(bytes));
    const raw = readMessage(reader, bytes.length, MODEL, { fields: 0 });
    const graph = one(raw, 'graph') as Raw;
    const parsed: OnnxGraph = {
      nodes: (graph.nodes as Raw[]).map(nodeOf),
      constants: (graph.constants as Raw[]).map(tensorOf),
      inputs: (graph.inputs as Raw[]).map(valueOf),
      outputs: (graph.outputs as Raw[]).map(valueOf),
    };
    need(parsed.nodes.length <= NODES_MAX, `more than ${NODES_MAX} nodes`);
    checkNames(parsed);
    need(equal(encodeOnnx(parsed), bytes), 'the file is not in canonical form');
    return parsed;
  } catch (e) {
    // protobufjs throws RangeError and Error on truncated data and invalid UTF-8.
    return e instanceof Error ? e.message : String(e);
  }
}

const rawAttribute = ([name, value]: [string, number | readonly number[]]): Raw =>
  typeof value === 'number'
    ? { name: [name], i: [value], type: [AN_INT] }
    : { name: [name], ints: [...value], type: [SOME_INTS] };

const rawValue = (v: OnnxValue): Raw => ({
  name: [v.name],
  type: [
    {
      tensor: [
        { type: [TYPE_NUMBER[v.type]], shape: [{ dims: v.dims.map((d) => ({ value: [d] })) }] },
      ],
    },
  ],
});

const rawTensor = (t: OnnxTensor): Raw => ({
  dims: [...t.dims],
  type: [TYPE_NUMBER[t.type]],
  name: [t.name],
  data: [new Uint8Array(t.data.buffer, t.data.byteOffset, t.data.byteLength)],
});

const rawNode = (n: OnnxNode): Raw => ({
  inputs: [...n.inputs],
  outputs: [...n.outputs],
  name: [n.name],
  op: [n.op],
  attributes: Object.entries(n.attributes).map(rawAttribute),
});

/** ONNX bytes of a graph: IR 9, opset 18, one form per graph. */
export function encodeOnnx(g: OnnxGraph): Uint8Array {
  const raw: Raw = {
    ir: [IR_VERSION],
    graph: [
      {
        nodes: g.nodes.map(rawNode),
        name: ['segment'],
        constants: g.constants.map(rawTensor),
        inputs: g.inputs.map(rawValue),
        outputs: g.outputs.map(rawValue),
      },
    ],
    opset: [{ version: [OPSET] }],
  };
  return Uint8Array.from(writeMessage(protobuf.Writer.create(), raw, MODEL).finish());
}
