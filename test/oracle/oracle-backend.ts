/** A backend that is slow and plain to see: segments on ONNX Runtime, linears by the naive oracle. */
import { Tensor } from 'onnxruntime-web/webgpu';
import { blake3 } from '@noble/hashes/blake3.js';
import type { ModelPackage, PassInput } from '../../src/miner/engine/backend.ts';
import { createSegmentChain } from '../../src/miner/engine/segments.ts';
import { firstInputs } from '../../src/miner/engine/inputs.ts';
import type { Carry } from '../../src/core/manifest.ts';
import {
  matrixFrom,
  multiply,
  naiveCarries,
  naiveLinear,
  naiveState,
  transpose,
  type NaiveLinear,
} from './naive-pass.ts';

export interface OracleResult {
  readonly x: Uint8Array[];
  readonly a: Uint8Array[];
  readonly y: Uint8Array[];
  readonly t: Uint8Array[];
  /** Of all tiles of each linear; empty for a plain pass. */
  readonly tickets: bigint[][];
  readonly operands: Int8Array[];
  readonly answer: Int8Array;
}

/** Runs whole units; also gives every ticket and every A. */
export async function createOracle(model: ModelPackage) {
  const chain = await createSegmentChain(model.segments, { provider: 'wasm' });
  const { linears, shapes } = model.manifest;
  const { sequences, tokens, carries } = shapes[0]!;
  const m = sequences * tokens;

  /** BLAKE3 of a carry's entries, each written with `setInt16` or `setInt32`. */
  const carryHash = ({ name, low, high }: Carry): Uint8Array => {
    const values = chain.carry(name).data as Float32Array;
    const size = low >= -32_768 && high < 32_768 ? 2 : 4;
    const view = new DataView(new ArrayBuffer(size * values.length));
    values.forEach((v, i) =>
      size === 2 ? view.setInt16(2 * i, v, true) : view.setInt32(4 * i, v, true),
    );
    return blake3(new Uint8Array(view.buffer));
  };

  const pass = async (input: Pick<PassInput, 'tokens' | 'sigma0'>): Promise<OracleResult> => {
    const made: NaiveLinear[] = [];
    const operands: Int8Array[] = [];
    const states: { a: Uint8Array; y: Uint8Array; x: Uint8Array }[] = [];
    const first = firstInputs(model, input.tokens).map(({ name, data, dims }) => {
      const type = name === 'tokens' ? 'int32' : 'float32';
      return [name, new Tensor(type, data as never, dims)] as const;
    });
    let tensor = await chain.run(0, Object.fromEntries(first));
    let before = input.sigma0;
    for (const [i, { k, n, r }] of linears.entries()) {
      const A = Int8Array.from(tensor.data as Float32Array);
      operands.push(A);
      const y = naiveCarries(carries.filter((c) => c.made <= i && c.last > i).map(carryHash));
      states.push(naiveState(A, y));
      const B = model.weights[i]!;
      let product: number[][];
      if (before) {
        const t = made.at(-1)?.t ?? new Uint8Array(32);
        const one = naiveLinear({ m, k, n, r }, i + 1, before, t, A, B, y);
        made.push(one);
        before = one.sigma;
        product = one.product;
      } else product = multiply(matrixFrom(A, m, k), transpose(matrixFrom(B, n, k)));
      const c = new Tensor('float32', Float32Array.from(product.flat()), [m, n]);
      tensor = await chain.run(i + 1, { [`c${i + 1}`]: c });
    }
    chain.reset();
    return {
      x: states.map(({ x }) => x),
      a: states.map(({ a }) => a),
      y: states.map(({ y }) => y),
      t: made.map((x) => x.t),
      tickets: made.map((x) => x.tickets),
      operands,
      answer: Int8Array.from(tensor.data as Float32Array),
    };
  };
  return { pass, close: () => chain.close() };
}
export type Oracle = Awaited<ReturnType<typeof createOracle>>;
