/** Language models beside mining, on a generated decoder: streams, ranks, rests, drops, claims, release. */
import { afterEach, expect, test, vi } from 'vitest';
import { toHex } from '../../../src/lib/bytes.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { createCpuBackend } from '../../../src/miner/cpu/cpu.ts';
import type { Backend, ModelPackage } from '../../../src/miner/engine/backend.ts';
import { Miner } from '../../../src/miner/engine/miner.ts';
import { WAIT_SECONDS_MAX, type GenerateJob } from '../../../src/miner/engine/miner-api.ts';
import { openLanguage } from '../../../src/miner/generator/course.ts';
import { Generator } from '../../../src/miner/generator/generate.ts';
import { decodeOptions, encodeOptions, optionsOf } from '../../../src/miner/generator/options.ts';
import { DECODER_SMALL, decoderPackage, generatedGeneration } from '../../models/decoder.ts';
import { loadModel } from '../small-model.ts';
import { workWith } from '../work.ts';

const tiny = await loadModel('tiny');
const SIZE = { ...DECODER_SMALL, tokens: 16, otherShapes: [{ sequences: 2, tokens: 48 }] };
const generation = generatedGeneration(SIZE);
const decoder: ModelPackage = { ...decoderPackage(SIZE, true, generation), generation };
const { defaults } = JSON.parse(new TextDecoder().decode(generation)) as {
  defaults: Parameters<typeof optionsOf>[0];
};
const template = workWith(tiny, 1n);
const wait = { timeout: 30_000, interval: 2 };

const made: Miner[] = [];
afterEach(() => made.splice(0).forEach((miner) => miner.pause()));

function create(
  change: (backend: Backend, model: ModelPackage) => Backend = (backend) => backend,
  nowMs = () => performance.now(),
) {
  const models = [tiny, decoder];
  const miner: Miner = new Miner({
    modelNamed: (name) => models.find(({ manifest }) => manifest.name === name),
    modelOf: (id) => models.find((model) => toHex(model.id) === toHex(id)),
    createCpu: async (given) => change(await createCpuBackend(given), given),
    createWebgpu: undefined,
    nowMs,
    randomNonce: () => 1n,
    onStatus: () => undefined,
    onBlock: () => undefined,
  });
  made.push(miner);
  return miner;
}

const job = (
  length = 5,
  change: Partial<GenerateJob> & { maxTokens?: number } = {},
): GenerateJob => {
  const { maxTokens = 30, ...rest } = change;
  const input = Uint32Array.from({ length }, (_, i) => 11 + ((i * 29) % 200));
  const options = encodeOptions(optionsOf(defaults, { temperature: 300, maxTokens }));
  return { model: decoder.id, input, options, rank: 'own', ...rest };
};

let last = 0;
/** All tokens; `each` after each. */
async function read(
  miner: Miner,
  asked: GenerateJob,
  each: () => unknown = () => undefined,
  id = ++last,
): Promise<number[]> {
  const tokens: number[] = [];
  for (let next = await miner.generate(id, asked); ; next = await miner.nextToken(id)) {
    tokens.push(next.token);
    await each();
    if (next.finish) return tokens;
  }
}

/** By the model's own steps, with nothing around them. */
async function alone({ input, options }: GenerateJob): Promise<number[]> {
  const cpu = await createCpuBackend(decoder);
  const language = await openLanguage(decoder.manifest, decoder.tables, generation);
  const steps = await cpu.steps!({ together: 8, conversations: 1 });
  const tokens: number[] = [];
  const request = { input, options: decodeOptions(options, defaults) };
  for await (const { token } of new Generator(language, steps).generate(request))
    tokens.push(token);
  await cpu.close();
  return tokens;
}

test('an answer is the model’s, and right; a forged one is found at its place', async () => {
  const miner = create();
  for (const length of [1, 20]) {
    const asked = job(length);
    const tokens = await read(miner, asked);
    expect(tokens).toEqual(await alone(asked));
    expect(tokens.length).toBeGreaterThan(3);
    const answer = Uint32Array.from(tokens);
    const { rank: _, ...claim } = asked;
    expect(await miner.verifyAnswer({ ...claim, answer })).toEqual({ right: true });
    const forged = answer.with(2, (answer[2]! + 1) % decoder.manifest.vocabulary);
    const found = { right: false, at: 2, token: tokens[2] };
    expect(await miner.verifyAnswer({ ...claim, answer: forged })).toEqual(found);
  }
  // No options are the package's own.
  const plain = job(3, { options: new Uint8Array() });
  expect(await read(miner, plain)).toEqual(await alone(plain));
});

test('units rest while the person’s own answer is made, and go on after it', async () => {
  const miner = create();
  await read(miner, job(3));
  miner.work(template);
  await miner.start('tiny', 'cpu');
  await vi.waitUntil(() => miner.status.units > 2, wait);
  const units: number[] = [];
  await read(miner, job(3), () => units.push(miner.status.units));
  // At most the unit that was in work came to its end.
  expect(units.at(-1)! - units[0]!).toBeLessThanOrEqual(1);
  const after = miner.status.units;
  await vi.waitUntil(() => miner.status.units > after + 2, wait);
  // Beside an answer of somebody else they go on.
  const asked = job(3, { rank: 'payer' });
  const before = miner.status.units;
  await read(miner, asked, () => vi.waitUntil(() => miner.status.units > before + 1, wait));
});

test('held work: others hear that it is busy, also in the middle; an own answer is made', async () => {
  const miner = create();
  const asked = job(4, { rank: 'payer' });
  let read1 = 0;
  const cut = read(miner, asked, () => {
    if (++read1 === 2) miner.throttle(0);
  });
  await expect(cut).rejects.toMatchObject({ code: 'BUSY' });
  await expect(read(miner, job(4, { rank: 'stranger' }))).rejects.toMatchObject({ code: 'BUSY' });
  expect(miner.status.answering.waitSeconds).toBe(WAIT_SECONDS_MAX);
  const own = job(4);
  expect(await read(miner, own)).toEqual(await alone(own));
  miner.throttle(1);
  expect(await read(miner, asked)).toEqual(await alone(asked));
});

test('steps for others keep to the throttle, an own answer does not', async () => {
  const miner = create();
  await read(miner, job(2, { maxTokens: 2 }));
  miner.throttle(0.001);
  // A rest takes a thousand times as long as a step, or ten seconds.
  let count = 0;
  const slow = read(miner, job(2, { rank: 'payer' }), () => count++);
  await new Promise((r) => setTimeout(r, 300));
  expect(count).toBeLessThan(3);
  const own = job(6);
  expect(await read(miner, own)).toEqual(await alone(own));
  miner.throttle(1);
  expect(await slow).toEqual(await alone(job(2)));
});

test('a token’s time is told of steps for others that take one token, the own ones’ apart', async () => {
  let clockMs = 0;
  let stepMs = 7000;
  let single = 0;
  const miner = create(
    (backend) => {
      const { steps } = backend;
      if (!steps) return backend;
      return Object.assign(backend, {
        steps: async (size: Parameters<typeof steps>[0]) => {
          const stepper = await steps.call(backend, size);
          const step = stepper.step.bind(stepper);
          return Object.assign(stepper, {
            step: async (requests: Parameters<typeof step>[0]) => {
              // The first takes the whole input.
              clockMs += requests.length > 1 ? 900_000 : stepMs;
              if (requests.length === 1) single++;
              return await step(requests);
            },
          });
        },
      });
    },
    () => clockMs,
  );
  await read(miner, job(5));
  expect(miner.status.answering.tokenMs).toEqual({});
  stepMs = 500;
  await read(miner, job(5, { rank: 'payer', maxTokens: 3 }));
  expect(miner.status.answering.tokenMs).toEqual({ [decoder.manifest.name]: 500 });
  // The mean of the last sixteen.
  stepMs = 40;
  single = 0;
  while (single < 16) await read(miner, job(5, { rank: 'payer' }));
  expect(miner.status.answering.tokenMs).toEqual({ [decoder.manifest.name]: 40 });
  await miner.release(decoder.manifest.name);
  await read(miner, job(5));
  expect(miner.status.answering.tokenMs).toEqual({});
});

test('what is dropped ends: while it is read, while nobody reads, before its model is loaded', async () => {
  const miner = create();
  const early = read(miner, job(2), undefined, 1001);
  miner.dropAnswer(1001);
  await expect(early).rejects.toMatchObject({ code: 'PASS_ABORTED' });
  let count = 0;
  const during = read(miner, job(2), () => ++count === 3 && miner.dropAnswer(1002), 1002);
  await expect(during).rejects.toMatchObject({ code: 'PASS_ABORTED' });
  await miner.generate(1003, job(2));
  miner.dropAnswer(1003);
  await expect(miner.nextToken(1003)).rejects.toMatchObject({ code: 'PASS_ABORTED' });
  // All places are free again.
  const many = Array.from({ length: 4 }, (_, i) => job(2 + i));
  const read4 = await Promise.all(many.map((each) => read(miner, each)));
  for (const [i, each] of many.entries()) expect(read4[i]).toEqual(await alone(each));
});

test('bad input and options are refused with their codes, other models before they are loaded', async () => {
  const miner = create();
  const refused = (change: Partial<GenerateJob>, code: string) =>
    expect(read(miner, { ...job(2), ...change })).rejects.toMatchObject({ code });
  await refused({ model: tiny.id }, 'MODEL_REFUSED');
  await refused({ model: new Uint8Array(32) }, 'MODEL_MISSING');
  await refused({ input: new Uint32Array() }, 'INPUT_EMPTY');
  await refused({ input: new Uint32Array(48).fill(9) }, 'INPUT_LONG');
  await refused({ input: Uint32Array.of(3, 300) }, 'INPUT_LONG');
  await refused({ options: Uint8Array.of(9) }, 'OPTION_MALFORMED');
  const { rank: _, ...claim } = job(2);
  const answer = Uint32Array.of(1);
  await expect(
    miner.verifyAnswer({ ...claim, answer, options: Uint8Array.of(9) }),
  ).rejects.toMatchObject({ code: 'OPTION_MALFORMED' });
  await expect(miner.nextToken(99)).rejects.toMatchObject({ code: 'PASS_ABORTED' });
});

test('a model that answers is not released; after it, it is loaded anew', async () => {
  let loads = 0;
  const miner = create((backend, model) => {
    if (model === decoder) loads++;
    return backend;
  });
  await miner.generate(2001, job(2));
  await expect(miner.release('decoder')).rejects.toMatchObject({ code: 'MODEL_BUSY' });
  miner.dropAnswer(2001);
  await miner.release('decoder');
  expect(await read(miner, job(2))).toEqual(await alone(job(2)));
  expect(loads).toBe(2);
});

test('steps that are wrong on this device answer nobody', async () => {
  const miner = create((backend, model) =>
    model === decoder
      ? {
          ...backend,
          steps: async (options) => {
            const steps = await backend.steps!(options);
            const step = steps.step.bind(steps);
            steps.step = async (requests) => {
              const rows = await step(requests);
              rows[0]! ^= 1;
              return rows;
            };
            return steps;
          },
        }
      : backend,
  );
  await expect(read(miner, job(2))).rejects.toMatchObject({ code: 'SELF_TEST_FAILED' });
});

test('a model that is refused is tried once, however often it is asked', async () => {
  let tries = 0;
  const miner = create((backend, model) =>
    model === decoder
      ? {
          ...backend,
          steps: () => {
            tries++;
            return Promise.reject(new AppError('MODEL_REFUSED', 'no step'));
          },
        }
      : backend,
  );
  for (let i = 0; i < 3; i++)
    await expect(read(miner, job(2))).rejects.toMatchObject({ code: 'MODEL_REFUSED' });
  expect(tries).toBe(1);
});

test('claims wait in a line that has an end', async () => {
  const miner = create();
  const { rank: _, ...claim } = job(2);
  const answer = Uint32Array.of(1);
  const checks = Array.from({ length: 20 }, () => miner.verifyAnswer({ ...claim, answer }));
  const ends = await Promise.allSettled(checks);
  const busy = ends.filter(({ status }) => status === 'rejected');
  expect(busy).toHaveLength(4);
  expect(busy).toEqual(busy.map(() => expect.objectContaining({ reason: expect.objectContaining({ code: 'BUSY' }) }))); // prettier-ignore
  await miner.release('decoder');
});
