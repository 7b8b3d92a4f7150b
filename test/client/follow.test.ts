/** Following peers: who is charged for a branch that is not proven, and who is not. */
import { expect, test } from 'vitest';
import { createFollower } from '../../src/client/follow.ts';
import { createLightChain } from '../../src/chain/light-chain.ts';
import { createMemoryStore } from '../../src/chain/memory-store.ts';
import { isFault, type Fault } from '../../src/core/faults.ts';
import type { SyncRequest, SyncResponse } from '../../src/core/messages.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { createLog } from '../../src/lib/log.ts';
import type { PeerInfo, Transport } from '../../src/net/transport.ts';
import { createHandlers } from '../../src/node/serve-peers.ts';
import {
  idOf,
  MODELS,
  nextBlock,
  openChain,
  PARAMS,
  person,
  START_MS,
} from '../chain/make-blocks.ts';

const [ann, bob] = [person(1), person(2)] as const;

/** A follower of one peer, a full chain with one block; `meanwhile` happens to each answer. */
async function setUp(meanwhile: (answer: SyncResponse) => Promise<SyncResponse>) {
  const full = await openChain();
  const chain = await createLightChain({
    store: createMemoryStore(),
    params: PARAMS,
    models: MODELS,
    now: () => START_MS + 60_000,
    verifyProof: () => undefined,
  });
  await chain.openOrReset((await full.header(0))!);
  const rival = nextBlock(full, bob);
  const told = nextBlock(full, ann);
  await full.importBlock(told);
  const never = (): never => {
    throw new Error('a full chain with one block has nothing to follow');
  };
  const handlers = createHandlers(
    full,
    never,
    createLog(() => undefined),
  );
  const charged: string[] = [];
  const transport = {
    peers: () => [{ id: 'peer' } as PeerInfo],
    charge: (_peer: string, f: Fault) => void charged.push(f.fault),
    async request(_peer: string, request: SyncRequest) {
      const answer = await handlers.onRequest('me', request);
      if (isFault(answer)) throw new Error(answer.fault);
      return await meanwhile(answer);
    },
  } as unknown as Transport;
  const follower = createFollower({
    ...{ chain, transport, random: Math.random, checkFully: undefined, trustFirstGenesis: false },
    onChange: () => undefined,
    onHead: async () => undefined,
  });
  return { follower, chain, charged, rival, told };
}

test('a peer whose branch is outrun by one of equal work while it proves it is not charged', async () => {
  const made = await setUp(async (answer) => {
    if (answer.type === 'blocks' && headOf() !== idOf(made.rival))
      await made.follower.onBlock('other', { block: made.rival, sequence: 1 });
    return answer;
  });
  const headOf = () => toHex(made.chain.head()!.id);
  made.follower.poll();
  await expect.poll(() => made.chain.proofsChecked).toBe(2);
  await expect.poll(() => made.follower.sync()).toBe('synced');
  expect(headOf()).toBe(idOf(made.rival));
  expect(made.charged).toEqual([]);
});

test('a peer that does not prove its branch is charged, and the branch is dropped', async () => {
  const made = await setUp(async (answer) =>
    answer.type === 'blocks' ? { type: 'blocks', blocks: [] } : answer,
  );
  made.follower.poll();
  await expect.poll(() => made.charged).toEqual(['wire.unproven']);
  expect(made.chain.bestHeader()!.header.height).toBe(0);
});
