/** What one caller may hold of a listener, over real sockets: callers are addresses of loopback, one a proxy's. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createCallers } from '../../../src/node/http/caller.ts';
import {
  createHttp,
  handUpgrades,
  listen,
  sendJson,
  type Route,
  type Routes,
} from '../../../src/node/http/http.ts';
import { SLOW_MS, SOCKETS_PER_ADDRESS_MAX } from '../../../src/node/http/sockets.ts';
import type { Upgrade } from '../../../src/net/inbound.ts';

const PROXY = '127.9.0.1';
const callers = createCallers(['127.9.0.0/16']);

const closers: (() => unknown)[] = [];
afterEach(() => closers.splice(0).forEach((close) => close()));

const ok: Route = (_, response) => sendJson(response, 200, {});

/** A listener that hands upgrades over, and answers `/never` never. */
async function serve(guard = (): string | undefined => undefined) {
  const answers: ServerResponse[] = [];
  const routes: Routes = {
    'GET /never': () => undefined,
    'GET /large': (_, response) => {
      answers.push(response);
      Readable.from(endless()).pipe(response);
    },
  };
  const http = createHttp(routes, ok, { callers });
  const taken: Upgrade[] = [];
  handUpgrades(http, { callers, guard, take: (upgrade) => taken.push(upgrade) > 0 });
  const port = await listen(http.server, '0.0.0.0', 0);
  closers.push(() => (http.server.closeAllConnections(), http.server.close()));
  return { port, taken, answers };
}

function* endless(): Generator<Buffer> {
  for (;;) yield Buffer.alloc(64 * 1024);
}
const isBehind = (response: ServerResponse): boolean => response.writableNeedDrain;
/** A bound that only a hang reaches. */
const SOON = { timeout: 20_000 };

/** A socket from that address. */
function from(localAddress: string, port: number): Socket {
  const socket = connect({ port, host: '127.0.0.1', localAddress }).on('error', () => {});
  closers.push(() => socket.destroy());
  return socket;
}
/** It is closed, which the other end did. */
const isCut = (socket: Socket) =>
  expect.poll(() => socket.resume().closed, { timeout: 20_000 }).toBe(true);

const get = (path: string, caller?: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: h\r\n${caller ? `X-Forwarded-For: ${caller}\r\n` : ''}\r\n`;
const upgrade = (caller?: string): string =>
  get('/', caller).replace(/\r\n$/, 'Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n');

/** The status that a request on a socket of its own gets; 0 when it is cut. */
async function status(address: string, port: number, request: string): Promise<number> {
  const socket = from(address, port);
  socket.write(request);
  let got = '';
  socket.on('data', (data) => {
    got += String(data);
    socket.destroy();
  });
  await once(socket, 'close');
  return Number(/^HTTP\/1\.1 (\d+)/.exec(got)?.[1] ?? 0);
}

/** Opens sockets that ask and stay, until the server has taken all of them in. */
async function holdAll(address: string, port: number, request: string): Promise<Socket[]> {
  const sockets: Socket[] = [];
  for (let i = 0; i < SOCKETS_PER_ADDRESS_MAX; i++) {
    const socket = from(address, port);
    await once(socket, 'connect');
    socket.write(request);
    sockets.push(socket);
  }
  return sockets;
}

describe('sockets', () => {
  it('of one address are bounded; another is answered, and the first again as soon as one has ended', async () => {
    const { port } = await serve();
    const [first] = await holdAll('127.0.0.2', port, get('/never'));
    const more = from('127.0.0.2', port);
    more.write(get('/'));
    await isCut(more);
    expect(more.bytesRead).toBe(0);
    expect(await status('127.0.0.3', port, get('/'))).toBe(200);
    first!.destroy();
    await expect.poll(() => status('127.0.0.2', port, get('/')), { timeout: 20_000 }).toBe(200);
  });

  it('of a proxy are not, but what each caller has in work through it, by the address that the proxy saw', async () => {
    const { port, taken } = await serve();
    await holdAll(PROXY, port, get('/never', '203.0.113.1'));
    for (const forged of ['', '203.0.113.9, '])
      expect(await status(PROXY, port, get('/', `${forged}203.0.113.1`))).toBe(429);
    expect(await status(PROXY, port, upgrade('203.0.113.1'))).toBe(429);
    expect(await status(PROXY, port, get('/', '203.0.113.2'))).toBe(200);
    // Who is no proxy is believed nothing.
    expect(await status('127.0.0.2', port, get('/', '203.0.113.1'))).toBe(200);
    from(PROXY, port).write(upgrade('203.0.113.2'));
    await expect
      .poll(() => taken.map(({ address }) => address), { timeout: 20_000 })
      .toEqual(['203.0.113.2']);
  });

  it('of a proxy are closed with a refusal, which would leave it more of them than the listener has', async () => {
    const { port } = await serve();
    await holdAll(PROXY, port, get('/never', '203.0.113.1'));
    const [refused, taken] = [from(PROXY, port), from(PROXY, port)];
    refused.write(get('/', '203.0.113.1'));
    taken.write(get('/', '203.0.113.2'));
    expect(String((await once(refused, 'data'))[0])).toMatch(
      /^HTTP\/1\.1 429 [^]*\r\nconnection: close\r\n/i,
    );
    await isCut(refused);
    expect(String((await once(taken, 'data'))[0])).toMatch(/\r\nconnection: keep-alive\r\n/i);
  });

  it('whose answer is not read are closed; one that reads slowly, or waits for its answer, is not', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    closers.push(() => vi.useRealTimers());
    const { port, answers } = await serve();
    const [unread, slow, waiting] = Array.from({ length: 3 }, () => from('127.0.0.2', port));
    waiting!.write(get('/never'));
    for (const socket of [unread!, slow!]) {
      // As much as no kernel keeps for who does not read.
      socket.pause().write(get('/large'));
    }
    const cut = () => answers.filter(({ destroyed }) => destroyed).length;
    /** A minute in which one of them reads more than kernels keep for both ends. */
    const minute = async (): Promise<number> => {
      const before = slow!.bytesRead;
      slow!.resume();
      const read = () => slow!.bytesRead - before;
      await expect.poll(read, SOON).toBeGreaterThan(32 * 1024 * 1024);
      slow!.pause();
      await expect.poll(() => answers.filter(isBehind).length, SOON).toBe(2);
      vi.advanceTimersByTime(SLOW_MS);
      return cut();
    };
    await expect.poll(minute, SOON).toBe(1);
    await isCut(unread!);
    expect([slow!.closed, waiting!.closed]).toEqual([false, false]);
    await expect.poll(() => (vi.advanceTimersByTime(SLOW_MS), cut()), SOON).toBe(2);
    await isCut(slow!);
  });

  it('that say nothing are closed; one that has said something is not yet', async () => {
    const { port } = await serve();
    const slow = from('127.0.0.2', port);
    slow.write('GET / HTTP/1.1\r\n');
    await isCut(from('127.0.0.3', port));
    expect(slow.closed).toBe(false);
    slow.write('Host: h\r\n\r\n');
    expect(String((await once(slow, 'data'))[0])).toMatch(/^HTTP\/1\.1 200/);
  });

  it('that say nothing after their upgrade are closed; one that has said something is not', async () => {
    const { port, taken } = await serve();
    const [silent, spoken, atOnce] = Array.from({ length: 3 }, () => from('127.0.0.2', port));
    silent!.write(upgrade());
    spoken!.write(upgrade());
    atOnce!.write(`${upgrade()}hello`);
    await expect.poll(() => taken.length, { timeout: 20_000 }).toBe(3);
    spoken!.write('hello');
    await isCut(silent!);
    expect([spoken!.closed, atOnce!.closed]).toEqual([false, false]);
  });

  it('that offer another protocol than WebSocket are answered in this one, as HTTP says', async () => {
    const { port, taken } = await serve();
    // What Java's client and `curl --http2` send.
    const offer =
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n';
    const request = get('/').replace(/\r\n$/, `${offer}\r\n`);
    expect(await status('127.0.0.2', port, request)).toBe(200);
    expect(taken).toEqual([]);
  });

  it('whose upgrade is refused are told, and destroyed although the other end stays', async () => {
    const { port, taken } = await serve(() => '429 Too Many Requests');
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true }).on('error', () => {});
    closers.push(() => socket.destroy());
    socket.write(upgrade());
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 429 /);
    await once(socket.resume(), 'end');
    // What is sent to a socket that is gone is answered by a reset.
    await expect.poll(() => (socket.write('x'), socket.closed), { timeout: 20_000 }).toBe(true);
    expect(taken).toEqual([]);
  });
});
