/**
 * What a model is worth and costs: accuracy (float and exact), calibration, "can't tell", sizes, times.
 * Of weights that `model:fetch` has by name: how near their package is to them, on the texts of `model:texts`.
 * Usage: npm run -s model:report -- lingua|tiny|minilm|smollm2 [--every N: every Nth held-out message or passage]
 * [--rounds N]
 * Held-out messages come from .cache/data.json (lingua/prep.ts), the float figures from lingua/float.json.
 */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureCpu, splitOf } from '../bench/pass-split.ts';
import { unitMacs } from '../src/core/manifest.ts';
import type { ModelPackage } from '../src/miner/engine/backend.ts';
import { admissionOf } from '../src/miner/checker/checker.ts';
import { readModel } from '../test/oracle/models.ts';
import { admissionText } from './admission.ts';
import { answersOf } from './answers.ts';
import { namedWeights } from './fetch/named.ts';
import { reportNamed } from './measure/named.ts';
import { refused, reliability, scoreOf, scored, type Scored } from './score.ts';

type Row = readonly [label: string, text: string];
type Counts = Readonly<Record<string, readonly [right: number, of: number]>>;
const LINGUA = join(import.meta.dirname, 'lingua');
/** From here on a general text counts as long enough to be known. */
const LONG = 20;

const read = <T>(path: string): T => JSON.parse(readFileSync(join(LINGUA, path), 'utf8')) as T;
const percent = (part: number, of: number): string =>
  `${part} of ${of} = ${((100 * part) / Math.max(1, of)).toFixed(2)} %`;
const rowsOf = (name: string): Row[] =>
  Object.entries(read<Record<string, string[]>>(`test/${name}.json`)).flatMap(([label, texts]) =>
    texts.map((t): Row => [label, t]),
  );

function printScore(name: string, rows: readonly Scored[], float?: Counts): void {
  const { count, right, told, toldRight, confusions } = scoreOf(rows);
  const known = float?.[name];
  console.log(`${name}: exact ${percent(right, count)}`);
  if (known) {
    const points = 100 * (right / count - known[0] / known[1]);
    console.log(`  float ${percent(...known)}; exact − float ${points.toFixed(2)} points`);
  }
  console.log(`  tells ${percent(told, count)}, of these right ${percent(toldRight, told)}`);
  const worst = confusions.slice(0, 10).map(([k, n]) => `${k} ${n}`);
  if (worst.length) console.log(`  confusions ${worst.join(', ')}`);
}

function printGeneral(rows: readonly Scored[]): void {
  for (const label of new Set(rows.map((r) => r.label))) {
    const own = rows.filter((r) => r.label === label);
    const [all, long] = [own, own.filter((r) => [...r.text].length >= LONG)].map(scoreOf);
    console.log(
      `  ${label.padEnd(4)} ${all!.right}/${all!.count}, long ${long!.right}/${long!.count}`,
    );
  }
}

function printReliability(name: string, rows: readonly Scored[]): void {
  const { bins, ece } = reliability(rows);
  console.log(`reliability, ${name}: ECE ${(100 * ece).toFixed(2)} points`);
  console.log('  confidence   texts  mean confidence  right');
  for (const b of bins.filter((x) => x.count)) {
    const cell = (x: number): string => `${(100 * x).toFixed(1)} %`.padStart(8);
    const range = `${b.from.toFixed(2)}–${b.to.toFixed(2)}`;
    console.log(
      `  ${range}  ${String(b.count).padStart(6)}  ${cell(b.confidence)}  ${cell(b.accuracy)}`,
    );
  }
}

async function quality(model: ModelPackage, every: number): Promise<void> {
  const { labels } = model.manifest;
  const answers = await answersOf(model);
  const run = async (rows: readonly Row[]): Promise<Scored[]> => {
    const all = await answers(rows.map(([, text]) => text));
    return rows.map((row, i) => scored(row, all[i]!, labels));
  };
  const float = existsSync(join(LINGUA, 'float.json')) ? read<Counts>('float.json') : undefined;
  const general = await run(rowsOf('general'));
  printScore('general', general, float);
  const long = general.filter((r) => [...r.text].length >= LONG);
  printScore('general, 20 characters and more', long, float);
  printGeneral(general);
  printReliability('general', general);
  if (existsSync(join(LINGUA, '.cache/data.json'))) {
    const data = read<Record<string, { held: Row[] }>>('.cache/data.json');
    for (const [name, step] of [
      ['diagnostics', every],
      ['screens', 12 * every],
    ] as const) {
      const held = await run(data[name]!.held.filter((_, i) => i % step === 0));
      printScore(`held-out ${name}${step > 1 ? `, every ${step}.` : ''}`, held, float);
      printReliability(`held-out ${name}`, held);
    }
  } else console.log('held-out messages: none here; models/lingua/prep.ts makes them');
  for (const kind of ['other', 'neither']) {
    const rows = await run(rowsOf('none').filter(([label]) => label === kind));
    const { none, unsure } = refused(rows);
    const right = percent(none + unsure, rows.length);
    console.log(`no known language, ${kind}: can't tell ${right} (none ${none}, unsure ${unsure})`);
  }
}

async function cost(name: 'tiny' | 'lingua', model: ModelPackage, rounds: number): Promise<void> {
  const { manifest } = model;
  const folder = join(import.meta.dirname, name);
  const shipped = readdirSync(folder).filter((f) =>
    /^(manifest\.json|weights\.bin|seg-\d+\.onnx|table-\d+\.bin)$/.test(f),
  );
  const size = shipped.reduce((sum, f) => sum + statSync(join(folder, f)).size, 0);
  const widest = Math.max(...manifest.linears.map((l) => l.k));
  console.log(`files ${shipped.length}, ${size} bytes; ${unitMacs(manifest)} MAC a unit`);
  console.log(
    `proof: rows and columns of the widest linear 32·${widest} = ${32 * widest} bytes, ≤ 3 KB more`,
  );
  const split = splitOf(await measureCpu(name, rounds));
  const ms = (x: number): string => `${x.toFixed(1)} ms`;
  console.log(
    `cpu: plain pass ${ms(split.plainMs)}, noisy ${ms(split.noisyMs)}, median of ${rounds}`,
  );
  console.log(admissionText(admissionOf(model)));
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { every: { type: 'string', default: '1' }, rounds: { type: 'string', default: '9' } },
});
const name = positionals[0] ?? '';
const [rounds, every] = [Number(values.rounds), Number(values.every)];
const named = namedWeights(name);
if (named) console.log(await reportNamed(named, { rounds, every }));
else {
  if (name !== 'tiny' && name !== 'lingua') throw new Error('one of tiny, lingua or named weights');
  const model = await readModel(name);
  console.log(`${name}, ${model.manifest.labels.length} labels`);
  if (name === 'lingua') await quality(model, every);
  await cost(name, model, rounds);
}
process.exit(0);
