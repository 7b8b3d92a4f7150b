/**
 * The compiled kernels of one GPUDevice, and the small things that running them needs: buffers,
 * uniforms, steps. Shapes are uniforms, so that one pipeline serves every linear; only the GEMM is
 * compiled per (k, r).
 */
import type { Stage } from './stages.ts';
import { integerWgsl, packWgsl } from './wgsl/convert.ts';
import { gemmWgsl, type DotKind, type GemmShape } from './wgsl/gemm.ts';
import { chunksWgsl, seedWgsl, ticketsWgsl, treeWgsl } from './wgsl/hashing.ts';
import { applyWgsl, noiseWgsl, thinWgsl } from './wgsl/noise.ts';

const SOURCES = {
  pack: packWgsl,
  integer: integerWgsl,
  chunks: chunksWgsl,
  tree: treeWgsl,
  seed: seedWgsl,
  tickets: ticketsWgsl,
  noise: noiseWgsl,
  apply: applyWgsl,
  thin: thinWgsl,
} as const;
export type KernelName = keyof typeof SOURCES;

/** One dispatch. */
export interface Step {
  readonly stage: Stage;
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly x: number;
  readonly y: number;
  /** Submitted by itself: one of several slices of work that would be too long at once. */
  readonly slice?: boolean;
}

/** Workgroups of a kernel that strides over its items: more would not make it faster. */
const GROUPS_MAX = 8192;
export const groupsFor = (items: number): number =>
  Math.max(1, Math.min(GROUPS_MAX, Math.ceil(items / 64)));

export class Kernels {
  readonly device: GPUDevice;
  readonly dot: DotKind;
  readonly #pipelines: ReadonlyMap<KernelName, GPUComputePipeline>;

  constructor(
    device: GPUDevice,
    dot: DotKind,
    pipelines: ReadonlyMap<KernelName, GPUComputePipeline>,
  ) {
    this.device = device;
    this.dot = dot;
    this.#pipelines = pipelines;
  }

  gemm(shape: Omit<GemmShape, 'dot'>): Promise<GPUComputePipeline> {
    return compile(this.device, gemmWgsl({ ...shape, dot: this.dot }));
  }

  step(stage: Stage, name: KernelName, buffers: GPUBuffer[], items: number): Step {
    const pipeline = this.#pipelines.get(name)!;
    const group = bindGroup(this.device, pipeline, buffers);
    // The tree is one workgroup by design; the seed is one thread.
    const x = name === 'tree' || name === 'seed' ? 1 : groupsFor(items);
    return { stage, pipeline, group, x, y: 1 };
  }
}

/** A device's pipelines by their code: linears share shapes, and tuning compiles GEMMs before. */
const compiled = new WeakMap<GPUDevice, Map<string, Promise<GPUComputePipeline>>>();

/** Compiles a kernel, once for each device. */
export function compile(device: GPUDevice, code: string): Promise<GPUComputePipeline> {
  const pipelines = compiled.get(device) ?? new Map<string, Promise<GPUComputePipeline>>();
  compiled.set(device, pipelines);
  let pipeline = pipelines.get(code);
  if (!pipeline) {
    const compute = { module: device.createShaderModule({ code }), entryPoint: 'main' };
    pipeline = device.createComputePipelineAsync({ layout: 'auto', compute });
    pipelines.set(code, pipeline);
  }
  return pipeline;
}

/** Compiles everything but the GEMMs. */
export async function createKernels(device: GPUDevice, dot: DotKind): Promise<Kernels> {
  const names = Object.keys(SOURCES) as KernelName[];
  const pipelines = names.map(async (n) => [n, await compile(device, SOURCES[n]())] as const);
  return new Kernels(device, dot, new Map(await Promise.all(pipelines)));
}

export const bindGroup = (
  device: GPUDevice,
  pipeline: GPUComputePipeline,
  buffers: readonly GPUBuffer[],
): GPUBindGroup =>
  device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: buffers.map((buffer, binding) => ({ binding, resource: { buffer } })),
  });

/** Bytes of the buffers made here for each device and not destroyed since. */
const allocated = new WeakMap<GPUDevice, number>();
export const allocatedBytes = (device: GPUDevice): number => allocated.get(device) ?? 0;

function buffer(device: GPUDevice, size: number, usage: number): GPUBuffer {
  allocated.set(device, allocatedBytes(device) + size);
  return device.createBuffer({ size, usage });
}

/** Gives a buffer of `storage` or `uniform` back before its device is. */
export function free(device: GPUDevice, buffer: GPUBuffer): void {
  allocated.set(device, allocatedBytes(device) - buffer.size);
  buffer.destroy();
}

/**
 * A storage buffer of at least `bytes` bytes, with `data` in it; ONNX Runtime wants sizes of 16·x.
 */
export function storage(device: GPUDevice, bytes: number, data?: ArrayBufferView): GPUBuffer {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const made = buffer(device, Math.max(16, Math.ceil(bytes / 16) * 16), usage);
  if (data) device.queue.writeBuffer(made, 0, data as ArrayBufferView<ArrayBuffer>);
  return made;
}

export function uniform(device: GPUDevice, words: readonly number[]): GPUBuffer {
  const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
  const made = buffer(device, Math.ceil(words.length / 4) * 16, usage);
  device.queue.writeBuffer(made, 0, Uint32Array.from(words));
  return made;
}

/** Submits steps as one compute pass; slices of long work as one each. */
export function submit(device: GPUDevice, steps: readonly Step[]): void {
  for (let from = 0, to = 1; from < steps.length; from = to++) {
    while (to < steps.length && !steps[to - 1]!.slice && !steps[to]!.slice) to++;
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (const s of steps.slice(from, to)) {
      pass.setPipeline(s.pipeline);
      pass.setBindGroup(0, s.group);
      pass.dispatchWorkgroups(s.x, s.y);
    }
    pass.end();
    device.queue.submit([encoder.finish()]);
  }
}

type Part = { readonly buffer: GPUBuffer; readonly bytes: number };

/**
 * Copies the first `bytes` bytes of buffers, after everything submitted before. What it gives waits
 * for them; meanwhile the buffers may be used again.
 */
export function copyBuffers(device: GPUDevice, parts: readonly Part[]) {
  const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
  const size = parts.reduce((sum, p) => sum + Math.ceil(p.bytes / 16) * 16, 0);
  const staging = device.createBuffer({ size, usage });
  const encoder = device.createCommandEncoder();
  const starts: number[] = [];
  let at = 0;
  for (const { buffer, bytes } of parts) {
    starts.push(at);
    encoder.copyBufferToBuffer(buffer, 0, staging, at, Math.ceil(bytes / 4) * 4);
    at += Math.ceil(bytes / 16) * 16;
  }
  device.queue.submit([encoder.finish()]);
  return async (): Promise<ArrayBuffer[]> => {
    try {
      await staging.mapAsync(GPUMapMode.READ);
      const all = staging.getMappedRange();
      return parts.map((p, i) => all.slice(starts[i]!, starts[i]! + p.bytes));
    } finally {
      staging.destroy();
    }
  };
}

export const readBuffers = (device: GPUDevice, parts: readonly Part[]): Promise<ArrayBuffer[]> =>
  copyBuffers(device, parts)();
