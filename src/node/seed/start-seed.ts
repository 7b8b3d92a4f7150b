/** A running seed: full chain, peers, page, RPC, faucet, and a miner if asked. Started and stopped as one. */
import { existsSync } from 'node:fs';
import { readFile, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { IncomingMessage, Server } from 'node:http';
import { isIPv6 } from 'node:net';
import { createSecureContext } from 'node:tls';
import { Registry } from 'prom-client';
import { createFullChain, type FullChain } from '../../chain/full/full-chain.ts';
import { followOutlook } from '../../chain/shared/outlook.ts';
import { createLevelStore } from '../../chain/store/level-store.ts';
import type { Store } from '../../chain/store/store.ts';
import { createOfferSampler, tellOffers } from '../../client/channels/ask-offers.ts';
import { createOfferBook, judgeOffer } from '../../client/channels/offer-book.ts';
import { modelNamed, networkOf, type ChainNetwork } from '../../client/models/networks.ts';
import { blockId } from '../../core/header/header.ts';
import { isStale } from '../../core/header/stale.ts';
import { versionKnown } from '../../core/header/tables.ts';
import type { Block } from '../../core/messages.ts';
import type { Offer } from '../../core/offer.ts';
import { toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { planParts } from '../../miner/package/parts.ts';
import { AddressRate } from '../../net/address-rate.ts';
import { createTransport } from '../../net/create-transport.ts';
import { peerIdOfKey } from '../../net/peer-key.ts';
import { libp2pMetrics } from '../../net/prometheus.ts';
import type { Transport, Verdict } from '../../net/transport.ts';
import { createCallers } from '../http/caller.ts';
import { createFaucet } from '../http/faucet.ts';
import { createGiftMiner } from '../http/gift-miner.ts';
import { partsForPeers, ServedBytes } from '../../client/models/served-bytes.ts';
import { findServed, findServing, withServing } from '../served/served-folders.ts';
import { fetchMissing, learnOffered, openModels, partsOr } from './seed-models.ts';
import { createWatchedStores, healthRoute } from '../http/health.ts';
import { closeAll, type Closers } from './closers.ts';
import { createFullSync, POLL_MS, type FullSync } from './full-sync.ts';
import {
  createHttp,
  handUpgrades,
  isForeignPage,
  byLoopbackName,
  listen,
  sendJson,
  serveFolder,
  TOO_MANY_STATUS,
  type Route,
  type Routes,
} from '../http/http.ts';
import { learnGenesisTime } from './learn-genesis.ts';
import { takeState } from './trust-state.ts';
import { openKeys, payoutAddress } from '../keys-file.ts';
import { MinedBlocks } from '../mined-blocks.ts';
import { createMetrics } from '../rpc/metrics.ts';
import { startMinerThread } from '../contributor/miner-thread.ts';
import { createInexactness } from '../inexactness.ts';
import { NetDatastore } from './net-datastore.ts';
import type { Options } from './options.ts';
import { pageConfig } from '../http/page-config.ts';
import { openKeyGuard } from '../http/api-key.ts';
import { inferRoutes } from '../http/infer-routes.ts';
import { forOrigins } from '../http/origins.ts';
import { createInference } from '../http/inference.ts';
import { statusRoute } from '../http/status.ts';
import { openSpendings } from '../http/spending.ts';
import { createPriceOf } from './answer-prices.ts';
import { openSeedChannels } from './seed-provider.ts';
import { createSender } from './sender.ts';
import { startSignatureLanes, type SignatureLanes } from './signature-lanes.ts';
import { rpcRoutes } from '../rpc/rpc-routes.ts';
import type { SeedDeps } from './seed-deps.ts';
import { openSeedPrepaid, type SeedPrepaid } from './seed-prepaid.ts';
import { createSeedMiner, type SeedMiner } from './seed-miner.ts';
import { createHandlers } from './serve-peers.ts';
import { addressFrom } from '../../wallet/address.ts';
import { udpProblem } from './udp-port.ts';

const APP_FOLDER = fileURLToPath(new URL('../../../dist', import.meta.url));

export interface Seed {
  readonly appUrl: string;
  readonly rpcUrl: string;
  readonly peerId: string;
  stop(): Promise<void>;
}

/**
 * @param fail called once when a part dies that the seed cannot go on without
 * @throws AppError PORT_BUSY, STORE_*, KEYS_CORRUPT, DATA_REFUSED, WRONG_FLAG
 */
export async function startSeed(
  options: Options,
  log: Log,
  fail: (reason: string) => void,
  network: ChainNetwork = networkOf(options.network),
): Promise<Seed> {
  const closers: Closers = [];
  try {
    const opened = await openAll({ options, network, log, fail }, closers);
    return { ...opened, stop: () => closeAll(closers) };
  } catch (e) {
    // Why it did not start is what its operator must hear.
    await closeAll(closers).catch(() => undefined);
    throw e;
  }
}

/** One of this node's databases, watched. @throws AppError STORE_* */
type OpenStore = (name: 'chain' | 'net' | 'spent' | 'channels') => Promise<Store>;

interface Given {
  readonly options: Options;
  readonly network: ChainNetwork;
  readonly log: Log;
  readonly fail: (reason: string) => void;
}

async function openAll(
  { options, network, log, fail }: Given,
  closers: Closers,
): Promise<Omit<Seed, 'stop'>> {
  const payout = payoutOf(options, network);
  if (options.mine && !modelNamed(network, options.model))
    throw new AppError(
      'WRONG_FLAG',
      `--model: ${options.network} admits ${network.names.join(', ') || 'no model yet'}`,
    );
  if (!network.names.length)
    log.warn('model.none', {
      network: options.network,
      why: 'it admits no model: no block can come',
    });
  const keys = await openKeys(options.data);
  const serving = await findServing(options.serve);
  const served = withServing(await findServed(options.packages, log), serving);
  const givenBytes = new ServedBytes(options.serveBytes);
  for (const { said, folder } of served)
    log.info('served.holds', {
      model: said.name,
      id: said.id,
      bytes: said.bytes,
      folder,
      bytesAnHour: options.serveBytes,
    });
  const packages = await openModels(options, network, () => transport, served);
  const died = (why: string): void => fail(`the miner thread died: ${why}`);
  const thread = await startMinerThread((id) => packages.load(id), died);
  closers.push(() => thread.stop());
  const inexactness = createInexactness(log);
  thread.miner.on('status', inexactness.note);
  const lanes = startSignatureLanes(log);
  closers.push(() => lanes.stop());
  const stores = createWatchedStores(log);
  const onLost = (e: AppError): void => fail(e.message);
  const openStore: OpenStore = async (name) =>
    stores.watch(await createLevelStore(join(options.data, name), { onLost }));
  const store = await openStore('chain');
  const chain = await openChain({ store, options, network, thread, lanes, log });
  if (chain.replaced) log.warn('chain.anew', { why: chain.replaced.message });
  closers.push(() => chain.close());
  const genesis = (await chain.header(0))!;
  const offers = createOfferBook();
  const outlook = followOutlook(
    {
      params: chain.params,
      head: () => chain.head().header,
      headerAt: (height) => chain.header(height),
      subscribe: (listener) => chain.subscribe(({ type }) => type === 'head' && listener()),
    },
    log,
  );
  closers.push(() => outlook.stop());
  // Nothing is paid out before it is known whether these rules hold.
  await outlook.ready;

  const datastore = new NetDatastore(await openStore('net'));
  await datastore.open();
  closers.push(() => datastore.close());
  const registry = new Registry();
  const callers = createCallers(options.trustProxy);
  const transport = createTransport({
    chainId: network.params.chainId,
    version: versionKnown(network.params),
    role: 'seed',
    bootstrap: options.bootstrap,
    privateKey: keys.peer,
    datastore,
    listen: ['/ip4/127.0.0.1/tcp/0/ws', ...(await directAddresses(options, log))],
    // WebRTC-direct addresses lack the certificate's hash here; config.json adds it.
    announce: options.announce.filter((a) => a.endsWith('/ws')),
    behindHttp: true,
    standsForMany: callers.standsForMany,
    log,
    metrics: libp2pMetrics(registry, options.data),
  });
  const sequence = announcer(transport);
  const channelStore = await openStore('channels');
  closers.push(() => channelStore.close());
  const channels = await openSeedChannels(
    { options, network, serving, keys, chain, transport, thread, genesis, offers, log },
    channelStore,
    payout,
  );
  let sync: FullSync | undefined;
  const deps: SeedDeps = {
    options,
    network,
    keys,
    stores,
    chain,
    transport,
    packages,
    served,
    givenBytes,
    thread,
    genesis,
    offers,
    channels,
    mined: new MinedBlocks(),
    registry,
    callers,
    outlook: outlook.now,
    unfollowed: () => sync?.unfollowed(),
    inexact: inexactness.last,
    log,
    sender: createSender({ chain, params: chain.params, transport }, keys.payout),
    announce: sequence,
  };
  /** What is opened once peers can be asked. */
  const later: { prepaid?: SeedPrepaid } = {};
  const fullSync = (): FullSync => (sync ??= createFullSync(chain, transport, log));
  const handlers = createHandlers(
    chain,
    fullSync,
    log,
    partsForPeers(packages, { bytes: givenBytes, nowMs: () => performance.now() }),
  );
  const hearOffer = (peer: string, offer: Offer): Verdict => {
    const now = { genesisId: blockId(genesis), nowMs: Date.now() };
    const verdict = judgeOffer(offers, now, offer, peer);
    if (verdict !== 'accept') return verdict;
    later.prepaid?.onOffer(offer.offer.provider);
    learnOffered(packages, offer);
    return verdict;
  };
  const sampleOffers = createOfferSampler(transport, hearOffer);
  await transport.start({
    ...handlers,
    onRequest: async (peer, request) =>
      request.type === 'offers'
        ? tellOffers(offers, Date.now())
        : handlers.onRequest(peer, request),
    onOffer: async (peer, offer) => hearOffer(peer, offer),
    onAsk: channels.provider.onAsk,
    onPeers(peers) {
      fullSync().meet(peers);
      void sampleOffers(peers);
    },
  });
  closers.push(() => transport.stop());
  closers.push(channels.start());
  const polling = setInterval(() => fullSync().poll(), POLL_MS);
  closers.push(() => clearInterval(polling));

  const infer = await openInference(deps, channelStore, openStore, closers);
  later.prepaid = infer.prepaid;
  const miner = createSeedMiner(deps, payout ?? payoutAddress(keys));
  const page = await openPage(deps, infer.routes.page, minedBy(deps, miner, closers), closers);
  const rpcPort = await openRpc(deps, infer, closers);
  if (options.mine) {
    closers.push(() => miner.stop());
    await miner.start();
  }
  if (options.mine || serving.length) await channels.provide(payout ?? payoutAddress(keys));
  closers.push(logHeads(chain, log));
  const canAsk = (): boolean => options.mirrors.length > 0 || transport.peers().length > 0;
  void fetchMissing(packages, network, log, canAsk);
  return {
    appUrl: page,
    rpcUrl: `http://${urlHost(options.rpcHost)}:${rpcPort}/`,
    peerId: peerIdOfKey(keys.peer),
  };
}

/** Where WebRTC-direct listens. A node whose UDP port is taken still serves pages and WebSockets. */
async function directAddresses({ host, rtcPort }: Options, log: Log): Promise<string[]> {
  const why = await udpProblem(host, rtcPort);
  if (why === undefined)
    return [`/${isIPv6(host) ? 'ip6' : 'ip4'}/${host}/udp/${rtcPort}/webrtc-direct`];
  log.warn('peers.no-webrtc-direct', { port: rtcPort, host, why });
  return [];
}

const urlHost = (host: string): string =>
  host === '127.0.0.1' ? 'localhost' : isIPv6(host) ? `[${host}]` : host;

function payoutOf(options: Options, network: ChainNetwork): Uint8Array | undefined {
  if (options.payout === undefined) return undefined;
  const address = addressFrom(options.payout, network.params.prefix);
  if (!address)
    throw new AppError(
      'WRONG_FLAG',
      `--payout: '${options.payout}' is no ${options.network} address`,
    );
  return address;
}

interface ChainDeps extends Pick<SeedDeps, 'options' | 'network' | 'thread' | 'log'> {
  readonly store: Store;
  readonly lanes: SignatureLanes;
}

async function openChain({ store, options, network, thread, lanes, log }: ChainDeps) {
  const { bootstrap } = options;
  const peers = { params: network.params, bootstrap, log };
  try {
    if (options.trustState) await takeState(store, network, peers);
    return await createFullChain({
      store,
      params: network.params,
      models: network.models,
      now: Date.now,
      ...(options.prune && { keepBlocks: options.prune }),
      ...(bootstrap.length && {
        genesisTimeMs: () => learnGenesisTime(peers),
      }),
      verifySignatures: lanes.verify,
      async checkProof(claim, proof) {
        await thread.ensure(claim.modelId);
        return network.params.rules.first(await thread.miner.check(claim, proof));
      },
    });
  } catch (e) {
    await store.close();
    throw e;
  }
}

/** Gossip drops messages that it has seen: a sequence number makes each announcement new. */
function announcer(transport: Transport): (block: Block) => Promise<void> {
  let sequence = 0;
  return async (block) => transport.announceBlock({ block, sequence: ++sequence });
}

async function openInference(
  deps: SeedDeps,
  channelStore: Store,
  openStore: OpenStore,
  closers: Closers,
) {
  const { options, network, chain, callers, packages } = deps;
  const requireKey = await openKeyGuard(options.apiKeyFile, process.env.PILA_API_KEY);
  const store = await openStore('spent');
  closers.push(() => store.close());
  const spendings = await openSpendings(store, options.spendMax, Date.now);
  const prepaid = await openSeedPrepaid(deps, channelStore, spendings);
  closers.push(() => prepaid.stop());
  const priceOf = createPriceOf({ chain, network, packages, prepaid: prepaid.api });
  const { rpcHost } = options;
  const { askPaid } = prepaid;
  const access = { rpcHost, callers, requireKey };
  const { answerer } = deps.channels;
  const isHere = (id: Uint8Array): boolean => packages.isWhole(toHex(id));
  const asking = { ...access, askPaid, answerer, isHere, priceOf };
  const routes = inferRoutes(createInference(deps), asking);
  return { spendings, prepaid, routes };
}

/** Whether somebody mines: this node, for a gift too, or whoever made a block lately. */
function minedBy({ options, chain, network, log }: SeedDeps, miner: SeedMiner, closers: Closers) {
  const isRecent = (): boolean =>
    !isStale(chain.head().header.time, Date.now(), network.params.blockTimeMs);
  if (options.mine) return () => true;
  if (options.giftBlocks === 'no') return isRecent;
  const isForAll = options.giftBlocks === 'all';
  const steadyMs = () => performance.now();
  const gifts = createGiftMiner({ isForAll, chain, miner, log, steadyMs });
  closers.push(() => gifts.stop());
  return () => gifts.wake() || isRecent();
}

async function openPage(
  deps: SeedDeps,
  infer: Routes,
  isMined: () => boolean,
  closers: Closers,
): Promise<string> {
  const { options, network, keys, transport, genesis, callers, log } = deps;
  const faucet = createFaucet(deps, isMined);
  const app = serveApp(log, options.mirrors);
  const downloadBytes = await downloadBytesOf(network);
  const routes: Routes = {
    ...forOrigins(infer, options.apiOrigins),
    'GET /config.json': (request, response) => {
      const addresses = transport.addresses();
      const found = { addresses, announced: options.announce, peerId: peerIdOfKey(keys.peer) };
      const { mirrors } = options;
      const served = deps.givenBytes.isOpen ? deps.served.map(({ said }) => said) : [];
      const known = { params: network.params, genesis, downloadBytes, mirrors, served, ...found };
      // Pages of other origins may find the network here too. At home they would only learn who runs a node.
      if (options.isPublic) response.setHeader('access-control-allow-origin', '*');
      sendJson(response, 200, pageConfig(known, request));
    },
    'GET /health': healthRoute(deps),
    'GET /status.json': statusRoute(deps),
    'POST /faucet': faucet,
  };
  const giving = { bytes: deps.givenBytes, callers, nowMs: () => performance.now() };
  const http = createHttp(
    options.isPublic ? routes : byLoopbackName(routes),
    partsOr(deps.packages, giving, app),
    { tls: options.tls && (await readTls(options.tls)), callers },
  );
  const { server } = http;
  const rate = new AddressRate(callers.standsForMany);
  const guard = (request: IncomingMessage): string | undefined => {
    if (!options.isPublic && isForeignPage(request)) return '403 Forbidden';
    const isAllowed = rate.take(callers.of(request), Date.now());
    return isAllowed ? undefined : TOO_MANY_STATUS;
  };
  const cut = handUpgrades(http, { callers, guard, take: transport.takeUpgrade });
  const port = await listen(server, options.host, options.port);
  closers.push(() => {
    const closed = closeServer(server);
    cut();
    return closed;
  });
  const scheme = options.tls ? 'https' : 'http';
  return `${scheme}://${urlHost(options.host)}:${port}/`;
}

/** A node may also serve peers alone, without the page. */
function serveApp(log: Log, mirrors: readonly string[]): Route {
  if (existsSync(APP_FOLDER)) return serveFolder(APP_FOLDER, mirrors);
  log.warn('app.missing', { folder: APP_FOLDER });
  return () => {
    throw new AppError('NOT_FOUND', 'no app here: npm run build makes it');
  };
}

/** Bytes that a first start downloads: the app, the runtime, and the models' packages. */
async function downloadBytesOf(network: ChainNetwork): Promise<number> {
  let bytes = 0;
  for (const manifest of network.models.values()) bytes += planParts(manifest).bytes;
  for (const file of await readdir(join(APP_FOLDER, 'assets')).catch(() => []))
    if (file.endsWith('.br')) bytes += (await stat(join(APP_FOLDER, 'assets', file))).size;
  return bytes;
}

async function readTls({ cert, key }: { cert: string; key: string }) {
  const tls = { cert: await readPem(cert), key: await readPem(key) };
  try {
    createSecureContext(tls);
  } catch (cause) {
    throw new AppError('WRONG_FLAG', '--tls: not a PEM certificate and its key', { cause });
  }
  return tls;
}

async function readPem(path: string): Promise<Buffer> {
  return await readFile(path).catch((cause: unknown) => {
    throw new AppError('WRONG_FLAG', `--tls: ${path} cannot be read`, { cause });
  });
}

async function openRpc(
  deps: SeedDeps,
  { spendings, routes }: Awaited<ReturnType<typeof openInference>>,
  closers: Closers,
): Promise<number> {
  const { options } = deps;
  const own = rpcRoutes(deps, createMetrics(deps, spendings));
  const { callers } = deps;
  const { server } = createHttp({ ...own, ...routes.rpc }, undefined, { callers });
  const port = await listen(server, options.rpcHost, options.rpcPort);
  closers.push(() => closeServer(server));
  return port;
}

function closeServer(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  return closed;
}

const logHeads = (chain: FullChain, log: Log): (() => void) =>
  chain.subscribe((event) => {
    if (event.type !== 'head') return;
    const { header, id } = event.point;
    log.info('head', {
      height: header.height,
      id: toHex(id).slice(0, 16),
      blocks: event.adopted.length,
      reverted: event.reverted.length || undefined,
    });
  });
