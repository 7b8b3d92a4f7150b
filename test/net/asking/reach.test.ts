/** A provider that is known by its id alone is connected to when it is asked. */
import { multiaddr } from '@multiformats/multiaddr';
import { expect, it } from 'vitest';
import { silentLog } from '../../../src/lib/log.ts';
import { createReach, relaysTo, type ReachOptions } from '../../../src/net/asking/reach.ts';
import { RELAYS_MAX, reservationsOf, type Host } from '../../../src/net/host.ts';
import { OPENING } from '../../client/channels/pair.ts';
import { connected, startHost, startPeer, startSeed, until } from '../peers.ts';

const UNKNOWN = '12D3KooWR7LFeSYZ7dsQwgSx4fRhN3HebJKN5UgRMENymFizLNsA';
const unreachable = { code: 'NET_UNREACHABLE' };
const reachFrom = (host: Host, more: Partial<ReachOptions> = {}) =>
  createReach({
    host,
    seeds: [],
    relaysOf: undefined,
    meets: true,
    log: silentLog,
    signal: new AbortController().signal,
    ...more,
  });

it('a seed of the configuration is dialled, and not again while it is connected', async () => {
  const seed = await startSeed();
  const host = await startHost();
  const addresses = seed.transport.addresses().map((text) => multiaddr(text));
  const reach = reachFrom(host, { seeds: [{ peer: seed.id, addresses }] });
  expect(host.getConnections()).toEqual([]);
  const connection = await reach(seed.id);
  expect(connection.remotePeer.toString()).toBe(seed.id);
  expect(await reach(seed.id)).toBe(connection);
  expect(host.getConnections()).toHaveLength(1);
});

it('who has no way to a peer says so at once, whatever text it is named by', async () => {
  const seed = await startSeed();
  const [node, browser] = [await startHost(), await startHost('browser')];
  for (const host of [node, browser]) await host.dial(multiaddr(seed.transport.addresses()[0]));
  const alone = reachFrom(await startHost('browser'), { relaysOf: () => [seed.id] });
  for (const peer of [UNKNOWN, '', 'no id', '/ip4/192.0.2.1/tcp/1/ws']) {
    await expect(reachFrom(node)(peer)).rejects.toMatchObject(unreachable);
    await expect(alone(peer)).rejects.toMatchObject(unreachable);
  }
  const own = reachFrom(browser, { relaysOf: () => [] });
  await expect(own(browser.peerId.toString())).rejects.toMatchObject(unreachable);
  // The seed knows nobody of that name.
  await expect(own(UNKNOWN)).rejects.toMatchObject(unreachable);
  expect(browser.getConnections()).toHaveLength(1);
});

it('a transport that stops dials no more', async () => {
  const seed = await startSeed();
  const host = await startHost('browser');
  await host.dial(multiaddr(seed.transport.addresses()[0]));
  const stopped = new AbortController();
  stopped.abort();
  const reach = reachFrom(host, { relaysOf: () => [], signal: stopped.signal });
  await expect(reach(UNKNOWN)).rejects.toMatchObject({ code: 'NET_CLOSED' });
});

/** In Node.js a handshake may fail (docs/network.md); each attempt here has two. */
const ATTEMPTS = 10;

it('a browser is met through the seed that both know', { timeout: 180_000 }, async () => {
  const seed = await startSeed();
  const address = multiaddr(seed.transport.addresses()[0]);
  const provider = await startHost('browser', ['/p2p-circuit', '/webrtc']);
  const asker = await startHost('browser', []);
  for (const host of [provider, asker]) await host.dial(address);
  const seedId = peerIn(address);
  await until('it has a place there', () =>
    provider
      .getConnections()
      .some(
        (c) =>
          c.remotePeer.toString() === seedId &&
          reservationsOf(provider)!.hasReservation(c.remotePeer),
      ),
  );
  const reach = reachFrom(asker, { relaysOf: () => [] });
  const tried = async () => {
    for (let attempt = 1; ; attempt++) {
      const connection = await reach(provider.peerId.toString());
      if (!connection.limits) return connection;
      expect(attempt).toBeLessThan(ATTEMPTS);
    }
  };
  const connection = await tried();
  expect(connection.limits).toBeUndefined();
  expect(connection.remotePeer.toString()).toBe(provider.peerId.toString());
  await until('the relay is left', () => asker.getConnections().every((c) => !c.limits));
});

it('relays are those that it named and that are here, then the seeds; four at most', () => {
  const connected = ['a', 'b', 'seed 1', 'seed 2', 'seed 3', 'seed 4', 'provider'];
  const seeds = connected.filter((id) => id.startsWith('seed'));
  const relays = relaysTo('provider', { named: ['b', 'gone', 'seed 2'], connected, seeds });
  expect(relays).toEqual(['b', 'seed 2', 'seed 1', 'seed 3']);
  expect(relays).toHaveLength(RELAYS_MAX);
  expect(relaysTo('provider', { named: ['provider'], connected, seeds: [] })).toEqual([]);
});

const ROLES = ['node', 'browser'] as const;

it.each(ROLES)(
  'a program that meets nobody is asked over the seed that both know, by a %s',
  async (role) => {
    const seed = await startSeed();
    const address = multiaddr(seed.transport.addresses()[0]);
    const asked = Promise.withResolvers<string>();
    const provider = await startPeer({
      bootstrap: [String(address)],
      handlers: {
        async onAsk(stream) {
          asked.resolve(stream.peers.asker);
          return { onFrame: async () => stream.send({ type: 'opened' }), onGone() {} };
        },
      },
    });
    const isCarried = (one: string): boolean => one.includes('/p2p-circuit');
    await until('it has a place there', () => provider.transport.addresses().some(isCarried));
    const asker = await startPeer({ role, bootstrap: [String(address)] });
    await connected(asker, seed);
    const said = Promise.withResolvers<string>();
    const stream = await asker.transport.ask(provider.transport.ownId()!, () => ({
      onFrame: async ({ type }) => said.resolve(type),
      onGone() {},
    }));
    await stream.send({ type: 'open', opening: OPENING, signature: new Uint8Array(64) });
    expect(await asked.promise).toBe(asker.transport.ownId());
    await stream.send({ type: 'stop', n: 1 });
    expect(await said.promise).toBe('opened');
    // A connection that a relay carries is none to be told of: no block goes over it.
    expect(asker.transport.peers().map(({ id }) => id)).toEqual([seed.id]);
    await stream.close();
    expect(provider.transport.peers().map(({ id }) => id)).toEqual([seed.id]);
  },
);

const peerIn = (address: { toString(): string }): string =>
  address.toString().split('/p2p/').at(-1)!;
