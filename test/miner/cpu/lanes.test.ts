/** Lanes of the CPU in real worker threads: the backend's contract, death and closing, a miner on them. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { unitShape } from '../../../src/core/manifest.ts';
import { ZERO_HASH } from '../../../src/core/hash.ts';
import { tokensOf } from '../../../src/core/pow/seed.ts';
import type { Backend, ModelPackage } from '../../../src/miner/engine/backend.ts';
import { analyseModel } from '../../../src/miner/checker/checker.ts';
import { createCpuBackend } from '../../../src/miner/cpu/cpu.ts';
import {
  lanesFor,
  openLane,
  withLanes,
  type LaneParts,
  type LaneWorker,
} from '../../../src/miner/cpu/lanes.ts';
import { memoryStore } from '../../../src/miner/engine/trust/device-store.ts';
import { trust } from '../../../src/miner/engine/trust/trusted.ts';
import { startLane } from '../../../src/node/contributor/lane-thread.ts';
import { backendContract } from '../../contracts/backend.contract.ts';
import { readModel } from '../../oracle/models.ts';

const started: LaneWorker[] = [];
afterAll(() => started.forEach((lane) => lane.end()));

function start(): LaneWorker {
  started.push(startLane());
  return started.at(-1)!;
}
/** Lanes of a device of which nothing is known yet. */
const partsOf = (model: ModelPackage): LaneParts => ({
  model,
  verdicts: memoryStore(),
  onLost: () => undefined,
});
const kill = (lane: LaneWorker) =>
  new Promise((dead) => {
    lane.port.addEventListener('close', dead);
    lane.end();
  });

describe('a lane', () =>
  backendContract((model) => openLane(start, partsOf(model)), { units: 2, tiles: 4 }));

describe('lanes', () => {
  let model: ModelPackage;
  let local: Backend;
  beforeAll(async () => {
    model = await readModel('tiny');
    local = await createCpuBackend(model);
    return () => local.close();
  });
  const passOn = (backend: Backend) => {
    const limits = model.manifest.linears.map(() => 0n);
    return backend.pass({ tokens: tokensOf(ZERO_HASH, model.manifest), sigma0: ZERO_HASH, limits });
  };

  it('share what is asked for at once, and go on without one that dies', async () => {
    const ran: string[] = [];
    const watched: Backend = { ...local, pass: (input) => (ran.push('local'), local.pass(input)) };
    const before = started.length;
    const all = await withLanes(watched, 3, start, partsOf(model));
    expect(all).toMatchObject({ lanes: 3, depth: 5, device: 'WebAssembly SIMD, 3 threads' });
    expect(all.memoryBytes()).toBe(3 * local.memoryBytes());
    const run = async () => (await Promise.all([1, 2, 3, 4, 5, 6].map(() => passOn(all)))).length;
    expect(await run()).toBe(6);
    expect(ran).toHaveLength(2);
    const running = run();
    await kill(started[before]!);
    expect(await running).toBe(6);
    await kill(started[before + 1]!);
    ran.length = 0;
    expect(await run()).toBe(6);
    expect(ran).toHaveLength(6);
    await all.close();
  });

  it('share the sequences of a pass where only its answer is wanted, as long as they are idle', async () => {
    const ran: number[] = [];
    const watched: Backend = {
      ...local,
      pass: (input) => (ran.push(input.tokens.length), local.pass(input)),
    };
    const all = await withLanes(watched, 2, start, partsOf(model));
    const { sequences, tokens } = unitShape(model.manifest);
    const plain = {
      tokens: tokensOf(ZERO_HASH, model.manifest),
      sigma0: undefined,
      limits: [],
      answerOnly: true,
    };
    const want = (await local.pass(plain)).answer;
    for (let count = 1; count <= sequences; count++) {
      const part = { ...plain, tokens: plain.tokens.slice(0, count * tokens) };
      const { answer } = await all.pass(part);
      expect(answer).toEqual(want.slice(0, count * model.manifest.answerSize));
    }
    // Of one sequence the helper does all; of more, this lane its part.
    const parts = Array.from({ length: sequences - 1 }, (_, i) => i + 2);
    expect(ran).toEqual(parts.map((count) => tokens * (count - Math.ceil(count / 2))));
    ran.length = 0;
    await Promise.all([all.pass(plain), all.pass(plain), all.pass(plain)]);
    expect(ran.toSorted((x, y) => x - y)).toContain(plain.tokens.length);
    expect((await all.pass({ ...plain, answerOnly: false })).x).toHaveLength(
      model.manifest.linears.length,
    );
    await all.close();
  });

  it('fall back when a step was wrong, and leave it to the caller that the one here does', async () => {
    const lost: number[] = [];
    const parts = { ...partsOf(model), onLost: (_: Backend, step: number) => lost.push(step) };
    const own = await trust(await createCpuBackend(model), parts);
    const all = await withLanes(own, 2, start, parts);
    const want = (await passOn(all)).x;
    for (const backend of [all, own]) await backend.lose!(2);
    expect(lost).toEqual([2, 2]);
    expect(own.usesRuntime!()).toBe(true);
    for (const result of await Promise.all([passOn(all), passOn(all)]))
      expect(result.x).toEqual(want);
    // One that is dead holds nothing up.
    await kill(started.at(-1)!);
    await all.lose!(1);
    expect((await passOn(all)).x).toEqual(want);
    await all.close();
    await own.close();
  });

  it('are planned from what was proven here, and read no graph', async () => {
    const analysis = analyseModel(model);
    if ('rule' in analysis) throw new Error(analysis.sentence);
    const graphless = { ...model, segments: model.segments.map(() => new Uint8Array()) };
    const lane = await openLane(start, { ...partsOf(graphless), analysis });
    expect((await passOn(lane)).x).toEqual((await passOn(local)).x);
    await lane.close();
  });

  it('that do not open are left out', async () => {
    const dying = (): LaneWorker => {
      const lane = start();
      lane.end();
      return lane;
    };
    expect(await withLanes(local, 2, dying, partsOf(model))).toBe(local);
    const refusing = (): LaneWorker => {
      throw new ReferenceError('Worker is not defined');
    };
    expect(await withLanes(local, 2, refusing, partsOf(model))).toBe(local);
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const silent = (): LaneWorker => {
      const { port1 } = new MessageChannel();
      return { port: port1, failed: () => undefined, end: () => port1.close() };
    };
    const opening = withLanes(local, 2, silent, partsOf(model));
    await vi.advanceTimersByTimeAsync(60_000);
    vi.useRealTimers();
    expect(await opening).toBe(local);
    const shape = unitShape(model.manifest);
    const lying = {
      ...model,
      manifest: {
        ...model.manifest,
        shapes: [{ ...shape, known: shape.known.with(2, ZERO_HASH) }],
      },
    };
    expect(await withLanes(local, 2, start, partsOf(lying))).toBe(local);
  });

  it('end with what runs in them, and leave the one here', async () => {
    const all = await withLanes(local, 2, start, partsOf(model));
    const running = passOn(all);
    await all.close();
    await expect(running).rejects.toMatchObject({ code: 'PASS_ABORTED' });
    expect((await passOn(local)).x).toHaveLength(model.manifest.linears.length);
  });

  it('are as many as there are threads and memory', () => {
    expect([0, 1, 3, 1000].map((n) => lanesFor(model, local, n))).toEqual([1, 1, 3, 31]);
    const runtime = { ...local, usesRuntime: () => true };
    expect([0, 1, 3, 1000].map((n) => lanesFor(model, runtime, n))).toEqual([1, 1, 3, 7]);
    const large = { ...local, memoryBytes: () => 2 ** 30 };
    expect(lanesFor(model, large, 8)).toBe(1);
  });
});
