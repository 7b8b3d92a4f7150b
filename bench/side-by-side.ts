/** The tables of bench's contests: every figure is a ratio within one run. */
import type { BrowserBackend } from '../test/browser/harness.ts';
import { hasChromium } from '../test/browser/harness.ts';
import { unitMacs } from '../src/core/manifest.ts';
import { contestInBrowser, contestOnCpu, type ContestRound } from './contest.ts';
import { createEncoder, SHAPES, type Encoder } from './encoders.ts';
import { median } from './measure.ts';
import { splitOf, type Split } from './pass-split.ts';

/** Heads of the columns of a pass's stages, after that of the segments. */
export const STAGES_AFTER_SEGMENTS = [
  'convert',
  'hash A',
  'noise',
  'GEMM',
  'fold',
  'hash t, tickets',
  'peel',
];

/** A software adapter needs minutes for larger units. */
const SOFTWARE_MACS_MAX = 2e8;
const SOFTWARE_ROUNDS_MAX = 2;
const isSoftware = (device: string): boolean => /swiftshader|llvmpipe|lavapipe|warp/i.test(device);

export interface Contest {
  readonly shape: string;
  readonly m: number;
  readonly device: string;
  readonly macs: number;
  readonly split: Split;
  readonly rows: readonly Contestant[];
}
interface Contestant {
  readonly name: string;
  readonly ms: number;
  /** ÷ our plain pass of the same round, median. */
  readonly ratio: number;
  readonly limit: string;
}

const percent = (x: number): string => `${(100 * x).toFixed(0)} %`;

const STAGE_NAMES: Readonly<Record<string, string>> = {
  segments: 'segments (the exact forms)',
  convert: 'conversion between float tensors and operands',
  hash: 'hash of A',
  noise: 'noise',
  gemm: 'our GEMM',
  fold: 'fold',
  tickets: 'transcript and tickets',
  peel: 'peel',
  readback: 'readback',
};
/** The two largest shares. */
function largest(stages: Readonly<Record<string, number>>): string {
  const all = Object.values(stages).reduce((sum, x) => sum + x, 0);
  return Object.entries(stages)
    .sort(([, x], [, y]) => y - x)
    .slice(0, 2)
    .map(([stage, ms]) => `${STAGE_NAMES[stage] ?? stage} ${percent(ms / all)}`)
    .join(', ');
}

const stagesOf = (pass: ContestRound['plain']): Record<string, number> => {
  const stages: Record<string, number> = {};
  for (const { stage, ms } of pass) stages[stage] = (stages[stage] ?? 0) + ms;
  return stages;
};
const total = (pass: ContestRound['plain'], ...only: string[]): number =>
  pass.reduce((sum, x) => sum + (only.length && !only.includes(x.stage) ? 0 : x.ms), 0);

const plainOf = (r: ContestRound): number => r.wall?.plain ?? total(r.plain);

function contestant(
  name: string,
  rounds: readonly ContestRound[],
  ms: (r: ContestRound) => number,
  limit: string,
): Contestant {
  const ratio = median(rounds.map((r) => ms(r) / plainOf(r)));
  return { name, ms: median(rounds.map(ms)), ratio, limit };
}

/** Our passes, as any device has them. */
function ours(rounds: readonly ContestRound[], split: Split): Contestant[] {
  const of = (stage: string): number => median(rounds.map((r) => total(r.plain, stage)));
  const plain = Object.fromEntries(Object.keys(stagesOf(rounds[0]!.plain)).map((s) => [s, of(s)]));
  const scale = (r: ContestRound): number => plainOf(r) / total(r.plain);
  return [
    contestant(
      'segments + int8 GEMM, nothing else',
      rounds,
      (r) => total(r.plain, 'segments', 'gemm') * scale(r),
      largest({ segments: of('segments'), gemm: of('gemm') }),
    ),
    contestant('our plain pass', rounds, plainOf, largest(plain)),
    contestant(
      'our noisy pass',
      rounds,
      (r) => r.wall?.noisy ?? total(r.noisy),
      largest(split.stages),
    ),
  ];
}

function onCpu(rounds: readonly ContestRound[], split: Split): Contestant[] {
  const share = median(rounds.map((r) => r.floatProducts! / r.float.wasm!));
  return [
    ...ours(rounds, split),
    contestant(
      'float encoder, onnxruntime-web WASM',
      rounds,
      (r) => r.float.wasm!,
      `its products ${percent(share)}; the rest is attention, GELU, norms`,
    ),
    contestant(
      'the same encoder, @huggingface/transformers',
      rounds,
      (r) => r.float.transformers!,
      'the same runtime and file, called through the library',
    ),
    contestant(
      'its linears alone: float MatMul',
      rounds,
      (r) => r.floatProducts!,
      'float32 SIMD of one thread',
    ),
    contestant(
      'the same linears: ORT MatMulInteger',
      rounds,
      (r) => r.integerProducts!,
      'int8 SIMD of one thread; no noise, no transcript possible',
    ),
    contestant(
      'the same linears: our int8 GEMM',
      rounds,
      (r) => total(r.plain, 'gemm'),
      'i16 dot products of one thread',
    ),
  ];
}

function inBrowser(rounds: readonly ContestRound[], split: Split, device: string): Contestant[] {
  const gpu = isSoftware(device) ? 'shaders run on the CPU: says nothing of a GPU' : 'not split';
  return [
    ...ours(rounds, split),
    contestant('float encoder, onnxruntime-web WebGPU', rounds, (r) => r.float.webgpu!, gpu),
    contestant(
      'float encoder, onnxruntime-web WASM',
      rounds,
      (r) => r.float.wasm!,
      'float32 SIMD of one thread',
    ),
  ];
}

const contestOf = (
  { shape, model, sequences, tokens }: Encoder,
  device: string,
  rounds: readonly ContestRound[],
  rows: (split: Split) => Contestant[],
): Contest => {
  const split = splitOf(rounds);
  const macs = Number(unitMacs(model.manifest));
  const m = sequences * tokens;
  return { shape: shape.name, m, device, macs, split, rows: rows(split) };
};

export interface Plan {
  /** Keys of SHAPES. */
  readonly shapes: readonly string[];
  /** Rows m of a unit; lingua has 256. */
  readonly rows: readonly number[];
  readonly rounds: number;
  readonly browser?: BrowserBackend | undefined;
  readonly log: (line: string) => void;
}

/** All contests of a plan, and why some were left out. */
export async function measureContests(
  plan: Plan,
): Promise<{ contests: Contest[]; leftOut: string[] }> {
  const contests: Contest[] = [];
  const leftOut: string[] = [];
  for (const key of plan.shapes)
    for (const m of plan.rows) {
      const shape = SHAPES[key];
      if (!shape) throw new Error(`--shapes: ${key} is none of ${Object.keys(SHAPES)}`);
      if (key === 'lingua' && m !== 256) continue;
      plan.log(`${shape.name}, m = ${m}`);
      const encoder = await createEncoder(shape, m);
      const cpu = await contestOnCpu(encoder, plan.rounds);
      contests.push(contestOf(encoder, 'CPU', cpu, (split) => onCpu(cpu, split)));
      const why = await tryBrowser(plan, encoder, contests);
      if (why) leftOut.push(`${shape.name}, m = ${m} on WebGPU: ${why}`);
    }
  return { contests, leftOut };
}

/** Adds the contest in Chromium, or says why there is none. */
async function tryBrowser(
  { browser, rounds }: Plan,
  encoder: Encoder,
  contests: Contest[],
): Promise<string | undefined> {
  if (!browser) return hasChromium() ? '--no-webgpu' : 'no Chromium';
  const device = await browser.call('adapter');
  if (isSoftware(device) && Number(unitMacs(encoder.model.manifest)) > SOFTWARE_MACS_MAX)
    return `${device} would take minutes for a unit`;
  const few = Math.min(rounds, isSoftware(device) ? SOFTWARE_ROUNDS_MAX : Infinity);
  try {
    const found = await contestInBrowser(browser, encoder, few);
    const name = `WebGPU (${found.device})`;
    const rows = (split: Split) => inBrowser(found.rounds, split, device);
    contests.push(contestOf(encoder, name, found.rounds, rows));
    return undefined;
  } catch (e) {
    return `${device}: ${e instanceof Error ? e.message.split('\n')[0] : String(e)}`;
  }
}

const rate = (macs: number, ms: number): string =>
  (macs / ms / 1e6).toFixed(macs / ms < 1e6 ? 3 : 1);

export type Row = readonly (string | number)[];
const line = (cells: Row): string => `| ${cells.join(' | ')} |`;
export const tableOf = (head: readonly string[], rows: readonly Row[]): string[] => [
  line(head),
  line(head.map(() => '---')),
  ...rows.map(line),
];

function contestLines({ shape, m, device, macs, rows }: Contest): string[] {
  const head = [`${shape}, m = ${m}, ${device}`, 'ms', 'GMAC/s', '÷ plain pass', 'what limits it'];
  return [
    ...tableOf(
      head,
      rows.map((r) => [r.name, r.ms.toFixed(1), rate(macs, r.ms), r.ratio.toFixed(2), r.limit]),
    ),
    '',
  ];
}

const STAGES = ['segments', 'convert', 'hash', 'noise', 'gemm', 'fold', 'tickets', 'peel'] as const;

function stageRow({ shape, m, device, split }: Contest): Row {
  const all = STAGES.reduce((sum, s) => sum + split.stages[s], 0);
  return [`${shape}, ${m}`, device, ...STAGES.map((s) => percent(split.stages[s] / all))];
}

export function contestReport({ contests, leftOut }: Awaited<ReturnType<typeof measureContests>>) {
  return [
    '## Side by side',
    '',
    'One layer of each shape with generated weights (lingua: the model, beside a float encoder of its shape). In turn within a round; ms and ratios are medians.',
    '',
    ...contests.flatMap(contestLines),
    ...leftOut.map((why) => `- Left out: ${why}.`),
    '',
    '## Where a noisy pass goes',
    '',
    ...tableOf(
      ['shape, m', 'device', 'segments', ...STAGES_AFTER_SEGMENTS],
      contests.map(stageRow),
    ),
  ];
}
