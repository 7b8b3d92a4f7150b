// What a peer proves after the chain has moved on is no answer, and no failure either.
import { expect, test } from 'vitest';
import type { LightChain } from '../../../src/chain/light/light-chain.ts';
import type { Ask } from '../../../src/client/sync/ask-peers.ts';
import { createStateReader } from '../../../src/client/sync/state-reader.ts';
import { genesisPoint } from '../../../src/core/header/header.ts';
import { createParams } from '../../../src/core/params.ts';
import { proveKeys, EMPTY_TREE } from '../../../src/core/tree/tree.ts';
import { AppError } from '../../../src/lib/errors.ts';

test('a reorganisation while a peer answers', async () => {
  const { header } = genesisPoint(createParams('main'), 1);
  let known = true;
  const state = {
    after: () => undefined,
    rootAfter: () => (known ? header.stateRoot : undefined),
    verify() {
      throw new AppError('ROOT_UNKNOWN', 'as the chain does');
    },
  };
  const chain = { state } as unknown as LightChain;
  const ask = (async (_: never, take: (answer: { proof: Uint8Array }) => Promise<unknown>) => {
    known = false;
    return await take({ proof: proveKeys(EMPTY_TREE, []) });
  }) as unknown as Ask;
  const reader = createStateReader(chain, ask);
  expect(await reader.read(header, [new Uint8Array(32)])).toBeUndefined();
});
