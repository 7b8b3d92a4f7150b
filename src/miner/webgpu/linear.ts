/**
 * One linear on the GPU: its buffers, and the dispatches that turn A (int8, from the segment before)
 * into a_ℓ, x_ℓ, σ_ℓ, the noisy product with its transcript, t_ℓ, the tickets, and the exact C (int32).
 */
import {
  carriesAt,
  carryBytes,
  type Carry,
  type Shape,
  type LinearSize,
  type UnitLinear,
} from '../../core/manifest.ts';
import { tileCount } from '../../core/pow/transcript.ts';
import {
  bindGroup,
  slicesOf,
  storage,
  uniform,
  type Bound,
  type Kernels,
  type Step,
  type Task,
} from './kernels.ts';
import type { Stage } from '../engine/stages.ts';
import { groupSide } from './wgsl/gemm.ts';
import { ALIVE, RECORD, SLOT } from './wgsl/hashing.ts';
import { limbsOf } from './wgsl/noise.ts';

/** Buffers that every linear of a model uses in turn. */
export interface Scratch {
  /** Records of a_ℓ, y_ℓ, x_ℓ, t_ℓ, σ_ℓ (wgsl/hashing.ts); below, the limits that tickets must not exceed, and the winners. */
  readonly chain: GPUBuffer;
  readonly limits: GPUBuffer;
  readonly winners: GPUBuffer;
  readonly weightHashes: GPUBuffer;
  /** A of the linear in work, int8, and its product, int32: what segments write and read. */
  readonly packed: GPUBuffer;
  readonly output: GPUBuffer;
  /** The hashes of all carries, and which of them are alive at each linear. */
  readonly carryHashes: GPUBuffer;
  readonly alive: GPUBuffer;
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

/** A linear's size, and the hash of its weights. */
export type SizedLinear = LinearSize & Pick<UnitLinear, 'weights'>;

/** The carries of a shape. */
export type Carries = Pick<Shape, 'sequences' | 'carries'>;

/** Bytes of a carry as it is hashed. */
export const hashedBytes = (sequences: number, carry: Carry): number =>
  sequences * carry.size * carryBytes(carry);

/** Numbers of the carries alive at each linear, as the state kernel reads them. */
function aliveWords(count: number, shape: Carries): Uint32Array<ArrayBuffer> {
  const words = new Uint32Array(ALIVE * count);
  for (let i = 0; i < count; i++) {
    const alive = carriesAt(shape, i + 1).map((carry) => shape.carries.indexOf(carry));
    words.set([alive.length, ...alive], ALIVE * i);
  }
  return words;
}

/** Scratch for the largest of the linears and carries. */
export function createScratch(
  device: GPUDevice,
  linears: readonly SizedLinear[],
  shape: Carries = { sequences: 1, carries: [] },
): Scratch {
  const carryMax = Math.max(4, ...shape.carries.map((c) => hashedBytes(shape.sequences, c)));
  const most = (bytes: (l: LinearSize) => number): GPUBuffer =>
    storage(device, Math.max(...linears.map(bytes)));
  const limbs = (l: LinearSize): number => limbsOf(l.k, l.r);
  const chunksMax = Math.max(
    carryMax / 1024,
    ...linears.map((l) => Math.max((l.m * l.k) / 1024, tileCount(l) / 16)),
  );
  return {
    chain: storage(device, 4 * RECORD * (linears.length + 1)),
    limits: storage(device, 32 * linears.length),
    winners: storage(device, 4 * linears.length),
    weightHashes: storage(device, 32 * linears.length, hashWords(linears.map((l) => l.weights))),
    packed: most((l) => l.m * l.k),
    output: most((l) => 4 * l.m * l.n),
    carryHashes: storage(device, 32 * Math.max(1, shape.carries.length)),
    alive: storage(device, 4 * ALIVE * linears.length, aliveWords(linears.length, shape)),
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
  readonly linear: LinearSize;
  /** The first dispatches of `steps`: a_ℓ, y_ℓ and x_ℓ. */
  readonly begin: readonly Step[];
  /** All dispatches of the linear in order. */
  steps(noisy: boolean): Step[];
}

interface Hashed {
  readonly data: Bound;
  /** Number of bytes to hash from the first on. */
  readonly bytes: number;
  /** The buffer to which the hash is written, and at which word. */
  readonly to: GPUBuffer;
  readonly out: number;
}

/** BLAKE3 of a buffer's first bytes. */
function hashTasks(s: Scratch, { data, bytes, to, out }: Hashed, stage: Stage): Task[] {
  const params = [bytes, out];
  const chunks = Math.ceil(bytes / 1024);
  return [
    { stage, kernel: 'chunks', params, buffers: [data, s.cvs], items: chunks },
    // One workgroup by design: the tree takes a sixteenth of the compressions of the chunks.
    { stage, kernel: 'tree', params, buffers: [s.cvs, to], items: 1 },
  ];
}

/** The hash of carry number `index`, all sequences of it, as they are hashed in `data`. */
export function carryTasks(
  s: Scratch,
  { sequences, carries }: Carries,
  index: number,
  data: Bound,
): Task[] {
  const bytes = hashedBytes(sequences, carries[index]!);
  return hashTasks(s, { data, bytes, to: s.carryHashes, out: 8 * index }, 'hash');
}

function noiseTasks(
  s: Scratch,
  { m, k, n, r }: LinearSize,
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
export interface LinearOf {
  readonly linear: LinearSize;
  /** Number of the linear, from 1. */
  readonly number: number;
  /** B_ℓᵀ, n×k int8. */
  readonly weights: GPUBuffer;
}

/** The tasks of a linear besides its GEMM. */
export function linearTasks(s: Scratch, { linear, number, weights }: LinearOf) {
  const { m, k } = linear;
  const here = number * RECORD;
  const tiles = tileCount(linear);
  const { noise, apply, thin } = noiseTasks(s, linear, here + SLOT.sigma, weights);
  const hashed = { data: s.messages, bytes: 64 * tiles, to: s.chain, out: here + SLOT.t };
  const ticket = { stage: 'tickets', params: [number] } as const;
  const seedBuffers = [s.weightHashes, s.chain];
  const ticketBuffers = [s.chain, s.messages, s.limits, s.winners];
  return {
    begin: [
      ...hashTasks(s, { data: s.packed, bytes: m * k, to: s.chain, out: here + SLOT.a }, 'hash'),
      {
        stage: 'hash',
        kernel: 'state',
        params: [number],
        buffers: [s.alive, s.carryHashes, s.chain],
        items: 1,
      },
    ],
    noise: [
      { ...ticket, kernel: 'seed', buffers: seedBuffers, items: 1 },
      noise,
      ...apply,
      ...thin,
    ],
    tickets: [
      ...hashTasks(s, hashed, 'tickets'),
      { ...ticket, kernel: 'tickets', buffers: ticketBuffers, items: tiles },
    ],
  } satisfies Record<string, Task[]>;
}

/** The GEMM cut into dispatches of no more than the allowed work. */
async function gemmSteps(
  kernels: Kernels,
  { m, k, n, r }: LinearSize,
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

/** Bᵀ, n×k int8, in a buffer, which linears of the same weights share. */
export const storeWeights = (
  device: GPUDevice,
  { k, n }: Pick<LinearSize, 'k' | 'n'>,
  weights: Int8Array,
): GPUBuffer => storage(device, n * k, weights);

/** Buffers and dispatches of a linear. */
export async function createGpuLinear(
  kernels: Kernels,
  s: Scratch,
  of: LinearOf,
): Promise<GpuLinear> {
  const { linear, weights } = of;
  const tasks = linearTasks(s, of);
  const steps = (some: Task[]): Step[] => some.flatMap((task) => kernels.steps(task));
  const begin = steps(tasks.begin);
  const noise = steps(tasks.noise);
  const tickets = steps(tasks.tickets);
  const factors = [s.messages, s.rowFactors, s.columnFactors];
  const operands = [s.noisyA, s.noisyB, s.output];
  const [noisyGemm, plainGemm] = await Promise.all([
    gemmSteps(kernels, linear, [...operands, ...factors], true),
    gemmSteps(kernels, linear, [s.packed, weights, s.output], false),
  ]);
  return {
    linear,
    begin,
    steps: (noisy) => [...begin, ...(noisy ? [...noise, ...noisyGemm, ...tickets] : plainGemm)],
  };
}
