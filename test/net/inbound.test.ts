/** What strangers may take of a seed, each counted for the caller's address, which the test's HTTP server names. */
import { createHmac, randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lpStream } from '@libp2p/utils';
import { multiaddr } from '@multiformats/multiaddr';
import { describe, expect, it, vi } from 'vitest';
import type { OwnTransport } from '../../src/net/create-transport.ts';
import type { Host } from '../../src/net/host.ts';
import {
  boundUdpHandshakes,
  INTRODUCTION_PAIR_RATE,
  PENDING_PER_ADDRESS_MAX,
  PLACES_PER_ADDRESS_MAX,
  takeUpgrade,
  UDP_HANDSHAKES_MAX,
  UDP_PER_ADDRESS_MAX,
  UDP_RATE,
  WS_MESSAGE_BYTES_MAX,
  type Upgrade,
} from '../../src/net/inbound.ts';
import { createLevelStore } from '../../src/chain/store/level-store.ts';
import { NetDatastore } from '../../src/node/seed/net-datastore.ts';
import { atEnd, startHost, startSeed, until, WEBRTC_DIRECT, WEBSOCKET } from './peers.ts';
import type { TestPeer } from './peers.ts';

/** A bound that only a hang reaches. */
const SOON = { timeout: 20_000 };

/** An HTTP server that hands upgrades over; `call.address` is the caller's of whoever comes next. */
async function handTo(take: (upgrade: Upgrade) => boolean, id: string) {
  const call = { address: '203.0.113.1' };
  const sockets = new Set<Duplex>();
  const server = createServer().on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    sockets.add(socket);
    const isTaken = take({ request, socket, head, address: call.address });
    if (!isTaken) socket.end('HTTP/1.1 429 Too Many Requests\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  atEnd(async () => {
    sockets.forEach((socket) => socket.destroy());
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const address = multiaddr(`/ip4/127.0.0.1/tcp/${port}/ws/p2p/${id}`);
  return { call, port, address, sockets };
}

const behindHttp = (seed: TestPeer) =>
  handTo((upgrade) => (seed.transport as OwnTransport).takeUpgrade(upgrade), seed.id);

const startBehind = () => startSeed({ behindHttp: true });
const placesOf = (seed: TestPeer) => (seed.transport as OwnTransport).stats().reservations;

/** What a request for a place at the relay is answered: 100 or 200. */
async function reserve(host: Host, relay: ReturnType<typeof multiaddr>): Promise<number> {
  const stream = await (await host.dial(relay)).newStream('/libp2p/circuit/relay/0.2.0/hop');
  const lp = lpStream(stream);
  await lp.write(Uint8Array.of(8, 0)); // HopMessage { type: RESERVE }
  const told = (await lp.read()).subarray();
  await stream.close();
  return told.at(-1) === 1 ? told.at(-2)! : told.at(-1)!;
}

/** Errors that nobody handles, instead of the end of the process. */
function hearUncaught(): Error[] {
  const heard: Error[] = [];
  const others = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException').on('uncaughtException', (e) => heard.push(e));
  atEnd(async () => {
    process.removeAllListeners('uncaughtException');
    for (const other of others) process.on('uncaughtException', other);
  });
  return heard;
}

describe('a place at the relay', () => {
  it('is one more for one peer however often it asks, and free when its holder has left', async () => {
    const seed = await startBehind();
    const { address } = await behindHttp(seed);
    const host = await startHost();
    for (let i = 0; i <= PLACES_PER_ADDRESS_MAX; i++)
      expect(await reserve(host, address)).toBe(100);
    expect(placesOf(seed)).toBe(1);
    await host.stop();
    await expect.poll(() => placesOf(seed), SOON).toBe(0);
  });

  it('is free for others of its address when who asks breaks off before the answer, however often', async () => {
    const seed = await startBehind();
    const { address } = await behindHttp(seed);
    const rude = await startHost();
    const connection = await rude.dial(address);
    for (let i = 0; i <= 2 * PLACES_PER_ADDRESS_MAX; i++) {
      const stream = await connection.newStream('/libp2p/circuit/relay/0.2.0/hop');
      await lpStream(stream).write(Uint8Array.of(8, 0));
      stream.abort(new Error('no answer wanted'));
    }
    await expect.poll(() => placesOf(seed), SOON).toBe(0);
    expect(await reserve(await startHost(), address)).toBe(100);
  });

  it('is there for others when one address has all that it may, and for it when one leaves', async () => {
    const seed = await startBehind();
    const { call, address } = await behindHttp(seed);
    const hosts: Host[] = [];
    for (let i = 0; i < PLACES_PER_ADDRESS_MAX; i++) {
      hosts.push(await startHost());
      expect(await reserve(hosts.at(-1)!, address)).toBe(100);
    }
    const another = await startHost();
    expect(await reserve(another, address)).toBe(200);
    call.address = '203.0.113.2';
    expect(await reserve(await startHost(), address)).toBe(100);
    await hosts[0]!.stop();
    await expect.poll(() => placesOf(seed), SOON).toBe(PLACES_PER_ADDRESS_MAX);
    expect(await reserve(another, address)).toBe(100);
  }, 180_000);
});

describe('an introduction at the relay', () => {
  /** What a request for a connection to a holder of a place is answered: 100 or 202. */
  async function introduce(
    host: Host,
    relay: ReturnType<typeof multiaddr>,
    to: Host,
  ): Promise<number> {
    const stream = await (await host.dial(relay)).newStream('/libp2p/circuit/relay/0.2.0/hop');
    const lp = lpStream(stream);
    const id = to.peerId.toMultihash().bytes;
    // HopMessage { type: CONNECT, peer: { id } }
    await lp.write(Uint8Array.of(8, 1, 18, id.length + 2, 10, id.length, ...id));
    const told = (await lp.read()).subarray();
    return told.at(-1) === 1 ? told.at(-2)! : told.at(-1)!;
  }

  it('is one of so many of one address to one holder; others are introduced, and it to others', async () => {
    const seed = await startBehind();
    const { call, address } = await behindHttp(seed);
    const holders = [await startHost('browser', []), await startHost('browser', [])] as const;
    for (const holder of holders) expect(await reserve(holder, address)).toBe(100);
    call.address = '203.0.113.9';
    // Keys are free: each comes with another one.
    const ask = async (holder: Host) => introduce(await startHost(), address, holder);
    const { burst } = INTRODUCTION_PAIR_RATE;
    const told: number[] = [];
    while (told.at(-1) !== 202 && told.length < 3 * burst) told.push(await ask(holders[0]));
    expect([told.length > burst, told.at(-1)]).toEqual([true, 202]);
    expect(await ask(holders[1])).toBe(100);
    call.address = '203.0.113.10';
    expect(await ask(holders[0])).toBe(100);
  }, 180_000);
});

describe('a WebSocket whose handshake is not done', () => {
  /** Upgraded and silent; answers nothing, a close neither. */
  async function silent(port: number) {
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    atEnd(async () => void socket.destroy());
    const key = randomBytes(16).toString('base64');
    const upgrade = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n`;
    socket.write(`GET / HTTP/1.1\r\nHost: h\r\n${upgrade}Sec-WebSocket-Key: ${key}\r\n\r\n`);
    const status = String((await once(socket, 'data'))[0]).slice(9, 12);
    const isOver = { now: false };
    socket.resume().on('close', () => (isOver.now = true));
    return { socket, status, isOver };
  }

  it('is one of so many of its address: the next is refused, others come in', async () => {
    const seed = await startBehind();
    const { call, port, address } = await behindHttp(seed);
    const held = [];
    for (let i = 0; i < PENDING_PER_ADDRESS_MAX; i++) held.push(await silent(port));
    expect(held.map(({ status }) => status)).toEqual(held.map(() => '101'));
    expect((await silent(port)).status).toBe('429');
    call.address = '203.0.113.2';
    await expect((await startHost()).dial(address)).resolves.toBeDefined();
    call.address = '203.0.113.1';
    held.forEach(({ socket }) => socket.destroy());
    const again = await startHost();
    const isIn = () =>
      again.dial(address).then(
        () => true,
        () => false,
      );
    await expect.poll(isIn, SOON).toBe(true);
  });

  it('is over when its time is, also where nobody answers the close', async () => {
    const seed = await startBehind();
    const { isOver } = await silent((await behindHttp(seed)).port);
    // After 10 s and what our close waits for; `ws` by itself would wait for 30 s more.
    await expect.poll(() => isOver.now, { timeout: 30_000 }).toBe(true);
  });

  it('ends for bytes that are no frame, which would end a process that does not listen for it', async () => {
    const unheard = hearUncaught();
    const seed = await startBehind();
    const { port, address } = await behindHttp(seed);
    const { socket, isOver } = await silent(port);
    // The bits of extensions that nobody agreed on.
    socket.write(Uint8Array.of(0xf2, 0x80, 0, 0, 0, 0));
    await expect.poll(() => isOver.now, SOON).toBe(true);
    expect(unheard).toEqual([]);
    await expect((await startHost()).dial(address)).resolves.toBeDefined();
  });

  it('ends for a message longer than a peer sends, before its bytes are kept', async () => {
    const seed = await startBehind();
    const { socket, isOver } = await silent((await behindHttp(seed)).port);
    // Binary, masked, with a length of eight bytes; of the message itself nothing comes.
    const head = Buffer.alloc(14);
    head.writeUInt16BE(0x82ff);
    head.writeBigUInt64BE(BigInt(WS_MESSAGE_BYTES_MAX + 1), 2);
    let got = Buffer.alloc(0);
    socket.on('data', (data: Buffer) => (got = Buffer.concat([got, data])));
    socket.write(head);
    await expect.poll(() => isOver.now, SOON).toBe(true);
    // A close with the code for too long a message, 1009, not the end of the time for a handshake.
    expect(got.toString('hex')).toContain('880203f1');
  });

  it('counts no more when it is done', async () => {
    const seed = await startBehind();
    const { address } = await behindHttp(seed);
    for (let i = 0; i <= PENDING_PER_ADDRESS_MAX; i++)
      await expect((await startHost()).dial(address)).resolves.toBeDefined();
  });
});

it('a connection that a seed resets leaves no socket, and has the caller’s address while it lasts', async () => {
  const seed = await startHost('seed', [WEBSOCKET]);
  const { address, sockets } = await handTo(
    (upgrade) => takeUpgrade(seed, upgrade),
    String(seed.peerId),
  );
  const peer = await startHost();
  await peer.dial(address);
  await expect.poll(() => seed.getConnections().length, SOON).toBe(1);
  const [connection] = seed.getConnections();
  expect(String(connection!.remoteAddr)).toMatch(/^\/ip4\/203\.0\.113\.1\/tcp\/\d+\/ws/);
  connection!.abort(new Error('reset'));
  // At once: who does not answer would keep it.
  expect([...sockets].map(({ destroyed }) => destroyed)).toEqual([true]);
});

/** A STUN binding request as the first datagram of a WebRTC-direct dialler, as short as the ICE agent takes it. */
function stunRequest(ufrag: string): Buffer {
  const attribute = (type: number, value: Buffer): Buffer => {
    const head = Buffer.alloc(4);
    head.writeUInt16BE(type, 0);
    head.writeUInt16BE(value.length, 2);
    return Buffer.concat([head, value, Buffer.alloc((4 - (value.length % 4)) % 4)]);
  };
  const user = attribute(6, Buffer.from(`x:${ufrag}`));
  const head = Buffer.concat([
    Buffer.from([0, 1, 0, user.length + 24, 0x21, 0x12, 0xa4, 0x42]),
    randomBytes(12),
  ]);
  const mac = createHmac('sha1', ufrag).update(head).update(user).digest();
  return Buffer.concat([head, user, attribute(8, mac)]);
}

describe('a datagram of anybody', () => {
  type Manager = { getListeners(): { connections: Map<string, RTCPeerConnection> }[] };

  /** ms after which a silent caller's first try and its later ones are given up, and after which the agent checks again. */
  const TRIES = [
    { givenUpMs: 450, checksMs: 500 },
    { givenUpMs: 1400, checksMs: 1500 },
  ];

  /** What went to and fro since it was last looked at. */
  interface Caller {
    readonly isRetry: boolean;
    sent: number;
    got: number;
    /** Of a try: whether the seed had closed it when its time was over. */
    givenUp: Promise<boolean> | undefined;
    /** Whether it was gone before the agent's next check: where the processor is busy, its threads are late. */
    isOnTime: boolean;
  }

  const NOTHING_YET = { sent: 0, got: 0, givenUp: undefined, isOnTime: false };

  async function udpSeed(standsForMany = () => true) {
    const host = await startHost('seed', [WEBRTC_DIRECT]);
    boundUdpHandshakes(host, standsForMany);
    const { components } = host as unknown as { components: { transportManager: Manager } };
    const { connections } = components.transportManager.getListeners()[0]!;
    const callers = new Map<string, Caller>();
    /** Who asked, by the request's id, which its answer repeats. */
    const asked = new Map<string, string>();
    const set = vi.spyOn(connections, 'set').mockImplementation((key, connection) => {
      const ufrag = key.split(':').at(-1)!;
      const caller = callers.get(ufrag)!;
      const { givenUpMs, checksMs } = TRIES[Number(caller.isRetry)]!;
      const startMs = performance.now();
      const close = vi.spyOn(connection, 'close');
      connection.addEventListener('connectionstatechange', () => {
        if (connection.connectionState !== 'closed') return;
        caller.isOnTime = performance.now() - startMs < checksMs;
      });
      caller.givenUp = new Promise((resolve) => {
        // As the seed itself waits, and begun after it.
        const look = () => resolve(close.mock.calls.length > 0);
        setTimeout(() => setTimeout(look), givenUpMs);
      });
      return Map.prototype.set.call(connections, key, connection);
    });
    const port = Number(/\/udp\/(\d+)/.exec(host.getMultiaddrs().join())![1]);
    const socket = createSocket('udp4');
    atEnd(async () => void socket.close());
    socket.on('message', (message) => {
      const id = message.toString('hex', 8, 20);
      const ufrag = asked.get(id) ?? [...callers.keys()].find((one) => message.includes(one));
      callers.get(ufrag!)!.got += message.length;
    });
    const send = (ufrag: string) => {
      const request = stunRequest(ufrag);
      asked.set(request.toString('hex', 8, 20), ufrag);
      const caller = callers.get(ufrag) ?? { isRetry: false, ...NOTHING_YET };
      caller.sent += request.length;
      callers.set(ufrag, caller);
      socket.send(request, port, '127.0.0.1');
    };
    const made = () => set.mock.calls.length;
    const open = () => connections.size;
    /** What each caller sent and got in a try that has ended, and who is to be heard again, if at all, for another. */
    function ended(): Caller[] {
      const all = [...callers.values()];
      for (const ufrag of callers.keys()) callers.set(ufrag, { isRetry: true, ...NOTHING_YET });
      return all;
    }
    return { made, open, ended, send };
  }
  const fresh = () => randomBytes(16).toString('hex');

  it('draws no more bytes than came from its address, however often it comes, and leaves nothing', async () => {
    const { made, open, ended, send } = await udpSeed();
    const callers = Array.from({ length: 5 }, fresh);
    /** Whether a first try was measured, and a later one. */
    const isMeasured = [false, false];
    for (let round = 0; round < 3 || isMeasured.includes(false); round++) {
      const before = made();
      for (let i = round ? 4 : 2; i > 1; i--) callers.forEach(send);
      // Datagrams keep their order: when this one began, those before it had been looked at.
      const last = fresh();
      send(last);
      send(last);
      await expect.poll(() => made() > before, SOON).toBe(true);
      expect(made()).toBe(before + 1);
      callers.forEach(send);
      await expect.poll(made, SOON).toBe(before + 1 + callers.length);
      await expect.poll(open, SOON).toBe(0);
      // One check of the ICE agent at the first try, two at others.
      for (const { givenUp, isOnTime, isRetry, sent, got } of ended()) {
        if (!givenUp) continue;
        expect(await givenUp).toBe(true);
        if (!isOnTime) continue;
        isMeasured[Number(isRetry)] = true;
        expect(got).toBeGreaterThan(0);
        expect(got).toBeLessThanOrEqual(sent);
      }
    }
  });

  it('makes no connection by itself', async () => {
    const { made, send } = await udpSeed();
    for (let i = 0; i < 20; i++) send(fresh());
    const twice = fresh();
    send(twice);
    send(twice);
    await until('the one that came twice began', () => made() > 0);
    expect(made()).toBe(1);
  });

  it('makes one of so many connections at once, and of so many a second', async () => {
    const { made, open, send } = await udpSeed();
    // By the clock of the seed's own count.
    const startMs = Date.now();
    const many = 2 * UDP_RATE.burst;
    let most = 0;
    await until('many began', () => {
      for (const caller of Array.from({ length: 5 }, fresh)) {
        send(caller);
        send(caller);
      }
      most = Math.max(most, open());
      return made() >= many;
    });
    expect(most).toBeLessThanOrEqual(UDP_HANDSHAKES_MAX);
    const seconds = (Date.now() - startMs) / 1000;
    expect(made()).toBeLessThanOrEqual(UDP_RATE.burst + UDP_RATE.perSecond * seconds);
  });

  it('makes one of so many connections of its address at once', async () => {
    const { open, send } = await udpSeed(() => false);
    let most = 0;
    for (let i = 0; i < UDP_HANDSHAKES_MAX; i++) {
      const caller = fresh();
      send(caller);
      send(caller);
    }
    await until('some began', () => open() > 0);
    await until('all are given up', () => (most = Math.max(most, open())) && open() === 0);
    expect(most).toBe(UDP_PER_ADDRESS_MAX);
  });
});

it('a WebRTC-direct caller that answered has as long as its handshake takes', async () => {
  const gater = {
    denyInboundConnection: () => new Promise<boolean>((r) => setTimeout(() => r(false), 2000)),
  };
  const seed = await startHost('seed', [WEBRTC_DIRECT], { gater });
  boundUdpHandshakes(seed, () => true);
  const peer = await startHost();
  await expect(peer.dial(seed.getMultiaddrs()[0]!)).resolves.toBeDefined();
  await expect.poll(() => seed.getConnections().length, SOON).toBe(1);
  expect(peer.getConnections()).toHaveLength(1);
});

it('a peer is forgotten when it leaves: twenty leave no record, on the disk least', async () => {
  const place = await mkdtemp(join(tmpdir(), 'pila-net-'));
  const store = await createLevelStore(join(place, 'net'));
  const datastore = new NetDatastore(store);
  await datastore.open();
  const host = await startHost('seed', [WEBSOCKET], { datastore });
  const keys = async (prefix: string) => {
    const found: string[] = [];
    for await (const { key } of datastore.query({ prefix })) found.push(key.toString());
    return found;
  };
  const onDisk = async () => (await store.range('', '\x7f')).length;
  const before = await onDisk();
  let met = 0;
  host.addEventListener('peer:identify', () => met++);
  for (let i = 0; i < 20; i++) {
    const peer = await startHost();
    await peer.dial(host.getMultiaddrs()[0]!);
    await until('it is identified', () => met === i + 1);
    await peer.stop();
  }
  // Its own record alone.
  await expect.poll(async () => (await keys('/peers/')).length, SOON).toBe(1);
  expect(await onDisk()).toBe(before);
  atEnd(async () => {
    await datastore.close();
    await rm(place, { recursive: true });
  });
}, 180_000);
