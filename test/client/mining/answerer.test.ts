/** Answers over a real miner's thread: rows, abort, bounds, a thread that dies, models that it keeps. */
import { afterEach, expect, test, vi } from 'vitest';
import { createAnswerer } from '../../../src/client/mining/answerer.ts';
import { MinerWorker } from '../../../src/client/mining/miner-worker.ts';
import { ModelSupply } from '../../../src/client/models/model-supply.ts';
import type { PeerEvents } from '../../../src/client/peer-events.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { Emitter } from '../../../src/lib/events.ts';
import { createCpuBackend } from '../../../src/miner/cpu/cpu.ts';
import type { ModelPackage } from '../../../src/miner/engine/backend.ts';
import { startMinerThread, type MinerThread } from '../../../src/node/contributor/miner-thread.ts';
import { readModel } from '../../oracle/models.ts';
import { packInput } from '../../oracle/pack-input.ts';

const models = await Promise.all(['tiny', 'lingua', 'polyglot'].map(readModel));
const [tiny, lingua, polyglot] = models as [ModelPackage, ModelPackage, ModelPackage];

const threads: MinerThread[] = [];
afterEach(async () => {
  await Promise.all(threads.splice(0).map((thread) => thread.stop()));
});

function setUp(createMiner?: () => Promise<never>) {
  const loads: string[] = [];
  const supply = new ModelSupply(async (id) => {
    const { manifest, segments, tables, weights } = models.find((model) => toHex(model.id) === id)!;
    loads.push(manifest.name);
    // What is given away is moved to the thread.
    const files = [...segments, ...tables, ...weights].map((file) => new Uint8Array(file));
    return { manifest, files };
  });
  const worker = new MinerWorker({
    platform: {
      createMiner:
        createMiner ??
        (async () => {
          threads.push(await startMinerThread(undefined, () => undefined));
          return threads.at(-1)!.miner;
        }),
    },
    supply,
    events: new Emitter<PeerEvents>(),
  });
  const answerer = createAnswerer(worker);
  const ask = (input: Uint8Array, model = tiny, signal = new AbortController().signal) =>
    answerer.answer({ model: model.id, input, rank: 'payer', signal });
  return { answerer, ask, worker, loads };
}

const input = Uint8Array.from({ length: 20 }, (_, i) => i);

test('rows are those of the model; what ran is counted', async () => {
  const { answerer, ask, worker } = setUp();
  expect(answerer.load()).toEqual({ queue: 0, waitSeconds: 0 });
  const rows = await ask(input);
  const cpu = await createCpuBackend(tiny);
  const want = await Promise.all(
    [input.slice(0, 16), input.slice(16)].map(async (part) => {
      const tokens = packInput(part, tiny.manifest);
      const { answer } = await cpu.pass({ tokens, sigma0: undefined, limits: [] });
      return Uint8Array.from(answer.slice(0, tiny.manifest.answerSize), (x) => x & 0xff);
    }),
  );
  await cpu.close();
  expect(rows).toEqual(want);
  expect(worker.status().answering).toMatchObject({ passes: 1, sequences: 2 });
  await expect(ask(new Uint8Array())).rejects.toMatchObject({ code: 'INPUT_EMPTY' });
});

test('what is aborted fails, before it is sent and while it waits; others go on', async () => {
  const { ask, worker } = setUp();
  const aborted = { code: 'PASS_ABORTED' };
  await expect(ask(input, tiny, AbortSignal.abort())).rejects.toMatchObject(aborted);
  expect(threads).toHaveLength(0);
  await ask(input);
  const stop = new AbortController();
  const given = [ask(input), ask(input, tiny, stop.signal), ask(input)];
  const ends = Promise.allSettled(given);
  stop.abort();
  expect((await ends).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  await expect(given[1]).rejects.toMatchObject(aborted);

  // In the thread too: of an input of 64 sequences, which takes 32 passes, most are not run.
  const late = new AbortController();
  const { passes } = worker.status().answering;
  const long = ask(new Uint8Array(64 * 16).fill(1), tiny, late.signal);
  const end = expect(long).rejects.toMatchObject(aborted);
  await vi.waitUntil(() => worker.status().answering.passes > passes, { interval: 1 });
  late.abort();
  await end;
  await ask(input);
  expect(worker.status().answering.passes).toBeLessThan(passes + 32);
});

test('so many are asked for at once, and no more', async () => {
  const { ask } = setUp(() => new Promise(() => undefined));
  for (let i = 0; i < 512; i++) void ask(input);
  await expect(ask(input)).rejects.toMatchObject({ code: 'BUSY' });
});

test('all that wait for a thread that dies fail, and the next has another one', async () => {
  const { ask, worker, loads } = setUp();
  await ask(input);
  const again: Promise<unknown>[] = [];
  const waiting = Array.from({ length: 5 }, () =>
    ask(new Uint8Array(64 * 16).fill(1)).catch((e: unknown) => {
      again.push(ask(input));
      throw e;
    }),
  );
  const ends = Promise.allSettled(waiting);
  await vi.waitUntil(() => worker.status().answering.passes > 1, { interval: 1 });
  await threads[0]!.stop();
  for (const end of await ends)
    expect(end).toMatchObject({ status: 'rejected', reason: { code: 'WORKER_DIED' } });
  expect(await Promise.all(again)).toHaveLength(5);
  // Some other call of the first thread fails late.
  worker.noteFailure(new AppError('WORKER_DIED', 'it ended'), threads[0]!.miner);
  await ask(input);
  expect(threads).toHaveLength(2);
  expect(loads).toEqual(['tiny', 'tiny']);
});

test('a model that answers stays in the thread beside one that is run or mined with', async () => {
  const { ask, worker, loads } = setUp();
  await ask(input);
  await worker.execute(lingua.id, input.slice(0, 16));
  await worker.give(lingua.id);
  worker.setModel({ name: 'lingua', id: lingua.id });
  await worker.mine({ name: 'lingua', id: lingua.id }, 'cpu');
  await ask(input);
  expect(loads).toEqual(['tiny', 'lingua']);
  // The two that answered last stay, and the one that it mines with.
  await ask(new Uint8Array(2), polyglot);
  await ask(input);
  expect(loads).toEqual(['tiny', 'lingua', 'polyglot']);
});
