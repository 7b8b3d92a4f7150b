/** The listener by itself, over real sockets. */
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { Readable } from 'node:stream';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { AppError } from '../../../src/lib/errors.ts';
import {
  createHttp,
  guardLoopback,
  isForeignPage,
  listen,
  readBody,
  requireJson,
  sendJson,
  serveFolder,
  type Route,
} from '../../../src/node/http/http.ts';
import { PAGE_POLICY, policies, VAULT_POLICY } from '../../../src/node/http/policies.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const missing: Route = (_, response) => sendJson(response, 404, {});

async function serve(routes: Record<string, Route>, otherwise = missing) {
  const { server } = createHttp(routes, otherwise);
  const port = await listen(server, '127.0.0.1', 0);
  closers.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { server, port, url: `http://127.0.0.1:${port}` };
}

/** A folder with one file, by its path there. */
async function folderWith(text: string): Promise<{ folder: string; path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'pila-http-'));
  closers.push(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'in.txt'), text);
  return { folder, path: '/in.txt' };
}

/** A file that is served, by its address; with the headers of a first answer. */
async function file(text: string): Promise<{ url: string; headers: Headers }> {
  const { folder } = await folderWith(text);
  const { url } = await serve({}, serveFolder(folder));
  const { headers } = await fetch(`${url}/in.txt`);
  return { url: `${url}/in.txt`, headers };
}

/** Bytes as they are: fetch would tidy the path. */
async function raw(port: number, text: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.end(text);
  let got = '';
  for await (const part of socket) got += part;
  return got;
}

describe('HTTP', () => {
  it('routes by method and path, and nothing by what objects inherit', async () => {
    const { url } = await serve({
      'GET /a': (_, response) => sendJson(response, 200, { a: 1 }),
      'POST /a': (_, response) => sendJson(response, 201, {}),
    });
    expect(await (await fetch(`${url}/a?x=1`)).json()).toEqual({ a: 1 });
    expect((await fetch(`${url}/a`, { method: 'POST' })).status).toBe(201);
    for (const path of ['/b', '/constructor']) expect((await fetch(url + path)).status).toBe(404);
  });

  it('answers HEAD wherever GET is answered, with its headers', async () => {
    const { url } = await serve(
      { 'GET /a': (_, response) => sendJson(response, 200, { a: 1 }), 'GET /b/*': missing },
      (_, response) => sendJson(response, 200, {}),
    );
    for (const [path, status] of [
      ['/a', 200] as const,
      ['/b/1', 404] as const,
      ['/c', 200] as const,
    ]) {
      const head = await fetch(url + path, { method: 'HEAD' });
      expect([head.status, await head.text()], path).toEqual([status, '']);
      expect(head.headers.get('content-type')).toBe('application/json');
    }
  });

  it.each([
    ['DELETE', '/', 'HEAD, GET'],
    ['POST', '/index.html', 'HEAD, GET'],
    ['PUT', '/models/1/1', 'HEAD, GET'],
    ['OPTIONS', '/', 'HEAD, GET'],
    ['POST', '/read', 'HEAD, GET'],
    ['POST', '/folder/x', 'HEAD, GET'],
    ['GET', '/write', 'POST'],
    ['HEAD', '/write', 'POST'],
    ['PATCH', '/both', 'HEAD, GET, POST'],
  ])(
    'refuses %s %s with 405, and names the methods that there are: %s',
    async (method, path, allow) => {
      const done: Route = (_, response) => sendJson(response, 200, {});
      const routes = { 'GET /read': done, 'GET /folder/*': done, 'POST /write': done };
      const { url } = await serve({ ...routes, 'GET /both': done, 'POST /both': done }, done);
      const answer = await fetch(url + path, { method });
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, allow]);
      if (method === 'HEAD') return;
      expect(await answer.json()).toMatchObject({ error: { code: 'METHOD_REFUSED' } });
    },
  );

  it('has one form for every refusal, a missing page among them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pila-http-'));
    closers.push(() => rm(folder, { recursive: true }));
    const [page, rpc] = [createHttp({}, serveFolder(folder)), createHttp({})];
    for (const { server } of [page, rpc]) {
      const port = await listen(server, '127.0.0.1', 0);
      closers.push(() => (server.closeAllConnections(), server.close()));
      const answer = await fetch(`http://127.0.0.1:${port}/missing`);
      const told = { type: 'invalid_request_error', param: null };
      const form = { error: { code: 'NOT_FOUND', message: expect.any(String), ...told } };
      expect([answer.status, await answer.json()]).toEqual([404, form]);
    }
  });

  it('tells a refusal by its code, and a bug without its details of place', async () => {
    const { url } = await serve({
      'GET /refused': () => Promise.reject(new AppError('FAUCET_LATER', 'wait')),
      'GET /bug': () => Promise.reject(new TypeError('oops')),
    });
    const refused = await fetch(`${url}/refused`);
    expect([refused.status, await refused.json()]).toEqual([
      429,
      {
        error: {
          code: 'FAUCET_LATER',
          message: 'wait',
          type: 'rate_limit_error',
          param: null,
        },
      },
    ]);
    const bug = await fetch(`${url}/bug`);
    expect([bug.status, await bug.json()]).toMatchObject([500, { error: { code: 'INTERNAL' } }]);
  });

  it('reads a body up to a mebibyte, and answers a larger one with a refusal', async () => {
    const { url, port } = await serve({
      'POST /': async (request, response) =>
        sendJson(response, 200, { length: (await readBody(request)).length }),
    });
    const post = async (body: string) => (await fetch(url, { method: 'POST', body })).json();
    expect(await post('x'.repeat(1024 * 1024))).toEqual({ length: 1024 * 1024 });
    // By hand: the answer must come while the body is still being sent.
    const request = httpRequest({ port, method: 'POST', host: '127.0.0.1' });
    request.on('error', () => {});
    const answered = once(request, 'response');
    for (let i = 0; i < 20; i++) request.write(Buffer.alloc(64 * 1024));
    const [response] = (await answered) as [IncomingMessage];
    let text = '';
    for await (const part of response) text += part;
    expect(JSON.parse(text)).toMatchObject({ error: { code: 'BODY_TOO_LARGE' } });
    request.destroy();
  });

  it('answers what follows a body that was too large on the same connection', async () => {
    const { port } = await serve({
      'POST /': async (request) => void (await readBody(request, 16)),
      'GET /next': (_, response) => sendJson(response, 200, {}),
    });
    const large = `POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 300000\r\n\r\n${'x'.repeat(300_000)}`;
    const got = await raw(
      port,
      `${large}GET /next HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`,
    );
    expect(got.match(/^HTTP\/1\.1 \d+/gm)).toEqual(['HTTP/1.1 413', 'HTTP/1.1 200']);
  });

  it('serves a folder and nothing outside of it', async () => {
    const place = await mkdtemp(join(tmpdir(), 'pila-http-'));
    closers.push(() => rm(place, { recursive: true }));
    const folder = join(place, 'public');
    await mkdir(folder);
    await writeFile(join(folder, 'in.txt'), 'inside');
    await writeFile(join(place, 'secret.txt'), 'outside');
    const { url, port } = await serve({}, serveFolder(folder));
    const got = await fetch(`${url}/in.txt`);
    expect(await got.text()).toBe('inside');
    expect(got.headers.get('x-content-type-options')).toBe('nosniff');
    const paths = [
      '/../secret.txt',
      '/%2e%2e/secret.txt',
      '/..%2fsecret.txt',
      '/x/../../secret.txt',
    ];
    for (const path of [...paths, '/..\\secret.txt', '//secret.txt', '/%00', '/%']) {
      const answer = await raw(
        port,
        `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      );
      expect(answer).toMatch(/^HTTP\/1.1 4/);
      expect(answer).not.toContain('outside');
    }
  });

  it('closes the file of a caller that leaves in the middle', async () => {
    const { path, folder } = await folderWith('x'.repeat(20 * 1024 * 1024));
    const files: Readable[] = [];
    const route = serveFolder(folder);
    const { port } = await serve({}, (request, response) => {
      response.on('pipe', (file: Readable) => files.push(file));
      return route(request, response);
    });
    for (let i = 0; i < 5; i++) {
      const socket = connect(port, '127.0.0.1');
      socket.write(`GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`);
      await once(socket, 'data');
      socket.destroy();
    }
    const left = () => files.map(({ closed }) => closed);
    await expect.poll(left, { timeout: 20_000 }).toEqual(files.map(() => true));
  });

  it('goes on when a file that it serves is gone', async () => {
    const { path, folder } = await folderWith('0123456789');
    await writeFile(join(folder, 'other.txt'), 'other');
    const { url } = await serve({}, serveFolder(folder));
    await rm(join(folder, path));
    // A bound that only a hang reaches.
    const answer = fetch(url + path, { signal: AbortSignal.timeout(20_000) });
    await expect(answer).rejects.toThrow('fetch failed');
    expect(await (await fetch(`${url}/other.txt`)).text()).toBe('other');
  });

  it('sends a file again only to callers that lack this version of it', async () => {
    const { url, headers } = await file('0123456789');
    const etag = headers.get('etag')!;
    const status = async (tags: string) =>
      (await fetch(url, { headers: { 'if-none-match': tags }, cache: 'no-store' })).status;
    expect(etag).toMatch(/^W\//);
    for (const tags of [etag, '*', etag.slice(2), `"a", ${etag}`, `${etag},"b"`, ' * '])
      expect([tags, await status(tags)]).toEqual([tags, 304]);
    for (const tags of ['"a"', '"a", W/"b"', '"*"', '', etag.replace('10', '11')])
      expect([tags, await status(tags)]).toEqual([tags, 200]);
  });

  it.each([
    ['bytes=2-4', 206, '234'],
    ['Bytes=2-', 206, '23456789'],
    ['bytes=2-99', 206, '23456789'],
    ['bytes=99-', 416, ''],
    // Not read as HTTP means them, so the whole file is sent, as HTTP allows.
    ['bytes=-3', 200, '0123456789'],
    ['bytes=1-2,4-5', 200, '0123456789'],
    ['bytes=4-2', 200, '0123456789'],
    ['bytes=x', 200, '0123456789'],
    ['lines=1-2', 200, '0123456789'],
  ])('answers the range %s with %i', async (range, status, text) => {
    const { url } = await file('0123456789');
    const answer = await fetch(url, { headers: { range } });
    expect([answer.status, await answer.text()]).toEqual([status, text]);
    const ifRange = await fetch(url, { headers: { range, 'if-range': '"a"' } });
    expect([ifRange.status, await ifRange.text()]).toEqual([200, '0123456789']);
  });

  it('lets workers of the app reach this server, peers and the mirrors only', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pila-http-'));
    closers.push(() => rm(folder, { recursive: true }));
    await mkdir(join(folder, 'assets'));
    await writeFile(join(folder, 'assets/client.worker.js'), '0');
    const mirrors = ['https://a.example/m/', 'https://a.example/n/'];
    const { url } = await serve({}, serveFolder(folder, mirrors));
    const { headers } = await fetch(`${url}/assets/client.worker.js`);
    const policy = headers.get('content-security-policy')!.split('; ');
    expect(policy).toContain("connect-src 'self' ws: wss: https://a.example");
    expect(policy).toContain("default-src 'none'");
  });

  it('sends the policies: nobody frames the app, and the vault reaches nobody', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pila-http-'));
    closers.push(() => rm(folder, { recursive: true }));
    await mkdir(join(folder, 'assets'));
    for (const name of ['index.html', 'assets/vault.worker-x.js', 'assets/index-x.js'])
      await writeFile(join(folder, name), '');
    const { url } = await serve({}, serveFolder(folder));
    const headersOf = async (path: string) => (await fetch(`${url}/${path}`)).headers;
    for (const path of ['', 'assets/index-x.js']) {
      const headers = await headersOf(path);
      expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
      expect(headers.get('cross-origin-opener-policy')).toBe('same-origin');
      expect(headers.get('permissions-policy')).toContain('microphone=()');
    }
    const vault = (await headersOf('assets/vault.worker-x.js')).get('content-security-policy');
    expect(vault).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(vault).not.toContain('connect-src');
  });

  it('sends the page the policy that it has in itself, and one to whatever else is script', async () => {
    const policyOf = policies();
    expect(policyOf('/')).toBe(`${PAGE_POLICY}; frame-ancestors 'none'`);
    expect(policyOf('/index.html')).toBe(policyOf('/'));
    for (const path of ['/sw.js', '/assets/client.worker-x.js'])
      expect(policyOf(path)).toMatch(/^default-src 'none'; script-src 'self' 'wasm-unsafe-eval';/);
    expect(policyOf('/assets/vault.worker-x.js')).toBe(VAULT_POLICY);
    const all = ['/', '/sw.js', '/assets/vault.worker-x.js'].map(policyOf).join(';');
    expect(all).not.toMatch(/\*|unsafe-inline|'unsafe-eval'|https?:/);
  });

  it('says of every answer that no other site may embed it or take it for another type', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pila-http-'));
    closers.push(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'a.png'), '');
    const refuse: Route = () => Promise.reject(new AppError('BUSY', 'later'));
    const answer: Route = (_, response) => sendJson(response, 200, {});
    const { url } = await serve({ 'GET /json': answer, 'GET /no': refuse }, serveFolder(folder));
    for (const path of ['a.png', 'missing.png', 'json', 'no']) {
      const { headers } = await fetch(`${url}/${path}`);
      expect(headers.get('cross-origin-resource-policy'), path).toBe('same-origin');
      expect(headers.get('x-content-type-options'), path).toBe('nosniff');
      expect(headers.get('access-control-allow-origin'), path).toBe(null);
    }
  });

  it.each([
    ['application/json', 'passed'],
    ['Application/JSON ; charset=utf-8', 'passed'],
    ['application/jsonp', 'TYPE_REFUSED'],
    ['text/plain', 'TYPE_REFUSED'],
    ['text/plain; application/json', 'TYPE_REFUSED'],
    [undefined, 'TYPE_REFUSED'],
  ])('a body of type %j where JSON is wanted: %s', (type, code) => {
    const read = (): string => {
      try {
        requireJson({ headers: { 'content-type': type } } as IncomingMessage);
      } catch (e) {
        return AppError.from(e).code;
      }
      return 'passed';
    };
    expect(read()).toBe(code);
  });

  it.each([
    ['localhost:8790', undefined, false],
    ['localhost:8790', 'http://localhost:8790', false],
    ['127.0.0.1:8790', 'https://127.0.0.1:8790', false],
    ['localhost', 'http://localhost', false],
    ['LocalHost:8790', 'http://localhost:8790', false],
    ['localhost:8790', 'http://localhost:8791', true],
    ['localhost:8790', 'http://127.0.0.1:8790', true],
    ['localhost:8790', 'https://evil.example', true],
    ['localhost:8790', 'null', true],
    ['localhost:8790', '', true],
    // DNS rebinding: the page's own name, which is none of this node's.
    ['evil.example:8790', 'http://evil.example:8790', true],
    [undefined, 'http://localhost:8790', true],
  ])('a WebSocket to %j from %j: foreign is %j', (host, origin, isForeign) => {
    expect(isForeignPage({ headers: { host, origin } } as IncomingMessage)).toBe(isForeign);
  });

  it('says in one sentence that a port is busy or cannot be opened', async () => {
    const { port } = await serve({});
    const { server: second } = createHttp({}, missing);
    await expect(listen(second, '127.0.0.1', port)).rejects.toMatchObject({
      code: 'PORT_BUSY',
      message: `port ${port} on 127.0.0.1 is in use by another program`,
    });
    const { server: third } = createHttp({}, missing);
    await expect(listen(third, '192.0.2.1', 0)).rejects.toMatchObject({ code: 'PORT_REFUSED' });
  });
});

describe('the guard of the loopback service', () => {
  const guard = (headers: Record<string, string>, { host = '127.0.0.1', method = 'POST' } = {}) => {
    try {
      guardLoopback({ method, headers } as unknown as IncomingMessage, host);
    } catch (e) {
      return AppError.from(e).code;
    }
    return 'passed';
  };
  const json = { 'content-type': 'application/json' };

  it.each([
    ['localhost:8792', 'passed'],
    ['127.0.0.1', 'passed'],
    ['[::1]:8792', 'passed'],
    ['LOCALHOST:8792', 'passed'],
    ['evil.example', 'HOST_REFUSED'],
    ['127.0.0.1.evil.example', 'HOST_REFUSED'],
    ['localhost.evil.example:8792', 'HOST_REFUSED'],
    ['', 'HOST_REFUSED'],
  ])('asked by the name %j: %s', (host, code) => {
    expect(guard({ host, ...json })).toBe(code);
    if (host !== '') expect(guard({ host, ...json }, { host: '0.0.0.0' })).toBe('passed');
  });

  it.each([
    [{ origin: 'https://evil.example', ...json }, 'ORIGIN_REFUSED'],
    [{ origin: 'null', ...json }, 'ORIGIN_REFUSED'],
    [{ 'content-type': 'text/plain' }, 'TYPE_REFUSED'],
    [{}, 'TYPE_REFUSED'],
    [{ 'content-type': 'application/json; charset=utf-8' }, 'passed'],
  ] as [Record<string, string>, string][])('with %j: %s', (headers, code) => {
    expect(guard({ host: 'localhost', ...headers })).toBe(code);
  });

  it('refuses a foreign page to read metrics too', () => {
    const origin = 'https://evil.example';
    expect(guard({ host: 'localhost', origin }, { method: 'GET' })).toBe('ORIGIN_REFUSED');
    expect(guard({ host: 'localhost' }, { method: 'GET' })).toBe('passed');
  });

  it('guards ::1 too, which comes without brackets', () => {
    expect(guard({ host: 'evil.example', ...json }, { host: '::1' })).toBe('HOST_REFUSED');
  });
});
