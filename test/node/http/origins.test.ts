/** Pages of other origins: those that were named may call, and no others. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createHttp, listen, sendJson, type Routes } from '../../../src/node/http/http.ts';
import { forOrigins } from '../../../src/node/http/origins.ts';

const PAGE = 'https://app.example';
let asked = 0;
const routes: Routes = {
  'POST /v1/ask': (_, response) => {
    asked++;
    sendJson(response, 200, {});
  },
  'GET /v1/models/*': (_, response) => sendJson(response, 200, {}),
};
const servers = [createHttp(forOrigins(routes, [PAGE])), createHttp(forOrigins(routes, []))];
let urls: string[];
beforeAll(async () => {
  const ports = await Promise.all(servers.map(({ server }) => listen(server, '127.0.0.1', 0)));
  urls = ports.map((port) => `http://127.0.0.1:${port}`);
});
afterAll(() => servers.forEach(({ server }) => server.close()));

const call = async (at: number, path: string, method: string, origin?: string) => {
  const headers: HeadersInit = origin ? { origin } : {};
  const { status, headers: told } = await fetch(urls[at] + path, { method, headers });
  return { status, origin: told.get('access-control-allow-origin'), told };
};

it('the named one may, and is told so before it sends its key', async () => {
  for (const path of ['/v1/ask', '/v1/models/tiny']) {
    const first = await call(0, path, 'OPTIONS', PAGE);
    expect([first.status, first.origin]).toEqual([204, PAGE]);
    expect(first.told.get('access-control-allow-headers')).toBe('authorization, *');
    expect(first.told.get('vary')).toBe('origin');
  }
  expect(await call(0, '/v1/ask', 'POST', PAGE)).toMatchObject({ status: 200, origin: PAGE });
});

it.each(['https://app.example.evil', 'https://app.example:444', 'null', undefined])(
  'no other: %s',
  async (origin) => {
    expect((await call(0, '/v1/ask', 'OPTIONS', origin)).origin).toBe(null);
    const status = origin === undefined ? 200 : 403;
    expect(await call(0, '/v1/ask', 'POST', origin)).toMatchObject({ status, origin: null });
  },
);

it('nobody is asked for what a page posts that may not call, with or without named ones', async () => {
  const before = asked;
  for (const at of [0, 1])
    for (const origin of ['https://evil.example', 'null', 'http://localhost:1', 'file://'])
      expect((await call(at, '/v1/ask', 'POST', origin)).status).toBe(403);
  expect(asked).toBe(before);
  // The page of this node itself, and programs, which say no origin.
  for (const at of [0, 1])
    for (const origin of [urls[at], undefined])
      expect((await call(at, '/v1/ask', 'POST', origin)).status).toBe(200);
  expect((await call(1, '/v1/models/tiny', 'GET', 'https://evil.example')).status).toBe(200);
});

it('none, where none was named', async () => {
  expect(await call(1, '/v1/ask', 'OPTIONS', PAGE)).toMatchObject({ status: 405, origin: null });
  expect((await call(1, '/v1/ask', 'POST', PAGE)).origin).toBe(null);
});
