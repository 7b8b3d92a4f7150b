/**
 * The weights of an encoder that was exported as ONNX, by the names that they have in its safetensors.
 * Exporters keep the names of biases, norms and embeddings, but fold the transposition of a linear's
 * weight and call it onnx::MatMul_123. So a linear is found in the graph: the MatMul to which `x.bias`
 * is added has `x.weight`. The file is hostile: what is not understood is refused.
 */
import { AppError } from '../../src/lib/errors.ts';
import { readForeign, type Message, type Raw } from '../../src/miner/package/onnx.ts';
import { BYTES_OF, toFloats, type Tensors } from './safetensors.ts';

const RANK_MAX = 8;
const FLOATS: Readonly<Record<number, keyof typeof BYTES_OF>> = { 1: 'F32', 10: 'F16', 16: 'BF16' };
const EXTERNAL = 1;
/** Identity nodes in a row: exporters write one for a tensor that equals another. */
const ALIASES_MAX = 4;

// Field numbers: onnx.proto.
const TENSOR: Message = {
  dims: [1, 'int'],
  type: [2, 'int'],
  floats: [4, 'bytes'],
  name: [8, 'string'],
  raw: [9, 'bytes'],
  location: [14, 'int'],
};
const ATTRIBUTE: Message = { name: [1, 'string'], tensor: [5, TENSOR], ints: [8, 'int'] };
const NODE: Message = {
  inputs: [1, 'string'],
  outputs: [2, 'string'],
  op: [4, 'string'],
  attributes: [5, ATTRIBUTE],
  domain: [7, 'string'],
};
const MODEL: Message = { graph: [7, { nodes: [1, NODE], constants: [5, TENSOR] }] };

const corrupt = (message: string): AppError => new AppError('MODEL_CORRUPT', `onnx: ${message}`);
const refuse = (message: string): AppError => new AppError('MODEL_REFUSED', `onnx: ${message}`);

interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly Raw[];
}

function nodeOf(raw: Raw): Node {
  const [op] = raw.op as string[];
  const [domain = ''] = raw.domain as string[];
  const name = `${domain && `${domain}.`}${String(op)}`.slice(0, 80);
  if (!op) throw corrupt('a node has no operator');
  if (domain !== '' && domain !== 'ai.onnx')
    throw refuse(`the graph is optimised (${name}): take the plain export, model.onnx`);
  if (/Quantize|Integer|^QLinear/.test(op))
    throw refuse(`the graph is quantised (${name}): take the float export, model.onnx`);
  const [inputs, outputs] = [raw.inputs as string[], raw.outputs as string[]];
  return { op, inputs, outputs, attributes: raw.attributes as Raw[] };
}

class Weights implements Tensors {
  readonly #constants = new Map<string, Raw>();
  readonly #makers = new Map<string, Node>();
  /** x.weight → second operand of the MatMul to which x.bias is added. */
  readonly #products = new Map<string, string>();
  /** Tables of which a Gather takes rows. */
  readonly #tables = new Set<string>();

  constructor(nodes: readonly Node[], constants: readonly Raw[]) {
    for (const raw of constants) this.#addConstant((raw.name![0] as string | undefined) ?? '', raw);
    for (const n of nodes) {
      const value = n.op === 'Constant' ? n.attributes[0]?.tensor?.[0] : undefined;
      if (value) this.#addConstant(n.outputs[0] ?? '', value as Raw);
      else for (const name of n.outputs) this.#makers.set(name, n);
    }
    for (const n of nodes) {
      if (n.op === 'Gather') this.#tables.add(n.inputs[0] ?? '');
      if (n.op !== 'Add') continue;
      n.inputs.forEach((bias, i) => this.#addProduct(bias, n.inputs[1 - i] ?? ''));
    }
  }

  get names(): string[] {
    return [...this.#constants.keys(), ...this.#makers.keys(), ...this.#products.keys()];
  }

  #addConstant(name: string, raw: Raw): void {
    if (this.#constants.has(name)) throw corrupt(`'${name}' is there twice`);
    this.#constants.set(name, raw);
  }

  #addProduct(bias: string, sum: string): void {
    const product = this.#makers.get(sum);
    const weight = product?.op === 'MatMul' ? product.inputs[1] : undefined;
    if (!weight || !bias.endsWith('.bias') || !this.#constant(bias)) return;
    const name = bias.replace(/bias$/, 'weight');
    if (this.#products.has(name)) throw refuse(`'${bias}' is added to two products`);
    this.#products.set(name, weight);
  }

  #constant(name: string): Raw | undefined {
    let at = name;
    for (let i = 0; i < ALIASES_MAX; i++) {
      const maker = this.#makers.get(at);
      if (maker?.op !== 'Identity') break;
      at = maker.inputs[0] ?? '';
    }
    return this.#constants.get(at);
  }

  #values(name: string, as: string, dims: readonly number[]): Float32Array {
    const raw = this.#constant(name);
    if (!raw) throw corrupt(`there is no '${as}'`);
    const shape = raw.dims as number[];
    if (shape.length > RANK_MAX || shape.join() !== dims.join())
      throw corrupt(`'${as}' is [${shape.slice(0, RANK_MAX)}], not [${dims}]`);
    if (raw.location!.some((x) => x === EXTERNAL))
      throw refuse(`'${as}' lies in another file: external data is not read`);
    const number = raw.type![0] as number | undefined;
    const type = FLOATS[Number(number)];
    if (!type) throw corrupt(`'${as}' has element type ${number}, no float`);
    const [data, ...more] = [...raw.raw!, ...(type === 'F32' ? raw.floats! : [])] as Uint8Array[];
    const bytes = dims.reduce((product, d) => product * d, BYTES_OF[type]);
    if (more.length || data?.length !== bytes)
      throw corrupt(`'${as}' has ${data?.length ?? 0} bytes of data, and needs ${bytes}`);
    const values = toFloats(data, type);
    if (!values.every(Number.isFinite)) throw corrupt(`'${as}' holds a number that is none`);
    return values;
  }

  /** B of x·B, k×n in the file, as n×k; or n×k before a Transpose. */
  #weight(operand: string, as: string, n: number, k: number): Float32Array {
    const maker = this.#makers.get(operand);
    if (maker?.op === 'Transpose') {
      const perm = (maker.attributes[0]?.ints ?? []) as number[];
      if (perm.length && perm.join() !== '1,0') throw refuse(`'${as}' is transposed by [${perm}]`);
      return this.#values(maker.inputs[0] ?? '', as, [n, k]);
    }
    const values = this.#values(operand, as, [k, n]);
    const out = new Float32Array(values.length);
    for (let j = 0; j < n; j++) for (let i = 0; i < k; i++) out[j * k + i] = values[i * n + j]!;
    return out;
  }

  read(name: string, dims: readonly number[]): Float32Array {
    const operand = this.#products.get(name);
    const [n, k, ...more] = dims;
    if (operand && n && k && !more.length) return this.#weight(operand, name, n, k);
    // A square matrix would not tell which way it lies.
    if (k && !this.#tables.has(name))
      throw corrupt(`no product adds '${name.replace(/weight$/, 'bias')}', or no Gather reads it`);
    return this.#values(name, name, dims);
  }
}

/** @throws AppError MODEL_CORRUPT, or MODEL_REFUSED for a graph that is optimised or quantised */
export function parseOnnxWeights(file: Uint8Array): Tensors {
  const model = readForeign(file, MODEL);
  if (typeof model === 'string') throw corrupt(model);
  const [graph, ...more] = model.graph as Raw[];
  if (!graph || more.length) throw corrupt('the file has no graph, or several');
  return new Weights((graph.nodes as Raw[]).map(nodeOf), graph.constants as Raw[]);
}
