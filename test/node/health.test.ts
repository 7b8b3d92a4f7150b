import { once } from 'node:events';
import { expect, it } from 'vitest';
import { createMemoryStore } from '../../src/chain/store/memory-store.ts';
import type { Store } from '../../src/chain/store/store.ts';
import { AppError } from '../../src/lib/errors.ts';
import { healthRoute, watchStore } from '../../src/node/http/health.ts';
import { createHttp, listen, sendJson } from '../../src/node/http/http.ts';
import { mine, openChain, person, START_MS } from '../chain/make-blocks.ts';

it('is well, unwell while the disk is full, and well again after the next block', async () => {
  let full = false;
  const memory = createMemoryStore();
  const disk: Store = {
    ...memory,
    batch: (puts) =>
      full ? Promise.reject(new AppError('STORE_FULL', 'no space')) : memory.batch(puts),
  };
  const store = watchStore(disk);
  const chain = await openChain(store, { ms: START_MS });
  const transport = { peers: () => [1, 2] } as never;
  const server = createHttp({ 'GET /health': healthRoute({ chain, transport, store }) }, (_, r) =>
    sendJson(r, 404, {}),
  );
  const port = await listen(server, '127.0.0.1', 0);
  const health = async () => {
    const response = await fetch(`http://127.0.0.1:${port}/health`);
    return [response.status, await response.json()];
  };
  await mine(chain, person(1), 1);
  const headAgeMs = expect.any(Number);
  const well = { ok: true, problem: null, peers: 2, headAgeMs };
  expect(await health()).toEqual([200, { ...well, height: 1 }]);
  full = true;
  await expect(mine(chain, person(1), 1)).rejects.toMatchObject({ code: 'STORE_FULL' });
  const unwell = { ...well, ok: false, problem: 'STORE_FULL', height: 1 };
  expect(await health()).toEqual([503, unwell]);
  full = false;
  await mine(chain, person(1), 1);
  expect(await health()).toEqual([200, { ...well, height: 2 }]);
  server.close();
  server.closeAllConnections();
  await once(server, 'close');
});
