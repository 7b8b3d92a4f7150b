/** A chain that goes on by rules that this program does not know: what it knows of it is what there is to catch up with. */
import { expect, test } from 'vitest';
import { openLightChain } from '../../chain/open-light.ts';
import { mine, openChain, person, START_MS } from '../../chain/make-blocks.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { MemoryNet } from '../memory-net.ts';
import { openFollower } from '../open-follower.ts';

const never = {
  onRequest: async () => ({ type: 'unavailable', reason: 'no' }) as const,
  onBlock: async () => 'ignore' as const,
  onTx: async () => 'ignore' as const,
  onOffer: async () => 'ignore' as const,
  onPeers: () => undefined,
};

test('a client is caught up, and settles its head, where the rules that it knows end', async () => {
  const net = new MemoryNet();
  const seed = await openChain();
  await mine(seed, person(1), 5);
  const last = seed.head().header;
  await net.seed('seed', seed);
  const chain = await openLightChain({ now: () => START_MS + 60_000 });
  const transport = net.transport('me');
  await transport.start({ ...never });
  let isMixed = true;
  const settled: number[] = [];
  const open = () =>
    openFollower(
      chain,
      {
        ...transport,
        async request(peer, asked) {
          const answer = await transport.request(peer, asked);
          if (answer.type === 'status')
            return { ...answer, height: 6, head: new Uint8Array(32), totalWork: 2n ** 200n };
          if (answer.type !== 'headers') return answer;
          if (!isMixed && !answer.headers.length) throw new AppError('NET_NEWER', 'version 3');
          const newer = { ...last, version: 3, knows: 3, height: 6 };
          return { ...answer, headers: [...answer.headers, newer] };
        },
      },
      { onHead: async ({ header }) => void settled.push(header.height) },
    ).follower;
  net.link('me', 'seed');

  const first = open();
  first.poll();
  await expect.poll(() => first.sync()).toBe('synced');
  expect(chain.headers.head().header.height).toBe(5);
  expect(first.isBehind()).toBe(false);

  // Started again: all that a peer has to tell is newer.
  isMixed = false;
  settled.length = 0;
  const second = open();
  second.poll();
  await expect.poll(() => second.sync()).toBe('synced');
  expect(second.isBehind()).toBe(false);
  expect(settled).toEqual([5]);
});
