/**
 * `npm run -s check:llm`: whatever runs a language model must give the same bytes, of each token the operand of every
 * linear and the answer's row; and an answer that is made token by token must be the one that a pass finds right.
 *
 *   npm run -s check:llm -- [--tokens 100000] [--gpu-tokens 500] [--seed text] [--model FOLDER]
 *
 * On generated decoders first: `--tokens` of each kind, also on WebGPU. Then on the package that `npm run model:fetch --
 * smollm2` makes, where it is there: `--tokens` of steps and passes, and on WebGPU and ONNX Runtime `--gpu-tokens` each,
 * since a software device does a tenth to a third of 10^9 multiply-accumulates a second.
 * Texts are of random tokens and of all lengths, several at different depths in one step, some taken back and said
 * otherwise.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { packageFolder } from '../../models/fetch/obtain.ts';
import { CACHE } from '../../models/texts/files.ts';
import { modelId, type Manifest } from '../../src/core/manifest.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { createCpuBackend } from '../../src/miner/cpu/cpu.ts';
import {
  inShape,
  type Backend,
  type ModelPackage,
  type PassResult,
} from '../../src/miner/engine/backend.ts';
import { openLanguage } from '../../src/miner/generator/course.ts';
import { Generator } from '../../src/miner/generator/generate.ts';
import { optionsOf, SEED_BYTES, TOP_P_ONE, UNIT } from '../../src/miner/generator/options.ts';
import { verify } from '../../src/miner/generator/verify.ts';
import { GENERATION_FILE, loadPackage, MANIFEST_FILE } from '../../src/miner/package/package.ts';
import { createWebgpuBackend } from '../../src/miner/webgpu/webgpu.ts';
import { openGpu } from '../../test/gpu.ts';
import {
  differing,
  openStepping,
  passRows,
  type Row,
  type Stepping,
} from '../../test/miner/generator/stepping.ts';
import { chatty } from '../../test/models/chatty.ts';
import { decoderPackage, DECODER_SMALL } from '../../test/models/decoder.ts';
import { createRandom } from '../../test/sim/random.ts';

const { values } = parseArgs({
  options: {
    tokens: { type: 'string', default: '100000' },
    'gpu-tokens': { type: 'string', default: '500' },
    seed: { type: 'string', default: 'llm' },
    model: { type: 'string', default: packageFolder('smollm2', CACHE) },
  },
});
const [tokens, gpuTokens] = [Number(values.tokens), Number(values['gpu-tokens'])];
const random = createRandom(1, values.seed);
/** Conversations at once, and tokens of a step. */
const [TALKS, TOGETHER] = [4, 8];
let isWrong = false;

function say(name: string, what: string, wrong: number, count: number): void {
  isWrong ||= wrong > 0 || count === 0;
  console.log(`${name}: ${what}: differing ${wrong} of ${count} tokens`);
}

const contextOf = ({ shapes }: Manifest): number => Math.max(...shapes.map((s) => s.tokens));
const randomTokens = (m: Manifest, length: number): number[] =>
  Array.from({ length }, () => random.int(1, m.vocabulary - 1));

interface Talk {
  readonly conversation: number;
  readonly text: number[];
  readonly rows: Row[];
  readonly length: number;
}

/** Makes texts step by step, up to TOGETHER tokens at once. @returns what each became */
async function talks({ engine, step, model }: Stepping, most: number): Promise<Talk[]> {
  const all = Array.from({ length: TALKS }, (): Talk => {
    const length = random.int(1, Math.min(most, contextOf(model.manifest)));
    return { conversation: engine.open(), text: [], rows: [], length };
  });
  for (;;) {
    const requests: (readonly [Talk, number])[] = [];
    for (const talk of all) {
      const room = Math.min(talk.length - talk.text.length, TOGETHER - requests.length);
      if (room < 1) continue;
      if (random.int(0, 30) === 0) {
        const length = random.int(Math.max(0, talk.text.length - 64), talk.text.length);
        engine.truncate(talk.conversation, length);
        talk.text.length = talk.rows.length = length;
      }
      for (const token of randomTokens(model.manifest, random.int(1, Math.min(3, room))))
        requests.push([talk, token]);
    }
    if (!requests.length) break;
    const rows = await step(requests.map(([t, token]) => [t.conversation, token]));
    for (const [i, [talk, token]] of requests.entries()) {
      talk.text.push(token);
      talk.rows.push(rows[i]!);
    }
  }
  for (const { conversation } of all) engine.close(conversation);
  return all;
}

/** Rows of passes over texts, each pass of as many as the shape that holds the longest takes. */
async function rowsOfPasses(stepping: Stepping, texts: readonly number[][]): Promise<Row[][]> {
  const { shapes } = stepping.model.manifest;
  const longest = Math.max(...texts.map(({ length }) => length));
  const shape = shapes.findIndex((s) => s.tokens >= longest);
  const { sequences } = shapes[shape]!;
  const rows: Row[][] = [];
  for (let at = 0; at < texts.length; at += sequences)
    rows.push(...(await passRows(stepping, texts.slice(at, at + sequences), shape)));
  return rows;
}

/** @returns tokens of which a step and a pass differ */
async function wrongOf(stepping: Stepping, made: readonly Talk[]): Promise<number> {
  const texts = made.map(({ text }) => text);
  const passes = await rowsOfPasses(stepping, texts);
  const pairs = made.flatMap(({ rows }, i) =>
    rows.map((row, at) => [row, passes[i]![at]!] as const),
  );
  return pairs.filter(([row, pass]) => differing(row, pass)).length;
}

async function stepsAgainstPasses(name: string, model: ModelPackage, wanted: number) {
  const stepping = await openStepping(model, { together: TOGETHER, conversations: TALKS });
  const together = model.manifest.shapes[0]!.sequences > 1;
  let [count, wrong] = [0, 0];
  while (count < wanted) {
    const made = await talks(stepping, Math.max(16, wanted - count));
    count += made.reduce((sum, { text }) => sum + text.length, 0);
    // One by one where a shape has one sequence: what a pass keeps of 2,048 tokens is some hundred megabytes.
    for (const part of together ? [made] : made.map((talk) => [talk]))
      wrong += await wrongOf(stepping, part);
  }
  await stepping.backend.close();
  say(name, 'steps and passes on the processor', wrong, count);
}

/** Answers of random options, several at once, each against one pass over it. */
async function answersAgainstVerify(
  name: string,
  model: ModelPackage,
  file: Uint8Array,
  n: number,
) {
  const backend = await createCpuBackend(model);
  const language = await openLanguage(model.manifest, model.tables, file);
  const size = { together: TOGETHER, conversations: TALKS };
  const generator = new Generator(language, await backend.steps!(size));
  const { context, defaults } = language.generation;
  const one = async (): Promise<readonly [wrong: number, count: number]> => {
    const input = Uint32Array.from(randomTokens(model.manifest, random.int(1, context / 2)));
    const options = optionsOf(defaults, {
      temperature: random.pick([0, defaults.temperature, UNIT]),
      topP: random.pick([TOP_P_ONE, defaults.topP]),
      topK: random.pick([0, 40]),
      penalty: random.pick([UNIT, defaults.penalty]),
      maxTokens: random.int(1, 128),
      seed: Uint8Array.from({ length: SEED_BYTES }, () => random.int(0, 255)),
    });
    const answer: number[] = [];
    for await (const { token } of generator.generate({ input, options })) answer.push(token);
    const claim = { input, options, answer: Uint32Array.from(answer) };
    const verdict = await verify(language, backend, claim);
    return [verdict.right ? 0 : answer.length - verdict.at, answer.length];
  };
  let [count, wrong] = [0, 0];
  while (count < n)
    for (const [odd, length] of await Promise.all(Array.from({ length: TALKS }, one))) {
      wrong += odd;
      count += length;
    }
  await backend.close();
  say(name, 'answers made in steps and verified by a pass', wrong, count);
}

/** Where passes run besides the processor. */
interface Elsewhere {
  readonly where: string;
  open(model: ModelPackage): Promise<Backend>;
}

/** Whether a whole pass gives both the same operands and carries, by their hashes, and the same answer. */
async function isSame(one: Backend, other: Backend, tokens: Uint32Array): Promise<boolean> {
  const plain = { tokens, sigma0: undefined, limits: [] };
  const [want, got] = [await one.pass(plain), await other.pass(plain)];
  const hashes = ({ x }: PassResult): string => x.map(toHex).join();
  return hashes(got) === hashes(want) && `${got.answer.join()}` === `${want.answer.join()}`;
}

/** Whole passes in every shape in turn. */
async function passesElsewhere(
  name: string,
  given: ModelPackage,
  n: number,
  { where, open }: Elsewhere,
) {
  let [count, wrong] = [0, 0];
  const { shapes } = given.manifest;
  for (const [shape, { sequences, tokens: length }] of shapes.entries()) {
    const until = Math.ceil((n * (shape + 1)) / shapes.length);
    if (count >= until) continue;
    const model = inShape(given, shape);
    const [processor, other] = [await createCpuBackend(model), await open(model)];
    for (; count < until; count += sequences * length) {
      const tokensOfAll = new Uint32Array(sequences * length);
      tokensOfAll.set(randomTokens(model.manifest, random.int(1, tokensOfAll.length)));
      if (!(await isSame(processor, other, tokensOfAll))) wrong += tokensOfAll.length;
    }
    await other.close();
    await processor.close();
  }
  say(name, `passes on the processor and ${where}`, wrong, count);
}

const gpu = await openGpu();
async function elsewhere(name: string, model: ModelPackage, n: number): Promise<void> {
  await passesElsewhere(name, model, n, {
    where: 'ONNX Runtime',
    open: (one) => createCpuBackend(one, { runtimeOnly: true }),
  });
  if (!gpu) return console.log(`${name}: skipped, no WebGPU in this Node`);
  await passesElsewhere(name, model, n, {
    where: 'WebGPU',
    open: (one) => createWebgpuBackend(one, { device: gpu.device, dot: 'f32' }),
  });
}

const SHAPES = [32, 64, 128];
const generated = decoderPackage({
  ...DECODER_SMALL,
  layers: 2,
  sequences: TALKS,
  tokens: SHAPES[0]!,
  blockKeys: SHAPES[0]!,
  otherShapes: SHAPES.slice(1).map((length) => ({ sequences: TALKS, tokens: length })),
});
await stepsAgainstPasses('generated', generated, tokens);
await elsewhere('generated', generated, tokens);
const talker = chatty();
await answersAgainstVerify('chatty', talker.model, talker.generation, tokens / 10);

if (!existsSync(join(values.model, MANIFEST_FILE))) {
  console.log(`${values.model}: skipped, it is not here: npm run model:fetch -- smollm2`);
} else {
  const read = (file: string) => new Uint8Array(readFileSync(join(values.model, file)));
  const model = await loadPackage((file) => Promise.resolve(read(file)));
  const generation = read(GENERATION_FILE);
  const name = `${model.manifest.name} ${toHex(modelId(model.manifest))}`;
  await stepsAgainstPasses(name, model, tokens);
  await answersAgainstVerify(name, model, generation, tokens / 100);
  await elsewhere(name, model, gpuTokens);
}
gpu?.device.destroy();
process.exitCode = isWrong ? 1 : 0;
