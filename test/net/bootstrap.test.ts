import { expect, it } from 'vitest';
import { createLog, silentLog } from '../../src/lib/log.ts';
import { seedsFromAddresses } from '../../src/net/bootstrap.ts';
import { syncProtocol } from '../../src/net/sync.ts';
import { CHAIN } from './chain-id.ts';
import { startHost, startPeer, until, WEBSOCKET } from './peers.ts';

const A = '12D3KooWR7LFeSYZ7dsQwgSx4fRhN3HebJKN5UgRMENymFizLNsA';
const HASH = 'uEiDp4cgOMM_RfTxbSuZJFFVj7S0Y8aWYZm38tinMia4qOA';

it('groups addresses by peer, WebSockets first, and leaves bad ones out with a word', () => {
  const log: string[] = [];
  const direct = `/ip4/1.2.3.4/udp/5/webrtc-direct/certhash/${HASH}/p2p/${A}`;
  const socket = `/dns4/seed.example/tcp/443/tls/ws/p2p/${A}`;
  const nameless = '/ip4/127.0.0.1/tcp/1/ws';
  const listing = createLog((line) => log.push(line));
  const seeds = seedsFromAddresses([direct, 'http://x', nameless, socket], listing);
  expect(seeds.map((s) => [s.peer, s.addresses.map(String)])).toEqual([
    [A, [socket, direct]],
    [undefined, [nameless]],
  ]);
  expect(log).toHaveLength(1);
});

it('takes a bounded number of seeds and of addresses for each', () => {
  const many = Array.from({ length: 100 }, (_, i) => `/ip4/127.0.0.1/tcp/${i + 1}/ws`);
  expect(seedsFromAddresses(many, silentLog)).toHaveLength(16);
  const one = many.map((a) => `${a}/p2p/${A}`);
  expect(seedsFromAddresses(one, silentLog)[0]!.addresses).toHaveLength(8);
});

it('waits longer and longer for a seed that takes it and cuts it at once', async () => {
  const seed = await startHost('seed', [WEBSOCKET]);
  let met = 0;
  seed.addEventListener('connection:open', ({ detail }) => {
    met++;
    void detail.close().catch(() => undefined);
  });
  await startPeer({ bootstrap: seed.getMultiaddrs().map(String) });
  await until('it comes back', () => met > 1);
  // At most after 0.4, 0.75, 1.5 and 3 s: a fifth time is later than this.
  await new Promise((r) => setTimeout(r, 4000));
  expect(met).toBeLessThanOrEqual(6);
});

/** Where a host is asked what it speaks. */
const IDENTIFY = '/ipfs/id/1.0.0';

it('asks a seed again that could not say at once what it speaks, and leaves one that never does', async () => {
  const seed = await startHost('seed', [WEBSOCKET]);
  await seed.handle(syncProtocol(CHAIN), () => undefined);
  type Service = { handleProtocol: Parameters<typeof seed.handle>[1] };
  const { identify } = seed.services as unknown as { identify: Service };
  let [met, asked, isBusy] = [0, 0, true];
  seed.addEventListener('connection:open', () => met++);
  await seed.unhandle(IDENTIFY);
  await seed.handle(IDENTIFY, (stream, connection) => {
    asked++;
    if (!isBusy) return identify.handleProtocol.call(identify, stream, connection);
    stream.abort(new Error('busy'));
  });
  const { transport } = await startPeer({ bootstrap: seed.getMultiaddrs().map(String) });
  await until('it is asked', () => asked > 0);
  expect(transport.peers()).toEqual([]);
  // Each connection was asked three times.
  await until('it is dialled anew', () => met > 1);
  expect(asked).toBeGreaterThanOrEqual(3);
  isBusy = false;
  await until('it is known', () => transport.peers().length === 1);
});
