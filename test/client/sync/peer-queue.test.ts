/** Peers to catch up with. */
import { afterEach, expect, test, vi } from 'vitest';
import { createPeerQueue } from '../../../src/client/sync/peer-queue.ts';

afterEach(() => vi.restoreAllMocks());

test('a peer that tells of orphans is asked five times at once, then once a second; a poll asks anyhow', async () => {
  let nowMs = 1_000_000;
  vi.spyOn(Date, 'now').mockImplementation(() => nowMs);
  const asked: string[] = [];
  const queue = createPeerQueue({ run: async (peer) => void asked.push(peer) });
  const tell = async (peer: string, times: number): Promise<void> => {
    for (let i = 0; i < times; i++) {
      queue.addTold(peer);
      await expect.poll(() => queue.size).toBe(0);
    }
  };
  const count = (): number => asked.splice(0).length;

  await tell('flood', 12);
  expect(count()).toBe(5);
  await tell('other', 1);
  expect(count()).toBe(1);
  nowMs += 2_000;
  await tell('flood', 12);
  expect(count()).toBe(2);
  queue.add('flood');
  await expect.poll(count).toBe(1);
});
