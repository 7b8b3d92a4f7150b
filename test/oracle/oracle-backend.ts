/** A backend that is slow and plain to see: segments on ONNX Runtime, linears by the naive oracle. */
import { Tensor } from 'onnxruntime-web/webgpu';
import { blake3 } from '@noble/hashes/blake3.js';
import type { ModelPackage, PassInput } from '../../src/miner/engine/backend.ts';
import { createSegmentChain } from '../../src/miner/engine/segments.ts';
import { matrixFrom, multiply, naiveLinear, transpose, type NaiveLinear } from './naive-pass.ts';

export interface OracleResult {
  readonly a: Uint8Array[];
  readonly t: Uint8Array[];
  /** Of all tiles of each linear; empty for a plain pass. */
  readonly tickets: bigint[][];
  readonly operands: Int8Array[];
  readonly answer: Int8Array;
}

/** Runs whole units; also gives every ticket and every A. */
export async function createOracle(model: ModelPackage) {
  const chain = await createSegmentChain(model.segments, { provider: 'wasm' });
  const { linears, sequences, tokens } = model.manifest;
  const pass = async (input: Pick<PassInput, 'tokens' | 'sigma0'>): Promise<OracleResult> => {
    const made: NaiveLinear[] = [];
    const operands: Int8Array[] = [];
    let tensor = await chain.run(
      0,
      new Tensor('int32', Int32Array.from(input.tokens), [sequences, tokens]),
    );
    let before = input.sigma0;
    for (const [i, l] of linears.entries()) {
      const A = Int8Array.from(tensor.data as Float32Array);
      operands.push(A);
      const B = model.weights[i]!;
      let product: number[][];
      if (before) {
        const one = naiveLinear(l, i + 1, before, made.at(-1)?.t ?? new Uint8Array(32), A, B);
        made.push(one);
        before = one.sigma;
        product = one.product;
      } else product = multiply(matrixFrom(A, l.m, l.k), transpose(matrixFrom(B, l.n, l.k)));
      const flat = product.flat();
      tensor = await chain.run(i + 1, new Tensor('float32', Float32Array.from(flat), [l.m, l.n]));
    }
    chain.reset();
    return {
      a: operands.map((A) => blake3(new Uint8Array(A))),
      t: made.map((x) => x.t),
      tickets: made.map((x) => x.tickets),
      operands,
      answer: Int8Array.from(tensor.data as Float32Array),
    };
  };
  return { pass, close: () => chain.close() };
}
export type Oracle = Awaited<ReturnType<typeof createOracle>>;
