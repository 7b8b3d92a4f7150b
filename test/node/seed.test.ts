/** Real seed processes: how they start, refuse to start, and end. */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { startSeed, type Seed, type SeedOptions } from '../../e2e/support/seed.ts';
import { FAUCET_ADDRESS } from '../../src/core/params.ts';
import { formatAddress } from '../../src/core/address.ts';
import { fromHex } from '../../src/lib/bytes.ts';
import { PENDING_PER_ADDRESS_MAX } from '../../src/net/inbound.ts';
import { SOCKETS_PER_ADDRESS_MAX } from '../../src/node/http/sockets.ts';

// Several starts of a process each; one takes a second or, on a busy machine, ten.
vi.setConfig({ testTimeout: 180_000 });

const scratch = mkdtempSync(join(tmpdir(), 'pila-node-'));
afterAll(() => rmSync(scratch, { recursive: true }));
const folder = (name: string): string => join(scratch, name);

const started: Seed[] = [];
afterEach(async () => {
  await Promise.all(started.splice(0).map((seed) => seed.kill()));
});
async function start(options: SeedOptions): Promise<Seed> {
  const seed = await startSeed(options);
  started.push(seed);
  return seed;
}

/** Exit code and last words of a seed that does not start. */
async function refusal(options: SeedOptions): Promise<{ code: number; sentence: string }> {
  const { message } = await start(options).then(
    () => new Error('it started'),
    (e: Error) => e,
  );
  // Log lines may come first: where the app was not built, one says so.
  const words = /^seed ended with (\d+):\n(?:[^]*?\n)??(pila: [^]*)$/.exec(message);
  const [, code, sentence = ''] = words ?? [];
  if (code === undefined) throw new Error(message);
  return { code: Number(code), sentence };
}

const run = (...args: string[]) =>
  spawnSync(process.execPath, ['src/node/cli.ts', ...args], { encoding: 'utf8' });

const hasPrlimit = spawnSync('prlimit', ['--version']).status === 0;
/** Bytes to which files of a process may grow. */
const limitFiles = (pid: number, bytes: number | 'unlimited') =>
  expect(spawnSync('prlimit', ['--pid', String(pid), `--fsize=${bytes}:unlimited`]).status).toBe(0);

/** Polls until it is so; a hang runs into the test's own limit. */
async function until(what: () => Promise<boolean>): Promise<void> {
  while (!(await what())) await new Promise((r) => setTimeout(r, 100));
}

describe('a seed process', () => {
  it('tells its flags and exits 0; a wrong one is one sentence and exit 2', () => {
    expect(run('--help')).toMatchObject({ status: 0, stderr: '' });
    const wrong = run('--port', 'x');
    expect(wrong).toMatchObject({ status: 2, stdout: '' });
    expect(wrong.stderr).toBe(
      "pila: --port takes a port from 0 to 65535, not 'x'\npila: --help lists the flags\n",
    );
  });

  it('exits 3 at a busy port, 2 for a certificate that is none', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const data = folder('busy');
    expect(await refusal({ data, port })).toEqual({
      code: 3,
      sentence: `pila: port ${port} on 127.0.0.1 is in use by another program`,
    });
    server.close();
    writeFileSync(folder('no.pem'), 'hello');
    const args = ['--tls', `${folder('no.pem')},${folder('no.pem')}`];
    const { code, sentence } = await refusal({ data, args });
    expect([code, sentence.split('\n')[0]]).toEqual([
      2,
      'pila: --tls: not a PEM certificate and its key',
    ]);
  });

  it('says in one line that its UDP port is taken, and serves all the same', async () => {
    const other = createSocket('udp4').bind(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address();
    const own = (log: readonly string[]) =>
      log.filter((line) => line && !/^\S+Z info |app\.missing/.test(line));
    const direct = async ({ url }: Seed) => await (await fetch(`${url}config.json`)).json();

    const taken = await start({ data: folder('udp'), args: ['--rtc-port', String(port)] });
    const line = `warn peers.no-webrtc-direct port=${port} host=127.0.0.1 why=EADDRINUSE`;
    expect(own(taken.log)).toEqual([expect.stringContaining(line)]);
    expect(await direct(taken)).toMatchObject({ webrtcDirect: false, bootstrap: { length: 1 } });
    other.close();
    const free = await start({ data: folder('no-udp') });
    expect(await direct(free)).toMatchObject({ webrtcDirect: true, bootstrap: { length: 2 } });
    expect(own(free.log)).toEqual([]);
  });

  it('warns on a network that admits no model: no block can come', async () => {
    const main = await start({ data: folder('main'), network: 'main' });
    expect(main.log.filter((each) => each.includes('warn model.none network=main'))).toHaveLength(
      1,
    );
    const { code, sentence } = await refusal({
      data: folder('main2'),
      network: 'main',
      args: ['--mine'],
    });
    expect(code).toBe(2);
    expect(sentence).toContain('--model: main admits no model yet');
  });

  it('exits 4 when its folder is in use, of another network, or damaged', async () => {
    const data = folder('shared');
    const first = await start({ data });
    const busy = await refusal({ data });
    expect(busy).toMatchObject({ code: 4 });
    expect(busy.sentence).toMatch(/^pila: Another process uses the database [^\n]*$/);
    expect(await first.stop()).toBe(0);
    const foreign = await refusal({ data, network: 'local' });
    expect(foreign).toMatchObject({ code: 4 });
    expect(foreign.sentence).toMatch(/^pila: This database is of chain 4, not 3\.$/);
    writeFileSync(join(data, 'chain', 'CURRENT'), randomBytes(16));
    const corrupt = await refusal({ data });
    expect(corrupt).toMatchObject({ code: 4 });
    expect(corrupt.sentence).toMatch(/^pila: The database [^\n]* is damaged[^\n]*$/);
  });

  it.skipIf(!hasPrlimit)(
    'exits 1 when its disk took a write back (skipped where there is no prlimit)',
    async () => {
      const data = folder('lost');
      const seed = await start({ data, args: ['--mine'] });
      const hears = (words: string) => until(async () => seed.log.some((l) => l.includes(words)));
      // The system lets it write no byte to any file, as on a full disk.
      limitFiles(seed.pid, 0);
      await hears(' error store.fails ');
      expect((await fetch(`${seed.url}health`)).status).toBe(503);
      expect(await seed.rpc('status')).toMatchObject({ ok: false });
      writeFileSync(join(data, 'chain', 'CURRENT'), randomBytes(16));
      limitFiles(seed.pid, 'unlimited');
      // What it opens again is not what it had: it must begin anew, which a service manager does.
      await hears(' error failed code=PART_DIED exit=1');
      await hears('pila: The database ');
      expect(await seed.stop()).toBe(1);
    },
  );

  it('exits 4 when its key file is damaged', async () => {
    const data = folder('keys');
    const seed = await start({ data });
    expect(await seed.stop()).toBe(0);
    writeFileSync(join(data, 'keys.json'), '{}');
    const { code, sentence } = await refusal({ data });
    expect(code).toBe(4);
    expect(sentence).toContain('keys.json is not a key file');
  });

  it('serves https and wss with --tls', async () => {
    const [cert, key] = [folder('cert.pem'), folder('key.pem')];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
    const made = ['req', '-x509', ...curve, '-nodes', '-days', '2', ...subject];
    const openssl = spawnSync('openssl', [...made, '-keyout', key, '-out', cert]);
    expect(openssl.status).toBe(0);
    const seed = await start({ data: folder('tls'), args: ['--tls', `${cert},${key}`] });
    const ask = (path: string, headers = {}) =>
      httpsRequest({
        host: 'localhost',
        port: seed.port,
        path,
        headers,
        ca: readFileSync(cert),
        servername: 'localhost',
      }).end();
    const [response] = await once(ask('/config.json'), 'response');
    // Other programs of this machine go by that name too, and by http.
    expect(response.headers['strict-transport-security']).toBeUndefined();
    const [named] = await once(ask('/', { host: 'seed.example' }), 'response');
    expect(named.resume().headers['strict-transport-security']).toBe('max-age=31536000');
    let text = '';
    for await (const part of response) text += part;
    const config = JSON.parse(text);
    expect(config.bootstrap[0]).toMatch(
      new RegExp(`^/dns4/localhost/tcp/${seed.port}/tls/ws/p2p/12D3\\w+$`),
    );
    const [upgraded, socket] = await once(
      ask('/', {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
      }),
      'upgrade',
    );
    expect(upgraded.statusCode).toBe(101);
    // An open peer connection must not hold up the end.
    socket.on('error', () => {});
    expect(await seed.stop()).toBe(0);
  });
});

/** How a node answers an upgrade: 101 where it takes a WebSocket. */
function upgradeStatus(port: number, headers: Record<string, string>): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const asked = httpRequest({
    port,
    host: '127.0.0.1',
    headers: {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
      ...headers,
    },
  });
  const answer = ({ statusCode }: IncomingMessage, socket?: Duplex) => {
    socket?.on('error', () => {}).destroy();
    asked.destroy();
    resolve(statusCode!);
  };
  asked.on('upgrade', answer).on('response', answer).on('error', reject).end();
  return promise;
}

/** The status of an answer to a request by that Host name. */
async function statusOf(port: number, path: string, host: string): Promise<number | undefined> {
  const asked = httpRequest({ port, path, host: '127.0.0.1', headers: { host } }).end();
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  answer.resume();
  return answer.statusCode;
}

describe('pages of other sites', () => {
  const foreign = { origin: 'http://localhost:1' };
  const opened = async (seed: Seed, headers: Record<string, string>) =>
    (await fetch(`${seed.url}config.json`, { headers })).headers.get('access-control-allow-origin');

  it('learn nothing of a node that serves this machine, and reach none of its doors', async () => {
    const seed = await start({ data: folder('private') });
    const { port, url } = seed;
    expect(await opened(seed, foreign)).toBe(null);
    const host = `localhost:${port}`;
    expect(await upgradeStatus(port, { host, ...foreign })).toBe(403);
    expect(await upgradeStatus(port, { host, origin: 'null' })).toBe(403);
    const rebound = `evil.example:${port}`;
    expect(await upgradeStatus(port, { host: rebound, origin: `http://${rebound}` })).toBe(403);
    // Of one origin with the answers, by a name that leads here.
    for (const path of ['config.json', 'health', 'status.json', 'v1/models'])
      expect(await statusOf(port, `/${path}`, rebound), path).toBe(403);
    for (const name of [host, `127.0.0.1:${port}`, 'localhost'])
      expect(await statusOf(port, '/config.json', name), name).toBe(200);
    // Its own page, and programs.
    expect(await upgradeStatus(port, { host, origin: `http://${host}` })).toBe(101);
    expect(await upgradeStatus(port, { host })).toBe(101);
    const inner = (await seed.rpc<string[]>('getAddresses'))
      .map((address) => Number(/^\/ip4\/127\.0\.0\.1\/tcp\/(\d+)\/ws/.exec(address)?.[1]))
      .find((found) => found > 0)!;
    for (const headers of [foreign, { origin: `http://${host}` }, {}])
      expect(await upgradeStatus(inner, headers)).toBe(400);
    // A body that needs no question (CORS) first is refused before it is read.
    const simple = { method: 'POST', headers: foreign, body: '{"address":"x"}' };
    expect((await fetch(`${url}faucet`, simple)).status).toBe(415);
    expect((await fetch(`${url}v1/infer`, simple)).status).not.toBe(200);
  });

  it('find and dial a node that is said to be public', async () => {
    const seed = await start({ data: folder('public'), args: ['--public'] });
    expect(await opened(seed, foreign)).toBe('*');
    expect(await statusOf(seed.port, '/config.json', 'seed.example')).toBe(200);
    const host = `localhost:${seed.port}`;
    expect(await upgradeStatus(seed.port, { host, ...foreign })).toBe(101);
  });
});

describe('a seed behind a proxy', () => {
  const proxy = '127.9.0.1';

  /** A connection from that address; what it sends is read until it ends or says so. */
  function call(port: number, localAddress: string, text: string) {
    const socket = connect({ port, host: '127.0.0.1', localAddress }).on('error', () => {});
    socket.write(text, 'latin1');
    const told = { text: '', isOver: false };
    socket
      .on('data', (data) => (told.text += String(data)))
      .on('close', () => (told.isOver = true));
    return Object.assign(told, { socket });
  }
  const request = (line: string, caller: string, more = ''): string =>
    `${line} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 9.9.9.9, ${caller}\r\n${more}\r\n`;
  async function status(port: number, text: string): Promise<number> {
    const told = call(port, proxy, text);
    await until(async () => /\r\n\r\n/.test(told.text) || told.isOver);
    told.socket.destroy();
    return Number(/^HTTP\/1\.1 (\d+)/.exec(told.text)?.[1]);
  }

  it('holds rates and places for each of its callers: of /v1, the faucet and peers', async () => {
    const args = ['--trust-proxy', '127.9.0.0/16'];
    const { port } = await start({ data: folder('proxied'), args });
    const [many, other] = ['203.0.113.1', '203.0.113.2'];
    const json = 'Content-Type: application/json\r\nContent-Length: 2\r\n';
    const post = (path: string, caller: string) =>
      status(port, `${request(`POST ${path}`, caller, json)}{}`);
    for (const [path, answer] of [
      ['/v1/infer', 403],
      ['/faucet', 400],
    ] as const) {
      const all = await Promise.all(Array.from({ length: 60 }, () => post(path, many)));
      expect([path, ...new Set(all)].toSorted()).toEqual([path, answer, 429].toSorted());
      expect([path, await post(path, other)]).toEqual([path, answer]);
    }

    const key = randomBytes(16).toString('base64');
    const websocket = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n';
    const upgrade = (caller: string) =>
      // With the first byte of a message that never comes whole.
      call(
        port,
        proxy,
        request('GET /', caller, `${websocket}Sec-WebSocket-Key: ${key}\r\n`) + '\x82',
      );
    const held = Array.from({ length: PENDING_PER_ADDRESS_MAX }, () => upgrade(many));
    await until(async () => held.every(({ text }) => text.startsWith('HTTP/1.1 101')));
    const [more, another] = [upgrade(many), upgrade(other)];
    await expect.poll(() => more.isOver, { timeout: 20_000 }).toBe(true);
    expect(held.filter(({ isOver }) => isOver)).toEqual([]);
    expect([another.isOver, another.text.slice(0, 12)]).toEqual([false, 'HTTP/1.1 101']);
    for (const { socket } of [...held, another]) socket.destroy();

    // Whoever is no proxy is one caller.
    const direct = Array.from({ length: SOCKETS_PER_ADDRESS_MAX }, () =>
      call(port, '127.0.0.2', 'GET / HTTP/1.1\r\n'),
    );
    await until(async () => direct.every(({ socket }) => !socket.connecting));
    const last = call(port, '127.0.0.2', request('GET /health', other));
    await expect.poll(() => last.isOver, { timeout: 20_000 }).toBe(true);
    expect(last.text).toBe('');
    expect(await status(port, request('GET /health', other))).toBe(200);
    for (const { socket } of direct) socket.destroy();
  });
});

describe('a mining seed', () => {
  it('pays the faucet out, tells its metrics, and stops cleanly while it mines', async () => {
    const seed = await start({ data: folder('faucet'), args: ['--mine'] });
    await until(async () => (await seed.rpc('status')).height >= 1);
    // Anybody's address but the faucet's own.
    const address = formatAddress(new Uint8Array(32).fill(7), 'rpila');
    const give = (body: unknown) =>
      fetch(`${seed.url}faucet`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
    const others = [1, 2, 3].map((n) => formatAddress(new Uint8Array(32).fill(n), 'rpila'));
    const gifts = await Promise.all([address, ...others].map((a) => give({ address: a })));
    for (const gift of gifts)
      expect(await gift.json()).toEqual({ amount: '100000000000', mining: true });
    const again = await (await give({ address })).json();
    expect(again).toMatchObject({ error: { code: 'FAUCET_LATER' } });
    for (const bad of [{}, { address: 'pila1' }, null]) expect((await give(bad)).status).toBe(400);
    await until(async () =>
      (await Promise.all([address, ...others].map((a) => seed.rpc('getAccount', a)))).every(
        ({ balance }) => balance === '100000000000',
      ),
    );
    const [entry] = await seed.rpc('getHistory', address);
    expect(entry.tx.tx).toMatchObject({ type: 'transfer', amount: '100000000000' });
    const giver = formatAddress(fromHex(FAUCET_ADDRESS, 32)!, 'rpila');
    expect(await seed.rpc('getAccount', giver)).toMatchObject({ nonce: '4' });
    const nobody = formatAddress(new Uint8Array(32).fill(9), 'rpila');
    const none = { address: nobody, balance: '0', nonce: '0', txCount: 0 };
    expect(await seed.rpc('getAccount', nobody)).toMatchObject(none);

    const metrics = await (await fetch(`${seed.rpcUrl}metrics`)).text();
    expect(Number(/^pila_height (\d+)$/m.exec(metrics)![1])).toBeGreaterThanOrEqual(1);
    const names = ['pila_peers', 'pila_units', 'pila_issued_vlt', 'process_cpu_seconds_total'];
    const more = ['pila_connections', 'pila_banned_peers', 'pila_relay_reservations'];
    for (const name of [...names, ...more, 'pila_store_failing', 'pila_infer_spent_vlt'])
      expect(metrics).toMatch(new RegExp(`^${name} `, 'm'));
    expect(metrics).toMatch(/^pila_block_txs_total\{type="transfer"\} 4$/m);
    expect((await fetch(`${seed.url}health`)).status).toBe(200);
    for (const url of [seed.url, seed.rpcUrl]) {
      const told: any = await (await fetch(`${url}status.json`)).json();
      const { head, height } = await seed.rpc('status');
      expect(told).toMatchObject({ network: 'e2e', ok: true, problem: null, webrtcDirect: true });
      expect(told.height).toBeLessThanOrEqual(height);
      expect([told.head.length, head.length]).toEqual([64, 64]);
    }
    const [tip, ...sides] = await seed.rpc('getChainTips');
    expect(tip).toMatchObject({ branchLength: 0, isHead: true });
    expect(sides.filter(({ isHead }: { isHead: boolean }) => isHead)).toEqual([]);
    for (const wrong of [
      ['getBlock', 'zz'],
      ['getHistory', address, 0.5],
      ['getAccount', 'x'],
    ])
      await expect(seed.rpc(...(wrong as [string]))).rejects.toMatchObject({ code: 'RPC_PARAMS' });
    expect(await seed.stop()).toBe(0);
  });

  it('loses no block that it told of, however often it is killed', async () => {
    const data = folder('killed');
    let last = { height: 0, head: '' };
    for (let round = 0; round < 4; round++) {
      const seed = await start({ data, args: ['--mine'] });
      const { height } = await seed.rpc('status');
      expect(height).toBeGreaterThanOrEqual(last.height);
      if (last.head)
        expect(await seed.rpc('getHeader', last.height)).toMatchObject({ id: last.head });
      for (let h = 0; h <= height; h++) expect((await seed.rpc('getHeader', h)).height).toBe(h);
      const wanted = height + 1 + round;
      await until(async () => (await seed.rpc('status')).height >= wanted);
      last = await seed.rpc('status');
      await new Promise((r) => setTimeout(r, Math.random() * 300));
      await seed.kill();
    }
    expect(last.height).toBeGreaterThanOrEqual(10);
  });
});
