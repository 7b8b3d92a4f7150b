/** Answers on this device, as text: pieces, ends, readers that go, bounds. The maker is a list of tokens. */
import { expect, test, vi } from 'vitest';
import { generateHere } from '../../../src/client/models/generate-here.ts';
import type { Answerer } from '../../../src/client/mining/answerer.ts';
import { sequenceBytes } from '../../../src/core/manifest.ts';
import { AppError } from '../../../src/lib/errors.ts';
import type { Finish, Made } from '../../../src/miner/generator/answer.ts';
import { parseGeneration } from '../../../src/miner/generator/generation.ts';
import { decodeOptions, seedFromText } from '../../../src/miner/generator/options.ts';
import { DECODER_SMALL, decoderPackage, generatedGeneration } from '../../models/decoder.ts';

const MODEL = new Uint8Array(32).fill(9);
const file = generatedGeneration(DECODER_SMALL);
const generation = parseGeneration(file);
const { manifest } = decoderPackage(DECODER_SMALL, false, file);
/** Of u16, with the padding that `converse` puts behind it. */
const inputOf = (...ids: number[]): Uint8Array => {
  const input = new Uint8Array(sequenceBytes(manifest));
  input.set(new Uint8Array(Uint16Array.from(ids).buffer));
  return input;
};
const asked = { model: MODEL, input: inputOf(97, 98, 99) };

/** `next`: the tokens as they are made; undefined ends them with `PASS_ABORTED` once the signal fires. */
function open(make: (signal: AbortSignal) => AsyncGenerator<Made, void, void>, unreadMs?: number) {
  const jobs: Parameters<Answerer['generate']>[0][] = [];
  let ended = 0;
  let last = 0;
  const api = generateHere({
    answerer: {
      async *generate(job) {
        jobs.push(job);
        try {
          yield* make(job.signal);
        } finally {
          ended++;
        }
      },
    },
    texts: {
      // A token is a byte, but for 0, which has none.
      textBytes: async (_, tokens) => Uint8Array.from(tokens.filter((token) => token)),
    },
    language: async () => ({ manifest, generation }),
    randomId: () => ++last,
    ...(unreadMs !== undefined && { unreadMs }),
  });
  return { api, jobs, ended: () => ended };
}

async function* tokens(all: readonly number[], finish: Finish = 'stop') {
  for (const [i, token] of all.entries())
    yield { token, finish: i === all.length - 1 ? finish : undefined };
}

/** Never gives one, until it is stopped. */
async function* silent(signal: AbortSignal): AsyncGenerator<Made, void, void> {
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
  yield* [];
  throw new AppError('PASS_ABORTED', 'stopped');
}

async function read(api: ReturnType<typeof open>['api'], id: number) {
  let text = '';
  for (;;) {
    const came = await api.generated(id);
    text += came.text;
    if (came.finish) return { text, tokens: came.tokens, finish: came.finish };
  }
}

test('the text of all tokens, in pieces, and why it ends; then it is known no more', async () => {
  // È is two bytes, of two tokens.
  const { api, jobs } = open(() => tokens([0xc3, 0x88, 0x21, 0, 0x50, 0xc3], 'length'));
  const id = await api.generate({ ...asked, options: { maxTokens: 6 }, seed: '42' });
  expect(await read(api, id)).toEqual({
    // What is no letter at the end is told as such.
    text: 'È!P\ufffd',
    tokens: 6,
    finish: 'length',
  });
  const [job] = jobs;
  expect(job).toMatchObject({ model: MODEL, rank: 'own' });
  expect([...job!.input]).toEqual([97, 98, 99]);
  expect(decodeOptions(job!.options, generation.defaults)).toMatchObject({
    ...generation.defaults,
    maxTokens: 6,
    seed: seedFromText('42'),
  });
  await expect(api.generated(id)).rejects.toMatchObject({ code: 'PASS_ABORTED' });
  expect(await api.generation(MODEL)).toEqual({
    defaults: generation.defaults,
    context: generation.context,
  });
});

test('a reader that is slower than the maker gets all that has come at once', async () => {
  const { api, ended } = open(() => tokens([97, 98, 99]));
  const id = await api.generate(asked);
  await vi.waitUntil(() => ended() === 1);
  expect(await api.generated(id)).toEqual({ text: 'abc', tokens: 3, finish: 'stop' });
});

test('what came before a failure is given first', async () => {
  const { api, ended } = open(async function* () {
    yield* [{ token: 97, finish: undefined }];
    throw new AppError('DEVICE_MEMORY', 'no room');
  });
  const id = await api.generate(asked);
  await vi.waitUntil(() => ended() === 1);
  expect(await api.generated(id)).toMatchObject({ text: 'a', finish: undefined });
  await expect(api.generated(id)).rejects.toMatchObject({ code: 'DEVICE_MEMORY' });
  await expect(api.generated(id)).rejects.toMatchObject({ code: 'PASS_ABORTED' });
});

test('who stops it, and who goes without a word, ends it', async () => {
  const stopped = open(silent);
  const id = await stopped.api.generate(asked);
  const reading = stopped.api.generated(id);
  await expect(stopped.api.generated(id)).rejects.toMatchObject({ code: 'BUSY' });
  await stopped.api.stopGenerating(id);
  await expect(reading).rejects.toMatchObject({ code: 'PASS_ABORTED' });
  expect(stopped.ended()).toBe(1);
  await stopped.api.stopGenerating(id);

  const left = open(silent, 5);
  const other = await left.api.generate(asked);
  await expect.poll(left.ended).toBe(1);
  await expect(left.api.generated(other)).rejects.toMatchObject({ code: 'PASS_ABORTED' });
});

test('eight are made at once; bad options and too long a text are refused before anything is asked', async () => {
  const { api, jobs } = open(silent);
  const ids = await Promise.all(Array.from({ length: 8 }, () => api.generate(asked)));
  await expect(api.generate(asked)).rejects.toMatchObject({ code: 'BUSY' });
  await api.stopGenerating(ids[3]!);
  await expect(api.generate({ ...asked, options: { temperature: 1025 } })).rejects.toMatchObject({
    code: 'OPTION_RANGE',
  });
  const refused = (input: Uint8Array, error: object) =>
    expect(api.generate({ ...asked, input })).rejects.toMatchObject(error);
  const { context } = generation;
  await refused(inputOf(...new Array<number>(context).fill(5)), {
    code: 'INPUT_LONG',
    message: `${context} tokens, where input and answer may have ${context}`,
  });
  await refused(inputOf(), { code: 'INPUT_EMPTY' });
  await refused(inputOf(1, manifest.vocabulary), { code: 'INPUT_LONG' });
  expect(jobs).toHaveLength(8);
  for (const id of ids) await api.stopGenerating(id);
});
