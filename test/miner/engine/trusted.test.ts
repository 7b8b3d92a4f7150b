/** What is believed: tests that are kept, code that turns out wrong, and what runs instead. */
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { ZERO_HASH } from '../../../src/core/hash.ts';
import { unitShape } from '../../../src/core/manifest.ts';
import { knownStep } from '../../../src/core/pow/known.ts';
import { tokensOf } from '../../../src/core/pow/seed.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { createCpuBackend } from '../../../src/miner/cpu/cpu.ts';
import type { Backend, PassResult } from '../../../src/miner/engine/backend.ts';
import { memoryStore } from '../../../src/miner/engine/trust/device-store.ts';
import { Miner } from '../../../src/miner/engine/miner.ts';
import { trust } from '../../../src/miner/engine/trust/trusted.ts';
import { Judge, judgeUnit } from '../../../src/miner/engine/trust/judge.ts';
import { plainStepBeside } from '../../../src/miner/plain-step.ts';
import { decoderPackage, DECODER_SMALL } from '../../models/decoder.ts';
import { loadModel } from '../small-model.ts';
import { workWith } from '../work.ts';

const model = await loadModel('tiny');
const cpu = await createCpuBackend(model);
const { known } = unitShape(model.manifest);
const input = {
  tokens: tokensOf(ZERO_HASH, model.manifest),
  sigma0: ZERO_HASH,
  limits: model.manifest.linears.map(() => 0n),
};
const digest = (x: number): Uint8Array => new Uint8Array(32).fill(x);

/** A backend with code of its own, which may be wrong from one step on, and something right to fall back on. */
function own(kind: Backend['kind'] = 'cpu') {
  const seen = { steps: 0, closed: 0 };
  const state = { wrongFrom: Infinity, wrongBelow: 0, isOwn: true, canFall: true, code: 1 };
  const isWrong = (step: number): boolean => state.isOwn && step >= state.wrongFrom;
  const spoil = (result: PassResult): PassResult => ({
    ...result,
    x: result.x.map((x, i) => (isWrong(i + 1) ? digest(i) : x)),
    answer: isWrong(known.length) ? result.answer.map((x) => x ^ 1) : result.answer,
  });
  const backend: Backend = {
    ...cpu,
    kind,
    program: () => Promise.resolve(digest(state.isOwn ? state.code : 99)),
    fallBack() {
      const changes = state.canFall && state.isOwn;
      if (changes) state.isOwn = false;
      return Promise.resolve(changes);
    },
    async step(given) {
      seen.steps++;
      return isWrong(given.number) ? digest(0) : await cpu.step(given);
    },
    async pass(given) {
      const result = spoil(await cpu.pass(given));
      if (!state.isOwn || given.tokens.length >= state.wrongBelow) return result;
      return { ...result, answer: result.answer.map((x, i) => (i ? x : x ^ 1)) };
    },
    close: () => Promise.resolve(void seen.closed++),
  };
  return { backend, seen, state };
}

describe('a backend', () => {
  let verdicts = memoryStore();
  beforeEach(() => void (verdicts = memoryStore()));
  const lost: [string, number][] = [];
  beforeEach(() => void lost.splice(0));
  const onLost = ({ kind }: Backend, step: number): void => void lost.push([kind, step]);
  const trusted = (backend: Backend) => trust(backend, { model, verdicts, onLost });

  test('is tested once on a device, and again as another program, on another device', async () => {
    const first = own();
    await trusted(first.backend);
    expect(first.seen.steps).toBe(known.length);
    const again = own();
    await trusted(again.backend);
    expect(again.seen.steps).toBe(0);
    again.state.code = 2;
    await trusted(again.backend);
    expect(again.seen.steps).toBe(known.length);
    // A device that was lost may have come back as another.
    await trust(again.backend, { model, verdicts, onLost, anew: true });
    expect(again.seen.steps).toBe(2 * known.length);
    const other = own();
    await trusted({ ...other.backend, device: 'another' });
    await trusted({ ...other.backend, kind: 'webgpu' });
    expect(other.seen.steps).toBe(2 * known.length);
    expect(lost).toEqual([]);
  });

  test('is tested again where nothing is kept of it, or the store fails', async () => {
    const { backend, seen } = own();
    const { program: _, ...nameless } = backend;
    await trusted(nameless);
    await trusted(nameless);
    expect(seen.steps).toBe(2 * known.length);
    const fails = () => Promise.reject(new Error('no room'));
    await trust(backend, { model, onLost, verdicts: { read: fails, write: fails } });
    expect(seen.steps).toBe(3 * known.length);
  });

  test('with a wrong step falls back, now and at every later start', async () => {
    for (const start of [1, 2]) {
      const { backend, seen, state } = own();
      state.wrongFrom = 3;
      const safe = await trusted(backend);
      expect(lost).toEqual(Array(start).fill(['cpu', 3]));
      expect(state.isOwn).toBe(false);
      // What it falls back on has passed the whole test too.
      expect(seen.steps).toBe(start === 1 ? 3 + known.length : 0);
      expect((await safe.pass(input)).x).toEqual((await cpu.pass(input)).x);
    }
  });

  test('that is wrong for a part of a batch alone falls back', async () => {
    const { backend, state } = own();
    state.wrongBelow = input.tokens.length;
    await trusted(backend);
    expect(lost).toEqual([['cpu', known.length]]);
    expect(state.isOwn).toBe(false);
  });

  test('with a wrong step and nothing to fall back on runs nothing', async () => {
    const { backend, state } = own();
    state.canFall = false;
    state.wrongFrom = 2;
    await expect(trusted(backend)).rejects.toMatchObject({ code: 'SELF_TEST_FAILED', step: 2 });
    state.wrongFrom = Infinity;
    const safe = await trusted(backend);
    await expect(safe.lose(4)).rejects.toMatchObject({ code: 'EXACTNESS_LOST', step: 4 });
    await expect(safe.pass(input)).rejects.toMatchObject({ code: 'EXACTNESS_LOST' });
    await expect(safe.step(knownStep(model.manifest, 1))).rejects.toMatchObject({ step: 4 });
  });

  test('that turned wrong later is tested on what it falls back on', async () => {
    const { backend, seen, state } = own();
    const safe = await trusted(backend);
    state.wrongFrom = 1;
    await safe.lose(1);
    expect(lost).toEqual([['cpu', 1]]);
    expect(seen.steps).toBe(2 * known.length);
    expect((await safe.pass(input)).x).toEqual((await cpu.pass(input)).x);
  });
});

describe('what is wrong', () => {
  const onLost = (): void => undefined;

  test('is in no answer that was being computed when it was found', async () => {
    const { backend, state } = own();
    const [computed, held] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const pass: Backend['pass'] = async (given) => {
      const result = await backend.pass(given);
      if (state.wrongFrom === 1) {
        computed.resolve();
        await held.promise;
      }
      return result;
    };
    const parts = { model, verdicts: memoryStore(), onLost };
    const safe = await trust({ ...backend, pass }, parts);
    state.wrongFrom = 1;
    const running = safe.pass(input);
    await computed.promise;
    const losing = safe.lose(1);
    const later = safe.pass(input);
    held.resolve();
    await losing;
    for (const result of [await running, await later])
      expect(result.x).toEqual((await cpu.pass(input)).x);
  });

  test('is not used at a later start, even where nothing could be loaded in its place', async () => {
    const verdicts = memoryStore();
    const lost: number[] = [];
    const parts = { model, verdicts, onLost: (_: Backend, step: number) => void lost.push(step) };
    const { backend } = own();
    const offline = new AppError('MODEL_REFUSED', 'segment 0 does not load');
    const safe = await trust({ ...backend, fallBack: () => Promise.reject(offline) }, parts);
    await expect(safe.lose(3)).rejects.toThrow(offline);
    const again = own();
    await trust(again.backend, parts);
    expect(again.state.isOwn).toBe(false);
    expect(lost).toEqual([3, 3]);
  });

  test('is left once, where tests of two shapes find it at once', async () => {
    const { backend, state } = own();
    let falls = 0;
    const step: Backend['step'] = (given, shape = 0) =>
      shape && state.isOwn ? Promise.resolve(digest(0)) : backend.step(given);
    const shape = unitShape(model.manifest);
    const shapes = { ...model, manifest: { ...model.manifest, shapes: [shape, shape, shape] } };
    const pass: Backend['pass'] = (given) => backend.pass({ ...given, shape: 0 });
    const fallBack = (): Promise<boolean> => (falls++, backend.fallBack!());
    const safe = await trust(
      { ...backend, step, pass, fallBack },
      { model: shapes, verdicts: memoryStore(), onLost },
    );
    const results = await Promise.all(
      [1, 2].map((shape) => safe.step(knownStep(model.manifest, 1), shape)),
    );
    expect(results).toEqual([known[0], known[0]]);
    expect(falls).toBe(1);
  });
});

describe('steps of a language model', () => {
  const decoder = decoderPackage(DECODER_SMALL, true);
  const verdicts = memoryStore();
  /** A start: what its passes and steps of the test were. */
  async function start(more: Partial<Parameters<typeof trust>[1]> = {}) {
    const seen = { passes: 0, steps: 0 };
    const device = await createCpuBackend(decoder);
    const backend: Backend = {
      ...device,
      pass: (given) => (seen.passes++, device.pass(given)),
      step: (given, shape) => (seen.steps++, device.step(given, shape)),
    };
    const onLost = (): void => undefined;
    const safe = await trust(backend, { model: decoder, verdicts, onLost, ...more });
    return { safe, seen };
  }
  const open = async ({ safe }: Awaited<ReturnType<typeof start>>) =>
    await safe.steps!({ together: 4, conversations: 2 });

  test('are held against a pass that was tested, once on a device', async () => {
    const first = await start();
    expect(first.seen).toEqual({ passes: 0, steps: 0 });
    await open(first);
    expect(first.seen.passes).toBeGreaterThan(0);
    expect(first.seen.steps).toBe(unitShape(decoder.manifest).known.length);
    const later = await start();
    const memory = later.safe.memoryBytes();
    await open(later);
    expect(later.seen).toEqual({ passes: 0, steps: 0 });
    // A pass is planned when one is asked for.
    const tokens = new Uint32Array(unitShape(decoder.manifest).tokens);
    await later.safe.pass({ tokens, sigma0: undefined, limits: [] });
    expect(later.safe.memoryBytes()).toBeGreaterThan(memory);
    const anew = await start({ anew: true });
    await open(anew);
    expect(anew.seen.passes).toBeGreaterThan(0);
  });

  test('are gone with the passes that turned out wrong, at a later start too', async () => {
    const wrong = await start();
    const engine = await open(wrong);
    await wrong.safe.lose(1);
    const conversation = engine.open();
    await expect(engine.step([{ conversation, token: 1 }])).rejects.toMatchObject({
      code: 'EXACTNESS_LOST',
    });
    await expect(open(await start())).rejects.toMatchObject({ code: 'MODEL_REFUSED' });
  });
});

describe('a step in the interpreter', () => {
  test('gives every known answer', async () => {
    for (const [i, want] of known.entries())
      expect(await plainStepBeside(model, knownStep(model.manifest, i + 1))).toEqual(want);
  });

  test('judges a unit: right ones pass, and of wrong ones the first wrong step is named', async () => {
    const right = await cpu.pass(input);
    for (let step = 1; step <= known.length; step++) {
      await judgeUnit({ model, cpu }, { device: cpu, input, result: right }, step);
      const { backend: device, state } = own('webgpu');
      state.wrongFrom = Math.max(1, step - 1);
      const result = await device.pass(input);
      const judged = judgeUnit({ model, cpu }, { device, input, result }, step);
      await expect(judged).rejects.toMatchObject({ backend: device, step: state.wrongFrom });
      const checked = judgeUnit(
        { model, cpu: device },
        { device: cpu, input, result: right },
        step,
      );
      await expect(checked).rejects.toMatchObject({ backend: device, step: state.wrongFrom });
    }
  });

  test('is run for one unit in a thousand, and rests longer than it took', async () => {
    let nowMs = 0;
    let passes = 0;
    const slow: Backend = { ...cpu, pass: (given) => ((nowMs += 5), passes++, cpu.pass(given)) };
    const result = await cpu.pass(input);
    const draws = [0.0011, 0.0009, 0, 0.0009, 0.0009, 0];
    const judge = new Judge({ nowMs: () => nowMs, random: () => draws.shift()! });
    const unit = { device: cpu, input, result };
    const loaded = { model, cpu: slow };
    await judge.maybe(loaded, unit);
    expect(passes).toBe(0);
    await judge.maybe(loaded, unit);
    expect(passes).toBe(1);
    nowMs += 499;
    await judge.maybe(loaded, unit);
    expect(passes).toBe(1);
    nowMs += 1;
    await judge.maybe(loaded, unit);
    await judge.maybe(loaded, unit);
    expect(passes).toBe(2);
  });
});

describe('a miner', () => {
  const work = workWith(model, 0n);
  const wait = { timeout: 30_000, interval: 5 };

  /** @param draw which step of a unit is judged, from 0 to below 1 */
  function mine(made: ReturnType<typeof own>, gpu?: ReturnType<typeof own>, draw = 0) {
    let draws = 0;
    const miner: Miner = new Miner({
      modelNamed: () => model,
      modelOf: () => model,
      createCpu: () => Promise.resolve(made.backend),
      createWebgpu: gpu && (() => Promise.resolve(gpu.backend)),
      // Time stands still: a judge would rest a hundred times as long as it took.
      nowMs: () => 0,
      randomNonce: () => 1n,
      // Every unit is judged.
      random: () => (draws++ % 2 ? draw : 0),
      onStatus: () => undefined,
      onBlock: () => undefined,
    });
    miner.work(work);
    return miner;
  }
  const units = async (miner: Miner, more: number): Promise<void> => {
    const from = miner.status.units;
    await vi.waitUntil(() => miner.status.units >= from + more, wait);
  };

  test('whose own code turns wrong says so, and goes on with what is right', async () => {
    const made = own();
    const miner = mine(made);
    await miner.start('tiny', 'cpu');
    await units(miner, 1);
    expect(miner.status.inexact).toBeUndefined();
    made.state.wrongFrom = 1;
    await vi.waitUntil(() => miner.status.inexact !== undefined, wait);
    expect(miner.status.inexact).toEqual({ backend: 'cpu', model: 'tiny', step: 1 });
    await units(miner, 2);
    expect(miner.status).toMatchObject({ state: 'running', problem: undefined });
    expect(made.state.isOwn).toBe(false);
    miner.pause();
  });

  test('that only checks names the model that was wrong', async () => {
    const made = own();
    made.state.wrongFrom = 2;
    const miner = mine(made);
    await miner.execute(model.id, Uint8Array.of(1));
    expect(miner.status).toMatchObject({
      state: 'off',
      inexact: { backend: 'cpu', model: 'tiny', step: 2 },
    });
  });

  test('whose units are right is not blamed for the step that units leave out', async () => {
    const miner = mine(own(), undefined, 0.999);
    await miner.start('tiny', 'cpu');
    await vi.waitUntil(() => miner.status.units > 1 || miner.status.inexact, wait);
    expect(miner.status.inexact).toBeUndefined();
    expect(miner.status.state).toBe('running');
    miner.pause();
  });

  test('whose answers alone turned wrong says so', async () => {
    const made = own();
    const miner = mine(made, undefined, 0.999);
    await miner.start('tiny', 'cpu');
    made.state.wrongFrom = known.length;
    await vi.waitUntil(() => miner.status.inexact !== undefined, wait);
    expect(miner.status.inexact).toEqual({ backend: 'cpu', model: 'tiny', step: known.length });
    await units(miner, 1);
    miner.pause();
  });

  test('whose processor has nothing else stops', async () => {
    const made = own();
    made.state.canFall = false;
    const miner = mine(made);
    await miner.start('tiny', 'cpu');
    made.state.wrongFrom = 1;
    await vi.waitUntil(() => miner.status.state === 'failed', wait);
    expect(miner.status.problem).toBe('EXACTNESS_LOST');
  });

  test('whose GPU turns wrong falls back on it, or gives it up', async () => {
    for (const canFall of [true, false]) {
      const gpu = own('webgpu');
      gpu.state.canFall = canFall;
      const miner = mine(own(), gpu);
      await miner.start('tiny', 'auto');
      await units(miner, 1);
      gpu.state.wrongFrom = 1;
      await vi.waitUntil(() => miner.status.inexact !== undefined, wait);
      await units(miner, 2);
      expect(miner.status.inexact).toEqual({ backend: 'webgpu', model: 'tiny', step: 1 });
      expect(miner.status.backend).toBe(canFall ? 'webgpu' : 'cpu');
      expect(gpu.seen.closed).toBe(canFall ? 0 : 1);
      miner.pause();
    }
  });
});
