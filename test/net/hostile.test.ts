/** Peers that break the rules of the wire, made of the same libp2p host without our manners. */
import { multiaddr } from '@multiformats/multiaddr';
import { lpStream } from '@libp2p/utils';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encode, tryDecode } from '../../src/core/codec.ts';
import { GOSSIP_BYTES_MAX, SyncRequest, SyncResponse } from '../../src/core/messages.ts';
import { blockTopic } from '../../src/net/gossip.ts';
import type { Host } from '../../src/net/host.ts';
import { costOf, REQUEST_BYTES_MAX, SERVE_RATE, syncProtocol } from '../../src/net/sync.ts';
import { CHAIN } from './chain-id.ts';
import { startHost, startPeer, startSeed, until, WEBSOCKET, type TestPeer } from './peers.ts';
import { EXCHANGES } from './samples.ts';

const protocol = syncProtocol(CHAIN);

/** A hostile peer that is connected to a seed of ours. */
async function attack(): Promise<{ seed: TestPeer; raw: Host; open: () => Promise<any> }> {
  const seed = await startSeed();
  const raw = await startHost();
  await raw.handle(protocol, (stream) => stream.abort(new Error('never')));
  const connection = await raw.dial(multiaddr(seed.transport.addresses()[0]));
  await until('the seed lists it', () => seed.transport.peers().length === 1);
  return { seed, raw, open: () => connection.newStream(protocol) };
}

const isCut = async (seed: TestPeer, raw: Host, code: string) => {
  await until('it is cut', () => raw.getConnections().length === 0);
  expect(seed.transport.peers()).toEqual([]);
  expect(seed.log.join()).toContain(code);
};

describe('a hostile peer', () => {
  it('is cut for bytes that are no request', async () => {
    const { seed, raw, open } = await attack();
    await lpStream(await open()).write(Uint8Array.of(255, 1, 2));
    await isCut(seed, raw, 'wire.malformed');
    // Let in to the handshake that tells who it is, and no further.
    await raw.dial(multiaddr(seed.transport.addresses()[0])).catch(() => {});
    await until('it is cut again', () => raw.getConnections().length === 0);
    expect(seed.transport.peers()).toEqual([]);
  });

  it('is cut for a length over the cap, before the bytes come', async () => {
    const { seed, raw, open } = await attack();
    const stream = await open();
    const length = REQUEST_BYTES_MAX + 1;
    stream.send(Uint8Array.of((length & 127) | 128, ((length >> 7) & 127) | 128, length >> 14));
    await isCut(seed, raw, 'wire.too-large');
  });

  it('is answered up to the rate, told when over it, and cut when it goes on', async () => {
    const { seed, raw, open } = await attack();
    const since = Date.now();
    const answers: string[] = [];
    while (!answers.includes('unavailable')) {
      const stream = await open();
      const lp = lpStream(stream);
      await lp.write(encode(SyncRequest, { type: 'transactions' }));
      answers.push(tryDecode(SyncResponse, (await lp.read()).subarray())!.type);
      await stream.close();
    }
    const cost = costOf({ type: 'transactions' });
    const earned = SERVE_RATE.burst + ((Date.now() - since) / 1000) * SERVE_RATE.perSecond;
    expect(answers.length - 1).toBeGreaterThanOrEqual(Math.floor(SERVE_RATE.burst / cost));
    expect((answers.length - 1) * cost).toBeLessThanOrEqual(earned);
    expect(seed.transport.peers()[0]!.penalty).toBe(10);
    const flood = async () => {
      for (;;) {
        const stream = await open();
        await lpStream(stream).write(encode(SyncRequest, { type: 'transactions' }));
        await stream.close();
      }
    };
    await expect(flood()).rejects.toThrow();
    await isCut(seed, raw, 'wire.rate');
  });

  it('is cut for gossip that is malformed or too large', async () => {
    for (const [data, code] of [
      [Uint8Array.of(1, 2, 3), 'wire.malformed'],
      [new Uint8Array(GOSSIP_BYTES_MAX + 1), 'wire.too-large'],
    ] as const) {
      const { seed, raw } = await attack();
      const { pubsub } = raw.services;
      const topic = blockTopic(CHAIN);
      await until('the seed subscribed', () => pubsub.getSubscribers(topic).length > 0);
      await pubsub.publish(topic, data);
      await isCut(seed, raw, code);
      expect(seed.blocks).toEqual([]);
    }
  });

  it('may tell headers of newer rules: they are put aside, and it is charged nothing', async () => {
    const raw = await startHost('node', [WEBSOCKET]);
    let reply = Uint8Array.of();
    await raw.handle(
      protocol,
      (stream) =>
        void lpStream(stream)
          .write(reply)
          .catch(() => {}),
    );
    const client = await startPeer({ bootstrap: raw.getMultiaddrs().map(String) });
    const id = raw.peerId.toString();
    await until('connected', () => client.transport.peers().length === 1);
    const ask = () => client.transport.request(id, { type: 'headers', locator: [], max: 512 });
    // One header, and two hundred: their number has one byte or two.
    for (const count of [[1], [200, 1]]) {
      reply = Uint8Array.of(1, ...count, 3, 9, 9);
      await expect(ask()).rejects.toMatchObject({ code: 'NET_NEWER' });
    }
    expect(client.transport.peers()[0]!.penalty).toBe(0);
    reply = Uint8Array.of(1, 1, 2, 9, 9);
    await expect(ask()).rejects.toMatchObject({ code: 'NET_MALFORMED' });
    await until('it is banned', () => client.transport.peers().length === 0);
    expect(client.log.join()).toContain('wire.malformed');
  });

  it('costs its victim nothing but time when it never answers or floods an answer', async () => {
    const raw = await startHost('node', [WEBSOCKET]);
    let reply: (stream: any) => void = () => {};
    await raw.handle(protocol, (stream) => reply(stream));
    const client = await startPeer({ bootstrap: raw.getMultiaddrs().map(String) });
    const id = raw.peerId.toString();
    await until('connected', () => client.transport.peers().length === 1);
    const ask = () => client.transport.request(id, { type: 'status' }, 300);
    await expect(ask()).rejects.toMatchObject({ code: 'NET_TIMEOUT' });
    reply = (stream) => stream.abort(new Error('no'));
    await expect(ask()).rejects.toMatchObject({ code: 'NET_CLOSED' });
    reply = (stream) =>
      void lpStream(stream)
        .write(new Uint8Array(2000))
        .catch(() => {});
    await expect(ask()).rejects.toMatchObject({ code: 'NET_MALFORMED' });
    expect(client.log.join()).toContain('wire.too-large');
    expect(client.transport.peers()).toEqual([]);
  });
});

describe('any bytes as a request', () => {
  it('decode to a request that encodes to the same bytes, or not at all', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        const request = tryDecode(SyncRequest, bytes);
        if (request) expect(encode(SyncRequest, request)).toEqual(bytes);
      }),
    );
    for (const [request, response] of EXCHANGES.filter(([r]) => r.type !== 'witness')) {
      const bytes = encode(SyncRequest, request);
      expect(tryDecode(SyncRequest, bytes)).toEqual(request);
      expect(bytes.length).toBeLessThan(REQUEST_BYTES_MAX);
      expect(encode(SyncResponse, response).length).toBeGreaterThan(1);
    }
  });
});
