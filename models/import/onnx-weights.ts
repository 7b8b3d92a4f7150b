/**
 * The weights of an encoder that was exported as ONNX, by the names that they have in its safetensors.
 * Exporters keep the names of biases, norms and embeddings, but fold the transposition of a linear's
 * weight and call it onnx::MatMul_123. So a linear is found in the graph: the MatMul to which `x.bias`
 * is added has `x.weight`. The file is hostile: what is not understood is refused.
 */
import { AppError } from '../../src/lib/errors.ts';
import { readForeign, type Message, type Raw } from '../../src/miner/package/onnx.ts';
import { BYTES_OF, toFloats, type FloatType, type Tensors } from './safetensors.ts';

const RANK_MAX = 8;
const FLOATS: Readonly<Record<number, FloatType>> = { 1: 'F32', 10: 'F16', 16: 'BF16' };
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

/** A file's faults, by its name. */
interface Faults {
  corrupt(message: string): AppError;
  refuse(message: string): AppError;
}
const faultsOf = (what: string): Faults => ({
  corrupt: (message) => new AppError('MODEL_CORRUPT', `${what}: ${message}`),
  refuse: (message) => new AppError('MODEL_REFUSED', `${what}: ${message}`),
});

interface Node {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: readonly Raw[];
}

function nodeOf(raw: Raw, { corrupt, refuse }: Faults): Node {
  const [op] = raw.op as string[];
  const [domain = ''] = raw.domain as string[];
  const name = `${domain && `${domain}.`}${String(op)}`.slice(0, 80);
  if (!op) throw corrupt('a node has no operator');
  if (domain !== '' && domain !== 'ai.onnx')
    throw refuse(`${name} is no operator of ONNX: take the plain export, not an optimised one`);
  if (/Quantize|Integer|^QLinear/.test(op))
    throw refuse(`the graph is quantised (${name}): take the float export`);
  const [inputs, outputs] = [raw.inputs as string[], raw.outputs as string[]];
  return { op, inputs, outputs, attributes: raw.attributes as Raw[] };
}

/** Where a tensor's numbers lie, and whether they are k×n for what is asked as n×k. */
interface Place {
  readonly data: Uint8Array;
  readonly type: FloatType;
  readonly isTurned: boolean;
}

class Weights implements Tensors {
  readonly #faults: Faults;
  readonly #constants = new Map<string, Raw>();
  readonly #makers = new Map<string, Node>();
  /** x.weight → second operand of the MatMul to which x.bias is added. */
  readonly #products = new Map<string, string>();
  /** Tables of which a Gather takes rows. */
  readonly #tables = new Set<string>();

  constructor(nodes: readonly Node[], constants: readonly Raw[], faults: Faults) {
    this.#faults = faults;
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

  check(name: string, dims: readonly number[]): void {
    this.#find(name, dims);
  }

  read(name: string, dims: readonly number[]): Float32Array {
    const { data, type, isTurned } = this.#find(name, dims);
    const values = toFloats(data, type);
    if (!values.every(Number.isFinite))
      throw this.#faults.corrupt(`'${name}' holds a number that is none`);
    if (!isTurned) return values;
    const [n, k] = dims as [number, number];
    const out = new Float32Array(values.length);
    for (let j = 0; j < n; j++) for (let i = 0; i < k; i++) out[j * k + i] = values[i * n + j]!;
    return out;
  }

  #addConstant(name: string, raw: Raw): void {
    if (this.#constants.has(name)) throw this.#faults.corrupt(`'${name}' is there twice`);
    this.#constants.set(name, raw);
  }

  #addProduct(bias: string, sum: string): void {
    const product = this.#makers.get(sum);
    const weight = product?.op === 'MatMul' ? product.inputs[1] : undefined;
    if (!weight || !bias.endsWith('.bias') || !this.#constant(bias)) return;
    const name = bias.replace(/bias$/, 'weight');
    if (this.#products.has(name)) throw this.#faults.refuse(`'${bias}' is added to two products`);
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

  #find(name: string, dims: readonly number[]): Place {
    const operand = this.#products.get(name);
    const [n, k, ...more] = dims;
    if (operand && n && k && !more.length) return this.#findOperand(operand, name, [n, k]);
    // A square matrix would not tell which way it lies.
    if (k && !this.#tables.has(name))
      throw this.#faults.refuse(
        `no product adds '${name.replace(/weight$/, 'bias')}', or no Gather reads '${name}'`,
      );
    return { ...this.#locate(name, name, dims), isTurned: false };
  }

  /** B of x·B, k×n in the file, as n×k; or n×k before a Transpose. */
  #findOperand(operand: string, as: string, [n, k]: readonly [number, number]): Place {
    const maker = this.#makers.get(operand);
    if (maker?.op !== 'Transpose') return { ...this.#locate(operand, as, [k, n]), isTurned: true };
    const perm = (maker.attributes[0]?.ints ?? []) as number[];
    if (perm.length && perm.join() !== '1,0')
      throw this.#faults.refuse(`'${as}' is transposed by [${perm}]`);
    return { ...this.#locate(maker.inputs[0] ?? '', as, [n, k]), isTurned: false };
  }

  #locate(name: string, as: string, dims: readonly number[]): Omit<Place, 'isTurned'> {
    const { corrupt, refuse } = this.#faults;
    const raw = this.#constant(name);
    if (!raw) throw refuse(`there is no '${as}'`);
    const shape = raw.dims as number[];
    if (shape.length > RANK_MAX || shape.join() !== dims.join())
      throw refuse(`'${as}' is [${shape.slice(0, RANK_MAX)}], not [${dims}]`);
    if (raw.location!.some((x) => x === EXTERNAL))
      throw refuse(`'${as}' has data_location EXTERNAL: external data is not read`);
    const number = raw.type![0] as number | undefined;
    const type = FLOATS[Number(number)];
    if (!type) throw refuse(`'${as}' has data_type ${number}, no float of 16 or 32 bits`);
    const [data, ...more] = [...raw.raw!, ...(type === 'F32' ? raw.floats! : [])] as Uint8Array[];
    const bytes = dims.reduce((product, d) => product * d, BYTES_OF[type]);
    if (more.length || data?.length !== bytes)
      throw corrupt(`'${as}' has ${data?.length ?? 0} bytes of data, and needs ${bytes}`);
    return { data, type };
  }
}

/**
 * @param what the file, for messages
 * @throws AppError MODEL_CORRUPT, or MODEL_REFUSED for a graph that is optimised or quantised
 */
export function parseOnnxWeights(file: Uint8Array, what = 'onnx'): Tensors {
  const faults = faultsOf(what);
  const model = readForeign(file, MODEL);
  if (typeof model === 'string') throw faults.corrupt(model);
  const [graph, ...more] = model.graph as Raw[];
  if (!graph || more.length) throw faults.corrupt('the file has no graph, or several');
  const nodes = (graph.nodes as Raw[]).map((raw) => nodeOf(raw, faults));
  return new Weights(nodes, graph.constants as Raw[], faults);
}
