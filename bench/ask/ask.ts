/**
 * `npm run -s ask:bench [-- --rounds 5] [--parts first,chat,embed]`: what somebody who asks waits for, by the clock, in
 * turn within each round; ratios are medians over rounds.
 *
 * first: from a click to the answer of a model that lies in a page, beside the bars that it has.
 * chat: the language model here, from a provider in another process over a prepaid channel, and by wllama.
 * embed: texts a second by minilm, and by transformers.js from the same weights.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { removeData, startSeed } from '../../e2e/support/seed.ts';
import { packageFolder, weightsFolder } from '../../models/fetch/obtain.ts';
import { namedWeights } from '../../models/fetch/named.ts';
import { openFile, readJson } from '../../models/import/checkpoint/files.ts';
import { objectOf } from '../../models/import/checkpoint/json.ts';
import { bertConfig } from '../../models/import/bert.ts';
import { openSafetensors } from '../../models/import/safetensors.ts';
import { CACHE } from '../../models/texts/files.ts';
import { tokensFromBytes } from '../../src/core/reading.ts';
import { MANIFEST_FILE } from '../../src/miner/package/package.ts';
import { createPila, toHex, type Answer, type Pila } from '../../src/node/pila.ts';
import { hasChromium } from '../../test/browser/harness.ts';
import { exportBert } from '../../test/oracle/bert-onnx.ts';
import { installPeers, installed, openWllama, type Answered } from '../llm/peers.ts';
import { q8File } from '../llm/q8.ts';
import { median } from '../measure.ts';
import { FROM_MEMORY, loadTransformers } from '../transformers.ts';
import { openPages, type Question } from './in-page.ts';

const LANGUAGE = 'smollm2';
const ENCODER = 'minilm';
/** Tokens of an answer. */
const TOKENS = 64;
/** Texts of a round, and in one pass. */
const [TEXTS, BATCH] = [64, 8];
/** Words of a page of text. */
const PAGE_WORDS = 500;
const QUESTIONS = [
  'Tell me a long story about a river.',
  'Explain at length how bread is made.',
  'Describe a day in the life of a lighthouse keeper.',
  'Why do batteries run down? Explain it in detail.',
  'Write a long letter to a friend about the winter.',
  'Tell me everything about the history of paper.',
  'How would you plan a garden? Go through it step by step.',
  'Describe how a bridge is built, from the first drawing to the last stone.',
];

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    parts: { type: 'string', default: 'first,chat,embed' },
  },
});
const rounds = Number(values.rounds);
const isAsked = (part: string): boolean => values.parts.split(',').includes(part);
const scratch = mkdtempSync(join(tmpdir(), 'pila-ask-bench-'));
const sample = readFileSync(join(import.meta.dirname, '../../models/import/sample.txt'), 'utf8');
const texts = sample.split('\n').filter(Boolean);

const language = packageFolder(LANGUAGE, CACHE);
const hasLanguage = existsSync(join(language, MANIFEST_FILE));
const skipped = (what: string, command: string): void =>
  console.log(`${what}: skipped, it is not here: ${command}`);
const load = (): string => `load ${loadavg()[0]!.toFixed(1)}`;
console.log(
  `${cpus()[0]?.model ?? 'unknown CPU'}, ${cpus().length} cores, ${load()}, Node ${process.versions.node}, ` +
    `one thread each, ${rounds} rounds`,
);

/** Texts of so many words together. */
function pageOfText(): string[] {
  const page: string[] = [];
  for (let words = 0, i = 0; words < PAGE_WORDS; i++) {
    page.push(texts[i]!);
    words += texts[i]!.split(' ').length;
  }
  return page;
}

async function firstAnswers(): Promise<void> {
  if (!hasChromium()) {
    console.log('first answers in a page: skipped, there is no Chromium');
    return;
  }
  const seed = await startSeed({
    network: 'local',
    args: ['--public', ...(hasLanguage ? ['--package', language] : [])],
  });
  const pages = await openPages(seed.url);
  const clicks: [name: string, barMs: number, question: Question][] = [
    ['a label of lingua', 1000, { run: 'lingua', text: texts[1]! }],
    [`a page of ${PAGE_WORDS} words by ${ENCODER}`, 2000, { embed: pageOfText() }],
  ];
  if (hasLanguage)
    clicks.push([`first token of ${LANGUAGE}`, 3000, { chat: LANGUAGE, text: QUESTIONS[0]! }]);
  else skipped(LANGUAGE, `npm run model:fetch -- ${LANGUAGE}`);
  await pages.fetch('lingua', ENCODER, ...(hasLanguage ? [LANGUAGE] : []));
  // The first on a device runs the model's test, too.
  for (const [, , question] of clicks) await pages.first(question);
  const seconds = (ms: number): string => (ms / 1000).toFixed(2);
  console.log('from a click in a page to');
  const found = new Map<string, { wall: number; cpu: number }[]>();
  for (let i = 0; i < rounds; i++)
    for (const [name, , question] of clicks)
      found.set(name, [...(found.get(name) ?? []), await pages.first(question)]);
  for (const [name, barMs] of clicks) {
    const all = found.get(name)!;
    const cpu = median(all.map((each) => each.cpu));
    console.log(
      `  ${name}: ${seconds(median(all.map((each) => each.wall)))} s, ${seconds(cpu)} s of the processor, ` +
        `bar ${seconds(barMs)}: ${cpu <= barMs ? 'kept' : 'MISSED'}`,
    );
  }
  await pages.close();
  await seed.kill();
  removeData(seed);
}

/** @param tokensOf how many an answer has */
async function timed<T>(answer: Answer<T>, tokensOf: (whole: T) => number): Promise<Answered> {
  const start = performance.now();
  let firstMs = 0;
  for await (const _ of answer) firstMs ||= performance.now() - start;
  return { firstMs, allMs: performance.now() - start, tokens: tokensOf(await answer.whole()) };
}

/** Coins for the asker and blocks for its channel: it mines until it has an answer for pay. */
async function buyFirst(pila: Pila, seed: string): Promise<void> {
  const gift = await fetch(`${seed}faucet`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ address: pila.address }),
  });
  if (!gift.ok) throw new Error(`faucet: ${gift.status}`);
  const mining = pila.mine({ backend: 'cpu' });
  while ((await pila.balance()).spendable === 0n) await new Promise((r) => setTimeout(r, 500));
  await pila.ask(LANGUAGE, 'Hello', { maxTokens: 8, limit: 5_000_000_000n }).whole();
  await mining.stop();
}

async function chats(): Promise<void> {
  if (!hasLanguage) {
    skipped(LANGUAGE, `npm run model:fetch -- ${LANGUAGE}`);
    return;
  }
  const seed = await startSeed({
    args: ['--package', language, '--serve', language, '--token-price', '0.0001'],
  });
  const pila = await createPila({
    network: seed.url,
    data: join(scratch, 'asker'),
    key: toHex(crypto.getRandomValues(new Uint8Array(32))),
  });
  await pila.fetchModel(LANGUAGE);
  await buyFirst(pila, seed.url);

  const options = { temperature: 0, maxTokens: TOKENS };
  const contestants = new Map<string, (question: string) => Promise<Answered>>([
    [
      'here',
      (question) =>
        timed(pila.chat(question, { ...options, model: LANGUAGE }), ({ tokens }) => tokens),
    ],
    [
      'from a provider',
      (question) =>
        timed(
          pila.ask(LANGUAGE, question, options),
          ({ answer }) => tokensFromBytes(answer.answer).length,
        ),
    ],
  ]);
  const gguf = join(weightsFolder(LANGUAGE, CACHE), namedWeights(LANGUAGE)!.files[0]!.name);
  let close = async (): Promise<void> => undefined;
  if (!existsSync(gguf))
    skipped('weights for wllama', `npm run model:fetch -- ${LANGUAGE} --only-files`);
  else if (!hasChromium()) console.log('wllama: skipped, there is no Chromium');
  else {
    installPeers();
    const wllama = await openWllama(q8File(gguf, installed));
    contestants.set(wllama.name, (question) => wllama.answer(question, TOKENS));
    ({ close } = wllama);
  }

  const found = new Map<string, Answered[]>();
  for (let i = -1; i < rounds; i++)
    for (const [name, ask] of contestants) {
      const answered = await ask(QUESTIONS[(i + 1) % QUESTIONS.length]!);
      if (i >= 0) found.set(name, [...(found.get(name) ?? []), answered]);
    }
  const speed = ({ firstMs, allMs, tokens }: Answered): number =>
    (1000 * (tokens - 1)) / (allMs - firstMs);
  const here = found.get('here')!;
  console.log(`chat, answers of at most ${TOKENS} tokens of ${LANGUAGE}, ${load()}`);
  for (const [name, all] of found) {
    const ratio = (of: (x: Answered) => number): string =>
      median(all.map((each, i) => of(here[i]!) / of(each))).toFixed(2);
    console.log(
      `  ${name}: first token after ${median(all.map((each) => each.firstMs)).toFixed(0)} ms ` +
        `(here ÷ it ${ratio((each) => each.firstMs)}), ` +
        `${median(all.map(speed)).toFixed(1)} tokens/s (here ÷ it ${ratio(speed)})`,
    );
  }
  await close();
  await pila.stop();
  await seed.kill();
  removeData(seed);
}

/** The float encoder by transformers.js, of the files that the package was made from. */
async function openTransformers(folder: string) {
  const read = (name: string) => readFileSync(join(folder, name), 'utf8');
  const weights = openFile(folder, 'model.safetensors')!;
  const json = (name: string) => objectOf(readJson(folder, name), name);
  const config = bertConfig(json('config.json'), json('1_Pooling/config.json'));
  const float = exportBert(config, openSafetensors(weights, 'model.safetensors'));
  weights.close();
  const { pipeline } = await loadTransformers({
    'config.json': read('config.json'),
    'tokenizer.json': read('tokenizer.json'),
    'tokenizer_config.json': read('tokenizer_config.json'),
    'onnx/model.onnx': float.slice(),
  });
  const extract = await pipeline('feature-extraction', ENCODER, FROM_MEMORY);
  return async (batch: readonly string[]): Promise<number[][]> =>
    (await extract(batch, { pooling: 'mean', normalize: true })).tolist();
}

async function embeddings(): Promise<void> {
  const seed = await startSeed({ network: 'local' });
  const pila = await createPila({ network: seed.url, data: join(scratch, 'embedder') });
  await pila.fetchModel(ENCODER);
  const all = texts.slice(0, TEXTS);
  const batches = Array.from({ length: TEXTS / BATCH }, (_, i) =>
    all.slice(BATCH * i, BATCH * (i + 1)),
  );
  const run = async <T>(one: (batch: readonly string[]) => Promise<T[]>) => {
    const start = performance.now();
    const rows: T[] = [];
    for (const batch of batches) rows.push(...(await one(batch)));
    return { rows, ms: performance.now() - start };
  };
  const folder = weightsFolder(ENCODER, CACHE);
  const theirs = existsSync(join(folder, 'model.safetensors'))
    ? await openTransformers(folder)
    : undefined;
  if (!theirs) skipped(`weights of ${ENCODER}`, `npm run model:fetch -- ${ENCODER} --only-files`);

  const found: { ours: number; theirs: number | undefined }[] = [];
  const cosines: number[] = [];
  for (let i = -1; i < rounds; i++) {
    const ours = await run((batch) => pila.embed(batch));
    const other = theirs && (await run(theirs));
    if (i < 0)
      ours.rows.forEach(({ values: row }, j) => {
        const unit = other?.rows[j];
        if (!unit) return;
        const dot = row.reduce((sum, x, k) => sum + x * unit[k]!, 0);
        cosines.push(dot / Math.hypot(...row));
      });
    else found.push({ ours: ours.ms, theirs: other?.ms });
  }
  const rate = (ms: readonly number[]): string => ((1000 * TEXTS) / median(ms)).toFixed(1);
  console.log(`embeddings of ${TEXTS} texts, ${BATCH} a pass, by ${ENCODER}, ${load()}`);
  console.log(`  here: ${rate(found.map((each) => each.ours))} a second`);
  if (theirs)
    console.log(
      `  transformers.js, float32: ${rate(found.map((each) => each.theirs!))} a second ` +
        `(here ÷ it ${median(found.map((each) => each.theirs! / each.ours)).toFixed(2)}); ` +
        `cosine of the two in the middle ${median(cosines).toFixed(4)}`,
    );
  await pila.stop();
  await seed.kill();
  removeData(seed);
}

if (isAsked('first')) await firstAnswers();
if (isAsked('chat')) await chats();
if (isAsked('embed')) await embeddings();
rmSync(scratch, { recursive: true, force: true });
process.exit(0);
