/**
 * `npm run fuzz:checker`: random graphs at the checker's bounds, changed models and damaged files
 * against the checker. What it admits must give the same numbers in exact arithmetic, on ONNX
 * Runtime's wasm, and on WebGPU in browsers. One seed, one run.
 *   npm run -s fuzz:checker -- --graphs 2000 [--seed 1] [--webgpu 300] [--firefox] [--mutations 2000]
 *     [--files 2000] [--only 17]
 * `--only` judges one graph of the seed. The last line counts comparisons: one input set of one admitted
 * segment on one device (exact arithmetic is what they are compared with).
 */
import { parseArgs } from 'node:util';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { encodeOnnx, parseOnnx, type OnnxGraph } from '../../src/miner/package/onnx.ts';
import { readModel } from '../oracle/models.ts';
import { createRandom, type Random } from '../sim/random.ts';
import { GraphBrowser, findFirefox, type BrowserName } from './browser.ts';
import { generateModel } from './generate.ts';
import { attackFiles } from './hostile.ts';
import { KINDS } from './inputs.ts';
import { difference, judge, type Case, type Verdict } from './judge.ts';
import { MUTATIONS } from './mutate.ts';

const { values } = parseArgs({
  options: {
    graphs: { type: 'string', default: '2000' },
    seed: { type: 'string', default: '1' },
    /** Admitted graphs that run in the browsers too. */
    webgpu: { type: 'string', default: '300' },
    firefox: { type: 'boolean', default: false },
    mutations: { type: 'string', default: '2000' },
    files: { type: 'string', default: '2000' },
    only: { type: 'string' },
  },
});
const seed = Number(values.seed);
const [graphs, onGpu] = [Number(values.graphs), Number(values.webgpu)];
/** What a climb found, where there was one, then lows, highs, alternating and random. */
const GPU_RUNS_MAX = 5;
const REPORT_MS = 30_000;

const total = { compared: 0, differing: 0 };
const tally = (counts: Record<string, number>, key: string): void => {
  counts[key] = (counts[key] ?? 0) + 1;
};
const listed = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .sort(([, a], [, b]) => b - a)
    .map(([key, n]) => `${key} ${n}`)
    .join(', ') || 'none';

function blame(what: string, faults: readonly string[]): void {
  if (!faults.length) return;
  total.differing++;
  console.log(`FAULT ${what}: ${faults.slice(0, 3).join('; ')}`);
}

let reportedMs = performance.now();
function progress(text: () => string): void {
  if (performance.now() - reportedMs < REPORT_MS) return;
  reportedMs = performance.now();
  console.log(`  ${text()}`);
}

const judgeGraph = (i: number): Promise<Verdict> =>
  judge(generateModel(seed, i), 1, { kinds: KINDS, climbs: i % 4 ? 0 : 1 }, luck(`inputs ${i}`));
const luck = (name: string): Random => createRandom(seed, name);

/** All graphs in exact arithmetic and on wasm; gives some of the admitted for the browsers. */
async function attackGraphs(): Promise<[number, Case][]> {
  const refused: Record<string, number> = {};
  const kept: [number, Case][] = [];
  const every = Math.max(1, Math.floor((graphs * 0.6) / onGpu));
  let [admitted, atTop, reached] = [0, 0, 0];
  for (let i = 0; i < graphs; i++) {
    const verdict = await judgeGraph(i);
    if (verdict.refusal) tally(refused, verdict.refusal.rule);
    else admitted++;
    blame(`graph ${i}`, verdict.faults);
    if (verdict.reached >= 2 ** 23) atTop++;
    reached = Math.max(reached, verdict.reached);
    if (!verdict.case) continue;
    total.compared += verdict.case.expected.length;
    if (admitted % every === 0 && kept.length < onGpu) kept.push([i, verdict.case]);
    progress(() => `${i + 1} graphs, ${admitted} admitted`);
  }
  console.log(
    `graphs: ${graphs}, admitted ${admitted} (${((100 * admitted) / graphs).toFixed(0)} %), ` +
      `${atTop} of them with values over 2^23, the largest ${reached}`,
  );
  console.log(`  refused by rule: ${listed(refused)}`);
  return kept;
}

/** The model with one segment changed by one mutation. */
function mutated(model: ModelPackage, segment: number, r: Random): [string, ModelPackage] {
  const graph = parseOnnx(model.segments[segment]!) as OnnxGraph;
  const kind = r.pick(Object.keys(MUTATIONS));
  const bytes = encodeOnnx(MUTATIONS[kind]!(graph, r));
  return [kind, { ...model, segments: model.segments.with(segment, bytes) }];
}

/** One in eight changes a model that ships; their tensors are large, so the others are generated. */
async function attackMutants(count: number): Promise<void> {
  const shipped = [await readModel('tiny'), await readModel('tiny'), await readModel('lingua')];
  const outcomes: Record<string, number> = {};
  const survivors: Record<string, number> = {};
  for (let i = 0; i < count; i++) {
    const r = luck(`mutant ${i}`);
    const isShipped = i % 8 === 0;
    const model = isShipped ? r.pick(shipped) : generateModel(seed, r.int(0, graphs - 1));
    const segment = isShipped ? r.int(0, model.segments.length - 1) : 1;
    const [kind, mutant] = mutated(model, segment, r);
    const trial = { kinds: isShipped ? ['ends'] : ['lows', 'highs', 'ends', 'random'], climbs: 0 };
    const verdict = await judge(mutant, segment, trial, r);
    tally(outcomes, verdict.refusal?.rule ?? 'admitted');
    if (!verdict.refusal) tally(survivors, kind);
    blame(`mutant ${i} (${kind} of ${model.manifest.name}, segment ${segment})`, verdict.faults);
    total.compared += verdict.case?.expected.length ?? 0;
    progress(() => `${i + 1} mutants`);
  }
  console.log(`mutants: ${count}, ${listed(outcomes)}`);
  console.log(`  admitted by kind, and exact: ${listed(survivors)}`);
}

async function attackBytes(count: number): Promise<void> {
  const r = luck('files');
  const models = [await readModel('tiny'), generateModel(seed, 0), generateModel(seed, 1)];
  for (const [i, model] of models.entries()) {
    const share = i ? Math.floor(count / 2) : Math.floor(count / 20);
    const { tried, taken, slowestMs, faults } = await attackFiles(model, share, r);
    for (const fault of faults) blame(`file of ${model.manifest.name}`, [fault]);
    console.log(
      `files of ${model.manifest.name}: ${tried} damaged, ${tried - taken} refused, ` +
        `the slowest after ${slowestMs.toFixed(0)} ms`,
    );
  }
}

async function compareOn(name: BrowserName, cases: readonly (readonly [number, Case])[]) {
  const browser = await GraphBrowser.open(name);
  const started = performance.now();
  let runs = 0;
  try {
    for (const [i, { task, expected }] of cases) {
      const some = { ...task, runs: task.runs.slice(0, GPU_RUNS_MAX) };
      const want = expected.slice(0, GPU_RUNS_MAX);
      const faults = await browser.run(some).then(
        (got) => got.flatMap((outputs, j) => difference(outputs, want[j]!) ?? []),
        (e: Error) => [`does not run: ${e.message}`],
      );
      runs += want.length;
      blame(`graph ${i} on ${name}`, faults);
      progress(() => `${runs} runs on ${name}`);
    }
  } finally {
    await browser.close();
  }
  total.compared += runs;
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`${name} (${browser.device}): ${cases.length} graphs, ${runs} runs, ${seconds} s`);
}

if (values.only !== undefined) {
  const verdict = await judgeGraph(Number(values.only));
  const graph = parseOnnx(generateModel(seed, Number(values.only)).segments[1]!) as OnnxGraph;
  for (const n of graph.nodes)
    console.log(n.op, n.inputs, '→', n.outputs[0], JSON.stringify(n.attributes));
  console.log(verdict.refusal?.sentence ?? verdict.faults);
  process.exit(verdict.faults.length ? 1 : 0);
}

const cases = await attackGraphs();
await attackMutants(Number(values.mutations));
await attackBytes(Number(values.files));
if (onGpu) await compareOn('chromium', cases);
if (values.firefox) {
  if (findFirefox()) await compareOn('firefox', cases.slice(0, Math.ceil(onGpu / 3)));
  else console.log('firefox: skipped, none is installed (FIREFOX may give its path)');
}
console.log(`differing ${total.differing} of ${total.compared}`);
process.exit(total.differing ? 1 : 0);
