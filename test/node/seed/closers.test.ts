import { expect, it } from 'vitest';
import { closeAll, type Closers } from '../../../src/node/seed/closers.ts';

it('closes every part, the newest first, also where some fail, and tells the first failure', async () => {
  const done: string[] = [];
  const closers: Closers = ['database', 'peers', 'page', 'miner'].map((part) => async () => {
    done.push(part);
    if (part === 'peers' || part === 'page') throw new Error(`${part} hangs`);
  });
  closers.push(() => {
    throw new Error('at once');
  });
  await expect(closeAll(closers)).rejects.toThrow('at once');
  expect(done).toEqual(['miner', 'page', 'peers', 'database']);
  // Closed once is closed.
  await closeAll(closers);
  expect(done).toHaveLength(4);
});
