/** Answers beside mining, on real models: shared passes, turns with units, abort, rests, and a device that is wrong. */
import { afterEach, expect, test, vi } from 'vitest';
import { sequenceBytes, unitShape } from '../../src/core/manifest.ts';
import { concat, toHex } from '../../src/lib/bytes.ts';
import { AppError } from '../../src/lib/errors.ts';
import type { ErrorCode } from '../../src/lib/error-codes.ts';
import { SEQUENCES_MAX, WAITING_MAX } from '../../src/miner/engine/answer-queue.ts';
import { CHECKED_EVERY } from '../../src/miner/engine/answering.ts';
import type {
  Backend,
  ModelPackage,
  PassInput,
  PassResult,
} from '../../src/miner/engine/backend.ts';
import { createCpuBackend } from '../../src/miner/cpu/cpu.ts';
import { Miner } from '../../src/miner/engine/miner.ts';
import { WAIT_SECONDS_MAX, type Rank } from '../../src/miner/engine/miner-api.ts';
import { packInput } from '../oracle/pack-input.ts';
import { randomBytes } from '../oracle/random.ts';
import { loadModel } from './small-model.ts';
import { workWith } from './work.ts';

const tiny = await loadModel('tiny');
const polyglot = await loadModel('polyglot');
const zero = new Uint8Array(32);
/** A target that no ticket meets. */
const template = workWith(tiny, 1n);
const wait = { timeout: 30_000, interval: 2 };

type Device = (given: ModelPackage, cpu: Backend) => Backend;

const made: Miner[] = [];
afterEach(() => made.splice(0).forEach((miner) => miner.pause()));

/** `device`: what is put in the place of the processor for units and answers. */
function create(device?: Device) {
  const models = [tiny, polyglot];
  /** Every pass of the CPU in order. */
  const passes: ('unit' | 'plain')[] = [];
  const inputs: PassInput[] = [];
  let hold: Promise<void> | undefined;
  const miner: Miner = new Miner({
    modelNamed: (name) => models.find(({ manifest }) => manifest.name === name),
    modelOf: (id) => models.find((model) => toHex(model.id) === toHex(id)),
    async createCpu(given) {
      const cpu = await createCpuBackend(given);
      return {
        ...cpu,
        async pass(input) {
          passes.push(input.sigma0 ? 'unit' : 'plain');
          inputs.push(input);
          await hold;
          return await cpu.pass(input);
        },
      };
    },
    createWebgpu: device && (async (given) => device(given, await createCpuBackend(given))),
    nowMs: () => performance.now(),
    randomNonce: () => 1n,
    onStatus: () => undefined,
    onBlock: () => undefined,
  });
  made.push(miner);
  let last = 0;
  const ask = (input: Uint8Array, rank: Rank = 'payer', model = tiny) =>
    miner.answer(++last, { model: model.id, input, rank });
  return { miner, passes, inputs, ask, holdUntil: (end: Promise<void>) => void (hold = end) };
}

/** Rows of whole sequences, each run in a pass of its own on a backend that nothing else uses. */
async function rowsAlone(model: ModelPackage, input: Uint8Array): Promise<Uint8Array[]> {
  const cpu = await createCpuBackend(model);
  const { answerSize } = model.manifest;
  const size = sequenceBytes(model.manifest);
  const rows: Uint8Array[] = [];
  for (let at = 0; at < input.length; at += size) {
    const tokens = packInput(input.slice(at, at + size), model.manifest);
    const { answer } = await cpu.pass({ tokens, sigma0: undefined, limits: [] });
    rows.push(Uint8Array.from(answer.slice(0, answerSize), (x) => x & 0xff));
  }
  await cpu.close();
  return rows;
}

/** Words of a model of token ids, whole sequences. */
const words = (seed: string, sequences: number): Uint8Array => {
  const { vocabulary } = polyglot.manifest;
  const { tokens } = unitShape(polyglot.manifest);
  const ids = new Uint16Array(randomBytes(seed, 2 * tokens * sequences).buffer);
  return new Uint8Array(ids.map((id) => id % vocabulary).buffer);
};

const barrier = () => Promise.withResolvers<void>();
/** Codes of the promises that have failed so far. */
const codesOf = (promises: readonly Promise<unknown>[]): ErrorCode[] => {
  const codes: ErrorCode[] = [];
  for (const each of promises) each.catch((e: unknown) => codes.push(AppError.from(e).code));
  return codes;
};
const failed = (code: ErrorCode) => ({ status: 'rejected', reason: { code } });

test('labels: rows are those of each sequence alone, also of input that ends within one', async () => {
  const { ask, miner } = create();
  const inputs = [1, 16, 17, 32, 50].map((n) => randomBytes(`text ${n}`, n));
  const rows = await Promise.all(inputs.map((input) => ask(input)));
  expect(rows.map((each) => each.length)).toEqual([1, 1, 2, 2, 4]);
  for (const [i, input] of inputs.entries()) expect(rows[i]).toEqual(await rowsAlone(tiny, input));
  expect(miner.status.answering).toMatchObject({ waiting: 0, sequences: 10 });
  expect(miner.status.units).toBe(0);
});

test('embeddings: askers share a pass, and each has the rows of being alone', async () => {
  const { ask, inputs, holdUntil, miner } = create();
  const first = barrier();
  await ask(words('load', 1), 'payer', polyglot);
  holdUntil(first.promise);
  const before = inputs.length;
  const asked = ['a', 'b', 'c', 'd', 'e', 'f'].map((seed, i) => words(seed, 1 + (i % 3)));
  const early = ask(words('early', 1), 'payer', polyglot);
  await vi.waitUntil(() => inputs.length > before, wait);
  const answers = asked.map((input, i) => ask(input, i % 2 ? 'payer' : 'stranger', polyglot));
  first.resolve();
  const rows = await Promise.all(answers);
  await early;
  for (const [i, input] of asked.entries())
    expect(rows[i]).toEqual(await rowsAlone(polyglot, input));
  // The early one's pass began alone; the twelve sequences of the others fit two of eight.
  expect(inputs.length - before).toBe(3);
  expect(miner.status.answering).toMatchObject({ passes: 4, sequences: 14 });
});

test('units and answers take turns, one each, and mining is never held up', async () => {
  const { ask, passes, miner } = create();
  miner.work(template);
  await miner.start('tiny', 'cpu');
  await vi.waitUntil(() => miner.status.units > 2, wait);
  const from = passes.length;
  const answers = Array.from({ length: 20 }, (_, i) => ask(randomBytes(`${i}`, 32)));
  await Promise.all(answers);
  const ran = passes.slice(from).join(' ');
  expect(ran).not.toContain('plain plain');
  expect(ran.slice(ran.indexOf('plain'), ran.lastIndexOf('plain'))).not.toContain('unit unit');
  expect(ran.split('plain')).toHaveLength(21);
  const { units } = miner.status;
  await vi.waitUntil(() => miner.status.units > units + 2, wait);
  expect(miner.status.answering).toMatchObject({ waiting: 0, passes: 20, sequences: 40 });
});

test('a device with two units in flight runs one pass for each unit', async () => {
  const ran: string[] = [];
  const { ask, miner } = create((_, cpu) => ({
    ...cpu,
    kind: 'webgpu',
    depth: 2,
    pass: (input) => (ran.push(input.sigma0 ? 'unit' : 'plain'), cpu.pass(input)),
  }));
  miner.work(template);
  await miner.start('tiny', 'webgpu');
  await vi.waitUntil(() => miner.status.units > 2, wait);
  ran.length = 0;
  await Promise.all(Array.from({ length: 20 }, (_, i) => ask(randomBytes(`${i}`, 32))));
  expect(ran.filter((each) => each === 'plain')).toHaveLength(20);
  expect(ran.join(' ')).not.toContain('plain plain');
});

test('without a template, and after a pause, answers run on their own', async () => {
  const { ask, miner, passes } = create();
  await miner.start('tiny', 'cpu');
  expect(await ask(Uint8Array.of(1))).toHaveLength(1);
  miner.work(template);
  await vi.waitUntil(() => miner.status.units > 1, wait);
  const answers = Array.from({ length: 6 }, (_, i) => ask(randomBytes(`${i}`, 32)));
  miner.pause();
  await Promise.all(answers);
  const { units } = miner.status;
  await ask(Uint8Array.of(2), 'stranger');
  expect(miner.status).toMatchObject({ state: 'paused', units });
  expect(passes.at(-1)).toBe('plain');
});

test('a model that is not mined with answers beside one that is', async () => {
  const { ask, miner } = create();
  miner.work(template);
  await miner.start('tiny', 'cpu');
  const input = words('beside', 3);
  expect(await ask(input, 'payer', polyglot)).toEqual(await rowsAlone(polyglot, input));
  expect(miner.status.state).toBe('running');
  await miner.release('polyglot');
});

test('what is given up fails at once, and its pass goes on for the others in it', async () => {
  const { ask, inputs, holdUntil, miner } = create();
  await ask(Uint8Array.of(0));
  const held = barrier();
  holdUntil(held.promise);
  const before = inputs.length;
  const running = ask(Uint8Array.of(1));
  await vi.waitUntil(() => inputs.length > before, wait);
  const [mine, beside, waiting] = [2, 3, 4].map((byte) => ask(Uint8Array.of(byte)));
  const ends = Promise.allSettled([running, mine, beside, waiting]);
  expect(miner.status.answering.waiting).toBe(3);
  // Ids count from the first one asked here.
  miner.dropAnswer(2);
  miner.dropAnswer(5);
  expect(inputs[before]!.signal!.aborted).toBe(true);
  held.resolve();
  expect(await ends).toMatchObject([
    failed('PASS_ABORTED'),
    { status: 'fulfilled' },
    { status: 'fulfilled' },
    failed('PASS_ABORTED'),
  ]);
  // One pass was for nobody any more, one for the two that were left.
  expect(inputs).toHaveLength(before + 2);
  expect(inputs[before + 1]!.signal!.aborted).toBe(false);
  expect(miner.status.answering).toMatchObject({ waiting: 0, sequences: 3 });
});

test('a pass of several is not stopped while one of them waits', async () => {
  const { ask, inputs, holdUntil, miner } = create();
  await ask(Uint8Array.of(0));
  const first = barrier();
  holdUntil(first.promise);
  const before = inputs.length;
  const running = ask(Uint8Array.of(1));
  await vi.waitUntil(() => inputs.length > before, wait);
  const answers = [2, 3].map((byte) => ask(Uint8Array.of(byte)));
  const ends = Promise.allSettled([running, ...answers]);
  const second = barrier();
  holdUntil(second.promise);
  first.resolve();
  await vi.waitUntil(() => inputs.length > before + 1, wait);
  miner.dropAnswer(3);
  expect(inputs[before + 1]!.signal!.aborted).toBe(false);
  second.resolve();
  expect(await ends).toMatchObject([
    { status: 'fulfilled' },
    failed('PASS_ABORTED'),
    { status: 'fulfilled' },
  ]);
});

test('held work: others hear at once that it is busy, an own question is answered', async () => {
  const { ask, inputs, holdUntil, miner } = create();
  await ask(Uint8Array.of(0));
  const held = barrier();
  holdUntil(held.promise);
  const before = inputs.length;
  const running = ask(Uint8Array.of(1), 'own');
  await vi.waitUntil(() => inputs.length > before, wait);
  const waiting = codesOf([ask(Uint8Array.of(2)), ask(Uint8Array.of(3), 'stranger')]);
  miner.throttle(0);
  await vi.waitFor(() => expect(waiting).toEqual(['BUSY', 'BUSY']));
  expect(miner.status.answering).toMatchObject({ waiting: 0, waitSeconds: WAIT_SECONDS_MAX });
  const late = codesOf([ask(Uint8Array.of(4))]);
  await vi.waitFor(() => expect(late).toEqual(['BUSY']));
  held.resolve();
  await running;
  await ask(Uint8Array.of(5), 'own');
  miner.throttle(0.9);
  await ask(Uint8Array.of(6));
  expect(miner.status.answering.waitSeconds).toBe(0);
});

test('under a throttle answers and units share the time that there is', async () => {
  const ran: string[] = [];
  const { ask, miner } = create((_, cpu) => ({
    ...cpu,
    kind: 'webgpu',
    async pass(input) {
      ran.push(input.sigma0 ? 'unit' : 'plain');
      // The rest after a unit would have room for many passes.
      if (input.sigma0) await new Promise((r) => setTimeout(r, 20));
      return await cpu.pass(input);
    },
  }));
  miner.work(template);
  miner.throttle(0.2);
  await miner.start('tiny', 'webgpu');
  await vi.waitUntil(() => miner.status.units > 1, wait);
  ran.length = 0;
  await Promise.all(Array.from({ length: 5 }, (_, i) => ask(randomBytes(`${i}`, 32))));
  expect(ran.filter((each) => each === 'plain')).toHaveLength(5);
  expect(ran.join(' ')).not.toContain('plain plain');
});

test('an own question waits for no turn', async () => {
  const { ask, passes, miner } = create();
  miner.work(template);
  await miner.start('tiny', 'cpu');
  await vi.waitUntil(() => miner.status.units > 0, wait);
  // No unit begins any more.
  miner.throttle(0);
  const { units } = miner.status;
  await vi.waitUntil(() => miner.status.units > units, wait);
  const from = passes.length;
  const answer = ask(Uint8Array.of(1), 'own');
  await vi.waitFor(() => expect(passes.slice(from)).toEqual(['plain']));
  expect(await answer).toEqual(await rowsAlone(tiny, Uint8Array.of(1)));
});

test.each([
  ['nothing', 'INPUT_EMPTY', new Uint8Array()],
  ['more than a job may hold', 'INPUT_LONG', new Uint8Array(16 * SEQUENCES_MAX + 1)],
] as const)('input that is %s is refused', async (_, code, input) => {
  const { ask, passes } = create();
  await expect(ask(input)).rejects.toMatchObject({ code });
  expect(passes).toEqual([]);
});

test('words that the model does not know, and a model that is not here, are refused', async () => {
  const { ask, miner } = create();
  const unknown = new Uint8Array(4).fill(255);
  const code = 'INPUT_LONG';
  await expect(ask(unknown, 'payer', polyglot)).rejects.toMatchObject({ code });
  await expect(ask(Uint8Array.of(1), 'payer', polyglot)).rejects.toMatchObject({ code });
  const job = { model: zero, input: Uint8Array.of(1), rank: 'own' } as const;
  await expect(miner.answer(100, job)).rejects.toMatchObject({ code: 'MODEL_MISSING' });
});

test('beyond the bound strangers hear that it is busy; the longest job is answered whole', async () => {
  const { ask, inputs, holdUntil } = create();
  await ask(Uint8Array.of(0));
  const held = barrier();
  holdUntil(held.promise);
  const before = inputs.length;
  const long = randomBytes('long', 16 * SEQUENCES_MAX);
  const whole = ask(long, 'stranger');
  await vi.waitUntil(() => inputs.length > before, wait);
  const others = Array.from({ length: WAITING_MAX.stranger.jobs }, () =>
    ask(Uint8Array.of(1), 'stranger'),
  );
  await expect(others.at(-1)).rejects.toMatchObject({ code: 'BUSY' });
  const paid = ask(Uint8Array.of(1));
  held.resolve();
  await paid;
  expect(await whole).toEqual(await rowsAlone(tiny, long));
  await Promise.all(others.slice(0, -1));
});

test('a model is not let go while an answer of it waits', async () => {
  const { ask, inputs, holdUntil, miner } = create();
  await ask(Uint8Array.of(0));
  const held = barrier();
  holdUntil(held.promise);
  const before = inputs.length;
  const running = ask(Uint8Array.of(1));
  await vi.waitUntil(() => inputs.length > before, wait);
  await expect(miner.release('tiny')).rejects.toMatchObject({ code: 'MODEL_BUSY' });
  held.resolve();
  await running;
  await miner.release('tiny');
});

/** Plain passes of a device's test: its unit, and a batch and a part of it. */
const TESTED = 3;

/** A GPU made of the processor; `plain` changes its plain passes after its test. */
function card(plain: (cpu: Backend, input: PassInput) => ReturnType<Backend['pass']>) {
  const seen = { plain: 0, closed: 0 };
  const device: Device = (_, cpu) => ({
    ...cpu,
    kind: 'webgpu',
    device: 'a card',
    fallBack: () => Promise.resolve(false),
    pass: (input) => (input.sigma0 || ++seen.plain <= TESTED ? cpu.pass(input) : plain(cpu, input)),
    close: () => (seen.closed++, cpu.close()),
  });
  return { seen, device };
}
const lying = async (cpu: Backend, input: PassInput) => {
  const result = await cpu.pass(input);
  return { ...result, answer: result.answer.map((x) => x ^ 1) };
};

test('a device answers; its first pass and one in many are run again on the CPU', async () => {
  const { seen, device } = card((cpu, input) => cpu.pass(input));
  const { ask, passes, miner } = create(device);
  await miner.start('tiny', 'webgpu');
  const from = passes.length;
  for (let i = 0; i <= CHECKED_EVERY; i++) await ask(Uint8Array.of(i));
  expect(seen.plain).toBe(TESTED + CHECKED_EVERY + 1);
  expect(passes.slice(from)).toEqual(['plain', 'plain']);
});

test.each(['mining', 'paused'])('a device that lies is not used again: %s', async (state) => {
  const { seen, device } = card(lying);
  const { ask, miner } = create(device);
  miner.work(template);
  await miner.start('tiny', 'webgpu');
  await vi.waitUntil(() => miner.status.units > 1, wait);
  if (state === 'paused') miner.pause();
  const input = randomBytes('asked', 16);
  const right = await rowsAlone(tiny, input);
  expect(await ask(input)).toEqual(right);
  await vi.waitFor(() => expect(seen.closed).toBe(1), wait);
  expect(miner.status.rejected).toEqual({ 'gpu: SELF_TEST_FAILED': 1 });
  expect(await ask(input)).toEqual(right);
  expect(seen.plain).toBe(TESTED + 1);
  expect(miner.status.inexact).toEqual({ backend: 'webgpu', model: 'tiny', step: 0 });
  if (state === 'paused') {
    const again = miner.start('tiny', 'webgpu');
    await expect(again).rejects.toMatchObject({ code: 'EXACTNESS_LOST' });
    return;
  }
  await vi.waitUntil(() => miner.status.backend === 'cpu', wait);
  const { units } = miner.status;
  await vi.waitUntil(() => miner.status.units > units + 1, wait);
  expect(miner.status.state).toBe('running');
});

test.each<[string, number, (result: PassResult) => Partial<PassResult>]>([
  ['of a whole unit', 32, ({ x }) => ({ x: x.with(1, zero) })],
  ['of a few sequences', 1, ({ captured }) => ({ captured: captured!.map((v) => v ^ 1) })],
])('activations that differ show a device as wrong: %s', async (_, bytes, changed) => {
  const { device } = card(async (cpu, input) => {
    const result = await cpu.pass(input);
    return { ...result, ...changed(result) };
  });
  const { ask, miner } = create(device);
  await miner.start('tiny', 'webgpu');
  miner.pause();
  await ask(new Uint8Array(bytes).fill(1));
  expect(miner.status.rejected).toEqual({ 'gpu: SELF_TEST_FAILED': 1 });
});

test.each(['DEVICE_LOST', 'DEVICE_MEMORY'] as const)(
  'an answer is given although the device fails with %s',
  async (code) => {
    const { seen, device } = card(async () => {
      throw new AppError(code, 'it went');
    });
    const { ask, miner } = create(device);
    await miner.start('tiny', 'webgpu');
    miner.pause();
    const input = randomBytes('asked', 32);
    expect(await ask(input)).toEqual(await rowsAlone(tiny, input));
    expect(seen).toEqual({ plain: TESTED + 1, closed: 1 });
    expect(miner.status.rejected).toEqual({ [`gpu: ${code}`]: 1 });
  },
);

test('answers run on all lanes; what a lane leaves undone, as it is closed, is run here', async () => {
  const seen = { inFlight: 0, most: 0, closed: false };
  const { ask, miner } = create((_, cpu) => ({
    ...cpu,
    lanes: 3,
    depth: 5,
    async pass(input) {
      if (seen.closed) throw new AppError('PASS_ABORTED', 'its lane was closed');
      seen.most = Math.max(seen.most, ++seen.inFlight);
      return await cpu.pass(input).finally(() => seen.inFlight--);
    },
  }));
  await miner.start('tiny', 'webgpu');
  seen.most = 0;
  await Promise.all(Array.from({ length: 9 }, (_, i) => ask(randomBytes(`${i}`, 32))));
  expect(seen.most).toBe(3);
  miner.throttle(0.9);
  await Promise.all(Array.from({ length: 4 }, (_, i) => ask(randomBytes(`${i}`, 32))));
  expect(seen.most).toBe(3);
  seen.closed = true;
  const input = randomBytes('closed', 32);
  expect(await ask(input)).toEqual(await rowsAlone(tiny, input));
  expect(miner.status.rejected).toEqual({});
});

test('a wait is foretold from what waits and the pace of the last passes', async () => {
  const { ask, inputs, holdUntil, miner } = create();
  await ask(Uint8Array.of(0));
  expect(miner.status.answering.waitSeconds).toBe(0);
  const held = barrier();
  holdUntil(held.promise);
  const before = inputs.length;
  const many = Array.from({ length: 8 }, () => ask(concat(zero, zero)));
  await vi.waitUntil(() => inputs.length > before, wait);
  held.resolve();
  holdUntil(Promise.resolve());
  await many[0];
  expect(miner.status.answering.waitSeconds).toBeGreaterThan(0);
  await Promise.all(many);
  expect(miner.status.answering).toMatchObject({ waiting: 0, waitSeconds: 0 });
});
