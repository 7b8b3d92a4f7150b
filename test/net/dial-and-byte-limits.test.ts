/** Limits of answers, mesh dials, relayed and new connections, and gossip frames, from both sides. */
import { privateKeyFromProtobuf } from '@libp2p/crypto/keys';
import { TopicValidatorResult, type Message } from '@libp2p/gossipsub';
import type { PeerId } from '@libp2p/interface';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record';
import { lpStream } from '@libp2p/utils';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { MODEL_SLICE_BYTES, type SyncRequest } from '../../src/core/messages.ts';
import { silentLog } from '../../src/lib/log.ts';
import { blockTopic } from '../../src/net/gossip.ts';
import { createHost } from '../../src/net/host.ts';
import { peerTopic, startMesh } from '../../src/net/mesh.ts';
import { newPrivateKey } from '../../src/net/peer-key.ts';
import { syncProtocol } from '../../src/net/sync.ts';
import { CHAIN } from './chain-id.ts';
import { atEnd, sees, startHost, startPeer, until, WEBSOCKET } from './peers.ts';
import { EXCHANGES } from './samples.ts';

describe('answers are read up to their cap, and one byte more is cut', () => {
  const caps: Partial<Record<SyncRequest['type'], number>> = {
    headers: 256 * 1024,
    model: MODEL_SLICE_BYTES + 64,
  };
  const requests: [SyncRequest, number][] = EXCHANGES.filter(([r]) => r.type !== 'status').map(
    ([r]) => [r, caps[r.type] ?? 4 * 1024 * 1024],
  );
  it.each(requests)('$type', async (request, max) => {
    for (const [bytes, code] of [
      [max, 'wire.malformed'],
      [max + 1, 'wire.too-large'],
    ] as const) {
      const raw = await startHost('seed', [WEBSOCKET]);
      await raw.handle(syncProtocol(CHAIN), (stream) => {
        lpStream(stream, { maxDataLength: max + 1 })
          .write(new Uint8Array(bytes).fill(255))
          .catch(() => {});
      });
      const client = await startPeer({ bootstrap: raw.getMultiaddrs().map(String) });
      const id = raw.peerId.toString();
      await sees(client, id);
      const asked = client.transport.request(id, request);
      await expect(asked).rejects.toMatchObject({ code: 'NET_MALFORMED' });
      const charged = client.log.filter((line) => line.includes('charged'));
      expect(charged).toHaveLength(1);
      expect(charged[0]).toContain(code);
      // 100 points ban: nobody is left.
      await until('it is banned', () => client.transport.peers().length === 0);
    }
  });
});

it('a mesh dials two at once, and a third when one of them has ended', async () => {
  const keys = await Promise.all(Array.from({ length: 4 }, newPrivateKey));
  const peers = keys
    .map((bytes) => ({ bytes, key: privateKeyFromProtobuf(bytes) }))
    .map((k) => ({ ...k, id: peerIdFromPrivateKey(k.key) }))
    .sort((a, b) => (a.id.toString() < b.id.toString() ? -1 : 1));
  // The smaller id dials at once.
  const [self, ...authors] = peers;
  const topic = peerTopic(CHAIN);
  const gater = { denyDialMultiaddr: () => false };
  const log = silentLog;
  const privateKey = self!.bytes;
  const host = await createHost({ role: 'node', topics: [topic], gater, log, privateKey });
  await host.start();
  const relay = await startHost('seed', [WEBSOCKET]);
  await host.dial(relay.getMultiaddrs()[0]!);
  const stopped = new AbortController();
  atEnd(async () => {
    stopped.abort();
    await host.stop();
  });
  // Dials that take as long as the test wants.
  const fails = new Map<string, (e: Error) => void>();
  const dialled: string[] = [];
  vi.spyOn(host, 'dial').mockImplementation(async (to) => {
    const peer = String((to as unknown[])[0])
      .split('/p2p/')
      .at(-1)!;
    dialled.push(peer);
    return new Promise<never>((_, reject) => fails.set(peer, reject));
  });
  const { signal } = stopped;
  startMesh({ host, privateKey, chainId: CHAIN, meets: true, charge: () => {}, log, signal });
  const validator = host.services.pubsub.topicValidators.get(topic)!;
  let told = 0;
  const tell = async ({ key, id }: (typeof peers)[number]) => {
    const multiaddrs = [
      multiaddr(`/p2p/${relay.peerId.toString()}/p2p-circuit/webrtc/p2p/${id.toString()}`),
    ];
    // Newer each time: the same one is not heard twice.
    const seqNumber = BigInt(Date.now() + ++told);
    const record = new PeerRecord({ peerId: id, multiaddrs, seqNumber });
    const data = (await RecordEnvelope.seal(record, key)).marshal();
    await validator(id, { type: 'unsigned', topic, data });
  };
  const [a, b, c] = authors.map(({ id }) => id.toString()) as [string, string, string];
  for (const author of authors) await tell(author);
  expect(dialled).toEqual([a, b]);
  fails.get(a)!(new Error('no'));
  // It is tried once more, in the same place.
  await until('it is tried again', () => dialled.length === 3);
  await tell(authors[2]!);
  expect(dialled).toEqual([a, b, a]);
  fails.get(a)!(new Error('no'));
  await new Promise((r) => setTimeout(r));
  await tell(authors[2]!);
  expect(dialled).toEqual([a, b, a, c]);
});

it('a browser relays 32 KiB of a connection, and not a byte more', async () => {
  const [HOP, STOP] = ['/libp2p/circuit/relay/0.2.0/hop', '/libp2p/circuit/relay/0.2.0/stop'];
  const LIMIT = 32 * 1024;
  const relay = await startHost('browser', [WEBSOCKET]);
  const [address] = relay.getMultiaddrs();
  const [from, to] = [await startHost(), await startHost()];
  let got = 0;
  // A program takes what is relayed to it; here its frames are counted.
  await to.unhandle(STOP);
  await to.handle(
    STOP,
    async (stream) => {
      const lp = lpStream(stream);
      await lp.read();
      await lp.write(Uint8Array.of(8, 1, 32, 100)); // StopMessage { type: STATUS, status: OK }
      lp.unwrap().addEventListener('message', ({ data }) => void (got += data.byteLength));
    },
    { runOnLimitedConnection: true },
  );
  const place = lpStream(await (await to.dial(address!)).newStream(HOP));
  await place.write(Uint8Array.of(8, 0)); // HopMessage { type: RESERVE }
  await place.read();
  const connection = await from.dial(address!);
  const connect = async () => {
    const lp = lpStream(await connection.newStream(HOP));
    const id = to.peerId.toMultihash().bytes;
    // HopMessage { type: CONNECT, peer: { id } }
    await lp.write(Uint8Array.of(8, 1, 18, id.length + 2, 10, id.length, ...id));
    expect((await lp.read()).subarray().slice(-2)).toEqual(Uint8Array.of(40, 100));
    return lp.unwrap();
  };
  const stream = await connect();
  stream.send(new Uint8Array(LIMIT));
  await until('all of it came', () => got === LIMIT);
  expect(stream.status).toBe('open');
  stream.send(new Uint8Array(1));
  await until('it is cut', () => stream.status !== 'open');
  // The limit is of a connection: the next one carries as much.
  got = 0;
  (await connect()).send(new Uint8Array(LIMIT));
  await until('all of it came', () => got === LIMIT);
});

describe('new connections of one address', () => {
  afterEach(() => void vi.useRealTimers());

  it.each([
    ['browser', 20],
    ['seed', 500],
  ] as const)('to a %s are %i a second', async (role, perSecond) => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const host = await startHost(role, [WEBSOCKET]);
    type Manager = {
      acceptIncomingConnection(c: { remoteAddr: unknown }): Promise<boolean>;
      afterUpgradeInbound(): void;
    };
    const { connectionManager } = (
      host as unknown as { components: { connectionManager: Manager } }
    ).components;
    const accepts = async (ip: string) => {
      const remoteAddr = multiaddr(`/ip4/${ip}/tcp/1234/ws`);
      const accepted = await connectionManager.acceptIncomingConnection({ remoteAddr });
      if (accepted) connectionManager.afterUpgradeInbound();
      return accepted;
    };
    for (let i = 0; i < perSecond; i++) expect(await accepts('1.2.3.4')).toBe(true);
    expect(await accepts('1.2.3.4')).toBe(false);
    expect(await accepts('1.2.3.5')).toBe(true);
  });
});

describe('gossip frames', () => {
  /** What gossipsub's own class has and its interface does not tell. */
  interface Sender {
    sendRpc(to: string, rpc: object): boolean;
    streamsOutbound: Map<string, unknown>;
  }
  async function pair() {
    const heard: Uint8Array[] = [];
    const seed = await startHost('seed', [WEBSOCKET]);
    const topic = blockTopic(CHAIN);
    seed.services.pubsub.topicValidators.set(topic, (_: PeerId, { data }: Message) => {
      heard.push(data);
      return TopicValidatorResult.Ignore;
    });
    const raw = await startHost();
    await raw.dial(seed.getMultiaddrs()[0]!);
    const sender = raw.services.pubsub as unknown as Sender;
    const to = seed.peerId.toString();
    await until('they gossip', () => sender.streamsOutbound.has(to));
    let next = 0;
    const data = (bytes: number) => {
      const made = new Uint8Array(bytes);
      new DataView(made.buffer).setUint32(0, next++);
      return made;
    };
    const send = (messages: number, bytes = 4) =>
      sender.sendRpc(to, {
        subscriptions: [],
        messages: Array.from({ length: messages }, () => ({ topic, data: data(bytes) })),
      });
    return { heard, send };
  }

  it('of 64 messages are heard, of one more dropped', async () => {
    const { heard, send } = await pair();
    send(64);
    await until('all are heard', () => heard.length === 64);
    send(65);
    send(1);
    await until('the next is heard', () => heard.length > 64);
    expect(heard).toHaveLength(65);
  });
});
