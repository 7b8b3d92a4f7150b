// What a peer proves after the chain has moved on is no answer, and no failure either.
import { expect, test } from 'vitest';
import type { LightStore } from '../../../src/chain/light/light-store.ts';
import { createStateReader } from '../../../src/client/sync/state-reader.ts';
import type { Follower } from '../../../src/client/sync/follow.ts';
import { genesisPoint } from '../../../src/core/header/header.ts';
import { createParams } from '../../../src/core/params.ts';
import { proveKeys, EMPTY_TREE } from '../../../src/core/tree/tree.ts';
import { AppError } from '../../../src/lib/errors.ts';

test('a reorganisation while a peer answers', async () => {
  const { header } = genesisPoint(createParams('main', []), 1);
  let known = true;
  const state = {
    after: () => undefined,
    rootAfter: () => (known ? header.stateRoot : undefined),
    verify() {
      throw new AppError('ROOT_UNKNOWN', 'as the chain does');
    },
  };
  const light = { chain: { state } } as unknown as LightStore;
  const ask = (async (_: never, take: (answer: { proof: Uint8Array }) => Promise<unknown>) => {
    known = false;
    return await take({ proof: proveKeys(EMPTY_TREE, []) });
  }) as unknown as Follower['ask'];
  const reader = createStateReader(light, ask);
  expect(await reader.read(header, [new Uint8Array(32)])).toBeUndefined();
});
