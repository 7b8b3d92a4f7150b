/**
 * Writes a float BERT as exporters of PyTorch do (opset 17): biases, norms and embeddings keep their
 * names, a linear's weight is k×n and called onnx::MatMul_1. For the importer's tests, and to time the
 * float encoder on ONNX Runtime.
 */
import protobuf from 'protobufjs/minimal.js';
import type { BertConfig } from '../../models/import/bert.ts';
import type { Tensors } from '../../models/import/safetensors.ts';

/** Fields in order; a number is a varint, `{ float }` four bytes, a list a message. */
export type Field = readonly [
  number: number,
  value: number | string | Uint8Array | { readonly float: number } | readonly Field[],
];

export function encodeFields(fields: readonly Field[]): Uint8Array {
  const w = protobuf.Writer.create();
  const write = (list: readonly Field[]): void => {
    for (const [number, value] of list) {
      const tag = (type: number) => w.uint32((number << 3) | type);
      if (typeof value === 'number') tag(0).int64(value);
      else if (typeof value === 'string') tag(2).string(value);
      else if (value instanceof Uint8Array) tag(2).bytes(value);
      else if ('float' in value) tag(5).float(value.float);
      else {
        tag(2).fork();
        write(value);
        w.ldelim();
      }
    }
  };
  write(fields);
  return Uint8Array.from(w.finish());
}

const bytesOf = (x: Float32Array | BigInt64Array): Uint8Array =>
  new Uint8Array(x.buffer, x.byteOffset, x.byteLength);

const FLOAT = 1;
const INT64 = 7;
export const floatTensor = (
  name: string,
  dims: readonly number[],
  values: Float32Array,
): readonly Field[] => [
  ...dims.map((d): Field => [1, d]),
  [2, FLOAT],
  [8, name],
  [9, bytesOf(values)],
];

type Attribute = number | { readonly float: number } | readonly number[];
function attribute(name: string, value: Attribute): readonly Field[] {
  if (typeof value === 'number')
    return [
      [1, name],
      [3, value],
      [20, 2],
    ];
  if ('float' in value)
    return [
      [1, name],
      [2, value],
      [20, 1],
    ];
  return [[1, name], ...value.map((x): Field => [8, x]), [20, 7]];
}

/** A graph's input or output; dimensions that are names stay open. */
export const valueInfo = (
  name: string,
  type: number,
  dims: readonly (string | number)[],
): readonly Field[] => [
  [1, name],
  [
    2,
    [
      [
        1,
        [
          [1, type],
          [2, dims.map((d): Field => [1, [typeof d === 'number' ? [1, d] : [2, d]]])],
        ],
      ],
    ],
  ],
];

type Fields = readonly Field[];

/** ONNX bytes of a graph, opset 17. */
export const encodeModel = (graph: {
  readonly nodes: readonly Fields[];
  readonly constants: readonly Fields[];
  readonly inputs: readonly Fields[];
  readonly outputs: readonly Fields[];
}): Uint8Array => {
  const all = (number: number, list: readonly Fields[]) => list.map((x): Field => [number, x]);
  return encodeFields([
    [1, 8],
    [2, 'pytorch'],
    [3, '2.4.0'],
    [
      7,
      [
        ...all(1, graph.nodes),
        [2, 'main_graph'],
        ...all(5, graph.constants),
        ...all(11, graph.inputs),
        ...all(12, graph.outputs),
      ],
    ],
    [
      8,
      [
        [1, ''],
        [2, 17],
      ],
    ],
  ]);
};

export interface ExportOptions {
  /** Before every name, as wrappers write it. */
  readonly prefix?: string;
  /** Weights keep name and shape, and a node transposes them. */
  readonly transposes?: boolean;
  /** How a tensor of floats is written. */
  readonly tensor?: typeof floatTensor;
  /** More nodes, after the others. */
  readonly nodes?: readonly (readonly Field[])[];
  readonly constants?: readonly (readonly Field[])[];
}

export const node = (
  op: string,
  inputs: readonly string[],
  output: string,
  attributes: Readonly<Record<string, Attribute>> = {},
): readonly Field[] => [
  ...inputs.map((x): Field => [1, x]),
  [2, output],
  [3, `/${output}`],
  [4, op],
  ...Object.entries(attributes).map(([name, x]): Field => [5, attribute(name, x)]),
];

class Exporter {
  readonly #nodes: (readonly Field[])[] = [];
  readonly #constants: (readonly Field[])[] = [];
  readonly #config: BertConfig;
  readonly #tensors: Tensors;
  readonly #options: ExportOptions;

  constructor(config: BertConfig, tensors: Tensors, options: ExportOptions) {
    this.#config = config;
    this.#tensors = tensors;
    this.#options = options;
  }

  #op(
    op: string,
    inputs: readonly string[],
    attributes?: Readonly<Record<string, Attribute>>,
  ): string {
    const output = `${op}_${this.#nodes.length}`;
    this.#nodes.push(node(op, inputs, output, attributes));
    return output;
  }

  #floats(name: string, dims: readonly number[], values: Float32Array): string {
    this.#constants.push((this.#options.tensor ?? floatTensor)(name, dims, values));
    return name;
  }
  #number = (x: number): string =>
    this.#floats(`constant_${this.#constants.length}`, [], Float32Array.of(x));
  #ints(values: readonly number[], dims = [values.length]): string {
    const name = `ints_${this.#constants.length}`;
    this.#constants.push([
      ...dims.map((d): Field => [1, d]),
      [2, INT64],
      [8, name],
      [9, bytesOf(BigInt64Array.from(values.map(BigInt)))],
    ]);
    return name;
  }
  #named = (name: string, dims: readonly number[]): string =>
    this.#floats((this.#options.prefix ?? '') + name, dims, this.#tensors.read(name, dims));

  #linear(x: string, name: string, k: number, n: number): string {
    let weight: string;
    if (this.#options.transposes)
      weight = this.#op('Transpose', [this.#named(`${name}.weight`, [n, k])], { perm: [1, 0] });
    else {
      const values = this.#tensors.read(`${name}.weight`, [n, k]);
      const turned = values.map((_, i) => values[(i % n) * k + Math.floor(i / n)]!);
      weight = this.#floats(`onnx::MatMul_${this.#constants.length}`, [k, n], turned);
    }
    const product = this.#op('MatMul', [x, weight]);
    return this.#op('Add', [this.#named(`${name}.bias`, [n]), product]);
  }

  #norm(x: string, name: string): string {
    const parts = ['weight', 'bias'].map((p) => this.#named(`${name}.${p}`, [this.#config.hidden]));
    const epsilon = { float: this.#config.epsilon };
    return this.#op('LayerNormalization', [x, ...parts], { axis: -1, epsilon });
  }

  #embed(): string {
    const { hidden, vocabulary, positions } = this.#config;
    const table = (name: string, rows: number) =>
      this.#named(`embeddings.${name}_embeddings.weight`, [rows, hidden]);
    const words = this.#op('Gather', [table('word', vocabulary), 'input_ids']);
    const types = this.#op('Gather', [table('token_type', 2), 'token_type_ids']);
    const [zero, one] = [this.#ints([0], []), this.#ints([1], [])];
    const length = this.#op('Gather', [this.#op('Shape', ['input_ids']), one]);
    const range = this.#op('Range', [zero, length, one]);
    const places = this.#op('Gather', [table('position', positions), range]);
    const sum = this.#op('Add', [this.#op('Add', [words, types]), places]);
    return this.#norm(sum, 'embeddings.LayerNorm');
  }

  #attention(x: string, at: string, mask: string): string {
    const { hidden, heads } = this.#config;
    const width = hidden / heads;
    const split = this.#ints([0, 0, heads, width]);
    const part = (name: string, perm: readonly number[]): string => {
      const y = this.#linear(x, `${at}.attention.self.${name}`, hidden, hidden);
      return this.#op('Transpose', [this.#op('Reshape', [y, split])], { perm });
    };
    const [q, k] = [part('query', [0, 2, 1, 3]), part('key', [0, 2, 3, 1])];
    const products = this.#op('MatMul', [q, k]);
    const scores = this.#op('Div', [products, this.#number(Math.sqrt(width))]);
    const shares = this.#op('Softmax', [this.#op('Add', [scores, mask])], { axis: -1 });
    const mixed = this.#op('MatMul', [shares, part('value', [0, 2, 1, 3])]);
    const turned = this.#op('Transpose', [mixed], { perm: [0, 2, 1, 3] });
    const context = this.#op('Reshape', [turned, this.#ints([0, 0, hidden])]);
    return this.#linear(context, `${at}.attention.output.dense`, hidden, hidden);
  }

  #gelu(x: string): string {
    const erf = this.#op('Erf', [this.#op('Div', [x, this.#number(Math.SQRT2)])]);
    const y = this.#op('Mul', [x, this.#op('Add', [erf, this.#number(1)])]);
    return this.#op('Mul', [y, this.#number(0.5)]);
  }

  export(): Uint8Array {
    const { hidden, ffn, layers } = this.#config;
    let x = this.#embed();
    const used = this.#op('Cast', ['attention_mask'], { to: FLOAT });
    const free = this.#op('Sub', [this.#number(1), used]);
    const low = this.#op('Mul', [free, this.#number(-10_000)]);
    const mask = this.#op('Unsqueeze', [low, this.#ints([1, 2])]);
    for (let i = 0; i < layers; i++) {
      const at = `encoder.layer.${i}`;
      const mixed = this.#op('Add', [this.#attention(x, at, mask), x]);
      x = this.#norm(mixed, `${at}.attention.output.LayerNorm`);
      const wide = this.#gelu(this.#linear(x, `${at}.intermediate.dense`, hidden, ffn));
      const down = this.#linear(wide, `${at}.output.dense`, ffn, hidden);
      x = this.#norm(this.#op('Add', [down, x]), `${at}.output.LayerNorm`);
    }
    this.#nodes.push(node('Identity', [x], 'last_hidden_state'));
    const { nodes = [], constants = [] } = this.#options;
    return encodeModel({
      nodes: [...this.#nodes, ...nodes],
      constants: [...this.#constants, ...constants],
      inputs: ['input_ids', 'attention_mask', 'token_type_ids'].map((name) =>
        valueInfo(name, INT64, ['batch', 'sequence']),
      ),
      outputs: [valueInfo('last_hidden_state', FLOAT, ['batch', 'sequence', hidden])],
    });
  }
}

/** ONNX bytes of BertModel: ids to last_hidden_state [batch, sequence, hidden]. */
export const exportBert = (
  config: BertConfig,
  tensors: Tensors,
  options: ExportOptions = {},
): Uint8Array => new Exporter(config, tensors, options).export();
