/**
 * One step of a model in plain TypeScript: the product in three loops, the segment in the interpreter. It shares no
 * product and no operator with what computes units. It makes the known answers of packages, and judges a device that
 * says otherwise; test/oracle/interpret-onnx.ts judges it in turn, and shares neither with it.
 */
import { plainHash } from '../core/hash.ts';
import { carriesAt, carryBytes, type Carry } from '../core/manifest.ts';
import type { StepInput } from '../core/pow/known.ts';
import { carriesHash, stateHash } from '../core/pow/seed.ts';
import { AppError } from '../lib/errors.ts';
import { inShape, type ModelPackage } from './engine/backend.ts';
import { firstInputs } from './engine/inputs.ts';
import { interpret, type Multiply, type Tensor } from './interpreter.ts';
import { parseOnnx } from './package/onnx.ts';

type Parts = Pick<ModelPackage, 'manifest' | 'segments' | 'otherShapes' | 'tables' | 'weights'>;

/** MACs of a product between two turns of the event loop: about 20 ms in JavaScript. */
const SLAB_MACS = 2e7;

/**
 * What `Backend.step` must give for the shape at that place of the manifest: x_ℓ after segment ℓ−1, or of step L+1
 * the BLAKE3 of the answer's rows.
 * @param multiply for products of matrices, instead of plain loops: a long shape of a language model takes minutes a
 * step by those
 * @throws AppError MODEL_REFUSED where the checker would refuse the model
 */
export function plainStep(
  model: Parts,
  step: StepInput,
  place = 0,
  multiply?: Multiply,
): Uint8Array {
  const product = productOf(model, step);
  if (!multiply) product?.rows(0, product.m);
  else if ('a' in step) {
    const { k } = model.manifest.linears[step.number - 2]!;
    const weights = model.weights[step.number - 2]!;
    product!.c.set(multiply(new Float32Array(step.a), new Float32Array(weights), k));
  }
  return afterSegment(inShape(model, place), step, product?.c, multiply);
}

/** The same of the shape that is mined, beside other work: the event loop turns between slabs of the product. */
export async function plainStepBeside(model: Parts, step: StepInput): Promise<Uint8Array> {
  const product = productOf(model, step);
  for (let from = 0; product && from < product.m; from += product.slab) {
    await new Promise((r) => setTimeout(r));
    product.rows(from, Math.min(product.m, from + product.slab));
  }
  return afterSegment(model, step, product?.c);
}

/** C of the linear before a step's segment, whose rows are computed as they are asked for. */
interface Product {
  readonly m: number;
  /** m×n whole numbers, row-major. */
  readonly c: Float32Array;
  /** Rows that take about `SLAB_MACS`. */
  readonly slab: number;
  /** Computes rows `from` to `until` − 1. */
  rows(from: number, until: number): void;
}

/** Undefined of step 1, which begins with tokens. */
function productOf({ manifest, weights }: Parts, step: StepInput): Product | undefined {
  if (!('a' in step)) return undefined;
  const { k, n } = manifest.linears[step.number - 2]!;
  const { a } = step;
  const b = weights[step.number - 2]!;
  const m = a.length / k;
  const c = new Float32Array(m * n);
  const rows = (from: number, until: number): void => {
    for (let i = from; i < until; i++) {
      const row = a.subarray(i * k, (i + 1) * k);
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let p = 0, at = j * k; p < k; p++, at++) sum += row[p]! * b[at]!;
        c[i * n + j] = sum;
      }
    }
  };
  return { m, c, slab: Math.max(1, Math.floor(SLAB_MACS / (k * n))), rows };
}

/** BLAKE3 of a carry's whole numbers, as int16 or int32. */
export function carryHash(carry: Carry, values: ArrayLike<number>): Uint8Array {
  const encoded = carryBytes(carry) === 2 ? Int16Array.from(values) : Int32Array.from(values);
  return plainHash(new Uint8Array(encoded.buffer));
}

/** Runs a step's segment on tokens, or on C and carries. */
function afterSegment(
  { manifest, segments, tables }: Parts,
  step: StepInput,
  c: Float32Array | undefined,
  multiply?: Multiply,
): Uint8Array {
  const [shape] = manifest.shapes;
  const { number } = step;
  const graph = parseOnnx(segments[number - 1]!);
  if (typeof graph === 'string') throw new AppError('MODEL_REFUSED', graph);

  const dimsOf = (name: string): readonly number[] =>
    graph.inputs.find((input) => input.name === name)?.dims ?? [];
  const given = new Map<string, Tensor>();
  if ('a' in step) {
    const product = `c${number - 1}`;
    given.set(product, { dims: dimsOf(product), data: c! });
    for (const [name, values] of step.carries)
      given.set(name, { dims: dimsOf(name), data: Float32Array.from(values) });
  } else
    for (const { name, ...tensor } of firstInputs({ manifest, tables }, step.tokens))
      given.set(name, tensor);

  const made = interpret(graph, given, multiply);
  const bytes = (name: string): Uint8Array =>
    new Uint8Array(Int8Array.from(made.get(name)!.data).buffer);
  if (number > manifest.linears.length) return plainHash(bytes('answer'));
  // What was made is among the tensors, and what is only handed on among the carries given.
  const alive = carriesAt(shape!, number).map((carry) =>
    carryHash(carry, made.get(carry.name)!.data),
  );
  return stateHash(plainHash(bytes(`a${number}`)), carriesHash(alive));
}
