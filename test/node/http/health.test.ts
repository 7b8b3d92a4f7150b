import { once } from 'node:events';
import { expect, it } from 'vitest';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import { CALM } from '../../../src/chain/shared/outlook.ts';
import type { Store } from '../../../src/chain/store/store.ts';
import type { ErrorCode } from '../../../src/lib/error-codes.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { createWatchedStores, healthRoute, requireRules } from '../../../src/node/http/health.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { createInexactness } from '../../../src/node/inexactness.ts';
import type { UnfollowedBranch } from '../../../src/node/seed/full-sync.ts';
import { createHandlers } from '../../../src/node/seed/serve-peers.ts';
import { createHttp, listen, sendJson } from '../../../src/node/http/http.ts';
import { mine, nextBlock, openChain, person, START_MS, transfer } from '../../chain/make-blocks.ts';
import { diskThatFills } from '../disk-that-fills.ts';

it('is well, unwell while the disk is full, and well again after the next block', async () => {
  const disk = diskThatFills();
  const stores = createWatchedStores(silentLog);
  const chain = await openChain(stores.watch(disk.store), { ms: START_MS });
  const transport = { peers: () => [1, 2] } as never;
  let outlook = CALM;
  let branch: UnfollowedBranch | undefined;
  const warnings: unknown[] = [];
  const inexactness = createInexactness({ warn: (...line) => warnings.push(line) });
  const { server } = createHttp(
    {
      'GET /health': healthRoute({
        chain,
        transport,
        stores,
        outlook: () => outlook,
        unfollowed: () => branch,
        inexact: inexactness.last,
      }),
    },
    (_, r) => sendJson(r, 404, {}),
  );
  const port = await listen(server, '127.0.0.1', 0);
  const health = async () => {
    const response = await fetch(`http://127.0.0.1:${port}/health`);
    return [response.status, await response.json()];
  };
  await mine(chain, person(1), 1);
  const headAgeMs = expect.any(Number);
  const well = {
    ok: true,
    problem: null,
    peers: 2,
    headAgeMs,
    rules: 'known',
    isWeak: false,
    unfollowed: null,
    believed: null,
    inexact: null,
  };
  expect(await health()).toEqual([200, { ...well, height: 1 }]);
  disk.isFull = true;
  await expect(mine(chain, person(1), 1)).rejects.toMatchObject({ code: 'STORE_FULL' });
  const unwell = { ...well, ok: false, problem: 'STORE_FULL', height: 1 };
  expect(await health()).toEqual([503, unwell]);
  disk.isFull = false;
  await mine(chain, person(1), 1);
  expect(await health()).toEqual([200, { ...well, height: 2 }]);
  branch = { height: 9, totalWork: 1n << 70n, why: 'lacking' };
  const told = { height: 9, totalWork: String(1n << 70n), why: 'lacking' };
  expect(await health()).toEqual([200, { ...well, height: 2, unfollowed: told }]);
  branch = undefined;
  const inexact = { backend: 'cpu', model: 'tiny', step: 3 } as const;
  // Of every status that comes, of which few bring news.
  for (let i = 0; i < 3; i++) inexactness.note({ inexact: { ...inexact } });
  inexactness.note({});
  expect(warnings).toEqual([['problem', { code: 'EXACTNESS_LOST', ...inexact }]]);
  outlook = { rules: 'ended', isWeak: true };
  // It still does all that it can.
  expect(await health()).toEqual([200, { ...well, height: 2, ...outlook, inexact }]);
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
});

it('nothing is paid out once the rules may have ended, and before', () => {
  for (const rules of ['known', 'changing'] as const)
    expect(() => requireRules({ rules, isWeak: true })).not.toThrow();
  expect(() => requireRules({ rules: 'ended', isWeak: false })).toThrow('newer rules may hold');
});

it('a full disk is no line for every peer that it makes wait; a full queue is', async () => {
  const lines: string[] = [];
  const log = { ...silentLog, warn: (event: string) => void lines.push(event) };
  let code: ErrorCode = 'STORE_FULL';
  const refuse = (): Promise<never> => Promise.reject(new AppError(code, 'refused by the test'));
  const chain = { ...(await openChain()), importBlock: refuse, addTx: refuse };
  const fetches = (): never => expect.fail('nothing to fetch');
  const sync = {
    meet: fetches,
    lagging: fetches,
    early: fetches,
    poll: fetches,
    isBehind: () => false,
    unfollowed: () => undefined,
  };
  const handlers = createHandlers(chain, () => sync, log);
  const announce = async (): Promise<unknown[]> => [
    await handlers.onBlock('peer', { block: nextBlock(chain, person(1)), sequence: 1 }),
    await handlers.onTx('peer', { tx: transfer(person(1), 0, person(2), 1n), sequence: 1 }),
  ];
  expect(await announce()).toEqual(['ignore', 'ignore']);
  expect(lines).toEqual([]);
  code = 'CHAIN_BUSY';
  expect(await announce()).toEqual(['ignore', 'ignore']);
  expect(lines).toEqual(['peer.busy', 'peer.busy']);
});

it('two stores that fail are one line, and one more when both work', async () => {
  const lines: string[] = [];
  const note = (event: string) => void lines.push(event);
  const stores = createWatchedStores({ error: note, info: note });
  const failing = new Set<string>();
  const open = (name: string): Store => {
    const memory = createMemoryStore();
    return stores.watch({
      ...memory,
      batch: (puts) =>
        failing.has(name) ? Promise.reject(new AppError('STORE_FAILED', name)) : memory.batch(puts),
    });
  };
  const [a, b] = [open('a'), open('b')] as const;
  const put = (store: Store) => store.batch([{ key: 'k', value: Uint8Array.of(1) }]);
  for (const name of ['a', 'b']) failing.add(name);
  for (const store of [a, b, a]) await expect(put(store)).rejects.toThrow();
  expect(lines).toEqual(['store.fails']);
  failing.delete('a');
  await put(a);
  expect([lines, stores.problem()]).toEqual([['store.fails'], 'STORE_FAILED']);
  failing.delete('b');
  await put(b);
  expect([lines, stores.problem()]).toEqual([['store.fails', 'store.works'], undefined]);
  await Promise.all([a.close(), b.close()]);
});
