/**
 * Segments on ONNX Runtime's WebGPU provider, for models that no plan covers: its tensors are float32, so that
 * three kernels convert between them and what is multiplied and hashed.
 */
import * as ort from 'onnxruntime-web/webgpu';
import {
  answerBytes,
  carryBytes,
  unitLinears,
  unitRows,
  unitShape,
  type Shape,
} from '../../core/manifest.ts';
import type { ModelPackage } from '../engine/backend.ts';
import { firstInputs } from '../engine/inputs.ts';
import { createSegmentChain, onDevice, type Feeds, type SegmentChain } from '../engine/segments.ts';
import { storage, submit, type Bound, type Kernels, type Step, type Task } from './kernels.ts';
import { hashedBytes, type Scratch } from './linear.ts';
import type { GpuSegments, Given } from './segments.ts';

/** A carry as ONNX Runtime has it, and as it is hashed. */
interface RuntimeCarry {
  readonly name: string;
  readonly made: number;
  readonly buffer: GPUBuffer;
  readonly tensor: ort.Tensor;
  readonly hashed: GPUBuffer;
  /** The dispatches from the one to the other. */
  readonly narrow: readonly Step[];
}

const tensorOn = (
  gpuBuffer: GPUBuffer,
  dataType: 'float32' | 'int32',
  dims: number[],
): ort.Tensor => ort.Tensor.fromGpuBuffer(gpuBuffer, { dataType, dims });

/** @throws AppError MODEL_REFUSED */
export async function createRuntimeSegments(
  model: ModelPackage,
  kernels: Kernels,
  scratch: Scratch,
): Promise<GpuSegments> {
  const chain = await createSegmentChain(model.segments, onDevice(kernels.device));
  const shape = unitShape(model.manifest);
  const carries = shape.carries.map((carry) => runtimeCarry(kernels, shape, carry, chain));
  return new RuntimeSegments(model, kernels, scratch, { chain, carries });
}

function runtimeCarry(
  kernels: Kernels,
  { sequences }: Shape,
  carry: Shape['carries'][number],
  chain: SegmentChain,
): RuntimeCarry {
  const { name, made, size } = carry;
  const bytes = hashedBytes(sequences, carry);
  const buffer = storage(kernels.device, 4 * sequences * size);
  const hashed = storage(kernels.device, bytes);
  const tensor = tensorOn(buffer, 'float32', chain.dimensionsOf(name));
  const narrow = kernels.steps({
    stage: 'convert',
    kernel: 'narrow',
    params: [sequences * size, carryBytes(carry)],
    buffers: [buffer, hashed],
    items: Math.ceil(bytes / 4),
  });
  return { name, made, buffer, tensor, hashed, narrow };
}

class RuntimeSegments implements GpuSegments {
  readonly name = 'ONNX Runtime';
  readonly program = 'ONNX Runtime';
  readonly #model: ModelPackage;
  readonly #device: GPUDevice;
  readonly #chain: SegmentChain;
  readonly #carries: readonly RuntimeCarry[];
  /** A of the linear in work, float32. */
  readonly #operand: GPUBuffer;
  /** What segment 0 reads, by name. */
  readonly #first: ReadonlyMap<string, GPUBuffer>;
  /** Of each segment. */
  readonly #inputs: Feeds[];
  readonly #outputs: Feeds[];
  /** Of each linear: A to int8, C to float32. */
  readonly #pack: (readonly Step[])[];
  readonly #floats: (readonly Step[])[];
  #answer: ort.Tensor | undefined;

  constructor(
    model: ModelPackage,
    kernels: Kernels,
    scratch: Scratch,
    parts: { readonly chain: SegmentChain; readonly carries: readonly RuntimeCarry[] },
  ) {
    const { device } = kernels;
    const linears = unitLinears(model.manifest);
    this.#model = model;
    this.#device = device;
    this.#chain = parts.chain;
    this.#carries = parts.carries;
    const operand = storage(device, Math.max(...linears.map((l) => 4 * l.m * l.k)));
    this.#operand = operand;
    const first = firstInputs(model, new Uint32Array(unitRows(model.manifest))).map((input) => {
      const type = input.data instanceof Int32Array ? 'int32' : 'float32';
      const buffer = storage(device, input.data.byteLength);
      return { name: input.name, buffer, tensor: tensorOn(buffer, type, input.dims) } as const;
    });
    this.#first = new Map(first.map(({ name, buffer }) => [name, buffer]));
    this.#inputs = [
      Object.fromEntries(first.map(({ name, tensor }) => [name, tensor])),
      ...linears.map((l, i) => ({
        [`c${i + 1}`]: tensorOn(scratch.output, 'float32', [l.m, l.n]),
      })),
    ];
    this.#outputs = linears.map((l, i) => ({
      [`a${i + 1}`]: tensorOn(operand, 'float32', [l.m, l.k]),
      ...Object.fromEntries(
        parts.carries.filter(({ made }) => made === i).map(({ name, tensor }) => [name, tensor]),
      ),
    }));
    const convert = { stage: 'convert', params: [] } as const;
    const steps = (task: Omit<Task, keyof typeof convert>): readonly Step[] =>
      kernels.steps({ ...convert, ...task });
    this.#pack = linears.map(({ m, k }) =>
      steps({ kernel: 'pack', buffers: [operand, scratch.packed], items: (m * k) / 4 }),
    );
    this.#floats = linears.map(({ m, n }) =>
      steps({ kernel: 'floats', buffers: [scratch.output], items: m * n }),
    );
  }

  setTokens(tokens: Uint32Array): void {
    for (const { name, data } of firstInputs(this.#model, tokens))
      this.#device.queue.writeBuffer(this.#first.get(name)!, 0, data);
  }

  setState({ number, a, carries }: Given): void {
    const { queue } = this.#device;
    queue.writeBuffer(this.#operand, 0, Float32Array.from(a));
    const given = this.#carries.filter(({ name }) => carries.has(name));
    for (const { name, buffer, tensor } of given) {
      queue.writeBuffer(buffer, 0, Float32Array.from(carries.get(name)!));
      this.#chain.lend(name, tensor);
    }
    submit(this.#device, [...given.flatMap(({ narrow }) => narrow), ...this.#pack[number - 2]!]);
  }

  async run(index: number): Promise<readonly Step[]> {
    if (index) submit(this.#device, this.#floats[index - 1]!);
    const main = await this.#chain.run(index, this.#inputs[index]!, this.#outputs[index]);
    if (index === this.#pack.length) {
      this.#answer?.dispose();
      this.#answer = main;
      return [];
    }
    const made = this.#carries.flatMap((carry) => (carry.made === index ? carry.narrow : []));
    return [...made, ...this.#pack[index]!];
  }

  carry = (index: number): Bound => this.#carries[index]!.hashed;

  answer(): { readonly buffer: GPUBuffer; readonly bytes: number } {
    const { manifest } = this.#model;
    const shape = unitShape(manifest);
    const bytes = 4 * shape.sequences * answerBytes(manifest, shape);
    return { buffer: this.#answer!.gpuBuffer, bytes };
  }

  parseAnswer = (bytes: ArrayBuffer): Int8Array => Int8Array.from(new Float32Array(bytes));

  reset(): void {
    this.#answer?.dispose();
    this.#answer = undefined;
    this.#chain.reset();
  }

  async close(): Promise<void> {
    this.reset();
    await this.#chain.close();
  }
}
