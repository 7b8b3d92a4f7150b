/**
 * The compiled kernels of one GPUDevice, and the small things that running them needs: buffers,
 * uniforms, steps. Shapes are uniforms, so that one pipeline serves every linear; only the GEMM is
 * compiled per (k, r).
 */
import type { Stage } from './stages.ts';
import { integerWgsl, packWgsl } from './wgsl/convert.ts';
import { dotHeader, dotWgsl, gemmWgsl, type DotKind, type GemmShape } from './wgsl/gemm.ts';
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
}

/** Workgroups of a kernel that strides over its items: more would not make it faster. */
const GROUPS_MAX = 8192;
export const groupsFor = (items: number): number =>
  Math.max(1, Math.min(GROUPS_MAX, Math.ceil(items / 64)));

export class Kernels {
  readonly device: GPUDevice;
  readonly dot: DotKind;
  readonly #pipelines: ReadonlyMap<KernelName, GPUComputePipeline>;
  readonly #gemms = new Map<string, Promise<GPUComputePipeline>>();

  constructor(
    device: GPUDevice,
    dot: DotKind,
    pipelines: ReadonlyMap<KernelName, GPUComputePipeline>,
  ) {
    this.device = device;
    this.dot = dot;
    this.#pipelines = pipelines;
  }

  /** The GEMM of a shape, compiled once. */
  gemm(shape: Omit<GemmShape, 'dot'>): Promise<GPUComputePipeline> {
    const code = gemmWgsl({ ...shape, dot: this.dot });
    let pipeline = this.#gemms.get(code);
    if (!pipeline) this.#gemms.set(code, (pipeline = compile(this.device, code)));
    return pipeline;
  }

  step(stage: Stage, name: KernelName, buffers: GPUBuffer[], items: number): Step {
    const pipeline = this.#pipelines.get(name)!;
    const group = bindGroup(this.device, pipeline, buffers);
    // The tree is one workgroup by design; the seed is one thread.
    const x = name === 'tree' || name === 'seed' ? 1 : groupsFor(items);
    return { stage, pipeline, group, x, y: 1 };
  }
}

const compile = (device: GPUDevice, code: string): Promise<GPUComputePipeline> =>
  device.createComputePipelineAsync({
    layout: 'auto',
    compute: { module: device.createShaderModule({ code }), entryPoint: 'main' },
  });

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

/**
 * A storage buffer of at least `bytes` bytes, with `data` in it; ONNX Runtime wants sizes of 16·x.
 */
export function storage(device: GPUDevice, bytes: number, data?: ArrayBufferView): GPUBuffer {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffer = device.createBuffer({ size: Math.max(16, Math.ceil(bytes / 16) * 16), usage });
  if (data) device.queue.writeBuffer(buffer, 0, data as ArrayBufferView<ArrayBuffer>);
  return buffer;
}

export function uniform(device: GPUDevice, words: readonly number[]): GPUBuffer {
  const size = Math.ceil(words.length / 4) * 16;
  const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
  const buffer = device.createBuffer({ size, usage });
  device.queue.writeBuffer(buffer, 0, Uint32Array.from(words));
  return buffer;
}

/** Submits steps as one compute pass. */
export function submit(device: GPUDevice, steps: readonly Step[]): void {
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  for (const s of steps) {
    pass.setPipeline(s.pipeline);
    pass.setBindGroup(0, s.group);
    pass.dispatchWorkgroups(s.x, s.y);
  }
  pass.end();
  device.queue.submit([encoder.finish()]);
}

/** Copies of the first `bytes` bytes of buffers, after everything submitted before. */
export async function readBuffers(
  device: GPUDevice,
  parts: readonly { readonly buffer: GPUBuffer; readonly bytes: number }[],
): Promise<ArrayBuffer[]> {
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
  try {
    await staging.mapAsync(GPUMapMode.READ);
    const all = staging.getMappedRange();
    return parts.map((p, i) => all.slice(starts[i]!, starts[i]! + p.bytes));
  } finally {
    staging.destroy();
  }
}

const DOT_TEST = 64;
/** Words whose bytes take every sign and both ends of the noisy range. */
const dotInput = (salt: number): Uint32Array =>
  Uint32Array.from({ length: DOT_TEST }, (_, i) =>
    i < 4 ? [0x82828282, 0x7e7e7e7e, 0x7e827e82, 0x80808080][i ^ (salt & 1)]! : Math.imul(i, salt),
  );

const dotOf = (a: number, b: number): number =>
  [0, 8, 16, 24].reduce((sum, s) => sum + ((a << (24 - s)) >> 24) * ((b << (24 - s)) >> 24), 0);

/** Whether this device's packed dot product gives the right numbers. */
async function dotIsRight(device: GPUDevice): Promise<boolean> {
  const code = `${dotHeader('dp4a')}
@group(0) @binding(0) var<storage, read> a: array<u32>;
@group(0) @binding(1) var<storage, read> b: array<u32>;
@group(0) @binding(2) var<storage, read_write> c: array<i32>;
${dotWgsl('dp4a')}
@compute @workgroup_size(${DOT_TEST})
fn main(@builtin(local_invocation_index) i: u32) { c[i] = dot4(a[i], b[i]); }`;
  const pipeline = await compile(device, code);
  const [a, b] = [dotInput(0x9e3779b1), dotInput(0x85ebca6a)];
  const bytes = 4 * DOT_TEST;
  const buffers = [storage(device, bytes, a), storage(device, bytes, b), storage(device, bytes)];
  const group = bindGroup(device, pipeline, buffers);
  submit(device, [{ stage: 'gemm', pipeline, group, x: 1, y: 1 }]);
  const [out] = await readBuffers(device, [{ buffer: buffers[2]!, bytes }]);
  for (const buffer of buffers) buffer.destroy();
  return new Int32Array(out!).every((c, i) => c === dotOf(a[i]!, b[i]!));
}

/** The packed dot product where the language has it and the device computes it right. */
export const chooseDot = async (gpu: GPU, device: GPUDevice): Promise<DotKind> =>
  gpu.wgslLanguageFeatures.has('packed_4x8_integer_dot_product') && (await dotIsRight(device))
    ? 'dp4a'
    : 'i32';
