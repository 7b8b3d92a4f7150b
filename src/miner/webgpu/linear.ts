/**
 * One linear on the GPU: its buffers, and the dispatches that turn A (float32, from the segment
 * before) into a_ℓ, σ_ℓ, the noisy product with its transcript, t_ℓ, the tickets, and the exact C.
 */
import type { Linear } from '../../core/manifest.ts';
import { tileCount } from '../../core/pow/transcript.ts';
import {
  bindGroup,
  slicesOf,
  storage,
  uniform,
  type Kernels,
  type Step,
  type Task,
} from './kernels.ts';
import type { Stage } from '../engine/stages.ts';
import { groupSide } from './wgsl/gemm.ts';
import { RECORD, SLOT } from './wgsl/hashing.ts';
import { limbsOf } from './wgsl/noise.ts';

/** Buffers that every linear of a model uses in turn. */
export interface Scratch {
  /** Records of a_ℓ, t_ℓ, σ_ℓ (wgsl/hashing.ts); below, the limits that tickets must not exceed, and the winners. */
  readonly chain: GPUBuffer;
  readonly limits: GPUBuffer;
  readonly winners: GPUBuffer;
  readonly weightHashes: GPUBuffer;
  /** A of the linear in work, float32, and its product; inputs and outputs of the segments share these buffers. */
  readonly input: GPUBuffer;
  readonly output: GPUBuffer;
  readonly packed: GPUBuffer;
  readonly noisyA: GPUBuffer;
  readonly noisyB: GPUBuffer;
  /** Per row of A: the digits of A·F_L, then E_L. Per column of B: the digits of E_R·B', then F_R. */
  readonly rowFactors: GPUBuffer;
  readonly columnFactors: GPUBuffer;
  readonly perms: GPUBuffer;
  readonly messages: GPUBuffer;
  readonly cvs: GPUBuffer;
}

const hashWords = (hashes: readonly Uint8Array[]): Uint8Array => {
  const out = new Uint8Array(32 * hashes.length);
  hashes.forEach((h, i) => out.set(h, 32 * i));
  return out;
};

/** Scratch for the largest of the linears. */
export function createScratch(device: GPUDevice, linears: readonly Linear[]): Scratch {
  const most = (bytes: (l: Linear) => number): GPUBuffer =>
    storage(device, Math.max(...linears.map(bytes)));
  const limbs = (l: Linear): number => limbsOf(l.k, l.r);
  const chunksMax = Math.max(
    ...linears.map((l) => Math.max((l.m * l.k) / 1024, tileCount(l) / 16)),
  );
  return {
    chain: storage(device, 4 * RECORD * (linears.length + 1)),
    limits: storage(device, 32 * linears.length),
    winners: storage(device, 4 * linears.length),
    weightHashes: storage(device, 32 * linears.length, hashWords(linears.map((l) => l.weights))),
    input: most((l) => 4 * l.m * l.k),
    output: most((l) => 4 * l.m * l.n),
    packed: most((l) => l.m * l.k),
    noisyA: most((l) => l.m * l.k),
    noisyB: most((l) => l.n * l.k),
    rowFactors: most((l) => l.m * l.r * (limbs(l) + 1)),
    columnFactors: most((l) => l.n * l.r * (limbs(l) + 1)),
    perms: most((l) => 4 * 4 * l.k),
    messages: most((l) => 64 * tileCount(l)),
    // Two halves of 32 bytes per chunk.
    cvs: storage(device, 64 * Math.ceil(chunksMax + 1)),
  };
}

export interface GpuLinear {
  readonly linear: Linear;
  /** A, m×k float32, written by the segment before. */
  readonly input: GPUBuffer;
  /** C = A·B, m×n float32, exact, read by the segment after. */
  readonly output: GPUBuffer;
  /** All dispatches of the linear in order. */
  steps(noisy: boolean): Step[];
}

interface Hashed {
  readonly data: GPUBuffer;
  /** Number of bytes to hash from the first on, a multiple of 64. */
  readonly bytes: number;
  /** Word of `chain` at which the hash is written. */
  readonly out: number;
}

/** BLAKE3 of a buffer's first bytes. */
function hashTasks(s: Scratch, { data, bytes, out }: Hashed, stage: Stage): Task[] {
  const params = [bytes / 64, out];
  const chunks = Math.ceil(bytes / 1024);
  return [
    { stage, kernel: 'chunks', params, buffers: [data, s.cvs], items: chunks },
    // One workgroup by design: the tree takes a sixteenth of the compressions of the chunks.
    { stage, kernel: 'tree', params, buffers: [s.cvs, s.chain], items: 1 },
  ];
}

function noiseTasks(
  s: Scratch,
  { m, k, n, r }: Linear,
  sigma: number,
  weights: GPUBuffer,
): { noise: Task; apply: Task[]; thin: Task[] } {
  const limbs = limbsOf(k, r);
  // `perms` holds π and π⁻¹ of kind 2, then of kind 3, k words each.
  const apply = (perms: number, rows: number, buffers: GPUBuffer[]): Task => {
    const params = [k, r, perms, limbs];
    return { stage: 'noise', kernel: 'apply', params, buffers, items: (rows * k) / 4 };
  };
  const thin = (perms: number, rows: number, buffers: GPUBuffer[]): Task => {
    const params = [k, r, perms, limbs];
    const size = { items: (rows * r) / 4, work: k / r };
    return { stage: 'peel', kernel: 'thin', params, buffers, ...size };
  };
  return {
    noise: {
      stage: 'noise',
      kernel: 'noise',
      params: [m, k, n, r, sigma, limbs],
      buffers: [s.chain, s.rowFactors, s.columnFactors, s.perms],
      items: m + n + (2 * k) / r,
      work: r,
    },
    apply: [
      apply(0, m, [s.packed, s.rowFactors, s.perms, s.noisyA]),
      apply(2 * k, n, [weights, s.columnFactors, s.perms, s.noisyB]),
    ],
    // A·F_L takes the permutations of F_L (kind 3), E_R·B' those of E_R (kind 2).
    thin: [
      thin(2 * k, m, [s.packed, s.perms, s.rowFactors]),
      thin(0, n, [s.noisyB, s.perms, s.columnFactors]),
    ],
  };
}

/** A linear of a model. */
export interface LinearOf<W> {
  readonly linear: Linear;
  /** Number of the linear, from 1. */
  readonly number: number;
  /** B_ℓᵀ, n×k int8. */
  readonly weights: W;
}

/** The tasks of a linear besides its GEMM. */
export function linearTasks(s: Scratch, { linear, number, weights }: LinearOf<GPUBuffer>) {
  const { m, k } = linear;
  const here = number * RECORD;
  const tiles = tileCount(linear);
  const { noise, apply, thin } = noiseTasks(s, linear, here + SLOT.sigma, weights);
  const ticket = { stage: 'tickets', params: [number] } as const;
  const seedBuffers = [s.weightHashes, s.chain];
  const ticketBuffers = [s.chain, s.messages, s.limits, s.winners];
  return {
    begin: [
      {
        stage: 'convert',
        kernel: 'pack',
        params: [],
        buffers: [s.input, s.packed],
        items: (m * k) / 4,
      },
      ...hashTasks(s, { data: s.packed, bytes: m * k, out: here + SLOT.a }, 'hash'),
    ],
    noise: [
      { ...ticket, kernel: 'seed', buffers: seedBuffers, items: 1 },
      noise,
      ...apply,
      ...thin,
    ],
    tickets: [
      ...hashTasks(s, { data: s.messages, bytes: 64 * tiles, out: here + SLOT.t }, 'tickets'),
      { ...ticket, kernel: 'tickets', buffers: ticketBuffers, items: tiles },
    ],
  } satisfies Record<string, Task[]>;
}

/** The GEMM cut into dispatches of no more than the allowed work. */
async function gemmSteps(
  kernels: Kernels,
  { m, k, n, r }: Linear,
  buffers: readonly GPUBuffer[],
  noisy: boolean,
): Promise<Step[]> {
  const { device } = kernels;
  const rows = groupSide(m);
  const columns = groupSide(n);
  const limbs = noisy ? limbsOf(k, r) : 0;
  const pipeline = await kernels.gemm({ k, r, rows, columns, limbs });
  const most = kernels.workMax('gemm') / (rows * columns * k);
  const slices = slicesOf(Math.ceil(m / rows), Math.ceil(n / columns), most);
  return slices.map(({ row, column, x, y }) => {
    const g = uniform(device, [m, n, row * rows, column * columns]);
    const group = bindGroup(device, pipeline, [g, ...buffers]);
    return { stage: 'gemm', pipeline, group, x, y, share: (x * y) / most };
  });
}

/** Buffers and dispatches of a linear. */
export async function createGpuLinear(
  kernels: Kernels,
  s: Scratch,
  of: LinearOf<Int8Array>,
): Promise<GpuLinear> {
  const { input, output } = s;
  const { linear } = of;
  const stored = storage(kernels.device, linear.n * linear.k, of.weights);
  const tasks = linearTasks(s, { ...of, weights: stored });
  const steps = (some: Task[]): Step[] => some.flatMap((task) => kernels.steps(task));
  const begin = steps(tasks.begin);
  const noise = steps(tasks.noise);
  const tickets = steps(tasks.tickets);
  const factors = [s.messages, s.rowFactors, s.columnFactors];
  const operands = [s.noisyA, s.noisyB, output];
  const [noisyGemm, plainGemm] = await Promise.all([
    gemmSteps(kernels, linear, [...operands, ...factors], true),
    gemmSteps(kernels, linear, [s.packed, stored, output], false),
  ]);
  return {
    linear,
    input,
    output,
    steps: (noisy) => [...begin, ...(noisy ? [...noise, ...noisyGemm, ...tickets] : plainGemm)],
  };
}
