/**
 * Which GEMM kernel a device runs fastest, of those that it computes right, and how fast: measured
 * on the model's own largest linear, once for each device, model and version of the kernels.
 */
import { plainHash } from '../core/hash.ts';
import type { Linear } from '../core/manifest.ts';
import { TILE, tileCount, tileMessage } from '../core/pow/transcript.ts';
import { toHex } from '../lib/bytes.ts';
import { AppError } from '../lib/errors.ts';
import { bindGroup, compile, free, readBuffers, storage, submit, uniform } from './gpu-kernels.ts';
import { DOT_KINDS, gemmWgsl, groupSide, type DotKind } from './wgsl/gemm.ts';
import { limbsOf } from './wgsl/noise.ts';

export interface Tuning {
  readonly dot: DotKind;
  /** Of that kernel. */
  readonly macsPerMs: number;
  /** Of each kernel that was tried; 0 for one that computed wrong. */
  readonly rates: Readonly<Partial<Record<DotKind, number>>>;
}

/** Where tunings outlive a device: text by key, bounded; what is lost is measured again. */
export interface TuningStore {
  read(key: string): Promise<string | undefined>;
  write(key: string, text: string): Promise<void>;
}

/** No further kernel is tried after this long: compiling takes slow devices a second each. */
const TUNING_MS_MAX = 4000;
/** Of one kernel: the fastest of several runs counts, others share the device. */
const TRIAL_MS_MAX = 150;
const TRIAL_RUNS_MAX = 8;

/** The fastest kernel that computes right. @throws AppError SELF_TEST_FAILED */
export function chooseTuning(rates: Tuning['rates']): Tuning {
  const right = DOT_KINDS.filter((dot) => (rates[dot] ?? 0) > 0);
  const [first, ...others] = right;
  if (!first) throw new AppError('SELF_TEST_FAILED', 'no product is right on this device');
  const dot = others.reduce((best, x) => (rates[x]! > rates[best]! ? x : best), first);
  return { dot, macsPerMs: rates[dot]!, rates };
}

/** For people: `f32 12.3 GMAC/s (dp4a 10.1)`; 0 was wrong. */
export function describeTuning({ dot, rates }: Tuning): string {
  const rate = (kind: DotKind): string => (rates[kind]! / 1e6).toFixed(2);
  const others = DOT_KINDS.filter((kind) => kind !== dot && rates[kind] !== undefined);
  const rest = others.map((kind) => `${kind} ${rate(kind)}`).join(', ');
  return `${dot} ${rate(dot)} GMAC/s${rest && ` (${rest})`}`;
}

/** The linear with the most work, where a wrong choice would cost most. */
export const largestOf = (linears: readonly Linear[]): Linear =>
  linears.reduce((x, y) => (y.m * y.k * y.n > x.m * x.k * x.n ? y : x));

/** Changes with the device, the model, and every line of the kernels. */
export function tuningKey(device: string, model: Uint8Array, linear: Linear): string {
  const code = DOT_KINDS.map((dot) => gemmWgsl({ ...shapeOf(linear), dot })).join('');
  const parts = [device, toHex(model), code].join('\n');
  return toHex(plainHash(new TextEncoder().encode(parts)));
}

/** What was kept under a key; undefined for anything else. */
export function parseTuning(text: string | undefined): Tuning | undefined {
  try {
    const { rates } = JSON.parse(text ?? '') as Tuning;
    const known = DOT_KINDS.map((dot) => [dot, rates[dot]] as const);
    return chooseTuning(Object.fromEntries(known.filter(([, rate]) => Number.isFinite(rate))));
  } catch {
    return undefined;
  }
}

const shapeOf = ({ m, k, n, r }: Linear) => ({
  ...{ k, r, rows: groupSide(m), columns: groupSide(n) },
  limbs: limbsOf(k, r),
});

/**
 * The tuning kept under `key`, if its kernel still computes right; else a new one, which is kept.
 * @throws AppError SELF_TEST_FAILED
 */
export async function tune(
  { wgslLanguageFeatures }: GPU,
  device: GPUDevice,
  linear: Linear,
  key: string,
  store: TuningStore,
): Promise<Tuning> {
  const known = await store.read(key).then(parseTuning, () => undefined);
  const packed = wgslLanguageFeatures.has('packed_4x8_integer_dot_product');
  const candidates = DOT_KINDS.filter((dot) => dot !== 'dp4a' || packed);
  const trial = new Trial(device, linear);
  try {
    if (known && candidates.includes(known.dot) && (await trial.isRight(known.dot))) return known;
    const tuning = await measureAll(trial, candidates);
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

/** Numbers in [−126, 126], as A' and B' have them; the first row meets both ends all along. */
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

/** One linear's noisy product on made-up operands, whose first tile is known. */
class Trial {
  readonly #device: GPUDevice;
  readonly #linear: Linear;
  readonly #rows: readonly [Int8Array, Int8Array];
  readonly #factors: readonly [Int8Array, Int8Array];
  readonly #buffers: readonly GPUBuffer[];
  readonly #uniform: GPUBuffer;

  constructor(device: GPUDevice, linear: Linear) {
    const { m, k, n, r } = linear;
    const { limbs } = shapeOf(linear);
    this.#device = device;
    this.#linear = linear;
    this.#rows = [noisyRows(m, k, 126), noisyRows(n, k, -126)];
    this.#factors = [factorRows(m, r, limbs), factorRows(n, r, limbs)];
    const keep = (data: Int8Array): GPUBuffer => storage(device, data.length, data);
    this.#uniform = uniform(device, [m, n, 0, 0]);
    this.#buffers = [
      ...this.#rows.map(keep),
      storage(device, 4 * m * n),
      storage(device, 64 * tileCount(linear)),
      ...this.#factors.map(keep),
    ];
  }

  close(): void {
    for (const buffer of [this.#uniform, ...this.#buffers]) free(this.#device, buffer);
  }

  /** Time in ms of the first `groups` row groups. */
  async #run(dot: DotKind, groups: number): Promise<number> {
    const shape = shapeOf(this.#linear);
    const pipeline = await compile(this.#device, gemmWgsl({ ...shape, dot }));
    const group = bindGroup(this.#device, pipeline, [this.#uniform, ...this.#buffers]);
    const x = Math.ceil(this.#linear.n / shape.columns);
    const startedMs = performance.now();
    submit(this.#device, [{ stage: 'gemm', pipeline, group, x, y: groups }]);
    await this.#device.queue.onSubmittedWorkDone();
    return performance.now() - startedMs;
  }

  /** Whether the first tile's message and product are those of the same sums in JS. */
  async isRight(dot: DotKind): Promise<boolean> {
    // What the kernel before it left would look right.
    const encoder = this.#device.createCommandEncoder();
    for (const buffer of this.#buffers.slice(2, 4)) encoder.clearBuffer(buffer);
    this.#device.queue.submit([encoder.finish()]);
    try {
      await this.#run(dot, 1);
    } catch {
      return false;
    }
    const { k, n, r } = this.#linear;
    const [product, messages] = await readBuffers(this.#device, [
      { buffer: this.#buffers[2]!, bytes: 4 * TILE * n },
      { buffer: this.#buffers[3]!, bytes: 64 },
    ]);
    const want = tileMessage(this.#rows[0], this.#rows[1], k, r);
    const got = new Uint8Array(messages!);
    if (want.some((byte, i) => byte !== got[i])) return false;
    const values = new Float32Array(product!);
    for (let i = 0; i < TILE; i++)
      for (let j = 0; j < TILE; j++) {
        const exact = this.#product(i, j);
        // Beyond 2^24 a device may round either way; no product of a model is there.
        if (Math.abs(exact) < 2 ** 24 && values[i * n + j] !== exact) return false;
      }
    return true;
  }

  /** Entry of C: A'·B' − Σ over digits. */
  #product(i: number, j: number): number {
    const { k, r } = this.#linear;
    const { limbs } = shapeOf(this.#linear);
    const dot = (x: Int8Array, from: number, y: Int8Array, at: number, size: number): number => {
      let sum = 0;
      for (let p = 0; p < size; p++) sum += x[from + p]! * y[at + p]!;
      return sum;
    };
    const [left, right] = this.#factors;
    const part = (row: number, digit: number): number => (row * (limbs + 1) + digit) * r;
    let value = dot(this.#rows[0], i * k, this.#rows[1], j * k, k);
    for (let d = 0; d < limbs; d++)
      value -=
        (dot(left, part(i, d), right, part(j, limbs), r) +
          dot(left, part(i, limbs), right, part(j, d), r)) *
        256 ** d;
    return value;
  }

  /** MACs per ms: of the fastest of several runs, each as many row groups as fit the time. */
  async rate(dot: DotKind): Promise<number> {
    const { m, k, n } = this.#linear;
    const { rows } = shapeOf(this.#linear);
    const startedMs = performance.now();
    let groups = 1;
    let best = 0;
    for (let run = 0; run < TRIAL_RUNS_MAX; run++) {
      const ms = Math.max(await this.#run(dot, groups), 0.01);
      best = Math.max(best, (Math.min(m, groups * rows) * k * n) / ms);
      if (performance.now() - startedMs > TRIAL_MS_MAX) break;
      groups = ms < TRIAL_MS_MAX / 8 ? Math.min(Math.ceil(m / rows), 2 * groups) : groups;
    }
    return best;
  }
}
