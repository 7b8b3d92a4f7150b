/** Transports in this process over loopback, stopped after each test. */
import { afterEach } from 'vitest';
import { createLog, silentLog } from '../../src/lib/log.ts';
import type { BlockAnnounce, SyncRequest, TxAnnounce } from '../../src/core/messages.ts';
import type { Offer } from '../../src/core/offer.ts';
import { createTransport, type TransportOptions } from '../../src/net/create-transport.ts';
import { blockTopic, offerTopic, txTopic } from '../../src/net/gossip.ts';
import { createHost, type Host, type HostOptions, type Role } from '../../src/net/host.ts';
import { peerTopic } from '../../src/net/mesh.ts';
import { servePageTransport } from '../../src/net/page-transport.ts';
import { createRemoteTransport } from '../../src/net/remote-transport.ts';
import type { Handlers, Transport, Verdict } from '../../src/net/transport.ts';
import { CHAIN } from './chain-id.ts';
import { EXCHANGES } from './samples.ts';

export const WEBSOCKET = '/ip4/127.0.0.1/tcp/0/ws';
export const WEBRTC_DIRECT = '/ip4/127.0.0.1/udp/0/webrtc-direct';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});
/** Runs after the test, with the transports' own stops. */
export const atEnd = (stop: () => Promise<void>): void => void stops.push(stop);

/** Polls until the value is there, with a bound that only a hang reaches. */
export async function until<T>(
  what: string,
  get: () => T | undefined | false,
  waitMs = 30_000,
): Promise<T> {
  const end = Date.now() + waitMs;
  for (;;) {
    const value = get();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > end) throw new Error(`never happened: ${what}`);
    await new Promise((r) => setTimeout(r, 10));
  }
}

export interface TestPeer {
  readonly transport: Transport;
  readonly blocks: { peer: string; announce: BlockAnnounce }[];
  readonly txs: { peer: string; announce: TxAnnounce }[];
  readonly offers: { peer: string; offer: Offer }[];
  readonly requests: SyncRequest[];
  readonly log: string[];
  readonly id: string;
  stop(): Promise<void>;
}

export interface PeerOptions extends Partial<TransportOptions> {
  readonly judge?: () => Verdict;
  readonly handlers?: Partial<Handlers>;
  /** Behind a port, as where libp2p runs on the page. */
  readonly remote?: boolean;
}

function createRemote(options: TransportOptions): Transport {
  const { port1, port2 } = new MessageChannel();
  servePageTransport(port1, (given) => createTransport({ ...options, ...given }));
  const transport = createRemoteTransport(port2, options);
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= transport.stop().finally(() => port1.close()));
  return { ...transport, stop };
}

export async function startPeer(options: PeerOptions = {}): Promise<TestPeer> {
  const { judge = () => 'accept', handlers, remote = false, ...rest } = options;
  const log: string[] = [];
  const made: TransportOptions = {
    chainId: CHAIN,
    role: 'node',
    bootstrap: [],
    log: createLog((line) => log.push(line), 'debug'),
    ...rest,
  };
  const transport = remote ? createRemote(made) : createTransport(made);
  const peer: Omit<TestPeer, 'id'> = {
    transport,
    blocks: [],
    txs: [],
    offers: [],
    requests: [],
    log,
    stop: () => transport.stop(),
  };
  await transport.start({
    async onRequest(_, request) {
      peer.requests.push(request);
      return EXCHANGES.find(([r]) => r.type === request.type)![1];
    },
    async onBlock(from, announce) {
      peer.blocks.push({ peer: from, announce });
      return judge();
    },
    async onTx(from, announce) {
      peer.txs.push({ peer: from, announce });
      return judge();
    },
    async onOffer(from, offer) {
      peer.offers.push({ peer: from, offer });
      return judge();
    },
    onPeers() {},
    ...handlers,
  });
  atEnd(peer.stop);
  const id = transport.addresses()[0]?.split('/p2p/').at(-1) ?? '';
  return { ...peer, id };
}

export const startSeed = (options: PeerOptions = {}): Promise<TestPeer> =>
  startPeer({ role: 'seed', listen: [WEBSOCKET], ...options });

/** A libp2p host of ours without our manners: what a hostile peer runs. */
export async function startHost(
  role: Role = 'node',
  listen: string[] = [],
  more: Partial<Pick<HostOptions, 'datastore' | 'gater'>> = {},
): Promise<Host> {
  const topics = [blockTopic, txTopic, offerTopic, peerTopic].map((name) => name(CHAIN));
  const gater = { denyDialMultiaddr: () => false };
  const host = await createHost({ role, listen, topics, gater, log: silentLog, ...more });
  await host.start();
  atEnd(async () => await host.stop());
  return host;
}

/** Until the client lists that peer. */
export const sees = (client: TestPeer, id: string) =>
  until('the client sees the seed', () => client.transport.peers().find((p) => p.id === id));

/** Both ends list each other. */
export async function connected(client: TestPeer, seed: TestPeer): Promise<string> {
  await sees(client, seed.id);
  await until('the seed sees a peer', () => seed.transport.peers().length > 0);
  return seed.id;
}
