/** Mining of a light client: what a dead worker, a silent network or a junk block does to it. */
import { expect, test, vi } from 'vitest';
import { Announcer } from '../../../src/client/announcer.ts';
import { FoundBlocks } from '../../../src/client/mining/found-blocks.ts';
import { HeldModels } from '../../../src/client/mining/held-models.ts';
import { MinerWorker } from '../../../src/client/mining/miner-worker.ts';
import { Mining } from '../../../src/client/mining/mining.ts';
import { UncheckedTime } from '../../../src/client/mining/unchecked-time.ts';
import { ModelSupply } from '../../../src/client/models/model-supply.ts';
import type { PeerEvents } from '../../../src/client/peer-events.ts';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import { FullCheck } from '../../../src/client/sync/full-check.ts';
import type { Fault, FaultCode } from '../../../src/core/faults.ts';
import type { HeaderCore } from '../../../src/core/formats.ts';
import type { Block } from '../../../src/core/messages.ts';
import { without } from '../../attack/without.ts';
import type { Params } from '../../../src/core/params.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { Emitter } from '../../../src/lib/events.ts';
import type { FoundBlock } from '../../../src/miner/engine/miner-api.ts';
import {
  MODEL,
  MODELS,
  nextBlock,
  openChain,
  PARAMS,
  person,
  START_MS,
} from '../../chain/make-blocks.ts';

const ann = person(1);

/** Mining on a real chain, with a worker and a network that fail as the test says. */
async function setUp(
  off: FaultCode[] = [],
  check = async (): Promise<readonly Fault[]> => [],
  rules: Params = PARAMS,
) {
  const full = await openChain();
  const block = nextBlock(full, ann, { afterMs: 1 });
  const made = {
    found: undefined as unknown as (b: FoundBlock) => void,
    checks: 0,
    launched: 0,
    templates: [] as (HeaderCore | undefined)[],
  };
  const miner = {
    on: (name: string, hear: never) => void (name === 'block' && (made.found = hear)),
    start: async () => undefined,
    pause: async () => undefined,
    work: async (template?: HeaderCore) => void made.templates.push(template),
    check: () => (made.checks++, check()),
  };
  const events = new Emitter<PeerEvents>();
  const adopted: Block[] = [];
  const params = without(rules, off);
  const network = { params, models: MODELS, names: ['test'] };
  const chain = {
    params,
    headers: { head: full.head, refuse: async () => undefined },
    blocks: { template: full.template },
    state: { after: () => undefined },
  } as never;
  const worker = new MinerWorker({
    platform: { createMiner: async () => (made.launched++, miner) as never },
    supply: new ModelSupply(undefined),
    events,
  });
  const modelService = {
    stored: async () => [],
    fetch: async () => undefined,
    stop: () => undefined,
  };
  const mining = new Mining({
    network,
    chain,
    pool: { judged: () => [], missing: () => [] } as never,
    reader: { heads: { everCaughtUp: true }, state: { read: async () => undefined } } as never,
    worker,
    modelService,
    held: new HeldModels({ chain, modelService, worker }),
    time: await UncheckedTime.open({
      store: createMemoryStore(),
      genesisId: MODEL,
      steadyMs: () => START_MS,
    }),
    standing: () => ({ head: full.head().id, owedFrom: undefined }),
    events,
    nowMs: () => START_MS,
  });
  const fullCheck = new FullCheck({
    network,
    chain,
    miner: worker,
    transport: { charge: () => undefined },
    builtFrom: () => undefined,
    onFalse: () => undefined,
  });
  const foundBlocks = new FoundBlocks({
    chain,
    outbox: { found: undefined, keepFound: async () => undefined } as never,
    announcer: new Announcer({
      announceBlock: async () => {
        throw new AppError('NET_CLOSED', 'nobody is here');
      },
    } as never),
    heads: { countAt: () => 0 } as never,
    follower: { adopt: async (b) => void adopted.push(b), poll: () => undefined },
    events,
    nowMs: () => START_MS,
  });
  // As peer.ts connects them.
  events.on('won', (found) => mining.onWon(found));
  events.on('blockFound', (found) => void foundBlocks.add(found));
  events.on('blockAdopted', () => mining.onAdopted());
  mining.payTo(ann.address);
  await mining.start({ model: 'test' });
  return { mining, fullCheck, worker, block, adopted, made };
}

test('a block without work is not replayed', async () => {
  const { mining, fullCheck, block, made } = await setUp();
  expect((await fullCheck.check(block))?.fault).toBe('proof.shape');
  expect(made.checks).toBe(0);
  mining.stop();
});

test('a dead worker stops no block, and is started anew', async () => {
  const { mining, fullCheck, worker, block, made } = await setUp(['proof.shape'], async () => {
    throw new AppError('WORKER_DIED', 'out of memory');
  });
  expect(await fullCheck.check(block)).toBeUndefined();
  expect(made.checks).toBe(1);
  expect(worker.status()).toMatchObject({ state: 'failed', problem: 'WORKER_DIED' });
  await mining.start({ model: 'test' });
  expect(made.launched).toBe(2);
  mining.stop();
});

test('an own block is adopted also when nobody can be told', async () => {
  const { mining, block, adopted, made } = await setUp();
  made.found(block);
  await new Promise((r) => setTimeout(r));
  expect(adopted).toHaveLength(1);
  expect(adopted[0]!.header.model).toBe(0);
  mining.stop();
});

test('while an own block is taken there is nothing to work on', async () => {
  const { mining, block, made } = await setUp();
  expect(made.templates).toEqual([expect.objectContaining({ modelId: MODEL })]);
  made.found(block);
  // It is told at once, for work may be on its way to the worker.
  await Promise.resolve();
  expect(made.templates.slice(1)).toEqual([undefined]);
  await mining.refresh();
  await vi.waitUntil(() => made.templates.length > 3);
  expect(made.templates.slice(1)).toEqual([undefined, undefined, made.templates[0]]);
  mining.stop();
});

test('where the model holds no more there is nothing to work on', async () => {
  const ends = { ...PARAMS, models: [{ id: toHex(MODEL), from: 0, to: 1 }] };
  const { mining, made } = await setUp([], undefined, ends);
  expect(made.templates).toEqual([undefined]);
  mining.stop();
});

test('while the store fails there is nothing to work on', async () => {
  const { mining, made } = await setUp();
  expect(made.templates.at(-1)).toEqual(expect.objectContaining({ modelId: MODEL }));
  mining.rest(true);
  await vi.waitUntil(() => made.templates.length > 1);
  await mining.refresh();
  await vi.waitUntil(() => made.templates.length > 2);
  expect(made.templates.slice(1)).toEqual([undefined, undefined]);
  mining.rest(false);
  await vi.waitUntil(() => made.templates.length > 3);
  expect(made.templates.at(-1)).toEqual(made.templates[0]);
  mining.stop();
});
