/**
 * `npm run -s bench:llm`: a language model on one core beside llama.cpp and wllama on Q8_0 of the same weights, all in
 * turn within each round; ratios are medians over rounds. Processor time, so that what else the machine does counts
 * only as far as it empties caches.
 *
 *   npm run -s bench:llm -- [--rounds 5] [--model FOLDER] [--gguf FILE] [--alone] [--parts start,decode,prefill,checks]
 *
 * `--model`: a package, else the one that `npm run model:fetch -- smollm2` makes; where there is none, a generated
 * decoder of the same sizes. `--alone`: without the others. `start`: from a page's OPFS to the first token (start.ts).
 */
import { existsSync, readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageFolder, weightsFolder } from '../../models/fetch/obtain.ts';
import { namedWeights } from '../../models/fetch/named.ts';
import { CACHE } from '../../models/texts/files.ts';
import { modelId, sharedByWeights } from '../../src/core/manifest.ts';
import { toHex } from '../../src/lib/bytes.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { loadPackage, MANIFEST_FILE } from '../../src/miner/package/package.ts';
import { hasChromium } from '../../test/browser/harness.ts';
import { DECODER_LAYER, decoderPackage, generatedGeneration } from '../../test/models/decoder.ts';
import { median } from '../measure.ts';
import { Ours } from './contest.ts';
import { installed, installPeers, openLlamaCpp, openWllama, type Peer } from './peers.ts';
import { q8File } from './q8.ts';
import { openStarts, PHASES, type Start } from './start.ts';

const NAME = 'smollm2';
/** Tokens of a text before what is timed, and that are made. */
const [DEPTH, COUNT] = [128, 64];
const PREFILL = 256;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    model: { type: 'string', default: packageFolder(NAME, CACHE) },
    gguf: {
      type: 'string',
      default: join(weightsFolder(NAME, CACHE), namedWeights(NAME)!.files[0]!.name),
    },
    parts: { type: 'string', default: 'start,decode,prefill,checks' },
    alone: { type: 'boolean', default: false },
  },
});

async function modelToRun(): Promise<ModelPackage> {
  if (existsSync(join(values.model, MANIFEST_FILE)))
    return loadPackage((file) =>
      Promise.resolve(new Uint8Array(readFileSync(join(values.model, file)))),
    );
  console.log(`${values.model} is not there: a generated decoder of its sizes`);
  const size = {
    ...DECODER_LAYER,
    layers: 30,
    sequences: 1,
    tokens: 256,
    vocabulary: 49_152,
    otherShapes: [512, 1024, 2048].map((tokens) => ({ sequences: 1, tokens })),
  };
  // Its likeliest tokens would soon be a stop.
  const generation = generatedGeneration(size, { stops: [0] });
  return { ...decoderPackage(size, false, generation), generation };
}

async function peersOf(): Promise<Peer[]> {
  if (values.alone) return [];
  if (!existsSync(values.gguf)) {
    console.log(`${values.gguf} is not there: nothing to compare with`);
    return [];
  }
  installPeers();
  const gguf = q8File(values.gguf, installed);
  const peers = [await openLlamaCpp(gguf)];
  if (hasChromium()) peers.push(await openWllama(gguf));
  else console.log('no Chromium: without wllama');
  return peers;
}

const model = await modelToRun();
const rounds = Number(values.rounds);
const { manifest } = model;
const load = loadavg()[0]!.toFixed(1);
console.log(
  `package ${manifest.name} ${toHex(modelId(manifest))}\n` +
    `${cpus()[0]?.model ?? 'unknown CPU'}, load ${load}, Node ${process.versions.node}, one thread, ${rounds} rounds`,
);
const weightBytes = sharedByWeights(manifest, ({ k, n }) => k * n);
const distinct = new Map(manifest.linears.map((l, i) => [toHex(l.weights), weightBytes[i]!]));
const tableBytes = manifest.tables.reduce((sum, { size }) => sum + size, 0);
const allBytes = [...distinct.values()].reduce((sum, bytes) => sum + bytes, tableBytes);

const isAsked = (part: string): boolean => values.parts.split(',').includes(part);

/** The first start on a device runs its test too: it is told apart. */
async function startInPage(): Promise<void> {
  if (!hasChromium() || !existsSync(join(values.model, MANIFEST_FILE))) {
    console.log('no Chromium, or no package in a folder: no start in a page');
    return;
  }
  const starts = await openStarts(values.model, manifest);
  const whole = (start: Start): number =>
    PHASES.reduce((sum, phase) => sum + start[phase].cpu, 0) / 1000;
  const first = await starts.first();
  const found: Start[] = [];
  for (let i = 0; i < rounds; i++) found.push(await starts.first());
  await starts.close();
  const of = (phase: (typeof PHASES)[number]): string =>
    (median(found.map((start) => start[phase].cpu)) / 1000).toFixed(2);
  console.log(
    `from OPFS in a page to the first token: ${median(found.map(whole)).toFixed(2)} s of the browser's ` +
      `processes (reading ${of('read')}, taking ${of('take')}, proof, plans and steps ${of('token')}); ` +
      `the first on a device, with its test, ${whole(first).toFixed(2)} s`,
  );
}
if (isAsked('start')) await startInPage();
if (values.parts === 'start') process.exit(0);

const peers = await peersOf();
const ours = await Ours.open(model);
/** Tokens a second of each figure, round by round; of checks the time of making ÷ that of checking. */
const found = new Map<string, number[]>();
const note = (what: string, x: number): void => {
  const all = found.get(what) ?? [];
  found.set(what, [...all, x]);
};
const perSecond = (ms: number): number => 1000 / ms;
const MB = 1e6;
const megabytes = (bytes: number): string => (bytes / MB).toFixed(1);

async function decode(keep: typeof note): Promise<void> {
  keep('decode', perSecond((await ours.answer(DEPTH, COUNT)).ms));
  for (const peer of peers) {
    await peer.prefill(DEPTH);
    keep(`decode, ${peer.name}`, perSecond(await peer.decode(COUNT)));
  }
  keep('decode, four', perSecond((await ours.answer(DEPTH, COUNT, 4)).ms));
}

async function prefill(keep: typeof note): Promise<void> {
  keep('prefill', perSecond((await ours.answer(PREFILL, 1)).firstMs / PREFILL));
  for (const peer of peers)
    keep(`prefill, ${peer.name}`, perSecond((await peer.prefill(PREFILL)) / PREFILL));
  keep('pass', perSecond((await ours.pass(PREFILL)) / PREFILL));
}

async function checks(keep: typeof note): Promise<void> {
  for (const [n, count] of [
    [128, 128],
    [16, 496],
  ] as const) {
    const { makingMs, checkingMs } = await ours.verified(n, count);
    keep(`check ${n} + ${count}`, makingMs / checkingMs);
  }
}

const medianOf = (what: string): number => median(found.get(what)!);
const ratio = (a: string, b: string): string => {
  const other = found.get(b);
  return other ? median(found.get(a)!.map((x, i) => x / other[i]!)).toFixed(2) : '–';
};
const speed = (what: string): string => `${medianOf(what).toFixed(1)} tokens/s`;
const beside = (what: string): string[] =>
  peers.map(({ name }) => {
    const other = `${what}, ${name}`;
    return `  ${name}: ${speed(other)}, ours ÷ it ${ratio(what, other)}`;
  });

const PARTS = {
  decode: {
    run: decode,
    lines: () => [
      `decode at depth ${DEPTH}: ${speed('decode')}`,
      ...beside('decode'),
      `  four at once: ${speed('decode, four')} together, ÷ one ${ratio('decode, four', 'decode')}`,
    ],
  },
  prefill: {
    run: prefill,
    lines: () => [
      `prefill of ${PREFILL}, to the first token: ${speed('prefill')}`,
      ...beside('prefill'),
      `  the same by one pass: ${speed('pass')}, ÷ by steps ${ratio('pass', 'prefill')}`,
    ],
  },
  checks: {
    run: checks,
    lines: () =>
      ['check 128 + 128', 'check 16 + 496'].map(
        (what) => `${what} tokens: ${medianOf(what).toFixed(2)} × as quick as making them`,
      ),
  },
};
for (const [name, { run, lines }] of Object.entries(PARTS)) {
  if (!isAsked(name)) continue;
  await run(() => undefined);
  for (let i = 0; i < rounds; i++) await run(note);
  console.log(lines().join('\n'));
}
await ours.answer(1024 - 8, 8);
console.log(
  `memory of WebAssembly, 1,024 tokens deep: ${megabytes(ours.bytes)} MB, ` +
    `weights once ${megabytes(allBytes)} MB, beyond them ${megabytes(ours.bytes - allBytes)} MB`,
);
await ours.close();
for (const peer of peers) await peer.close();
process.exit(0);
