/**
 * The compiled kernels of one GPUDevice, and what running them needs: buffers, uniforms, steps. Shapes are
 * uniforms, so that one pipeline serves every linear; only the GEMM is compiled per (k, r).
 */
import type { Stage } from '../engine/stages.ts';
import { floatsWgsl, narrowWgsl, packWgsl } from './wgsl/convert.ts';
import { gemmWgsl, type DotKind, type GemmShape } from './wgsl/gemm.ts';
import { chunksWgsl, seedWgsl, stateWgsl, ticketsWgsl, treeWgsl } from './wgsl/hashing.ts';
import { applyWgsl, noiseWgsl, thinWgsl } from './wgsl/noise.ts';

const SOURCES = {
  pack: packWgsl,
  floats: floatsWgsl,
  narrow: narrowWgsl,
  chunks: chunksWgsl,
  tree: treeWgsl,
  state: stateWgsl,
  seed: seedWgsl,
  tickets: ticketsWgsl,
  noise: noiseWgsl,
  apply: applyWgsl,
  thin: thinWgsl,
} as const;
export type KernelName = keyof typeof SOURCES;

/** The WGSL code of all kernels but the GEMM. */
export const kernelCode = (): string =>
  Object.values(SOURCES)
    .map((wgsl) => wgsl())
    .join('');

/** A buffer, whole or from an offset that is a multiple of 256 on. */
export type Bound = GPUBuffer | GPUBufferBinding;

/** A kernel's work on a number of items, each independent of the others. */
export interface Task {
  readonly stage: Stage;
  readonly kernel: KernelName;
  /** Words of the kernel's uniform after `first` and `end`. */
  readonly params: readonly number[];
  readonly buffers: readonly Bound[];
  readonly items: number;
  /** Work of one item: 1 unless it depends on the linear's shape. */
  readonly work?: number;
}

/** Work per ms of a device, in MACs for the GEMM and in `Task.work` for the other kernels. */
export type Pace = Readonly<Partial<Record<KernelName | 'gemm', number>>>;

/** Programs of the executor: their work is counted in values of a row program, products, and entries of a pool. */
export type ProgramKind = 'rows' | 'products' | 'pools';
/**
 * How many of them a device does while it does one MAC of the GEMM, at least: they read float32 or int16 where the
 * GEMM multiplies four int8 at once, and a pool is one thread a column.
 */
const PROGRAM_PACE: Readonly<Record<ProgramKind, number>> = {
  rows: 1 / 16,
  products: 1 / 4,
  pools: 1 / 64,
};
const isProgram = (kernel: string): kernel is ProgramKind => kernel in PROGRAM_PACE;

/** Most work of one dispatch. */
export type WorkMax = (kernel: KernelName | ProgramKind | 'gemm') => number;

/** ms of one dispatch: a longer one makes the screen stutter, and a system may take the device away. */
const DISPATCH_MS_MAX = 50;
/** Most MACs of one dispatch of the GEMM, also where no pace was measured: 50 ms at 0.1 TMAC/s. */
const DISPATCH_MACS_MAX = 5e9;

/** Work for half of DISPATCH_MS_MAX at a device's pace, which leaves room for folds and for a busy moment. */
export const workMaxOf = (pace: Pace): WorkMax => {
  const most = (kernel: KernelName | 'gemm'): number =>
    ((pace[kernel] ?? Infinity) * DISPATCH_MS_MAX) / 2;
  const gemm = Math.min(DISPATCH_MACS_MAX, most('gemm'));
  return (kernel) => {
    if (kernel === 'gemm') return gemm;
    return isProgram(kernel) ? gemm * PROGRAM_PACE[kernel] : most(kernel);
  };
};

/** One dispatch. */
export interface Step {
  readonly stage: Stage;
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  readonly x: number;
  readonly y: number;
  /** Work as a share of the longest dispatch allowed; steps are submitted together while their shares add up to 1. */
  readonly share: number;
}

/** The groups of one dispatch: `y` rows from `row` on, `x` columns from `column` on. */
export interface Slice {
  readonly row: number;
  readonly column: number;
  readonly y: number;
  readonly x: number;
}

/** A grid of y × x groups cut into slices of at most `max` groups, at least one: whole rows if they fit. */
export function slicesOf(y: number, x: number, max: number): Slice[] {
  const wide = Math.max(1, Math.min(x, Math.floor(max)));
  const high = wide < x ? 1 : Math.max(1, Math.min(y, Math.floor(max / x)));
  const slices: Slice[] = [];
  for (let row = 0; row < y; row += high)
    for (let column = 0; column < x; column += wide)
      slices.push({ row, column, y: Math.min(high, y - row), x: Math.min(wide, x - column) });
  return slices;
}

/** Threads of a workgroup. */
export const GROUP = 64;
/** Most workgroups of a kernel that strides over its items: more would not make it faster. */
export const GROUPS_MAX = 8192;

export class Kernels {
  readonly device: GPUDevice;
  readonly dot: DotKind;
  readonly workMax: WorkMax;
  readonly #pipelines: ReadonlyMap<KernelName, GPUComputePipeline>;

  constructor(
    device: GPUDevice,
    dot: DotKind,
    workMax: WorkMax,
    pipelines: ReadonlyMap<KernelName, GPUComputePipeline>,
  ) {
    this.device = device;
    this.dot = dot;
    this.workMax = workMax;
    this.#pipelines = pipelines;
  }

  gemm(shape: Omit<GemmShape, 'dot'>): Promise<GPUComputePipeline> {
    return compile(this.device, gemmWgsl({ ...shape, dot: this.dot }));
  }

  /** A task cut into dispatches of no more than the allowed work. */
  steps({ stage, kernel, params, buffers, items, work = 1 }: Task): Step[] {
    const pipeline = this.#pipelines.get(kernel)!;
    const most = this.workMax(kernel) / work / GROUP;
    return slicesOf(1, Math.ceil(items / GROUP), most).map(({ column, x }) => {
      const range = [column * GROUP, Math.min(items, (column + x) * GROUP)];
      const u = uniform(this.device, [...range, ...params]);
      const group = bindGroup(this.device, pipeline, [u, ...buffers]);
      return { stage, pipeline, group, x: Math.min(x, GROUPS_MAX), y: 1, share: x / most };
    });
  }
}

/** Pipelines of each device by their code: linears share shapes, and tuning has compiled some GEMMs before. */
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

/** Compiles all kernels but the GEMMs. */
export async function createKernels(
  device: GPUDevice,
  dot: DotKind,
  workMax = workMaxOf({}),
): Promise<Kernels> {
  const names = Object.keys(SOURCES) as KernelName[];
  const pipelines = names.map(async (n) => [n, await compile(device, SOURCES[n]())] as const);
  return new Kernels(device, dot, workMax, new Map(await Promise.all(pipelines)));
}

export const bindGroup = (
  device: GPUDevice,
  pipeline: GPUComputePipeline,
  buffers: readonly Bound[],
): GPUBindGroup =>
  device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: buffers.map((bound, binding) => ({
      binding,
      resource: 'buffer' in bound ? bound : { buffer: bound },
    })),
  });

/** Bytes of the buffers made here for each device and not destroyed since. */
const allocated = new WeakMap<GPUDevice, number>();
export const allocatedBytes = (device: GPUDevice): number => allocated.get(device) ?? 0;

function buffer(device: GPUDevice, size: number, usage: number): GPUBuffer {
  allocated.set(device, allocatedBytes(device) + size);
  return device.createBuffer({ size, usage });
}

/** Destroys a buffer of `storage` or `uniform` before its device is destroyed. */
export function free(device: GPUDevice, buffer: GPUBuffer): void {
  allocated.set(device, allocatedBytes(device) - buffer.size);
  buffer.destroy();
}

/**
 * A storage buffer of at least `bytes` bytes, filled with `data`; ONNX Runtime needs sizes that are multiples of 16.
 */
export function storage(device: GPUDevice, bytes: number, data?: ArrayBufferView): GPUBuffer {
  const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const made = buffer(device, Math.max(16, Math.ceil(bytes / 16) * 16), usage);
  if (data) device.queue.writeBuffer(made, 0, data as ArrayBufferView<ArrayBuffer>);
  return made;
}

/** Writes bytes to a multiple of 4, followed by zeros to the end of their last word. */
export function writePadded(
  device: GPUDevice,
  to: GPUBuffer,
  at: number,
  data: ArrayBufferView,
): void {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const whole = bytes.length - (bytes.length % 4);
  device.queue.writeBuffer(to, at, bytes as Uint8Array<ArrayBuffer>, 0, whole);
  if (whole === bytes.length) return;
  const rest = new Uint8Array(4);
  rest.set(bytes.subarray(whole));
  device.queue.writeBuffer(to, at + whole, rest);
}

export function uniform(device: GPUDevice, words: readonly number[]): GPUBuffer {
  const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
  const made = buffer(device, Math.ceil(words.length / 4) * 16, usage);
  device.queue.writeBuffer(made, 0, Uint32Array.from(words));
  return made;
}

/** Groups steps in their order into bundles that take no longer together than the longest dispatch allowed. */
export function bundlesOf<S extends Pick<Step, 'share'>>(steps: readonly S[]): S[][] {
  const bundles: S[][] = [];
  let share = Infinity;
  for (const step of steps) {
    share += step.share;
    if (share > 1) {
      bundles.push([]);
      share = step.share;
    }
    bundles[bundles.length - 1]!.push(step);
  }
  return bundles;
}

/** Makes a submission for each bundle: between two submissions a system may let other programs use the device. */
export function submit(device: GPUDevice, steps: readonly Step[]): void {
  for (const bundle of bundlesOf(steps)) {
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    for (const s of bundle) {
      pass.setPipeline(s.pipeline);
      pass.setBindGroup(0, s.group);
      pass.dispatchWorkgroups(s.x, s.y);
    }
    pass.end();
    device.queue.submit([encoder.finish()]);
  }
}

type Part = { readonly buffer: GPUBuffer; readonly offset?: number; readonly bytes: number };

/**
 * Copies `bytes` bytes of buffers from `offset` on, after everything submitted before. The returned function waits
 * for the copies; meanwhile the buffers may be used again.
 */
export function copyBuffers(device: GPUDevice, parts: readonly Part[]) {
  const usage = GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST;
  const size = parts.reduce((sum, p) => sum + Math.ceil(p.bytes / 16) * 16, 0);
  const staging = device.createBuffer({ size, usage });
  const encoder = device.createCommandEncoder();
  const starts: number[] = [];
  let at = 0;
  for (const { buffer, offset = 0, bytes } of parts) {
    starts.push(at);
    encoder.copyBufferToBuffer(buffer, offset, staging, at, Math.ceil(bytes / 4) * 4);
    at += Math.ceil(bytes / 16) * 16;
  }
  device.queue.submit([encoder.finish()]);
  return async (): Promise<ArrayBuffer[]> => {
    try {
      await staging.mapAsync(GPUMapMode.READ);
      const all = staging.getMappedRange();
      return parts.map((p, i) => all.slice(starts[i], starts[i]! + p.bytes));
    } finally {
      staging.destroy();
    }
  };
}

export const readBuffers = (device: GPUDevice, parts: readonly Part[]): Promise<ArrayBuffer[]> =>
  copyBuffers(device, parts)();
