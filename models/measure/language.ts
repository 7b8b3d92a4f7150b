/**
 * A language model's exact package beside the float decoder that it was made of: the same texts to both, and the same
 * rule of choice (docs/generation.md) on the logits of each.
 */
import { shapeFor } from '../../src/core/manifest.ts';
import { assert } from '../../src/lib/errors.ts';
import { createCpuBackend } from '../../src/miner/cpu/cpu.ts';
import type { Backend, ModelPackage } from '../../src/miner/engine/backend.ts';
import { Course, openLanguage, type Language } from '../../src/miner/generator/course.ts';
import { Generator } from '../../src/miner/generator/generate.ts';
import { HEAD_ROWS_MAX } from '../../src/miner/generator/head.ts';
import { optionsOf, type Choosing, type Options } from '../../src/miner/generator/options.ts';
import type { Stepper } from '../../src/miner/generator/stepper.ts';
import { FloatDecoder, floatModel, Past } from '../import/llama/float.ts';
import { createArithmetic } from '../import/llama/kernel/arithmetic.ts';
import type { Llama } from '../import/llama/read/llama.ts';
import { compareLogits, noneCompared, type Compared } from './language-figures.ts';

/** Conversations of the exact model at once, and tokens of a step: a conversation's caches are in memory. */
const CONVERSATIONS = 8;
const TOGETHER = 16;

export type Side = 'float' | 'exact';
/** What an asker says beside the model's defaults. */
export type Said = Partial<Choosing>;

export interface LanguagePair {
  /** Most tokens of a text. */
  readonly context: number;
  /** Both on one text of 2 to `context` tokens: an entry for each after the first. */
  compare(ids: Uint32Array): Promise<Compared>;
  /** What one says after each input. @throws AppError INPUT_EMPTY, INPUT_LONG, OPTION_RANGE */
  answers(side: Side, inputs: readonly Uint32Array[], said: Said): Promise<number[][]>;
}

/** Whatever measures: a pair here, or in a thread. */
export type Lane = Pick<LanguagePair, 'compare' | 'answers'>;

/**
 * @param generation bytes of generation.json
 * @throws AppError MODEL_CORRUPT, MODEL_REFUSED, DEVICE_MEMORY
 */
export async function openPair(
  llama: Llama,
  model: ModelPackage,
  generation: Uint8Array,
): Promise<LanguagePair> {
  const language = await openLanguage(model.manifest, model.tables, generation);
  const backend = await createCpuBackend(model);
  const decoder = new FloatDecoder(await createArithmetic(), floatModel(llama));
  decoder.place();
  const before = new Past();
  const prefix = Uint32Array.from(language.generation.prefix);
  decoder.forward([{ ids: prefix, past: before, keep: true }]);
  let steps: Promise<Stepper> | undefined;
  const parts: Parts = {
    language,
    backend,
    decoder,
    before,
    steps: () => (steps ??= backend.steps!({ together: TOGETHER, conversations: CONVERSATIONS })),
  };
  return {
    context: language.generation.context,
    compare: (ids) => compare(parts, ids),
    answers: (side, inputs, said) => {
      const options = optionsOf(language.generation.defaults, said);
      return side === 'float'
        ? Promise.resolve(floatAnswers(parts, inputs, options))
        : exactAnswers(parts, inputs, options);
    },
  };
}

interface Parts {
  readonly language: Language;
  readonly backend: Backend;
  readonly decoder: FloatDecoder;
  /** The prefix, which no input holds. */
  readonly before: Past;
  readonly steps: () => Promise<Stepper>;
}

async function compare(
  { language, backend, decoder, before }: Parts,
  ids: Uint32Array,
): Promise<Compared> {
  const { manifest, head, generation } = language;
  assert(ids.length >= 2 && ids.length <= generation.context, `${ids.length} tokens`);
  const shape = shapeFor(manifest, ids.length);
  const tokens = new Uint32Array(manifest.shapes[shape]!.tokens);
  tokens.set(ids);
  const plain = { shape, tokens, sigma0: undefined, limits: [], answerOnly: true };
  const { answer } = await backend.pass(plain);
  const stream = decoder.forward([{ ids, past: before }]);

  const compared = noneCompared();
  const { vocabulary } = manifest;
  const { hidden } = decoder.model.config;
  const last = ids.length - 1;
  for (let from = 0; from < last; from += HEAD_ROWS_MAX) {
    const to = Math.min(from + HEAD_ROWS_MAX, last);
    const float = decoder.logits(stream.slice(from * hidden, to * hidden));
    await head.each(answer.subarray(from * head.size, to * head.size), (exact, row) => {
      const own = float.subarray(row * vocabulary, (row + 1) * vocabulary);
      const at = { nat: generation.perNat, next: ids[from + row + 1]! };
      compareLogits(compared, own, exact, at);
    });
  }
  return compared;
}

/** All answers side by side, a token of each in a step. */
function floatAnswers(
  { language, decoder, before }: Parts,
  inputs: readonly Uint32Array[],
  options: Options,
): number[][] {
  const { hidden, vocabulary } = decoder.model.config;
  const { perNat } = language.generation;
  const answers = inputs.map((input) => ({
    course: new Course(language, input, options),
    past: before.copy(),
    next: input,
    said: [] as number[],
  }));
  for (let open = answers; open.length;) {
    const stream = decoder.forward(open.map(({ next, past }) => ({ ids: next, past, keep: true })));
    const last = new Float32Array(open.length * hidden);
    let end = 0;
    for (const [i, { next }] of open.entries()) {
      end += next.length * hidden;
      last.set(stream.subarray(end - hidden, end), i * hidden);
    }
    const logits = decoder.logits(last);
    open = open.filter((answer, i) => {
      const own = logits.subarray(i * vocabulary, (i + 1) * vocabulary);
      const token = answer.course.choose(Float64Array.from(own, (v) => Math.round(v * perNat)));
      answer.said.push(token);
      answer.next = Uint32Array.of(token);
      return !answer.course.take(token);
    });
  }
  return answers.map(({ said }) => said);
}

async function exactAnswers(
  { language, steps }: Parts,
  inputs: readonly Uint32Array[],
  options: Options,
): Promise<number[][]> {
  const generator = new Generator(language, await steps());
  const answer = async (input: Uint32Array): Promise<number[]> => {
    const said: number[] = [];
    for await (const { token } of generator.generate({ input, options })) said.push(token);
    return said;
  };
  return Promise.all(inputs.map(answer));
}
