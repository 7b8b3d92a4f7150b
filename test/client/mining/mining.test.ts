/** Mining of a light client: what a dead worker, a silent network or a junk block does to it. */
import { expect, test, vi } from 'vitest';
import { ModelSupply } from '../../../src/client/models/model-supply.ts';
import { createMining } from '../../../src/client/mining/mining.ts';
import type { ClientConfig } from '../../../src/client/api.ts';
import type { FaultCode } from '../../../src/core/faults.ts';
import type { Block } from '../../../src/core/messages.ts';
import { createParams } from '../../../src/core/params.ts';
import { AppError } from '../../../src/lib/errors.ts';
import type { FoundBlock, Template } from '../../../src/miner/engine/miner-api.ts';
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
const config: ClientConfig = { network: 'e2e', bootstrap: [], genesis: undefined };

/** Mining on a real chain, with a worker and a network that fail as the test says. */
async function setUp(off: FaultCode[] = [], check = async (): Promise<undefined> => undefined) {
  const full = await openChain();
  const block = nextBlock(full, ann, { afterMs: 1 });
  const made = {
    found: undefined as unknown as (b: FoundBlock) => void,
    checks: 0,
    launched: 0,
    templates: [] as (Template | undefined)[],
  };
  const miner = {
    on: (name: string, hear: never) => void (name === 'block' && (made.found = hear)),
    start: async () => undefined,
    pause: async () => undefined,
    work: async (template?: Template) => void made.templates.push(template),
    check: () => (made.checks++, check()),
  };
  const adopted: Block[] = [];
  const mining = createMining({
    platform: {
      createMiner: async () => (made.launched++, miner),
      nowMs: () => START_MS,
    } as never,
    network: { params: createParams('e2e', PARAMS.models, off), models: MODELS, names: ['test'] },
    light: {
      chain: {
        headers: { head: full.head },
        blocks: { template: full.template },
        state: { after: () => undefined },
      },
    } as never,
    pool: { judged: () => [], missing: () => [] } as never,
    reader: { read: async () => undefined } as never,
    follower: { adopt: async (b: Block) => void adopted.push(b), ready: () => true } as never,
    serving: { nextJob: () => undefined, refresh: async () => undefined } as never,
    modelService: { supply: new ModelSupply(undefined), stop: () => undefined },
    payout: () => ann.address,
    announce: async () => {
      throw new AppError('NET_CLOSED', 'nobody is here');
    },
    onStatus: () => undefined,
    onProblem: () => undefined,
  });
  await mining.start({ model: 'test' }, config);
  return { mining, block, adopted, made };
}

test('a block without work is not replayed', async () => {
  const { mining, block, made } = await setUp();
  expect((await mining.check(block))?.fault).toBe('proof.shape');
  expect(made.checks).toBe(0);
  mining.stop();
});

test('a dead worker stops no block, and is started anew', async () => {
  const { mining, block, made } = await setUp(['proof.shape'], async () => {
    throw new AppError('WORKER_DIED', 'out of memory');
  });
  expect(await mining.check(block)).toBeUndefined();
  expect(made.checks).toBe(1);
  expect(mining.status()).toMatchObject({ state: 'failed', problem: 'WORKER_DIED' });
  await mining.start({ model: 'test' }, config);
  expect(made.launched).toBe(2);
  mining.stop();
});

test('an own block is adopted also when nobody can be told', async () => {
  const { mining, block, adopted, made } = await setUp();
  made.found(block);
  await new Promise((r) => setTimeout(r));
  expect(adopted).toHaveLength(1);
  expect(adopted[0]!.header.modelId).toEqual(MODEL);
  mining.stop();
});

test('while an own block is taken there is nothing to work on', async () => {
  const { mining, block, made } = await setUp();
  expect(made.templates).toEqual([expect.objectContaining({ core: expect.anything() })]);
  made.found(block);
  await mining.refresh();
  expect(made.templates[1]).toBe(undefined);
  await vi.waitUntil(() => made.templates.length > 2);
  expect(made.templates.at(-1)).toEqual(made.templates[0]);
  mining.stop();
});
