/** Every limit of connections and requests, from both sides. */
import { lpStream } from '@libp2p/utils';
import { multiaddr } from '@multiformats/multiaddr';
import { describe, expect, it } from 'vitest';
import { encode, tryDecode } from '../../src/core/codec.ts';
import { fault } from '../../src/core/faults.ts';
import { BlockAnnounce, SyncRequest, SyncResponse } from '../../src/core/messages.ts';
import { silentLog } from '../../src/lib/log.ts';
import { CONNECTIONS_PER_PEER_MAX } from '../../src/net/create-transport.ts';
import { blockTopic, createGossip } from '../../src/net/gossip.ts';
import { CONNECTIONS_MAX, type Host } from '../../src/net/host.ts';
import { RESERVATIONS_MAX } from '../../src/net/inbound.ts';
import {
  INBOUND_STREAMS_MAX,
  OUTBOUND_MAX,
  REQUEST_BYTES_MAX,
  SERVING_MAX,
  syncProtocol,
  UNREAD_BYTES_MAX,
  WAITING_MAX,
} from '../../src/net/sync.ts';
import type { Verdict } from '../../src/net/transport.ts';
import { CHAIN } from './chain-id.ts';
import { connected, sees, startHost, startPeer, startSeed, until, WEBSOCKET } from './peers.ts';
import { blockAnnounce } from './samples.ts';

describe('requests', () => {
  const never = new Promise<never>(() => {});
  const protocol = syncProtocol(CHAIN);
  const status = encode(SyncRequest, { type: 'status' });

  it('of one peer: so many at once, so many wait, and the next is told BUSY', async () => {
    let asked = 0;
    const onRequest = async () => {
      asked++;
      return never;
    };
    const seed = await startSeed({ handlers: { onRequest } });
    const client = await startPeer({ bootstrap: seed.transport.addresses() });
    const id = await connected(client, seed);
    const ask = () => client.transport.request(id, { type: 'status' }, 2000);
    const all = Array.from({ length: OUTBOUND_MAX + WAITING_MAX }, ask);
    const settled = Promise.allSettled(all);
    await expect(ask()).rejects.toMatchObject({ code: 'BUSY' });
    await until('the first ones came', () => asked === OUTBOUND_MAX);
    for (const { status, ...rest } of await settled) {
      expect(status).toBe('rejected');
      expect(rest).toMatchObject({ reason: { code: 'NET_TIMEOUT' } });
    }
    expect(asked).toBe(OUTBOUND_MAX);
  });

  it('over the streams of a connection are cut, over all answers in work told to wait', async () => {
    let asked = 0;
    const onRequest = async () => {
      asked++;
      return never;
    };
    const seed = await startSeed({ handlers: { onRequest } });
    const open = async () => {
      const connection = await (await startHost()).dial(multiaddr(seed.transport.addresses()[0]));
      return async () => {
        const stream = await connection.newStream(protocol, { maxOutboundStreams: 100 });
        const lp = lpStream(stream);
        await lp.write(status);
        return lp;
      };
    };
    const first = await open();
    for (let i = 0; i < INBOUND_STREAMS_MAX; i++) await first();
    await until('all are asked', () => asked === INBOUND_STREAMS_MAX);
    const cut = first().then((lp) => lp.read());
    await expect(cut).rejects.toThrow();
    const second = await open();
    for (let i = INBOUND_STREAMS_MAX; i < SERVING_MAX; i++) await second();
    await until('all are asked', () => asked === SERVING_MAX);
    const third = await (await open())();
    const answer = tryDecode(SyncResponse, (await third.read()).subarray());
    expect(answer).toEqual({ type: 'unavailable', reason: 'busy' });
    expect(asked).toBe(SERVING_MAX);
    expect(seed.log.join()).not.toContain('charged');
  });

  it('whose answers one peer does not read take bounded memory; others are answered', async () => {
    let asked = 0;
    const proof = new Uint8Array(2 * 1024 * 1024 - 64);
    const onRequest = async () => {
      asked++;
      return { type: 'state', proof } as const;
    };
    const seed = await startSeed({ handlers: { onRequest } });
    const join = async () => (await startHost()).dial(multiaddr(seed.transport.addresses()[0]));
    type Connection = Awaited<ReturnType<typeof join>>;
    const ask = async (connection: Connection) => {
      const lp = lpStream(await connection.newStream(protocol));
      await lp.write(status);
      return tryDecode(SyncResponse, (await lp.read()).subarray())?.type;
    };
    const [hostile, honest] = [await join(), await join()];
    const many = Math.floor(UNREAD_BYTES_MAX / proof.length) - 1;
    for (let i = 0; i < many; i++) {
      const stream = await hostile.newStream(protocol);
      stream.pause();
      stream.send(Uint8Array.of(status.length, ...status));
    }
    await until('all are asked', () => asked === many);
    expect(await ask(hostile)).toBe('state');
    const last = await hostile.newStream(protocol);
    last.pause();
    last.send(Uint8Array.of(status.length, ...status));
    await until('it is asked', () => asked === many + 2);
    expect(await ask(hostile)).toBe('unavailable');
    expect(await ask(honest)).toBe('state');
  });

  it('are read up to REQUEST_BYTES_MAX', async () => {
    for (const [bytes, code] of [
      [REQUEST_BYTES_MAX, 'wire.malformed'],
      [REQUEST_BYTES_MAX + 1, 'wire.too-large'],
    ] as const) {
      const seed = await startSeed();
      const raw = await startHost();
      const connection = await raw.dial(multiaddr(seed.transport.addresses()[0]));
      await lpStream(await connection.newStream(protocol)).write(new Uint8Array(bytes).fill(255));
      await until('it is cut', () => raw.getConnections().length === 0);
      expect(seed.log.join()).toContain(code);
    }
  });

  it('get a status of 1024 bytes at most', async () => {
    for (const [bytes, code] of [
      [1024, 'wire.malformed'],
      [1025, 'wire.too-large'],
    ] as const) {
      const raw = await startHost('seed', [WEBSOCKET]);
      await raw.handle(protocol, (stream) => {
        lpStream(stream)
          .write(new Uint8Array(bytes).fill(255))
          .catch(() => {});
      });
      const client = await startPeer({ bootstrap: raw.getMultiaddrs().map(String) });
      const id = raw.peerId.toString();
      await sees(client, id);
      const asked = client.transport.request(id, { type: 'status' });
      await expect(asked).rejects.toMatchObject({ code: 'NET_MALFORMED' });
      expect(client.log.join()).toContain(code);
    }
  });
});

describe('connections', () => {
  /** Opens connections of one raw peer, below the rate of new ones per address. */
  async function dialMany(raw: Host, address: string, count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      await raw.dial(multiaddr(address), { force: true });
      if (i % 15 === 14) await new Promise((r) => setTimeout(r, 1100));
    }
  }

  it('of one peer are bounded', async () => {
    const seed = await startSeed();
    const raw = await startHost();
    await raw.handle(syncProtocol(CHAIN), () => {});
    const [address] = seed.transport.addresses();
    await dialMany(raw, address!, CONNECTIONS_PER_PEER_MAX);
    expect(raw.getConnections()).toHaveLength(CONNECTIONS_PER_PEER_MAX);
    await dialMany(raw, address!, 1);
    await until('the last one is closed', () =>
      seed.log.join().includes('peer.too-many-connections'),
    );
    await until('it is closed', () => raw.getConnections().length === CONNECTIONS_PER_PEER_MAX);
  });

  it('over all are bounded', async () => {
    const listener = await startHost('node', [WEBSOCKET]);
    const raw = await startHost();
    const address = listener.getMultiaddrs()[0]!.toString();
    await dialMany(raw, address, CONNECTIONS_MAX.node);
    expect(listener.getConnections()).toHaveLength(CONNECTIONS_MAX.node);
    const more = raw.dial(multiaddr(address), { force: true, signal: AbortSignal.timeout(3000) });
    await expect(more).rejects.toThrow();
    expect(listener.getConnections()).toHaveLength(CONNECTIONS_MAX.node);
  });

  it('a browser relays for so many others', async () => {
    const relay = await startHost('browser', [WEBSOCKET]);
    const [address] = relay.getMultiaddrs();
    /** What a request for a place is answered. */
    const reserve = async () => {
      const connection = await (await startHost()).dial(address!);
      const lp = lpStream(await connection.newStream('/libp2p/circuit/relay/0.2.0/hop'));
      await lp.write(Uint8Array.of(8, 0)); // HopMessage { type: RESERVE }
      const told = (await lp.read()).subarray();
      // The status is last: 100, or 200 in two bytes.
      return told.at(-1) === 1 ? told.at(-2) : told.at(-1);
    };
    for (let i = 0; i < RESERVATIONS_MAX.browser; i++) {
      expect(await reserve()).toBe(100);
      if (i % 15 === 14) await new Promise((r) => setTimeout(r, 1100));
    }
    expect(await reserve()).toBe(200);
  });
});

/** What gossipsub's own class has and its interface does not tell. */
interface Scored {
  getMeshPeers(topic: string): string[];
  getSubscribers(topic: string): { toString(): string }[];
  getScore(peer: string): number;
}

it('a peer whose messages are refused leaves the gossip mesh before it is banned', async () => {
  const seed = await startHost('seed', [WEBSOCKET]);
  let verdict: Verdict = 'accept';
  const handlers = {
    onRequest: async () => ({ type: 'unavailable', reason: '' }) as const,
    onBlock: async () => verdict,
    onTx: async () => verdict,
    onOffer: async () => verdict,
    onPeers: () => {},
  };
  createGossip({
    host: seed,
    chainId: CHAIN,
    version: 2,
    handlers,
    charge: () => {},
    log: silentLog,
  });
  const raw = await startHost();
  const topic = blockTopic(CHAIN);
  raw.services.pubsub.subscribe(topic);
  await raw.dial(seed.getMultiaddrs()[0]!);
  const id = raw.peerId.toString();
  const pubsub = seed.services.pubsub as unknown as Scored;
  const inMesh = () => pubsub.getMeshPeers(topic).includes(id);
  await until('it is in the mesh', inMesh);
  // Each end hears of the other's topics by itself: before, it would tell nobody.
  const told = () => raw.services.pubsub.getSubscribers(topic).length > 0;
  await until('it knows whom to tell', told);
  verdict = fault('header.state-root');
  for (let n = 0; n < 3; n++)
    await raw.services.pubsub.publish(topic, encode(BlockAnnounce, blockAnnounce(n)));
  await until('its score is bad', () => pubsub.getScore(id) < 0);
  await until('it left the mesh', () => !inMesh());
  expect(raw.getConnections()).toHaveLength(1);
});
