// Transactions of a node's own key: signed in turn, told, and told again while they wait.
import { expect, test } from 'vitest';
import type { TxAnnounce } from '../../src/core/messages.ts';
import { ACCOUNT_MIN } from '../../src/core/params.ts';
import type { Transport } from '../../src/net/transport.ts';
import { createSender } from '../../src/node/seed/sender.ts';
import { mine, openChain, PARAMS, person } from '../chain/make-blocks.ts';

const [ann, bob] = [person(1), person(2)] as const;

test('what no block takes is told again under another number, what one took is not', async () => {
  const [chain, other] = [await openChain(), await openChain()];
  for (const block of await mine(chain, ann, 5)) await other.importBlock(block);
  const told: TxAnnounce[] = [];
  const announceTx = async (announce: TxAnnounce) => void told.push(announce);
  const transport = { announceTx } as unknown as Transport;
  const sender = createSender({ chain, params: PARAMS, transport }, ann.secret);
  const gift = {
    type: 'transfer',
    to: bob.address,
    amount: ACCOUNT_MIN,
    memo: new Uint8Array(),
  } as const;
  const sent = [
    await sender.send({ ...gift, fee: 2_000n }),
    await sender.send({ ...gift, fee: 2_000n }),
  ];
  expect(told.map(({ tx }) => tx)).toEqual(sent);
  // Blocks of a miner that never heard of them.
  for (const block of await mine(other, bob, 3)) await chain.importBlock(block);
  expect(chain.head().header.height).toBe(8);
  expect(told.slice(2).map(({ tx }) => tx)).toEqual(sent);
  expect(new Set(told.map(({ sequence }) => sequence)).size).toBe(4);
  await mine(chain, bob, 8);
  expect(told).toHaveLength(4);
});
