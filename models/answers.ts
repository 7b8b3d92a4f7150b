/**
 * A package's exact answers to many texts: plain products in ONNX Runtime on the CPU, which the
 * integers' bounds make the same as the engine's int8 GEMMs. A text's bytes past the input are cut.
 */
import * as ort from 'onnxruntime-web';
import { unitLinears, unitShape, type UnitLinear } from '../src/core/manifest.ts';
import type { ModelPackage } from '../src/miner/engine/backend.ts';
import { firstInputs } from '../src/miner/engine/inputs.ts';
import { encodeOnnx } from '../src/miner/package/onnx.ts';

function productGraph(l: UnitLinear, weights: Int8Array): Uint8Array {
  const data = new Float32Array(l.k * l.n);
  for (let i = 0; i < l.k; i++)
    for (let j = 0; j < l.n; j++) data[i * l.n + j] = weights[j * l.k + i]!;
  const value = (name: string, n: number) => ({ name, type: 'float32' as const, dims: [l.m, n] });
  return encodeOnnx({
    nodes: [{ name: 'p', op: 'MatMul', inputs: ['a', 'b'], outputs: ['c'], attributes: {} }],
    constants: [{ name: 'b', type: 'float32', dims: [l.k, l.n], data }],
    inputs: [value('a', l.k)],
    outputs: [value('c', l.n)],
  });
}
const open = (bytes: Uint8Array): Promise<ort.InferenceSession> =>
  ort.InferenceSession.create(bytes, { executionProviders: ['wasm'] });

/** Gives the answer row of every text, in order. */
export async function answersOf(
  model: ModelPackage,
): Promise<(texts: readonly string[]) => Promise<number[][]>> {
  ort.env.wasm.numThreads = 1;
  const { answerSize } = model.manifest;
  const { sequences, tokens } = unitShape(model.manifest);
  const segments: ort.InferenceSession[] = [];
  const products: ort.InferenceSession[] = [];
  for (const s of model.segments) segments.push(await open(s));
  for (const [i, l] of unitLinears(model.manifest).entries())
    products.push(await open(productGraph(l, model.weights[i]!)));

  const pass = async (unit: Uint32Array): Promise<number[]> => {
    const known: Record<string, ort.Tensor> = {};
    for (const { name, data, dims } of firstInputs(model, unit))
      known[name] = new ort.Tensor(data instanceof Int32Array ? 'int32' : 'float32', data, dims);
    for (const [i, segment] of segments.entries()) {
      const feeds = Object.fromEntries(segment.inputNames.map((n) => [n, known[n]!]));
      Object.assign(known, await segment.run(feeds));
      const product = products[i];
      if (product) known[`c${i + 1}`] = (await product.run({ a: known[`a${i + 1}`]! })).c!;
    }
    return Array.from(known.answer!.data as Float32Array);
  };

  return async (texts) => {
    const rows: number[][] = [];
    for (let i = 0; i < texts.length; i += sequences) {
      const unit = new Uint32Array(sequences * tokens);
      const part = texts.slice(i, i + sequences);
      for (const [b, text] of part.entries()) {
        const bytes = new TextEncoder().encode(text).subarray(0, tokens);
        unit.set(
          Uint32Array.from(bytes, (x) => x + 1),
          b * tokens,
        );
      }
      const answer = await pass(unit);
      for (const b of part.keys()) rows.push(answer.slice(b * answerSize, (b + 1) * answerSize));
    }
    return rows;
  };
}
