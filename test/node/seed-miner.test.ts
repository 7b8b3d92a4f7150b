import { expect, it } from 'vitest';
import { createMemoryStore } from '../../src/chain/store/memory-store.ts';
import type { Store } from '../../src/chain/store/store.ts';
import { Emitter } from '../../src/lib/events.ts';
import { toHex } from '../../src/lib/bytes.ts';
import type { Block } from '../../src/core/messages.ts';
import { SUBSIDY, type Params } from '../../src/core/params.ts';
import type { FoundBlock, Work } from '../../src/miner/engine/miner-api.ts';
import { createWatchedStores } from '../../src/node/http/health.ts';
import { MinedBlocks } from '../../src/node/mined-blocks.ts';
import { createSeedMiner } from '../../src/node/seed/seed-miner.ts';
import type { SeedDeps } from '../../src/node/seed/seed-deps.ts';
import {
  MANIFEST,
  mine,
  MODEL,
  MODELS,
  openChain,
  PARAMS,
  person,
  PROOF,
  START_MS,
} from '../chain/make-blocks.ts';
import { diskThatFills } from './disk-that-fills.ts';

/** A seed's miner on that store, whose thread finds what is put into `won`. */
async function open(
  store: Store,
  announce: (block: Block) => Promise<void>,
  params: Params = PARAMS,
) {
  const lines: string[] = [];
  const note = (event: string) => void lines.push(event);
  const log = { info: note, warn: note, error: note };
  const stores = createWatchedStores(log);
  const chain = await openChain(stores.watch(store), { ms: START_MS }, { params });
  const won = new Emitter<{ block: FoundBlock }>();
  const work: (Work | undefined)[] = [];
  const deps = {
    chain,
    stores,
    network: { params, models: MODELS, names: [MANIFEST.name] },
    options: { model: MANIFEST.name },
    log,
    mined: new MinedBlocks(),
    thread: {
      ensure: async () => undefined,
      miner: {
        start: async () => undefined,
        pause: async () => undefined,
        work: (template: Work | undefined) => work.push(template),
        on: (name: string, listener: (found: FoundBlock) => void) =>
          name === 'block' ? won.on('block', listener) : () => undefined,
      },
    },
    announce,
  } as unknown as SeedDeps;
  const miner = createSeedMiner(deps, person(1).address);
  await miner.start();
  return { chain, lines, miner, mined: deps.mined, won, work };
}

it('a full disk is one line of the log, and mining rests until a write works', async () => {
  const disk = diskThatFills();
  const { chain, lines, miner, work } = await open(disk.store, async () => undefined);
  await mine(chain, person(1), 1);
  expect(work.at(-1)).toMatchObject({ core: { height: 2 } });
  disk.isFull = true;
  for (let i = 0; i < 5; i++)
    await expect(mine(chain, person(1), 1)).rejects.toMatchObject({ code: 'STORE_FULL' });
  expect(lines).toEqual(['store.fails']);
  expect(work.at(-1)).toBeUndefined();
  disk.isFull = false;
  await mine(chain, person(1), 1);
  expect(lines).toEqual(['store.fails', 'store.works']);
  expect(work.at(-1)).toMatchObject({ core: { height: 3 } });
  await miner.stop();
});

it('stops when what it found last is in the chain and announced', async () => {
  const announced = Promise.withResolvers<Block>();
  const reached = Promise.withResolvers<void>();
  const { chain, lines, miner, mined, won } = await open(createMemoryStore(), (block) => {
    announced.resolve(block);
    return reached.promise;
  });
  await mine(chain, person(1), 1);
  // Found by the chain's clock, which is not this machine's.
  const time = chain.head().header.time + 2000;
  const { core } = chain.template({ miner: person(1).address, modelId: MODEL, nowMs: time });
  const header = { ...core, nonce: 0n, proofDigest: new Uint8Array(32).fill(9) };
  won.emit('block', { header, proof: PROOF });
  let isOver = false;
  const stopped = miner.stop().then(() => (isOver = true));
  expect((await announced.promise).header).toEqual(header);
  expect([chain.head().header, lines, isOver]).toEqual([header, ['mine.block'], false]);
  const earned = await mined.count(chain.head().header.height, chain.header);
  expect(earned).toEqual({ found: 1, kept: 1, earned: SUBSIDY });
  // Peers can be told no more: that is a line of the log, and no end without one.
  reached.reject(new Error('the transport is not running'));
  await stopped;
  expect(lines).toEqual(['mine.block', 'mine']);
  // Whatever is found now is of a miner that has stopped.
  won.emit('block', { header, proof: PROOF });
  expect(lines).toEqual(['mine.block', 'mine']);
});

it('rests from the height at which its model holds no more', async () => {
  const params = { ...PARAMS, models: [{ id: toHex(MODEL), from: 0, to: 3 }] };
  const { chain, miner, work } = await open(createMemoryStore(), async () => undefined, params);
  await mine(chain, person(1), 1);
  expect(work.at(-1)).toMatchObject({ core: { height: 2 } });
  await mine(chain, person(1), 1);
  expect(work.at(-1)).toBeUndefined();
  await miner.stop();
});
