/**
 * One linear on the GPU: its buffers, and the dispatches that turn A (float32, from the segment
 * before) into a_ℓ, σ_ℓ, the noisy product with its transcript, t_ℓ, the tickets, and the exact C.
 */
import type { Linear } from '../core/manifest.ts';
import { tileCount } from '../core/pow/transcript.ts';
import { bindGroup, storage, uniform, type Kernels, type Step } from './gpu-kernels.ts';
import type { Stage } from './stages.ts';
import { groupSide } from './wgsl/gemm.ts';
import { RECORD, SLOT } from './wgsl/hashing.ts';
import { limbsOf } from './wgsl/noise.ts';

/** Of one dispatch: a longer one makes the screen stutter, and systems take a device away for it. */
const DISPATCH_MS_MAX = 50;
/** MACs of one dispatch where nothing was measured: 50 ms at 0.1 TMAC/s; and at most. */
const DISPATCH_MACS_MAX = 5e9;

/** MACs of one dispatch of a device: half the time, with room for folds and for a busy moment. */
export const dispatchMacs = (macsPerMs = Infinity): number =>
  Math.min(DISPATCH_MACS_MAX, (macsPerMs * DISPATCH_MS_MAX) / 2);

/** Buffers that every linear of a model uses in turn. */
export interface Scratch {
  /** Records of a_ℓ, t_ℓ, σ_ℓ (wgsl/hashing.ts), and what tickets are compared with and won. */
  readonly chain: GPUBuffer;
  readonly limits: GPUBuffer;
  readonly winners: GPUBuffer;
  readonly weightHashes: GPUBuffer;
  /** A of the linear in work, float32, and its product: the segments' ends share them too. */
  readonly input: GPUBuffer;
  readonly output: GPUBuffer;
  readonly packed: GPUBuffer;
  readonly noisyA: GPUBuffer;
  readonly noisyB: GPUBuffer;
  /** Per row of A: the digits of A·F_L, then E_L. Per column of B: those of E_R·B', then F_R. */
  readonly rowFactors: GPUBuffer;
  readonly columnFactors: GPUBuffer;
  readonly perms: GPUBuffer;
  readonly messages: GPUBuffer;
  readonly cvs: GPUBuffer;
  readonly integers: GPUBuffer;
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
  const last = linears.at(-1)!;
  const limbs = (l: Linear): number => limbsOf(l.k, l.r);
  const chunksMax = Math.max(
    ...linears.map((l) => Math.max((l.m * l.k) / 1024, tileCount(l) / 16)),
    (last.m * last.n * 4) / 1024,
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
    integers: storage(device, 4 * last.m * last.n),
  };
}

export interface GpuLinear {
  readonly linear: Linear;
  /** A, m×k float32: the segment before writes it. */
  readonly input: GPUBuffer;
  /** C = A·B, m×n float32, exact: the segment after reads it. */
  readonly output: GPUBuffer;
  /** All dispatches of the linear in order. `job` adds the hash of A's first jobRows rows. */
  steps(noisy: boolean, job: boolean): Step[];
  /** Hash of the product's first jobRows rows as int32, into the job slot of record 0. */
  productHash(): Step[];
}

/** BLAKE3 of the first `bytes` bytes (a multiple of 64) of `data` into word `out` of the chain. */
function hashSteps(
  kernels: Kernels,
  scratch: Scratch,
  data: GPUBuffer,
  bytes: number,
  out: number,
  stage: Stage,
): Step[] {
  const h = uniform(kernels.device, [bytes / 64, out]);
  return [
    kernels.step(stage, 'chunks', [h, data, scratch.cvs], Math.ceil(bytes / 1024)),
    kernels.step(stage, 'tree', [h, scratch.cvs, scratch.chain], 1),
  ];
}

function noiseSteps(
  kernels: Kernels,
  s: Scratch,
  { m, k, n, r }: Linear,
  params: GPUBuffer,
  weights: GPUBuffer,
): Step[] {
  const limbs = limbsOf(k, r);
  // `perms` holds π and π⁻¹ of kind 2, then of kind 3, k words each.
  const side = (rows: number, perms: number): GPUBuffer =>
    uniform(kernels.device, [rows, k, r, perms, limbs]);
  const [a2, a3, b2, b3] = [side(m, 0), side(m, 2 * k), side(n, 0), side(n, 2 * k)];
  const streams = m + n + (2 * k) / r;
  return [
    kernels.step(
      'noise',
      'noise',
      [params, s.chain, s.rowFactors, s.columnFactors, s.perms],
      streams,
    ),
    kernels.step('noise', 'apply', [a2, s.packed, s.rowFactors, s.perms, s.noisyA], (m * k) / 4),
    kernels.step('noise', 'apply', [b3, weights, s.columnFactors, s.perms, s.noisyB], (n * k) / 4),
    // A·F_L takes the permutations of F_L (kind 3), E_R·B' those of E_R (kind 2).
    kernels.step('peel', 'thin', [a3, s.packed, s.perms, s.rowFactors], (m * r) / 4),
    kernels.step('peel', 'thin', [b2, s.noisyB, s.perms, s.columnFactors], (n * r) / 4),
  ];
}

/** Row and column groups of one dispatch, from which on. */
export interface Slice {
  readonly row: number;
  readonly column: number;
  readonly y: number;
  readonly x: number;
}

/** A grid of y × x groups as slices of at most `max` groups, but one at least: whole rows if they fit. */
export function slicesOf(y: number, x: number, max: number): Slice[] {
  const wide = Math.max(1, Math.min(x, Math.floor(max)));
  const high = wide < x ? 1 : Math.max(1, Math.min(y, Math.floor(max / x)));
  const slices: Slice[] = [];
  for (let row = 0; row < y; row += high)
    for (let column = 0; column < x; column += wide)
      slices.push({ row, column, y: Math.min(high, y - row), x: Math.min(wide, x - column) });
  return slices;
}

/** The GEMM in as many dispatches as `macsMax` asks for. */
async function gemmSteps(
  kernels: Kernels,
  { m, k, n, r }: Linear,
  buffers: readonly GPUBuffer[],
  noisy: boolean,
  macsMax: number,
): Promise<Step[]> {
  const { device } = kernels;
  const rows = groupSide(m);
  const columns = groupSide(n);
  const limbs = noisy ? limbsOf(k, r) : 0;
  const pipeline = await kernels.gemm({ k, r, rows, columns, limbs });
  const most = macsMax / (rows * columns * k);
  const slices = slicesOf(Math.ceil(m / rows), Math.ceil(n / columns), most);
  return slices.map(({ row, column, x, y }) => {
    const g = uniform(device, [m, n, row * rows, column * columns]);
    const group = bindGroup(device, pipeline, [g, ...buffers]);
    return { stage: 'gemm', pipeline, group, x, y, slice: slices.length > 1 };
  });
}

/**
 * Buffers and dispatches of linear `number` (1-based). `weights`: B_ℓᵀ, n×k int8; `jobRows`: rows
 * of A that belong to sequences 0..B−2; `macsMax` bounds one dispatch.
 */
export async function createGpuLinear(
  kernels: Kernels,
  s: Scratch,
  linear: Linear,
  number: number,
  weights: Int8Array,
  jobRows: number,
  macsMax = DISPATCH_MACS_MAX,
): Promise<GpuLinear> {
  const { device } = kernels;
  const { m, k, n, r } = linear;
  const { input, output } = s;
  const stored = storage(device, n * k, weights);
  const here = number * RECORD;
  const params = uniform(device, [m, k, n, r, number, here + SLOT.sigma, limbsOf(k, r)]);
  const words = uniform(device, [(m * k) / 4]);
  const pack = kernels.step('convert', 'pack', [words, input, s.packed], (m * k) / 4);
  const hashA = hashSteps(kernels, s, s.packed, m * k, here + SLOT.a, 'hash');
  const hashJob = hashSteps(kernels, s, s.packed, jobRows * k, here + SLOT.job, 'hash');
  const seed = kernels.step('tickets', 'seed', [params, s.weightHashes, s.chain], 1);
  const noise = noiseSteps(kernels, s, linear, params, stored);
  const factors = [s.messages, s.rowFactors, s.columnFactors];
  const operands = [s.noisyA, s.noisyB, output];
  const [noisyGemm, plainGemm] = await Promise.all([
    gemmSteps(kernels, linear, [...operands, ...factors], true, macsMax),
    gemmSteps(kernels, linear, [s.packed, stored, output], false, macsMax),
  ]);
  const tiles = tileCount(linear);
  const hashT = hashSteps(kernels, s, s.messages, 64 * tiles, here + SLOT.t, 'tickets');
  const tickets = kernels.step(
    'tickets',
    'tickets',
    [params, s.chain, s.messages, s.limits, s.winners],
    tiles,
  );
  const productHash = (): Step[] => {
    const h = uniform(device, [jobRows * n]);
    const integer = kernels.step('convert', 'integer', [h, output, s.integers], jobRows * n);
    return [integer, ...hashSteps(kernels, s, s.integers, 4 * jobRows * n, SLOT.job, 'hash')];
  };
  return {
    linear,
    input,
    output,
    productHash,
    steps: (noisy, job) => [
      pack,
      ...hashA,
      ...(job ? hashJob : []),
      ...(noisy ? [seed, ...noise, ...noisyGemm, ...hashT, tickets] : plainGemm),
    ],
  };
}
