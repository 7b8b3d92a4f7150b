/** The mining engine on a real model: starts, pauses and finishes that come at bad moments. */
import { expect, test, vi } from 'vitest';
import { unitShape } from '../../../src/core/manifest.ts';
import type { Backend, ModelPackage } from '../../../src/miner/engine/backend.ts';
import { createCpuBackend } from '../../../src/miner/cpu/cpu.ts';
import { Miner, type MinerParts } from '../../../src/miner/engine/miner.ts';
import {
  MINER_OFF,
  type FoundBlock,
  type MinerStatus,
} from '../../../src/miner/engine/miner-api.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { loadModel } from '../small-model.ts';
import { workWith } from '../work.ts';

const model = await loadModel('tiny');
const zero = new Uint8Array(32);
const task = workWith(model);
const wait = { timeout: 30_000, interval: 5 };

type Spread = NonNullable<MinerParts['spread']>;

/** Has a found block answered, and goes on with the same work. */
const goOn = (miner: Miner): void => {
  miner.work(undefined);
  miner.work(task);
};

function create(
  createWebgpu?: (given: ModelPackage) => Promise<Backend>,
  spread?: Spread,
  onFound = goOn,
  nowMs = () => performance.now(),
) {
  const found: FoundBlock[] = [];
  const told: MinerStatus[] = [];
  const seen = { passes: 0, closed: 0, made: 0, inUnit: () => {} };
  const miner: Miner = new Miner({
    modelNamed: () => model,
    modelOf: () => model,
    async createCpu(given) {
      const cpu = await createCpuBackend(given);
      seen.made++;
      return {
        ...cpu,
        pass(input) {
          seen.passes++;
          // What captures judges a unit that has ended.
          if (input.capture === undefined) seen.inUnit();
          return cpu.pass(input);
        },
        close: () => (seen.closed++, cpu.close()),
      };
    },
    createWebgpu,
    ...(spread && { spread }),
    nowMs,
    randomNonce: () => 1n,
    onStatus: (status) => void told.push(status),
    onBlock: (block) => {
      found.push(block);
      onFound(miner);
    },
  });
  return { miner, found, told, seen };
}

/** Waits for that many more. */
const unitsOf = (miner: Miner) => async (more: number) => {
  const from = miner.status.units;
  await vi.waitUntil(() => miner.status.units >= from + more, wait);
};

test('works on no template of another model', async () => {
  const { miner, seen } = create();
  miner.work({ ...task, modelId: zero });
  await miner.start('tiny', 'cpu');
  // Those of the self-test.
  await new Promise((r) => setTimeout(r, 10));
  expect(seen.passes).toBe(4);
  miner.work(task);
  await vi.waitUntil(() => miner.status.units > 0, wait);
  miner.pause();
  expect(miner.status.state).toBe('paused');
});

test('work that was on its way when a block was found on its head is not begun', async () => {
  const late = { ...task, core: { ...task.core, time: 3000 } };
  const { miner, found } = create(undefined, undefined, (to) => to.work(late));
  miner.work(task);
  await miner.start('tiny', 'cpu');
  await vi.waitUntil(() => found.length > 0, wait);
  const { units } = miner.status;
  await new Promise((r) => setTimeout(r, 20));
  expect([miner.status.units, found.length]).toEqual([units, 1]);
  // Nor is one of another head kept back, nor any once the block was answered.
  miner.work({ ...late, core: { ...task.core, prevHash: new Uint8Array(32).fill(1) } });
  await vi.waitUntil(() => found.length > 1, wait);
  goOn(miner);
  await vi.waitUntil(() => found.length > 2, wait);
  miner.pause();
});

test('units alone are told now and then, and all of them before it waits', async () => {
  let ms = 0;
  const { miner, told, seen } = create(undefined, undefined, goOn, () => ms);
  const alone = () =>
    told.filter((status, i) => {
      const before = told[i - 1] ?? MINER_OFF;
      return status.units > before.units && status.blocksFound === before.blocksFound;
    });
  miner.work(task);
  await miner.start('tiny', 'cpu');
  const { length } = alone();
  await unitsOf(miner)(5);
  expect(alone()).toHaveLength(length);
  ms += 10_000;
  await unitsOf(miner)(2);
  expect(alone()).toHaveLength(length + 1);
  miner.work(undefined);
  await vi.waitUntil(() => told.at(-1)!.units === miner.status.units, wait);
  miner.work(task);
  await unitsOf(miner)(2);
  const units = await new Promise<number>((resolve) => {
    seen.inUnit = () => {
      miner.throttle(0);
      resolve(miner.status.units);
    };
  });
  // The unit in work ends.
  await vi.waitUntil(() => miner.status.units > units, wait);
  await vi.waitUntil(() => told.at(-1)!.units === miner.status.units, wait);
  miner.pause();
});

test('a pause while it loads holds, and a start takes a finish back', async () => {
  const { miner } = create();
  const starting = miner.start('tiny', 'cpu');
  miner.pause();
  await starting;
  expect(miner.status.state).toBe('paused');
  miner.work(task);
  await miner.start('tiny', 'cpu');
  miner.finish();
  expect(miner.status.state).toBe('finishing');
  await miner.start('tiny', 'cpu');
  expect(miner.status.state).toBe('running');
  const { units } = miner.status;
  await vi.waitUntil(() => miner.status.units > units + 2, wait);
  miner.finish();
  await vi.waitUntil(() => miner.status.state === 'paused', wait);
});

test('a model that was loaded before it is asked is loaded once', async () => {
  const { miner, seen } = create();
  await miner.load(model.id);
  const tests = seen.passes;
  expect(tests).toBeGreaterThan(0);
  await miner.execute(model.id, Uint8Array.of(1));
  expect(seen.passes).toBe(tests + 1);
});

test('an own question may fill every sequence of a pass, and no more', async () => {
  const { miner } = create();
  const { answerSize } = model.manifest;
  const { sequences, tokens } = unitShape(model.manifest);
  const input = Uint8Array.from({ length: sequences * tokens }, (_, i) => 7 * i);
  const rows = await miner.execute(model.id, input);
  expect(rows).toHaveLength(sequences * answerSize);
  for (let s = 0; s < sequences; s++) {
    const alone = await miner.execute(model.id, input.slice(s * tokens, (s + 1) * tokens));
    const row = rows.slice(s * answerSize, (s + 1) * answerSize);
    expect(row).toEqual(alone.slice(0, answerSize));
    expect(row.some((x) => x !== 0)).toBe(true);
  }
  await expect(miner.execute(model.id, new Uint8Array(input.length + 1))).rejects.toMatchObject({
    code: 'INPUT_LONG',
  });
});

test('a duty of 0 holds the work until another comes; a pause and a finish end the wait', async () => {
  const { miner } = create();
  miner.work(task);
  miner.throttle(0);
  await miner.start('tiny', 'cpu');
  await new Promise((r) => setTimeout(r, 50));
  expect(miner.status).toMatchObject({ state: 'running', units: 0 });
  miner.throttle(0.5);
  await vi.waitUntil(() => miner.status.units > 2, wait);
  miner.throttle(0);
  expect(miner.status.macsPerSecond).toBe(0);
  miner.finish();
  await vi.waitUntil(() => miner.status.state === 'paused', wait);
  await miner.start('tiny', 'cpu');
  miner.pause();
  expect(miner.status.state).toBe('paused');
});

test('a lost device is asked for again; one without memory gives way to the processor', async () => {
  const failures = ['DEVICE_LOST', 'DEVICE_MEMORY'] as const;
  const made: Backend[] = [];
  const { miner } = create(async (given) => {
    const cpu = await createCpuBackend(given);
    let passes = 0;
    const device: Backend = {
      ...cpu,
      kind: 'webgpu',
      device: 'a card',
      async pass(input) {
        // Two are the self-test's.
        if (++passes === 6) throw new AppError(failures[made.length - 1]!, 'it went');
        return cpu.pass(input);
      },
    };
    made.push(device);
    return device;
  });
  miner.work({ ...task, target: 1n });
  await miner.start('tiny', 'auto');
  expect(miner.status.backend).toBe('webgpu');
  await vi.waitUntil(() => miner.status.backend === 'cpu', wait);
  expect(made).toHaveLength(2);
  expect(miner.status.rejected).toEqual({ 'gpu: DEVICE_LOST': 1, 'gpu: DEVICE_MEMORY': 1 });
  const { units } = miner.status;
  await vi.waitUntil(() => miner.status.units > units, wait);
  expect(miner.status.state).toBe('running');
  miner.pause();
});

test('a model is let go when it is not mined with; what waits for it is run before', async () => {
  const { miner, seen } = create();
  await miner.release('tiny');
  expect(seen).toMatchObject({ made: 0, closed: 0 });
  // Asked for and let go before it has loaded.
  const input = new Uint8Array(1);
  const early = miner.execute(model.id, input);
  await Promise.all([early, miner.release('tiny')]);
  expect(seen).toMatchObject({ made: 1, closed: 1 });
  await miner.start('tiny', 'cpu');
  await expect(miner.release('tiny')).rejects.toThrow('is mined with');
  miner.work(task);
  await vi.waitUntil(() => miner.status.units > 0, wait);
  miner.pause();
  await miner.release('tiny');
  expect(seen).toMatchObject({ made: 2, closed: 2 });
  // Loaded anew, and right.
  await miner.start('tiny', 'cpu');
  miner.pause();
  expect(await miner.execute(model.id, input)).toEqual(await early);
  expect(seen).toMatchObject({ made: 3, closed: 2 });
});

test('units rest while passes of the person’s own run one after another, and go on after them', async () => {
  const { miner } = create();
  miner.work({ ...task, target: 1n });
  await miner.start('tiny', 'cpu');
  await vi.waitUntil(() => miner.status.units > 2, wait);
  const units: number[] = [];
  for (let i = 0; i < 20; i++) {
    await miner.execute(model.id, new Uint8Array(1));
    // What whoever asks does between two.
    await new Promise((r) => setTimeout(r, 5));
    units.push(miner.status.units);
  }
  // At most the unit that was in work came to its end.
  expect(units.at(-1)! - units[0]!).toBeLessThanOrEqual(1);
  await unitsOf(miner)(3);
  miner.pause();
});

test('the device of a model that is let go is closed, and asked for again', async () => {
  const devices = { made: 0, closed: 0 };
  const { miner } = create(async (given) => {
    const cpu = await createCpuBackend(given);
    devices.made++;
    return { ...cpu, kind: 'webgpu', close: () => (devices.closed++, cpu.close()) };
  });
  await miner.start('tiny', 'webgpu');
  miner.pause();
  await miner.release('tiny');
  expect(devices).toEqual({ made: 1, closed: 1 });
  await miner.start('tiny', 'webgpu');
  expect(devices).toEqual({ made: 2, closed: 1 });
  miner.pause();
});

test('a device gets its next unit early, of the same work only', async () => {
  const seen = { inFlight: 0, most: 0, aborted: 0 };
  const { miner } = create(async (given) => {
    const cpu = await createCpuBackend(given);
    return {
      ...cpu,
      kind: 'webgpu',
      device: 'a card',
      depth: 2,
      async pass(input) {
        seen.most = Math.max(seen.most, ++seen.inFlight);
        try {
          return await cpu.pass(input);
        } catch (e) {
          if (AppError.from(e).code === 'PASS_ABORTED') seen.aborted++;
          throw e;
        } finally {
          seen.inFlight--;
        }
      },
    };
  });
  const units = unitsOf(miner);
  // A target that no ticket meets.
  const hard = { ...task, target: 1n };
  miner.work(hard);
  await miner.start('tiny', 'webgpu');
  await units(3);
  expect(seen).toMatchObject({ most: 2, aborted: 0 });
  // The same work at another time: what runs is as good.
  miner.work({ ...hard, core: { ...task.core, time: 3000 } });
  await units(3);
  expect(seen.aborted).toBe(0);
  miner.work({ ...hard, core: { ...task.core, prevHash: new Uint8Array(32).fill(1) } });
  await units(3);
  expect(seen.aborted).toBe(1);
  // Who may not take all of the time is given nothing early.
  miner.throttle(0.9);
  await units(2);
  seen.most = 0;
  await units(2);
  expect(seen.most).toBe(1);
  miner.pause();
  await vi.waitUntil(() => seen.inFlight === 0, wait);
  expect(miner.status.state).toBe('paused');
});

test('units run on all lanes of the processor, before a rest once on each', async () => {
  const seen = { inFlight: 0, most: 0, made: 0, closed: 0 };
  const { miner, found } = create(
    async () => Promise.reject(new AppError('NO_WEBGPU', 'there is none')),
    async ({ cpu }) => {
      seen.made++;
      return {
        ...cpu,
        lanes: 3,
        depth: 6,
        async pass(input) {
          seen.most = Math.max(seen.most, ++seen.inFlight);
          return await cpu.pass(input).finally(() => seen.inFlight--);
        },
        close: async () => void seen.closed++,
      };
    },
  );
  const units = unitsOf(miner);
  miner.work(task);
  await miner.start('tiny', 'auto');
  await units(12);
  expect(seen).toEqual({ inFlight: seen.inFlight, most: 6, made: 1, closed: 0 });
  await vi.waitUntil(() => found.length > 1, wait);
  miner.throttle(0.9);
  await units(8);
  seen.most = 0;
  await units(8);
  expect(seen.most).toBe(3);
  miner.pause();
  // The same lanes again, until the model goes.
  miner.throttle(1);
  await miner.start('tiny', 'cpu');
  await units(2);
  expect(seen.made).toBe(1);
  miner.pause();
  await miner.release('tiny');
  expect(seen.closed).toBe(1);
});
