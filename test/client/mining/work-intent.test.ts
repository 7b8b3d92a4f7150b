/** What a device is to do: kept over runs of the program, and begun at its time. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import { MINER_OFF, type MiningOptions } from '../../../src/client/api.ts';
import { MinerWorker } from '../../../src/client/mining/miner-worker.ts';
import { AHEAD_MS_MAX, LOOK_MS, WorkIntent } from '../../../src/client/mining/work-intent.ts';
import { ModelSupply } from '../../../src/client/models/model-supply.ts';
import type { PeerEvents } from '../../../src/client/peer-events.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { Emitter } from '../../../src/lib/events.ts';

const NOON = new Date(2026, 11, 2, 12).getTime();
const HOUR_MS = 3_600_000;
beforeEach(() => void vi.useFakeTimers({ now: NOON }));
afterEach(() => void vi.useRealTimers());

/** A run of the program on that store. */
async function run(store = createMemoryStore()) {
  const events = new Emitter<PeerEvents>();
  const problems: string[] = [];
  events.on('report', (event) => event.type === 'problem' && problems.push(event.code));
  const worker = new MinerWorker({
    platform: { createMiner: undefined },
    supply: new ModelSupply(undefined),
    events,
  });
  const deps = { store, worker, events, nowMs: () => Date.now() };
  const intent = await WorkIntent.open(deps);
  const did: (string | MiningOptions)[] = [];
  const state = { fails: false };
  const api = intent.over({
    startMining: async (options) => {
      did.push(options);
      if (state.fails) throw new AppError('MODEL_MISSING', 'none');
      worker.setStatus({ state: 'running' });
    },
    pauseMining: async () => {
      did.push('pause');
      worker.setStatus({ state: 'paused' });
    },
    finishMining: async () => void did.push('finish'),
  });
  return { store, events, problems, worker, intent, did, state, api };
}

test('the next run is told once what this one was to do, and nothing where it was paused', async () => {
  const first = await run();
  expect(await first.api.takeIntent()).toBeUndefined();
  await first.api.startMining({ model: 'lingua' });
  expect(first.did).toEqual([{ model: 'lingua' }]);
  const second = await run(first.store);
  expect(await second.api.takeIntent()).toEqual({ fromMs: 0 });
  expect(await second.api.takeIntent()).toBeUndefined();
  // Asked and not begun: forgotten.
  expect(await (await run(first.store)).api.takeIntent()).toBeUndefined();

  for (const stop of ['pauseMining', 'finishMining'] as const) {
    await second.api.startMining({});
    await second.api[stop]();
    expect(await (await run(first.store)).api.takeIntent()).toBeUndefined();
  }
  // What was begun here already is nothing that is left.
  await second.api.startMining({});
  const third = await run(first.store);
  await third.api.startMining({});
  expect(await third.api.takeIntent()).toBeUndefined();
});

test('a pause is over once it is written, so that it holds after a reload at once', async () => {
  const written = Promise.withResolvers<void>();
  const memory = createMemoryStore();
  let isSlow = false;
  const { api } = await run({
    ...memory,
    batch: async (entries) => {
      if (isSlow) await written.promise;
      await memory.batch(entries);
    },
  });
  await api.startMining({});
  isSlow = true;
  let isTold = false;
  const paused = api.pauseMining().then(() => void (isTold = true));
  await vi.advanceTimersByTimeAsync(1);
  expect(isTold).toBe(false);
  written.resolve();
  await paused;
  expect(await (await run(memory)).api.takeIntent()).toBeUndefined();
});

test('work that failed, or did not begin, is not gone on with', async () => {
  const { api, state, events, store } = await run();
  state.fails = true;
  await expect(api.startMining({})).rejects.toThrow();
  expect(await (await run(store)).api.takeIntent()).toBeUndefined();
  state.fails = false;
  await api.startMining({});
  events.emit('report', { type: 'miner', status: { ...MINER_OFF, state: 'failed' } });
  expect(await (await run(store)).api.takeIntent()).toBeUndefined();
});

test('a start that lies ahead is a pause until then, said in the status and kept', async () => {
  const { api, did, worker, store } = await run();
  await api.startMining({ backend: 'cpu' });
  await api.startMining({ backend: 'cpu', fromMs: NOON + HOUR_MS });
  expect(did.splice(0)).toEqual([{ backend: 'cpu' }, 'pause']);
  expect(worker.status()).toMatchObject({ state: 'paused', pausedUntilMs: NOON + HOUR_MS });
  expect(await (await run(store)).api.takeIntent()).toEqual({ fromMs: NOON + HOUR_MS });
  await vi.advanceTimersByTimeAsync(HOUR_MS - 1);
  expect(did).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(did).toEqual([{ backend: 'cpu' }]);
  expect(worker.status()).toMatchObject({ state: 'running', pausedUntilMs: undefined });
});

test('a computer that slept begins when it wakes: no timer is longer than a look at the clock', async () => {
  const { api, did } = await run();
  await api.startMining({ fromMs: NOON + HOUR_MS });
  await vi.advanceTimersByTimeAsync(LOOK_MS - 1);
  vi.setSystemTime(NOON + 9 * HOUR_MS);
  expect(did.splice(0)).toEqual(['pause']);
  await vi.advanceTimersByTimeAsync(1);
  expect(did).toEqual([{}]);
});

test('whoever starts or pauses meanwhile ends the wait, and so does the end of the program', async () => {
  const { api, did, worker, intent } = await run();
  const later = { fromMs: NOON + HOUR_MS };
  await api.startMining(later);
  await api.startMining({});
  await api.startMining(later);
  await api.pauseMining();
  expect(worker.status().pausedUntilMs).toBeUndefined();
  await api.startMining(later);
  intent.end();
  did.splice(0);
  await vi.advanceTimersByTimeAsync(2 * HOUR_MS);
  expect(did).toEqual([]);
});

test('a start lies a week ahead at most, and one that fails then is told', async () => {
  const { api, did, state, problems } = await run();
  await api.startMining({ fromMs: Number.MAX_SAFE_INTEGER });
  did.splice(0);
  state.fails = true;
  await vi.advanceTimersByTimeAsync(AHEAD_MS_MAX - 1);
  expect(did).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect([did, problems]).toEqual([[{}], ['MODEL_MISSING']]);
});
