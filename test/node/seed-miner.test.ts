import { expect, it } from 'vitest';
import { networkOf } from '../../src/client/models/networks.ts';
import { Emitter } from '../../src/lib/events.ts';
import type { FoundBlock } from '../../src/miner/engine/miner-api.ts';
import { createWatchedStores } from '../../src/node/http/health.ts';
import { createSeedMiner } from '../../src/node/seed/seed-miner.ts';
import type { SeedDeps } from '../../src/node/seed/seed-deps.ts';
import { mine, openChain, person, START_MS } from '../chain/make-blocks.ts';
import { diskThatFills } from './disk-that-fills.ts';

it('a full disk is one line of the log, and mining rests until a write works', async () => {
  const disk = diskThatFills();
  const lines: string[] = [];
  const note = (event: string) => void lines.push(event);
  const log = { info: note, warn: note, error: note };
  const stores = createWatchedStores(log);
  const chain = await openChain(stores.watch(disk.store), { ms: START_MS });
  const won = new Emitter<{ block: FoundBlock }>();
  const work: unknown[] = [];
  const deps = {
    chain,
    stores,
    network: networkOf('e2e'),
    options: { model: 'tiny' },
    log,
    sender: { address: person(1).address, publicKey: new Uint8Array(32) },
    thread: {
      ensure: async () => undefined,
      miner: {
        start: async () => undefined,
        pause: async () => undefined,
        work: (template: unknown) => work.push(template),
        on: (name: string, listener: (found: FoundBlock) => void) =>
          name === 'block' ? won.on('block', listener) : () => undefined,
      },
    },
    announce: async () => undefined,
  } as unknown as SeedDeps;
  const miner = createSeedMiner(deps, person(1).address);
  await miner.start();
  await mine(chain, person(1), 1);
  expect(work.at(-1)).toMatchObject({ core: {} });
  disk.isFull = true;
  for (let i = 0; i < 5; i++)
    await expect(mine(chain, person(1), 1)).rejects.toMatchObject({ code: 'STORE_FULL' });
  expect(lines).toEqual(['store.fails']);
  expect(work.at(-1)).toBeUndefined();
  disk.isFull = false;
  await mine(chain, person(1), 1);
  expect(lines).toEqual(['store.fails', 'store.works']);
  expect(work.at(-1)).toMatchObject({ core: {} });
  miner.stop();
});
