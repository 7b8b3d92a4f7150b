/** Real Chromiums: each a process whose dedicated worker or page runs the transport. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { PART_BYTES_MAX } from '../../src/core/ask-messages.ts';
import type { OwnTransport } from '../../src/net/create-transport.ts';
import { DEGREE } from '../../src/net/mesh.ts';
import type { ToPage, ToWorker } from '../../src/net/rtc-messages.ts';
import { PEER_CONNECTIONS_MAX } from '../../src/net/rtc-page.ts';
import type { PeerInfo } from '../../src/net/transport.ts';
import { openPage, openPages, startBrowser, startIn, type BrowserPeer } from './browser/launch.ts';
import { startSeed, until, WEBRTC_DIRECT, WEBSOCKET } from './peers.ts';
import { spawnSeed } from './spawn-seed.ts';

/** A handshake that fails is tried again with later records. */
const MEET_MS_MAX = 90_000;
const peerId = (addresses: readonly string[]) => addresses[0]!.split('/p2p/').at(-1)!;

/** Polls a page until it says so. */
async function sees<T>(
  what: string,
  peer: BrowserPeer,
  find: (state: Awaited<ReturnType<BrowserPeer['state']>>) => T | undefined | false,
): Promise<T> {
  const end = Date.now() + MEET_MS_MAX;
  for (;;) {
    const state = await peer.state();
    const found = find(state);
    if (found !== undefined && found !== false) return found;
    if (Date.now() > end) throw new Error(`never happened: ${what}; ${JSON.stringify(state)}`);
    await new Promise((r) => setTimeout(r, 100));
  }
}

const links = (peers: readonly PeerInfo[]) => peers.filter((p) => p.link === 'webrtc');
const link = (peer: BrowserPeer, count = 1) =>
  sees(`${count} direct links`, peer, ({ peers }) => links(peers).length === count && links(peers));

/** A block told by one is heard by the other; repeated, for the gossip mesh has to form. */
async function hears(from: BrowserPeer, to: BrowserPeer, first: number): Promise<void> {
  for (let n = first; ; n++) {
    await from.tell(n);
    const { heard } = await to.state();
    if (heard.some((h) => h >= first)) return;
    expect(n - first).toBeLessThan(200);
    await new Promise((r) => setTimeout(r, 100));
  }
}

it('can move data channels to a worker', async () => {
  const page = await openPage();
  expect(await page.evaluate(() => window.canBridgeRtc())).toBe(true);
});

it('a page lends a bounded number of peer connections, and again when one is closed', async () => {
  const page = await openPage();
  const failed = await page.evaluate(async (max) => {
    const { port1, port2 } = new MessageChannel();
    const close = window.serveRtc(port1);
    const failed: number[] = [];
    let answered = (_: ToWorker) => {};
    port2.onmessage = ({ data }: MessageEvent<ToWorker>) => {
      if (data.type === 'state' && data.states.connectionState === 'failed') failed.push(data.pc);
      if (data.type === 'result' || data.type === 'error') answered(data);
    };
    const tell = (message: ToPage) => port2.postMessage(message);
    const open = (pc: number) => tell({ op: 'new', pc, iceServers: [] });
    /** Everything told before was handled when this is answered. */
    const offer = (pc: number) =>
      new Promise<string>((resolve) => {
        answered = ({ type }) => resolve(type);
        tell({ op: 'call', pc, id: pc, call: 'createOffer', argument: undefined });
      });
    for (let pc = 1; pc <= max + 1; pc++) open(pc);
    const answers = [await offer(max), await offer(max + 1)];
    tell({ op: 'close', pc: 1 });
    open(max + 2);
    answers.push(await offer(max + 2));
    close();
    return { failed, answers };
  }, PEER_CONNECTIONS_MAX);
  expect(failed).toEqual({
    failed: [PEER_CONNECTIONS_MAX + 1],
    answers: ['result', 'error', 'result'],
  });
});

it('each dials until it has neighbours enough, and nobody is left with fewer', async () => {
  const seed = await startSeed();
  const seeds = seed.transport.addresses();
  const pages = await openPages(DEGREE + 2);
  const peers = await Promise.all(pages.map((page) => startIn(page, seeds)));
  for (const peer of peers)
    await sees('neighbours enough', peer, (s) => links(s.peers).length >= DEGREE);
  for (const peer of peers) {
    const dialled = links((await peer.state()).peers).filter((p) =>
      p.address.includes('/p2p-circ'),
    );
    expect(dialled.length).toBeLessThanOrEqual(DEGREE);
  }
});

for (const [kind, name] of [
  ['rtc', 'a worker'],
  ['transport', 'a page, for its worker,'],
] as const)
  for (const [way, listen] of [
    ['websocket', WEBSOCKET],
    ['webrtc-direct', WEBRTC_DIRECT],
  ] as const)
    it(`${name} dials a seed over ${way} and asks for its status`, async () => {
      const seed = await startSeed({ listen: [listen] });
      const browser = await startBrowser(seed.transport.addresses(), kind);
      const [peer] = await sees('a peer', browser, ({ peers }) => peers.length > 0 && peers);
      expect(peer!.link).toBe(way);
      expect(await browser.ask(peer!.id)).toBe('test');
    });

it('two meet directly, one on its page, and go on without the seed until it returns', async () => {
  const place = await mkdtemp(join(tmpdir(), 'pila-net-'));
  const seed = await spawnSeed(place, [WEBSOCKET]);
  const a = await startBrowser(seed.addresses);
  const b = await startBrowser(seed.addresses, 'transport');
  const [[toB], [toA]] = [await link(a), await link(b)];
  // The dialler's address names the relay that introduced it, the other's names nobody else.
  expect([toA!.address, toB!.address].filter((s) => s.includes('/p2p-circuit/'))).toHaveLength(1);
  await seed.kill();
  for (const peer of [a, b]) await sees('the seed is gone', peer, (s) => s.peers.length === 1);
  expect(await a.ask(toB!.id)).toBe('browser');
  expect(await b.ask(toA!.id)).toBe('browser');
  await hears(a, b, 0);
  await hears(b, a, 1000);

  const listen = seed.addresses.map((s) => s.split('/p2p/')[0]!);
  await spawnSeed(place, listen);
  const id = peerId(seed.addresses);
  for (const peer of [a, b]) await sees('the seed', peer, (s) => s.peers.some((p) => p.id === id));
});

it('two that have no seed in common meet through a third, and outlive the seeds', async () => {
  const place = () => mkdtemp(join(tmpdir(), 'pila-net-'));
  const [one, other] = [
    await spawnSeed(await place(), [WEBSOCKET]),
    await spawnSeed(await place(), [WEBSOCKET]),
  ];
  const a = await startBrowser([...one.addresses, ...other.addresses]);
  const b = await startBrowser(one.addresses);
  const [toA] = await link(b);
  await one.kill();
  const c = await startBrowser(other.addresses);
  await sees('C is linked to A', c, ({ peers }) => links(peers).some((p) => p.id === toA!.id));
  await other.kill();
  const through = await link(b, 2);
  await link(c, 2);
  const [toC] = through.filter((p) => p.id !== toA!.id);
  const [toB] = (await link(c, 2)).filter((p) => p.id !== toA!.id);
  // Whoever dialled did so through A.
  const dialled = [toC!, toB!].filter((p) => p.address.includes('/p2p-circuit/'));
  expect(dialled.map((p) => p.address)).toEqual([
    expect.stringContaining(`/p2p/${toA!.id}/p2p-circuit/webrtc/`),
  ]);
  await a.close();
  await sees('A is gone', b, ({ peers }) => peers.length === 1);
  expect(await b.ask(toC!.id)).toBe('browser');
  await hears(c, b, 0);
});

it('pages ask each other over WebRTC, also where libp2p runs on the page', async () => {
  const seed = await startSeed();
  const a = await startBrowser(seed.transport.addresses());
  const first = await until('A is at the seed', () => seed.transport.peers()[0]?.id);
  const b = await startBrowser(seed.transport.addresses(), 'transport');
  const second = await until('B is at the seed', () =>
    seed.transport
      .peers()
      .map(({ id }) => id)
      .find((id) => id !== first),
  );
  const { stats } = seed.transport as OwnTransport;
  await until('both can be met there', () => stats().reservations === 2);
  const vouchers = 40;
  expect(await a.prepay(second, vouchers)).toBe(vouchers * PART_BYTES_MAX);
  expect(await b.prepay(first, vouchers)).toBe(vouchers * PART_BYTES_MAX);
});
