/**
 * `npm run fuzz:checker`: random graphs at the checker's bounds, graphs of what real models are made of, changed
 * models and damaged files against the checker. What it admits must give the same numbers in exact arithmetic, in the
 * interpreter, in the executors, on ONNX Runtime's wasm, and on WebGPU in browsers; and the steps of decoders what their
 * passes give. One seed, one run.
 *   npm run -s fuzz:checker -- --graphs 2000 [--seed 1] [--webgpu 300] [--firefox] [--mutations 2000]
 *     [--files 2000] [--only 17]
 * `--only` judges one graph of the seed. The last lines count comparisons: one input set of one admitted
 * segment by one of them (exact arithmetic is what they are compared with), and segments that one leaves to others.
 */
import { parseArgs } from 'node:util';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { encodeOnnx, parseOnnx, type OnnxGraph } from '../../src/miner/package/onnx.ts';
import { readModel } from '../oracle/models.ts';
import { createRandom, type Random } from '../sim/random.ts';
import { gpuOracle } from './executor-gpu.ts';
import { findFirefox } from './browser.ts';
import { subjectOf, type Subject } from './formed.ts';
import { generateModel } from './generate.ts';
import { attackFiles } from './hostile.ts';
import { KINDS } from './inputs.ts';
import { compare, judge, type Case, type Trial, type Verdict } from './judge.ts';
import { MUTATIONS } from './mutate.ts';
import { browserOracle, type Oracle } from './oracles.ts';
import { compareSteps } from './stepped.ts';
import { Tallies, listed } from './tallies.ts';

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

const tallies = new Tallies();
const tally = (counts: Record<string, number>, key: string): void => {
  counts[key] = (counts[key] ?? 0) + 1;
};

function blame(what: string, faults: readonly string[]): void {
  if (!faults.length) return;
  tallies.faults++;
  console.log(`FAULT ${what}: ${faults.slice(0, 3).join('; ')}`);
}

let reportedMs = performance.now();
function progress(text: () => string): void {
  if (performance.now() - reportedMs < REPORT_MS) return;
  reportedMs = performance.now();
  console.log(`  ${text()}`);
}

const luck = (name: string): Random => createRandom(seed, name);

/** Exact arithmetic takes the time, so that large segments get fewer inputs. */
function trialOf({ kind }: Subject, i: number): Trial {
  const climbs = kind !== 'decoder' && i % 4 === 0 ? 1 : 0;
  const r = luck(`kinds ${i}`);
  const some = { random: KINDS.length, forms: 4, edges: 4, decoder: 2 }[kind];
  return { kinds: r.shuffle(KINDS).slice(0, some), climbs };
}
function judgeGraph(subject: Subject, i: number): Promise<Verdict> {
  return judge(subject, trialOf(subject, i), luck(`inputs ${i}`));
}

/** Steps of the decoders among the graphs. */
async function attackSteps({ model }: Subject, i: number): Promise<void> {
  const { judged, faults } = await compareSteps(model, luck(`steps ${i}`));
  tallies.add(judged);
  blame(`graph ${i}`, faults);
}

/** All graphs in exact arithmetic, and by all who run here; gives some of the admitted for the browsers. */
async function attackGraphs(): Promise<[number, Case][]> {
  const refused: Record<string, number> = {};
  const kept: [number, Case][] = [];
  const every = Math.max(1, Math.floor((graphs * 0.8) / onGpu));
  let [admitted, atTop, reached] = [0, 0, 0];
  for (let i = 0; i < graphs; i++) {
    const subject = subjectOf(seed, i);
    const verdict = await judgeGraph(subject, i);
    if (verdict.refusal) tally(refused, verdict.refusal.rule);
    else admitted++;
    blame(`graph ${i}`, verdict.faults);
    if (verdict.reached >= 2 ** 23) atTop++;
    reached = Math.max(reached, verdict.reached);
    verdict.by.forEach((judged) => tallies.add(judged));
    if (subject.kind === 'decoder') await attackSteps(subject, i);
    if (verdict.case && admitted % every === 0 && kept.length < onGpu) kept.push([i, verdict.case]);
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
    const verdict = await judge({ model: mutant, segment }, trial, r);
    tally(outcomes, verdict.refusal?.rule ?? 'admitted');
    if (!verdict.refusal) tally(survivors, kind);
    blame(`mutant ${i} (${kind} of ${model.manifest.name}, segment ${segment})`, verdict.faults);
    verdict.by.forEach((judged) => tallies.add(judged));
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

async function compareOn(oracle: Oracle, cases: readonly (readonly [number, Case])[]) {
  const started = performance.now();
  let runs = 0;
  try {
    for (const [i, { tried, expected }] of cases) {
      const some = { ...tried, inputs: tried.inputs.slice(0, GPU_RUNS_MAX) };
      const { judged, faults } = await compare(oracle, { tried: some, expected });
      tallies.add(judged);
      runs += judged.runs;
      blame(`graph ${i}`, faults);
      progress(() => `${runs} runs on ${oracle.name}`);
    }
  } finally {
    await oracle.close?.();
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  console.log(`${oracle.name}: ${cases.length} graphs, ${runs} runs, ${seconds} s`);
}

if (values.only !== undefined) {
  const subject = subjectOf(seed, Number(values.only));
  const verdict = await judgeGraph(subject, Number(values.only));
  const graph = parseOnnx(subject.model.segments[subject.segment]!) as OnnxGraph;
  for (const n of graph.nodes)
    console.log(n.op, n.inputs, '→', n.outputs[0], JSON.stringify(n.attributes));
  console.log(verdict.refusal?.sentence ?? verdict.faults, verdict.by);
  process.exit(verdict.faults.length ? 1 : 0);
}

const cases = await attackGraphs();
await attackMutants(Number(values.mutations));
await attackBytes(Number(values.files));
if (onGpu) {
  const gpu = await gpuOracle();
  if (gpu) await compareOn(gpu, cases);
  else console.log('executor on WebGPU: skipped, this Node finds no device');
  await compareOn(await browserOracle('chromium'), cases);
}
if (values.firefox) {
  const some = cases.slice(0, Math.ceil(onGpu / 3));
  if (findFirefox()) await compareOn(await browserOracle('firefox'), some);
  else console.log('firefox: skipped, none is installed (FIREFOX may give its path)');
}
console.log(tallies.text());
process.exit(tallies.faults ? 1 : 0);
