/**
 * All figures in one table, printed and kept in bench/results/<date>-<device>.md and .json.
 * Usage: node bench/bench.ts [--accounts 1000000] [--rounds 15] [--shapes lingua,384,768,1024]
 *   [--rows 256,1024] [--quick] [--no-webgpu] [--dry]
 * --quick: seven rounds, three of contests, units of 256 rows, a small state tree.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { unitMacs } from '../src/core/manifest.ts';
import { BrowserBackend, hasChromium } from '../test/browser/harness.ts';
import { readModel } from '../test/oracle/models.ts';
import { measureHeaders, measureTree } from './chain-rates.ts';
import { executorReport, measureExecutor, PARTS } from './executor/table.ts';
import { measureFull } from './full-check.ts';
import { measureLight } from './light-check.ts';
import { median } from './measure.ts';
import { measureCpu, measureWebgpu, splitOf, type ModelName, type Split } from './pass-split.ts';
import {
  contestReport,
  measureContests,
  STAGES_AFTER_SEGMENTS,
  tableOf,
  type Row,
} from './side-by-side.ts';

const { values } = parseArgs({
  options: {
    accounts: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '15' },
    shapes: { type: 'string', default: 'lingua,384,768,1024' },
    rows: { type: 'string', default: '256,1024' },
    quick: { type: 'boolean', default: false },
    'no-webgpu': { type: 'boolean', default: false },
    /** Print only. */
    dry: { type: 'boolean', default: false },
  },
});
const { quick } = values;
const rounds = quick ? 7 : Math.max(7, Number(values.rounds));
const accounts = quick ? 100_000 : Number(values.accounts);

interface PassFigures extends Split {
  readonly model: ModelName;
  readonly device: string;
  /** Wall time without stage clocks, ms: what a miner sees. */
  readonly wallPlainMs: number;
  readonly wallNoisyMs: number;
  readonly macs: number;
}

async function cpuFigures(model: ModelName): Promise<PassFigures> {
  const { manifest } = await readModel(model);
  // Short passes need more rounds for equally steady figures.
  const split = splitOf(await measureCpu(model, model === 'tiny' ? 5 * rounds : rounds));
  const wall = { wallPlainMs: split.plainMs, wallNoisyMs: split.noisyMs };
  return { ...split, ...wall, model, device: 'cpu', macs: Number(unitMacs(manifest)) };
}

async function webgpuFigures(browser: BrowserBackend, model: ModelName): Promise<PassFigures> {
  const { manifest } = await readModel(model);
  const { device, rounds: measured, whole } = await measureWebgpu(browser, model, rounds);
  const wallNoisyMs = median(whole.noisy);
  return {
    ...splitOf(measured),
    noisyOverPlain: median(whole.noisy.map((x, i) => x / whole.plain[i]!)),
    wallPlainMs: median(whole.plain),
    wallNoisyMs,
    model,
    device: `webgpu (${device})`,
    macs: Number(unitMacs(manifest)),
  };
}

const digits = (x: number, n = 2): string => x.toFixed(n);
const rate = (macs: number, ms: number): string => digits(macs / ms / 1e6, macs / ms < 1e6 ? 3 : 2);

function passRow(f: PassFigures): Row {
  const s = f.stages;
  const parts = [s.segments, s.convert, s.hash, s.noise, s.gemm, s.fold, s.tickets, s.peel];
  return [
    f.model,
    f.device,
    rate(f.macs, f.wallPlainMs),
    rate(f.macs, f.wallNoisyMs),
    digits(f.noisyOverPlain),
    ...parts.map((x) => digits(x)),
  ];
}

const PASS_HEAD = [
  'model',
  'device',
  'plain GMAC/s',
  'noisy GMAC/s',
  'noisy ÷ plain time',
  'segments ms',
  ...STAGES_AFTER_SEGMENTS,
];

const wantsBrowser = !values['no-webgpu'] && hasChromium();

async function measureAll() {
  const passes = [await cpuFigures('tiny'), await cpuFigures('lingua')];
  const browser = wantsBrowser ? await BrowserBackend.open() : undefined;
  try {
    if (browser) passes.push(await webgpuFigures(browser, 'tiny'));
    const contests = await measureContests({
      shapes: values.shapes.split(','),
      rows: quick ? [256] : values.rows.split(',').map(Number),
      rounds: quick ? 3 : Math.ceil(rounds / 2),
      browser,
      log: (line) => console.error(line),
    });
    const executor = await measureExecutor(PARTS, rounds, (line) => console.error(line));
    const full = { tiny: await measureFull('tiny'), lingua: await measureFull('lingua') };
    const light = await measureLight();
    const headersPerSecond = await measureHeaders(500);
    const tree = await measureTree(accounts);
    return { passes, contests, executor, full, light, headersPerSecond, tree };
  } finally {
    await browser?.close();
  }
}
type Figures = Awaited<ReturnType<typeof measureAll>>;

function otherRows({ full, light, headersPerSecond, tree }: Figures): Row[] {
  const wins = Object.entries(full).flatMap(([name, f]): Row[] => [
    [`${name}: proof bytes (32·k = ${32 * f.k})`, f.proofBytes],
    [`${name}: light check ms`, digits(f.lightMs)],
    [`${name}: full check ms, cpu, win in the last linear`, digits(f.fullMs, 1)],
  ]);
  const checks = light.flatMap(({ k, ms, proofBytes }): Row[] => [
    [`k = ${k}: light check ms`, digits(ms)],
    [`k = ${k}: proof bytes (32·k + ${proofBytes - 32 * k})`, proofBytes],
  ]);
  return [
    ...wins,
    ...checks,
    ['headers verified per second', digits(headersPerSecond, 0)],
    [
      `state tree of ${tree.accounts} accounts: inserts per second`,
      digits(tree.insertsPerSecond, 0),
    ],
    ['… first root ms', digits(tree.rootMs, 0)],
    ['… updates with a new root each, per second', digits(tree.updatesPerSecond, 0)],
    ['… balance proof bytes', tree.balanceProofBytes],
    ['… balance proof verified ms', digits(tree.balanceProofMs, 3)],
  ];
}

const cpu = cpus()[0]?.model ?? 'unknown CPU';
const figures = await measureAll();
const load = loadavg()[1]!.toFixed(1);
const report = [
  `# Bench: ${cpu} (${cpus().length} threads, load ${load}), Node ${process.versions.node}`,
  '',
  ...tableOf(PASS_HEAD, figures.passes.map(passRow)),
  '',
  ...contestReport(figures.contests),
  '',
  ...executorReport(figures.executor),
  '',
  ...tableOf(['figure', 'value'], otherRows(figures)),
].join('\n');
console.log(report);
if (!values.dry) {
  const folder = join(import.meta.dirname, 'results');
  const device = cpu.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  const date = new Date().toISOString().slice(0, 10);
  const file = join(folder, `${date}-${device.replace(/^-|-$/g, '')}`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${file}.md`, `${report}\n`);
  writeFileSync(`${file}.json`, `${JSON.stringify(figures, undefined, 1)}\n`);
}
process.exit(0);
