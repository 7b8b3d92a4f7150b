/**
 * A device that lacks a mined model, and somebody who mines false blocks of it: what can be won from the device, and
 * for how long. Chains, checks and the time are the product's; the worker that replays units says what the test says.
 */
import { afterEach, expect, test, vi } from 'vitest';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import type { MiningOptions, StoredModel } from '../../../src/client/api.ts';
import { HeldModels } from '../../../src/client/mining/held-models.ts';
import { MinerWorker } from '../../../src/client/mining/miner-worker.ts';
import { Mining } from '../../../src/client/mining/mining.ts';
import { UncheckedTime, UNCHECKED_MS_MAX } from '../../../src/client/mining/unchecked-time.ts';
import { ModelSupply } from '../../../src/client/models/model-supply.ts';
import type { PeerEvents } from '../../../src/client/peer-events.ts';
import { createChainReader } from '../../../src/client/sync/chain-reader.ts';
import { createFollower } from '../../../src/client/sync/follow.ts';
import { FullCheck } from '../../../src/client/sync/full-check.ts';
import { fault, isFault, type Fault } from '../../../src/core/faults.ts';
import { blockId, type Claim } from '../../../src/core/header/header.ts';
import { modelId, type Manifest } from '../../../src/core/manifest.ts';
import type { Block, SyncRequest } from '../../../src/core/messages.ts';
import { equal, toHex } from '../../../src/lib/bytes.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { Emitter } from '../../../src/lib/events.ts';
import { createLog } from '../../../src/lib/log.ts';
import { MINER_OFF, type MinerStatus, type Work } from '../../../src/miner/engine/miner-api.ts';
import { createHandlers } from '../../../src/node/seed/serve-peers.ts';
import { MANIFEST, MODEL, openChain, person, PROOF, START_MS } from '../../chain/make-blocks.ts';
import { openLightChain } from '../../chain/open-light.ts';
import { paramsFor } from '../../core/header/params-for.ts';
import { inventedManifest } from '../../oracle/manifests.ts';
import { peerInfo } from '../memory-net.ts';

const [ann, bob] = [person(1), person(2)] as const;

/** The network's best model, which the device lacks; `test` is small and comes with Start. */
const BEST_MANIFEST = inventedManifest({
  name: 'best',
  linears: [5, 6].map((b) => ({ k: 128, n: 16, r: 16, weights: new Uint8Array(32).fill(b) })),
});
const BEST = modelId(BEST_MANIFEST);
const MODELS = new Map<string, Manifest>([
  [toHex(BEST), BEST_MANIFEST],
  [toHex(MODEL), MANIFEST],
]);
const PARAMS = paramsFor('e2e', [toHex(MODEL), toHex(BEST)], START_MS);
/** Nonce of the blocks that no unit of their model gives. */
const FALSE = 5n;

const nothing = (): never => {
  throw new Error('the full chain has nothing to follow');
};

const ends: (() => void)[] = [];
afterEach(() => ends.splice(0).forEach((end) => end()));

/** The miner's worker, without units: a replay shows a block with the nonce FALSE to be false. */
function createWorker() {
  const made = {
    templates: [] as (Work | undefined)[],
    replayed: [] as number[],
    models: [] as string[],
    /** Models that do not run on this device. */
    unfit: [] as string[],
    /** The worker's answer to a pause waits for this. */
    pausing: Promise.resolve(),
  };
  let hear: (status: MinerStatus) => void = () => undefined;
  const tell = (state: MinerStatus['state'], model: string): void =>
    hear({ ...MINER_OFF, state, model });
  const worker = {
    on: (name: string, listener: never) => void (name === 'status' && (hear = listener)),
    provide: async () => undefined,
    release: async () => undefined,
    async start(model: string): Promise<void> {
      made.models.push(model);
      if (!made.unfit.includes(model)) return tell('running', model);
      hear({ ...MINER_OFF, state: 'failed', problem: 'SELF_TEST_FAILED', model });
      throw new AppError('SELF_TEST_FAILED', model);
    },
    async pause(): Promise<void> {
      tell('paused', made.models.at(-1) ?? '');
      await made.pausing;
    },
    work: async (template?: Work) => void made.templates.push(template),
    async check({ header }: Claim): Promise<Fault[]> {
      made.replayed.push(header.height);
      return header.nonce === FALSE ? [fault('proof.activations')] : [];
    },
  };
  return { made, worker, fail: () => tell('failed', made.models.at(-1) ?? '') };
}

/** A device of which `best` has yet to come, one peer with a full chain, and a clock. */
async function setUp() {
  const chainOptions = { params: PARAMS, models: MODELS };
  const full = await openChain(createMemoryStore(), { ms: START_MS }, chainOptions);
  const chain = await openLightChain(chainOptions, await full.header(0));
  const network = { ...chainOptions, names: ['best', 'test'], preferred: ['best', 'test'] };
  const events = new Emitter<PeerEvents>();
  const { made, worker: inner, fail } = createWorker();
  const coming = Promise.withResolvers<void>();
  const here = new Set(['test']);
  const files = Array.from({ length: 64 }, () => new Uint8Array(1));
  let given: { readonly begin: () => void; readonly over: Promise<void> } | undefined;
  const load = async (id: string) => {
    given?.begin();
    await given?.over;
    return { manifest: MODELS.get(id)!, files };
  };
  const worker = new MinerWorker({
    platform: { createMiner: async () => inner as never },
    supply: new ModelSupply(load),
    events,
  });
  const modelService = {
    stored: async () =>
      [...MODELS].map(([, manifest]): StoredModel => {
        const isHere = here.has(manifest.name);
        return {
          name: manifest.name,
          id: modelId(manifest),
          bytes: 100,
          stored: isHere ? 100 : 0,
          arriving: 0,
          state: isHere ? 'stored' : 'absent',
          problem: undefined,
          refused: [],
          licence: '',
          attribution: '',
          isServed: false,
          waitMs: undefined,
        };
      }),
    fetch: async (id: Uint8Array) => (equal(id, BEST) ? coming.promise : undefined),
    stop: () => undefined,
  };
  const charged: string[] = [];
  const handlers = createHandlers(
    full,
    nothing,
    createLog(() => undefined),
  );
  const transport = {
    peers: () => [peerInfo('peer')],
    charge: (peer: string, wrong: Fault) => void charged.push(`${peer} ${wrong.fault}`),
    announceBlock: async () => undefined,
    async request(_peer: string, request: SyncRequest) {
      const answer = await handlers.onRequest('me', request);
      if (isFault(answer)) throw new Error(answer.fault);
      return answer;
    },
  } as never;
  const store = createMemoryStore();
  const clock = { ms: 0 };
  const genesisId = chain.headers.genesis.id;
  const openTime = () => UncheckedTime.open({ store, genesisId, steadyMs: () => clock.ms });
  const time = await openTime();
  const fullCheck = new FullCheck({
    network: { ...network, verifyProof: () => undefined },
    chain,
    miner: worker,
    transport,
    builtFrom: () => time.from,
    onFalse: () => events.emit('builtOnFalse'),
  });
  const reader = createChainReader(chain, transport);
  const mining = new Mining({
    network,
    chain,
    pool: { judged: () => [], missing: () => [] } as never,
    reader,
    worker,
    modelService,
    held: new HeldModels({ chain, modelService, worker }),
    time,
    standing: () => fullCheck.standing,
    events,
    nowMs: () => START_MS + 10_000,
  });
  const follower = createFollower({
    chain,
    transport,
    reader,
    fullCheck,
    reactions: { run: () => mining.refresh() },
    events,
    nowMs: () => START_MS + 10_000,
  });
  let lost = 0;
  const told: string[] = [];
  events.on('modelsHeld', () => follower.recheck());
  events.on('builtOnFalse', () => void told.push(`lost ${lost}`));
  events.on('blockFound', (block) => void follower.adopt(block).then(() => mining.onAdopted()));
  const stopHeads = chain.store.subscribe(({ left }) => {
    lost = left.filter(({ header }) => mining.isOwn(header)).length;
  });
  ends.push(stopHeads, () => mining.stop());

  /** The next block of a model on the full chain, told by the peer. */
  async function tell(model: Uint8Array, nonce = 0n): Promise<Block> {
    const nowMs = full.head().header.time + 1;
    const { core, body } = full.template({ miner: bob.address, modelId: model, nowMs });
    const block = { header: { ...core, nonce, proofDigest: core.prevHash }, body, proof: PROOF };
    await full.importBlock(block);
    expect(await follower.onBlock('peer', { block, sequence: 1 })).toBe('accept');
    await settled(block);
    return block;
  }
  const settled = (block: Block) =>
    vi.waitUntil(() => fullCheck.standing && equal(fullCheck.standing.head, blockId(block.header)));
  const worksOn = (): string | undefined => {
    const last = made.templates.at(-1);
    return last && toHex(last.core.prevHash);
  };
  const start = async (options: MiningOptions = {}): Promise<void> => {
    follower.poll();
    await vi.waitUntil(() => reader.heads.everCaughtUp);
    mining.payTo(ann.address);
    await mining.start(options);
  };
  return {
    made,
    mining,
    worker,
    fail,
    chain,
    clock,
    charged,
    told,
    tell,
    settled,
    worksOn,
    start,
    openTime,
    /** What is given to the worker from now on takes until it is ended. */
    holdBack() {
      const [begun, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      given = { begin: begun.resolve, over: over.promise };
      return { begun: begun.promise, end: over.resolve };
    },
    /** The model comes. */
    arrive: () => (here.add('best'), coming.resolve()),
    /** A block found here, on what is worked on. */
    async find(): Promise<void> {
      const { modelId: _m, target: _t, ...template } = made.templates.at(-1)!;
      mining.onWon({ header: { ...template.core, proofDigest: MODEL }, proof: PROOF });
      await vi.waitUntil(() => mining.isOwn(chain.headers.head().header));
    },
  };
}

const hexOf = (block: Block): string => toHex(blockId(block.header));

test('mined on for ten minutes, then nothing is, until the model is here and shows them false', async () => {
  const device = await setUp();
  const { mining, clock, made } = device;
  const honest = await device.tell(MODEL);
  const forged = await device.tell(BEST, FALSE);
  await device.start();
  expect(made.models).toEqual(['test']);
  await vi.waitUntil(() => device.worksOn() === hexOf(forged));
  await device.find();
  expect(mining.holding()).toMatchObject({ uncheckedMs: UNCHECKED_MS_MAX });

  for (let gone = 0; gone < UNCHECKED_MS_MAX; gone += 5000) {
    await vi.waitUntil(() => (void mining.refresh(), device.worksOn() !== undefined));
    clock.ms += 5000;
  }
  await mining.refresh();
  expect([device.worksOn(), mining.holding().uncheckedMs]).toEqual([undefined, 0]);
  // Another load of the page brings no time.
  expect((await device.openTime()).leftMs).toBe(0);
  expect(made.replayed).not.toContain(forged.header.height);

  device.arrive();
  await device.settled(honest);
  await vi.waitUntil(() => device.worksOn() === hexOf(honest));
  // Whoever told it is charged as if it had been checked then, and what was found on it is told as lost.
  expect(device.charged).toEqual(['peer proof.activations']);
  expect(device.told).toEqual(['lost 1']);
  expect(mining.holding()).toMatchObject({ missing: [], uncheckedMs: undefined });
  await vi.waitUntil(() => made.models.at(-1) === 'best');
  const after = await device.chain.headers.import([forged.header]);
  expect(after).toMatchObject({ fault: 'header.known-invalid' });
});

test('what was built on is replayed in order, also what lies deep by then, and the work goes on', async () => {
  const device = await setUp();
  const { made, mining } = device;
  await device.start();
  const heights: number[] = [];
  for (let i = 0; i < 10; i++) {
    const block = await device.tell(i % 2 ? BEST : MODEL);
    if (i % 2) heights.push(block.header.height);
    await vi.waitUntil(() => (void mining.refresh(), device.worksOn() === hexOf(block)));
  }
  // Deeper than the sixteen that a device looks at that comes back.
  let last = await device.tell(MODEL);
  for (let i = 0; i < 20; i++) last = await device.tell(MODEL);
  expect(made.replayed.filter((height) => heights.includes(height))).toEqual([]);
  expect((await device.openTime()).from).toBe(heights[0]);
  device.arrive();
  await vi.waitUntil(() => made.replayed.includes(heights.at(-1)!));
  expect(made.replayed.filter((height) => heights.includes(height))).toEqual(heights);
  await vi.waitUntil(() => mining.holding().uncheckedMs === undefined);
  expect(device.worksOn()).toBe(hexOf(last));
  expect((await device.openTime()).leftMs).toBe(UNCHECKED_MS_MAX);
  expect(device.charged).toEqual([]);
});

test('a model that is still on its way into the worker checks nothing', async () => {
  const device = await setUp();
  await device.start();
  const giving = device.holdBack();
  device.arrive();
  await giving.begun;
  const block = await device.tell(BEST);
  expect(device.made.replayed).not.toContain(block.header.height);
  giving.end();
  await vi.waitUntil(() => device.made.replayed.includes(block.header.height));
});

test('who declines a missing model does not mine; who is yet to be asked does, for a while', async () => {
  const device = await setUp();
  await expect(device.start({ others: 'decline' })).rejects.toMatchObject({
    code: 'MODELS_DECLINED',
  });
  expect(device.made.models).toEqual([]);
  await device.start({ others: 'ask' });
  expect(device.made.models).toEqual(['test']);
  expect(device.mining.holding()).toMatchObject({
    consent: 'ask',
    missing: [{ name: 'best', bytes: 100 }],
  });
  device.arrive();
  await device.start({ others: 'fetch' });
  await vi.waitUntil(() => device.made.models.at(-1) === 'best');
  await device.start({ others: 'decline' });
});

test('a model that a person chose is mined with, whatever else comes', async () => {
  const device = await setUp();
  await device.start({ model: 'test' });
  device.arrive();
  await vi.waitUntil(() => device.mining.holding().missing.length === 0);
  await new Promise((r) => setTimeout(r, 20));
  expect(device.made.models).toEqual(['test']);
});

test('where the best model does not run on this device the next one is mined with', async () => {
  const device = await setUp();
  const { made, worker } = device;
  made.unfit.push('best');
  await device.start();
  device.arrive();
  await vi.waitUntil(() => made.models.length === 3);
  expect(made.models).toEqual(['test', 'best', 'test']);
  await vi.waitUntil(() => worker.status().state === 'running');
  expect(worker.model?.name).toBe('test');
  // It is not tried again, and what fails later has failed.
  await device.start();
  expect(made.models.slice(3)).toEqual(['test']);
  device.fail();
  expect(worker.status().state).toBe('failed');
  // A person who chose it learns that it does not run.
  await expect(device.start({ model: 'best' })).rejects.toMatchObject({ code: 'SELF_TEST_FAILED' });
  expect(worker.status().state).toBe('failed');
});

test('a pause while it changes to the best model is one', async () => {
  const device = await setUp();
  const { made, mining, worker } = device;
  await device.start();
  const pausing = Promise.withResolvers<void>();
  made.pausing = pausing.promise;
  device.arrive();
  await vi.waitUntil(() => worker.status().state === 'paused');
  const paused = mining.pause();
  pausing.resolve();
  await paused;
  await new Promise((r) => setTimeout(r, 20));
  expect([made.models, worker.status().state]).toEqual([['test'], 'paused']);
});

test('a pause while a start looks at what is here is one', async () => {
  const device = await setUp();
  const { made, mining, worker } = device;
  await device.start();
  await mining.pause();
  const started = mining.start({});
  await mining.pause();
  await started;
  expect([made.models, worker.status().state]).toEqual([['test'], 'paused']);
  await mining.start({});
  expect(worker.status().state).toBe('running');
});

test('once it is paused it asks for no more unchecked time', async () => {
  const device = await setUp();
  const { mining, worker, made } = device;
  const block = await device.tell(BEST);
  await device.start();
  await vi.waitUntil(() => device.worksOn() === hexOf(block));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    await mining.refresh();
    const before = made.templates.length;
    await vi.advanceTimersByTimeAsync(6000);
    expect(made.templates.length).toBeGreaterThan(before);
    await mining.pause();
    expect(worker.status().state).toBe('paused');
    await mining.refresh();
    const paused = made.templates.length;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(made.templates.length).toBe(paused);
  } finally {
    vi.useRealTimers();
  }
});

test('a model that ran and fails later has failed, though another could be tried', async () => {
  const device = await setUp();
  device.arrive();
  await device.start();
  expect(device.made.models).toEqual(['best']);
  device.fail();
  expect(device.worker.status().state).toBe('failed');
});
