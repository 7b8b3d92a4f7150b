/** Every kernel of a linear against the naive oracle, on whatever WebGPU this Node finds. */
import { describe, expect, it } from 'vitest';
import { carryBytes, type Carry } from '../../src/core/manifest.ts';
import { carriesHash, stateHash } from '../../src/core/pow/seed.ts';
import { plainHash } from '../../src/core/hash.ts';
import { toHex } from '../../src/lib/bytes.ts';
import {
  createKernels,
  readBuffers,
  storage,
  submit,
  workMaxOf,
  type Kernels,
  type WorkMax,
} from '../../src/miner/webgpu/kernels.ts';
import {
  carryTasks,
  createGpuLinear,
  storeWeights,
  createScratch,
  type SizedLinear,
} from '../../src/miner/webgpu/linear.ts';
import { DOT_KINDS, type DotKind } from '../../src/miner/webgpu/wgsl/gemm.ts';
import { NO_WINNER, RECORD, SLOT } from '../../src/miner/webgpu/wgsl/hashing.ts';
import { matrixFrom, multiply, naiveLinear, transpose } from '../oracle/naive-pass.ts';
import { randomBytes, randomOperand } from '../oracle/random.ts';
import { openGpu } from '../gpu.ts';

const opened = await openGpu();
if (!opened) console.warn('webgpu-kernels: skipped, no WebGPU adapter in this Node');

const NUMBER = 3;
/** Shapes: fewer tiles than a workgroup, odd group sides, r over and under the column step. */
const SHAPES = [
  { m: 32, k: 128, n: 128, r: 16 },
  { m: 80, k: 256, n: 48, r: 32 },
  { m: 16, k: 1024, n: 144, r: 128 },
  { m: 48, k: 768, n: 32, r: 48 },
  // Three digits: k/r over 128.
  { m: 16, k: 2112, n: 16, r: 16 },
];

const kernelsOf = (dot: DotKind, workMax: WorkMax): Promise<Kernels> =>
  createKernels(opened!.device, dot, workMax);

const words = (x: bigint): Uint32Array =>
  Uint32Array.from({ length: 8 }, (_, i) => Number((x >> BigInt(32 * (7 - i))) & 0xffffffffn));

async function runLinear(
  shape: (typeof SHAPES)[number],
  dot: DotKind,
  extreme: boolean,
  workMax: WorkMax = () => 1 << 18,
) {
  const { device } = opened!;
  const { m, k, n } = shape;
  const seed = `${JSON.stringify(shape)} ${extreme}`;
  const ends = (name: string, size: number): Int8Array =>
    Int8Array.from(randomBytes(name, size), (b) => (b & 1 ? 63 : -63));
  const operand = extreme ? ends : randomOperand;
  const A = operand(`${seed} A`, m * k);
  const B = operand(`${seed} B`, n * k);
  const sigma = randomBytes(`${seed} sigma`, 32);
  const t = randomBytes(`${seed} t`, 32);
  const want = naiveLinear(shape, NUMBER, sigma, t, A, B);
  const linear: SizedLinear = { ...shape, weights: plainHash(new Uint8Array(B)) };
  const linears = Array.from({ length: NUMBER }, () => linear);
  const scratch = createScratch(device, linears);
  const kernels = await kernelsOf(dot, workMax);
  const gpu = await createGpuLinear(kernels, scratch, {
    linear,
    number: NUMBER,
    weights: storeWeights(device, shape, B),
  });
  device.queue.writeBuffer(scratch.packed, 0, new Uint8Array(A));
  const before = 4 * RECORD * (NUMBER - 1);
  device.queue.writeBuffer(scratch.chain, before + 4 * SLOT.sigma, sigma);
  device.queue.writeBuffer(scratch.chain, before + 4 * SLOT.t, t);
  const run = async (limit: bigint, noisy: boolean) => {
    device.queue.writeBuffer(scratch.limits, 32 * (NUMBER - 1), words(limit));
    device.queue.writeBuffer(scratch.winners, 0, new Uint32Array(NUMBER).fill(NO_WINNER));
    submit(device, gpu.steps(noisy));
    const tiles = want.messages.length;
    const [chain, messages, product, winners] = await readBuffers(device, [
      { buffer: scratch.chain, bytes: 4 * RECORD * (NUMBER + 1) },
      { buffer: scratch.messages, bytes: 64 * tiles },
      { buffer: scratch.output, bytes: 4 * m * n },
      { buffer: scratch.winners, bytes: 4 * NUMBER },
    ]);
    const slot = (record: number, at: number): Uint8Array =>
      new Uint8Array(chain!, 4 * (record * RECORD + at), 32);
    const winner = new Uint32Array(winners!)[NUMBER - 1]!;
    return {
      slot,
      messages: new Uint8Array(messages!),
      product: new Int32Array(product!),
      winner,
    };
  };
  return { want, run, A, B, scratch, gpu };
}

describe.skipIf(!opened)('kernels on WebGPU', { timeout: 300_000 }, () => {
  // Compiling takes a software device seconds: each shape once, the kinds of product in turn.
  const cases = SHAPES.map((shape, i) => {
    const dot = DOT_KINDS[i % DOT_KINDS.length]!;
    return { shape, dot, extreme: i % 2 === 1 };
  });
  it.each(cases)('equal the oracle: %j', async ({ shape, dot, extreme }) => {
    const { want, run, A, B } = await runLinear(shape, dot, extreme);
    const { m, k, n } = shape;
    const lowest = want.tickets.reduce((x, y) => (y < x ? y : x));
    const got = await run(lowest, true);
    expect(got.slot(NUMBER, SLOT.a)).toEqual(want.a);
    expect(got.slot(NUMBER, SLOT.x)).toEqual(want.x);
    expect(got.slot(NUMBER, SLOT.sigma)).toEqual(want.sigma);
    expect(Buffer.concat(want.messages).equals(got.messages)).toBe(true);
    expect(got.slot(NUMBER, SLOT.t)).toEqual(want.t);
    expect(got.winner).toBe(want.tickets.indexOf(lowest));
    const product = Int32Array.from(want.product.flat());
    expect(Buffer.from(got.product.buffer).equals(Buffer.from(product.buffer))).toBe(true);
    const exact = multiply(matrixFrom(A, m, k), transpose(matrixFrom(B, n, k)));
    expect(want.product).toEqual(exact);

    expect((await run(lowest - 1n, true)).winner).toBe(NO_WINNER);
    expect((await run((1n << 256n) - 1n, true)).winner).toBe(0);
    const plain = await run(0n, false);
    expect(Buffer.from(plain.product.buffer).equals(Buffer.from(product.buffer))).toBe(true);
  });

  it('hash carries of any length, and none to 64 of them in their order', async () => {
    const { device } = opened!;
    const kernels = await kernelsOf('f32', () => 1 << 18);
    const linear: SizedLinear = {
      m: 16,
      k: 128,
      n: 16,
      r: 16,
      weights: plainHash(new Uint8Array()),
    };
    const sizes = [1, 3, 31, 32, 33, 511, 600, 1500];
    for (const count of [0, 1, 2, 31, 32, 33, 63, 64]) {
      const carries = Array.from({ length: count }, (_, i): Carry => {
        const high = i % 3 ? 30_000 : 40_000;
        const name = String.fromCharCode(65 + i);
        return { name, made: 0, last: 1, size: sizes[i % sizes.length]!, low: -high, high };
      });
      const shape = { sequences: 1 + (count % 2), carries };
      const scratch = createScratch(device, [linear], shape);
      const gpu = await createGpuLinear(kernels, scratch, {
        linear,
        number: 1,
        weights: storeWeights(device, linear, new Int8Array(16 * 128)),
      });
      const hashes = carries.map((carry, i) => {
        const values = Int32Array.from(
          { length: shape.sequences * carry.size },
          (_, j) => ((7919 * (i + 1) * (j + 1)) % (2 * carry.high)) - carry.high,
        );
        const encoded = carryBytes(carry) === 2 ? Int16Array.from(values) : values;
        // A carry may lie anywhere in a larger buffer, beside others.
        const offset = 256 * (i % 3);
        const all = new Uint8Array(offset + encoded.byteLength + 2).fill(0xa5);
        all.set(new Uint8Array(encoded.buffer), offset);
        const padded = new Uint8Array(4 * Math.ceil(all.length / 4));
        padded.set(all.subarray(0, offset + encoded.byteLength));
        const buffer = storage(device, padded.length, padded);
        submit(
          device,
          carryTasks(scratch, shape, i, { buffer, offset }).flatMap((task) => kernels.steps(task)),
        );
        return plainHash(new Uint8Array(encoded.buffer));
      });
      submit(device, [...gpu.begin]);
      const [chain] = await readBuffers(device, [{ buffer: scratch.chain, bytes: 8 * RECORD }]);
      const slot = (at: number): Uint8Array => new Uint8Array(chain!, 4 * (RECORD + at), 32);
      const y = carriesHash(hashes);
      expect(slot(SLOT.y), `${count} carries`).toEqual(y);
      expect(slot(SLOT.x)).toEqual(stateHash(plainHash(new Uint8Array(16 * 128)), y));
    }
  });

  it('leave the same bytes in every buffer in slices of one group, of a few, and whole', async () => {
    const shape = { m: 192, k: 512, n: 144, r: 32 };
    const dumps: Record<string, unknown>[] = [];
    const dispatches: number[] = [];
    for (const workMax of [workMaxOf({}), (): number => 1, (): number => 1000]) {
      const { run, scratch, gpu } = await runLinear(shape, 'f32', false, workMax);
      const { winner } = await run((1n << 256n) / 50n, true);
      dispatches.push(gpu.steps(true).length);
      const parts = Object.values(scratch).map((buffer) => ({ buffer, bytes: buffer.size }));
      const bytes = await readBuffers(opened!.device, parts);
      const hashes = bytes.map((b) => toHex(plainHash(new Uint8Array(b))));
      const names = Object.keys(scratch);
      dumps.push({ winner, ...Object.fromEntries(names.map((name, i) => [name, hashes[i]])) });
    }
    expect(dumps[1]).toEqual(dumps[0]);
    expect(dumps[2]).toEqual(dumps[0]);
    expect(dispatches).toEqual([13, 738, 110]);
  });
});
