/**
 * Finds the GEMM kernel that a device runs fastest, of those that it computes right, and its speed: measured on
 * the model's own largest linear, once for each device, model and version of the kernels.
 */
import { plainHash } from '../../core/hash.ts';
import { TILE } from '../../core/manifest.ts';
import { tileMessage } from '../../core/pow/transcript.ts';
import { toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import {
  bindGroup,
  compile,
  createKernels,
  free,
  kernelCode,
  readBuffers,
  storage,
  submit,
  uniform,
  type Kernels,
  type Pace,
  type Step,
  type Task,
  GROUP,
} from './kernels.ts';
import type { DeviceStore } from '../engine/trust/device-store.ts';
import { createScratch, linearTasks, type Scratch, type SizedLinear } from './linear.ts';
import { DOT_KINDS, gemmWgsl, groupSide, type DotKind } from './wgsl/gemm.ts';
import { limbsOf } from './wgsl/noise.ts';

export interface Tuning {
  readonly dot: DotKind;
  /** MACs per ms of each GEMM that was tried; 0 for one that computed wrong. */
  readonly rates: Readonly<Partial<Record<DotKind, number>>>;
  /** Pace of that GEMM and of the other kernels. */
  readonly pace: Pace;
}

/** ms after which no further kernel is tried: a slow device takes a second to compile each. */
const TUNING_MS_MAX = 4000;
/** For one kernel: most ms of all its runs, ms that a run is sized for by the run before it, and most runs. */
const TRIAL_MS_MAX = 150;
const TRIAL_RUN_MS = 20;
const TRIAL_RUNS_MAX = 8;

/** The fastest GEMM that computes right. @throws AppError SELF_TEST_FAILED */
export function chooseTuning(rates: Tuning['rates'], pace: Pace = {}): Tuning {
  const right = DOT_KINDS.filter((dot) => (rates[dot] ?? 0) > 0);
  const [first, ...others] = right;
  if (!first) throw new AppError('SELF_TEST_FAILED', 'no product is right on this device');
  const dot = others.reduce((best, x) => (rates[x]! > rates[best]! ? x : best), first);
  return { dot, rates, pace: { ...pace, gemm: rates[dot]! } };
}

/** For people: `f32 12.3 GMAC/s (dp4a 10.1)`; 0 was wrong. */
export function describeTuning({ dot, rates }: Tuning): string {
  const rate = (kind: DotKind): string => (rates[kind]! / 1e6).toFixed(2);
  const others = DOT_KINDS.filter((kind) => kind !== dot && rates[kind] !== undefined);
  const rest = others.map((kind) => `${kind} ${rate(kind)}`).join(', ');
  return `${dot} ${rate(dot)} GMAC/s${rest && ` (${rest})`}`;
}

/** The linear with the most work, where a wrong choice would cost most. */
export const largestOf = (linears: readonly SizedLinear[]): SizedLinear =>
  linears.reduce((x, y) => (y.m * y.k * y.n > x.m * x.k * x.n ? y : x));

/** Changes with the device, the model, and every line of the kernels. */
export function tuningKey(device: string, model: Uint8Array, linear: SizedLinear): string {
  const gemms = DOT_KINDS.map((dot) => gemmWgsl({ ...shapeOf(linear), dot }));
  const parts = [device, toHex(model), ...gemms, kernelCode()].join('\n');
  return toHex(plainHash(new TextEncoder().encode(parts)));
}

/** The tuning in a stored text; undefined when the text is not a tuning. */
export function parseTuning(text: string | undefined): Tuning | undefined {
  try {
    const { rates, pace } = JSON.parse(text ?? '') as Tuning;
    const numbers = (of: object): object =>
      Object.fromEntries(Object.entries(of).filter(([, rate]) => Number.isFinite(rate)));
    return chooseTuning(numbers(rates), numbers(pace));
  } catch {
    return undefined;
  }
}

/** Of the noisy product. */
export const shapeOf = ({ m, k, n, r }: SizedLinear) => ({
  k,
  r,
  rows: groupSide(m),
  columns: groupSide(n),
  limbs: limbsOf(k, r),
});

/**
 * The tuning kept under `key`, if its kernel still computes right; else a new one, which is kept.
 * @throws AppError SELF_TEST_FAILED
 */
export async function tune(
  { wgslLanguageFeatures }: GPU,
  device: GPUDevice,
  linear: SizedLinear,
  { key, store }: { key: string; store: DeviceStore },
): Promise<Tuning> {
  const known = await store.read(key).then(parseTuning, () => undefined);
  const packed = wgslLanguageFeatures.has('packed_4x8_integer_dot_product');
  const candidates = DOT_KINDS.filter((dot) => dot !== 'dp4a' || packed);
  const trial = new Trial(device, linear);
  try {
    if (known && candidates.includes(known.dot) && (await trial.isRight(known.dot))) return known;
    const { dot, rates } = await measureAll(trial, candidates);
    const tuning = chooseTuning(rates, await trial.pace(await createKernels(device, dot)));
    await store.write(key, JSON.stringify(tuning)).catch(() => undefined);
    return tuning;
  } finally {
    trial.close();
  }
}

async function measureAll(trial: Trial, candidates: readonly DotKind[]): Promise<Tuning> {
  const startedMs = performance.now();
  const rates: Partial<Record<DotKind, number>> = {};
  for (const dot of candidates) {
    const late = performance.now() - startedMs > TUNING_MS_MAX;
    if (late && Object.values(rates).some((rate) => rate > 0)) break;
    rates[dot] = (await trial.isRight(dot)) ? await trial.rate(dot) : 0;
  }
  return chooseTuning(rates);
}

/** Numbers in [−126, 126], like those of A' and B'; every number of the first row is `end`. */
function noisyRows(rows: number, k: number, end: number): Int8Array {
  const out = new Int8Array(rows * k);
  for (let i = 0; i < out.length; i++)
    out[i] = i < k ? end : ((Math.imul(i, 0x9e3779b1) >>> 8) % 253) - 126;
  return out;
}

/** Digits and entries of the thin factors; the highest digit is small, as the product is below 2^24. */
function factorRows(rows: number, r: number, limbs: number): Int8Array {
  const out = new Int8Array(rows * r * (limbs + 1));
  for (let i = 0; i < out.length; i++) {
    const part = Math.floor(i / r) % (limbs + 1);
    const word = Math.imul(i + 1, 0x85ebca6b) >> 16;
    out[i] = part === limbs ? (word & 63) - 32 : part === limbs - 1 ? (word & 1) - 1 : word;
  }
  return out;
}

/**
 * The highest size per ms over several runs, as other programs share the device. Runs grow until they take
 * TRIAL_RUN_MS or have the size `most`. `run` returns the ms for a size from 1 to `most`.
 */
async function fastest(run: (size: number) => Promise<number>, most: number): Promise<number> {
  const startedMs = performance.now();
  let size = 1;
  let best = 0;
  for (let i = 0; i < TRIAL_RUNS_MAX && performance.now() - startedMs < TRIAL_MS_MAX; i++) {
    const ms = Math.max(await run(size), 0.01);
    best = Math.max(best, size / ms);
    size = Math.min(most, size * Math.max(1, Math.min(8, Math.floor(TRIAL_RUN_MS / ms))));
  }
  return best;
}

/** Runs one linear on generated operands, whose first tile can be computed here too. */
class Trial {
  readonly #device: GPUDevice;
  readonly #linear: SizedLinear;
  readonly #rows: readonly [Int8Array, Int8Array];
  readonly #factors: readonly [Int8Array, Int8Array];
  readonly #scratch: Scratch;
  readonly #weights: GPUBuffer;
  readonly #uniform: GPUBuffer;

  constructor(device: GPUDevice, linear: SizedLinear) {
    const { m, k, n, r } = linear;
    const { limbs } = shapeOf(linear);
    this.#device = device;
    this.#linear = linear;
    this.#rows = [noisyRows(m, k, 126), noisyRows(n, k, -126)];
    this.#factors = [factorRows(m, r, limbs), factorRows(n, r, limbs)];
    this.#uniform = uniform(device, [m, n, 0, 0]);
    this.#scratch = createScratch(device, [linear]);
    this.#weights = storage(device, n * k);
  }

  close(): void {
    const scratch = Object.values(this.#scratch) as readonly GPUBuffer[];
    for (const buffer of [this.#uniform, this.#weights, ...scratch]) free(this.#device, buffer);
  }

  /** Time in ms of the product's first y × x groups. */
  async #run(dot: DotKind, y: number, x: number): Promise<number> {
    const s = this.#scratch;
    const pipeline = await compile(this.#device, gemmWgsl({ ...shapeOf(this.#linear), dot }));
    const buffers = [s.noisyA, s.noisyB, s.output, s.messages, s.rowFactors, s.columnFactors];
    const group = bindGroup(this.#device, pipeline, [this.#uniform, ...buffers]);
    return this.#time([{ stage: 'gemm', pipeline, group, x, y, share: 0 }]);
  }

  async #time(steps: readonly Step[]): Promise<number> {
    const startedMs = performance.now();
    submit(this.#device, steps);
    await this.#device.queue.onSubmittedWorkDone();
    return performance.now() - startedMs;
  }

  /** Whether the first tile's message and product equal those computed in JS. */
  async isRight(dot: DotKind): Promise<boolean> {
    const { noisyA, noisyB, rowFactors, columnFactors, output, messages: sent } = this.#scratch;
    const operands = [noisyA, noisyB, rowFactors, columnFactors];
    [...this.#rows, ...this.#factors].forEach((data, i) =>
      this.#device.queue.writeBuffer(operands[i]!, 0, data as Int8Array<ArrayBuffer>),
    );
    // The buffers are cleared, or the right results of the kernel tried before would still be there.
    const encoder = this.#device.createCommandEncoder();
    for (const buffer of [output, sent]) encoder.clearBuffer(buffer);
    this.#device.queue.submit([encoder.finish()]);
    try {
      await this.#run(dot, 1, 1);
    } catch {
      return false;
    }
    const { k, n, r } = this.#linear;
    const [product, messages] = await readBuffers(this.#device, [
      { buffer: output, bytes: 4 * TILE * n },
      { buffer: sent, bytes: 64 },
    ]);
    const want = tileMessage(this.#rows[0], this.#rows[1], k, r);
    const got = new Uint8Array(messages!);
    if (want.some((byte, i) => byte !== got[i])) return false;
    const values = new Int32Array(product!);
    for (let i = 0; i < TILE; i++)
      for (let j = 0; j < TILE; j++) if (values[i * n + j] !== this.#product(i, j)) return false;
    return true;
  }

  /** Entry of C: A'·B' − Σ over digits. */
  #product(i: number, j: number): number {
    const { k, r } = this.#linear;
    const { limbs } = shapeOf(this.#linear);
    /** Σ x·y of two rows of equal length. */
    const dot = (x: Int8Array, y: Int8Array): number => x.reduce((sum, a, p) => sum + a * y[p]!, 0);
    const [left, right] = this.#factors;
    const part = (side: Int8Array, row: number, digit: number): Int8Array => {
      const at = (row * (limbs + 1) + digit) * r;
      return side.subarray(at, at + r);
    };
    const [a, b] = this.#rows;
    let value = dot(a.subarray(i * k, i * k + k), b.subarray(j * k, j * k + k));
    for (let d = 0; d < limbs; d++)
      value -=
        (dot(part(left, i, d), part(right, j, limbs)) +
          dot(part(left, i, limbs), part(right, j, d))) *
        256 ** d;
    return value;
  }

  /** MACs per ms, measured on single groups, then on a row of groups, then on more rows. */
  async rate(dot: DotKind): Promise<number> {
    const { m, k, n } = this.#linear;
    const { rows, columns } = shapeOf(this.#linear);
    const wide = Math.ceil(n / columns);
    const high = Math.ceil(m / rows);
    const groups = await fastest(
      (size) => this.#run(dot, Math.ceil(size / wide), Math.min(size, wide)),
      wide * high,
    );
    return groups * rows * columns * k;
  }

  /** Pace of all other kernels whose tasks can be cut, each measured on its longest task. */
  async pace(kernels: Kernels): Promise<Pace> {
    const tasks = linearTasks(this.#scratch, {
      linear: this.#linear,
      number: 1,
      weights: this.#weights,
    });
    const pace: Partial<Record<Task['kernel'], number>> = {};
    const longest = Object.values(tasks).flat();
    for (const task of longest.sort((x, y) => y.items - x.items)) {
      const { kernel, items, work = 1 } = task;
      if (kernel in pace || items === 1) continue;
      const run = (size: number): Promise<number> =>
        this.#time(kernels.steps({ ...task, items: Math.min(items, size * GROUP) }));
      pace[kernel] = (await fastest(run, Math.ceil(items / GROUP))) * GROUP * work;
    }
    return pace;
  }
}
