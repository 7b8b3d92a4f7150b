/**
 * One step of a model in plain TypeScript: the product in three loops, the segment in the interpreter. It makes the
 * known answers of packages, and judges a device that says otherwise.
 */
import { plainHash } from '../core/hash.ts';
import { carriesAt, carryBytes, type Carry, type Linear } from '../core/manifest.ts';
import type { StepInput } from '../core/pow/known.ts';
import { carriesHash, stateHash } from '../core/pow/seed.ts';
import { AppError } from '../lib/errors.ts';
import { inShape, type ModelPackage } from './engine/backend.ts';
import { firstInputs } from './engine/inputs.ts';
import { interpret, type Tensor } from './interpreter.ts';
import { parseOnnx } from './package/onnx.ts';

type Parts = Pick<ModelPackage, 'manifest' | 'segments' | 'otherShapes' | 'tables' | 'weights'>;

/** A·B as whole numbers: A m×k, `weights` Bᵀ n×k. */
function multiply(a: Int8Array, weights: Int8Array, { k, n }: Linear): Float32Array {
  const rows = a.length / k;
  const c = new Float32Array(rows * n);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let p = 0; p < k; p++) sum += a[i * k + p]! * weights[j * k + p]!;
      c[i * n + j] = sum;
    }
  return c;
}

const carryHash = (carry: Carry, values: ArrayLike<number>): Uint8Array => {
  const encoded = carryBytes(carry) === 2 ? Int16Array.from(values) : Int32Array.from(values);
  return plainHash(new Uint8Array(encoded.buffer));
};

/**
 * What `Backend.step` must give for the shape at that place of the manifest: x_ℓ after segment ℓ−1, or of step L+1
 * the BLAKE3 of the answer's rows.
 * @throws AppError MODEL_REFUSED where the checker would refuse the model
 */
export function plainStep(model: Parts, step: StepInput, place = 0): Uint8Array {
  const { manifest, segments, tables, weights } = inShape(model, place);
  const [shape] = manifest.shapes;
  const { number } = step;
  const graph = parseOnnx(segments[number - 1]!);
  if (typeof graph === 'string') throw new AppError('MODEL_REFUSED', graph);

  const dimsOf = (name: string): readonly number[] =>
    graph.inputs.find((input) => input.name === name)?.dims ?? [];
  const given = new Map<string, Tensor>();
  if ('a' in step) {
    const product = `c${number - 1}`;
    const data = multiply(step.a, weights[number - 2]!, manifest.linears[number - 2]!);
    given.set(product, { dims: dimsOf(product), data });
    for (const [name, values] of step.carries)
      given.set(name, { dims: dimsOf(name), data: Float32Array.from(values) });
  } else
    for (const { name, ...tensor } of firstInputs({ manifest, tables }, step.tokens))
      given.set(name, tensor);

  const made = interpret(graph, given);
  const bytes = (name: string): Uint8Array =>
    new Uint8Array(Int8Array.from(made.get(name)!.data).buffer);
  if (number > manifest.linears.length) return plainHash(bytes('answer'));
  // What was made is among the tensors, and what is only handed on among the carries given.
  const alive = carriesAt(shape!, number).map((carry) =>
    carryHash(carry, made.get(carry.name)!.data),
  );
  return stateHash(plainHash(bytes(`a${number}`)), carriesHash(alive));
}
