/**
 * The transport over libp2p, the same for browser, worker and Node.js. This module loads libp2p
 * (about 155 KB brotli): import it lazily. In a worker call installRtc (rtc-worker.ts) before.
 */
import { peerIdFromString } from '@libp2p/peer-id';
import { describeFault, penaltyOf, type Fault } from '../core/faults.ts';
import { VERSION_KNOWN } from '../core/params.ts';
import { AppError, assert } from '../lib/errors.ts';
import { silentLog, type Log } from '../lib/log.ts';
import { createAsking, type Asking } from './asking/ask.ts';
import { createReach } from './asking/reach.ts';
import { addressIn, AddressShare, isLoopback } from './address-rate.ts';
import { keepSeeds, seedsFromAddresses } from './bootstrap.ts';
import { blockTopic, createGossip, offerTopic, txTopic, type Gossip } from './gossip.ts';
import { createHost, keepUdpSockets, type Host, type HostOptions, type Role } from './host.ts';
import {
  boundUdpHandshakes,
  guardInbound,
  guardIntroductions,
  PENDING_PER_ADDRESS_MAX,
  takeUpgrade,
  type Upgrade,
} from './inbound.ts';
import { peerTopic, startMesh } from './mesh.ts';
import { newPrivateKey } from './peer-key.ts';
import { Penalties } from './penalties.ts';
import { isMeeting } from './records/meeting-point.ts';
import { createSync, syncProtocol, type Sync } from './sync.ts';
import { countTraffic } from './traffic.ts';
import type { Handlers, Link, Origin, PeerInfo, Transport } from './transport.ts';

export interface TransportOptions extends Pick<
  HostOptions,
  | 'listen'
  | 'announce'
  | 'behindHttp'
  | 'standsForMany'
  | 'privateKey'
  | 'datastore'
  | 'iceServers'
  | 'metrics'
> {
  readonly chainId: number;
  /** The highest version of the rules that this program knows; of all networks when absent. */
  readonly version?: number;
  readonly role: Role;
  /** Multiaddrs of seeds; several addresses of one peer are alternatives. */
  readonly bootstrap: readonly string[];
  readonly log?: Log;
}

const CLOSE_MS = 1000;
/** Connections of one peer: over its addresses, and introductions through relays. */
export const CONNECTIONS_PER_PEER_MAX = 8;

type Connection = ReturnType<Host['getConnections']>[number];
type Running = { sync: Sync; asking: Asking; gossip: Gossip; stopped: AbortController };

export const linkOf = (address: string): Link =>
  address.includes('/webrtc-direct')
    ? 'webrtc-direct'
    : address.includes('/webrtc')
      ? 'webrtc'
      : address.includes('/p2p-circuit')
        ? 'relayed'
        : 'websocket';

/** A seed is known by its id, or, where no address of the configuration names one, by the address dialled. */
function originOf(connections: readonly Connection[], configured: readonly string[]): Origin {
  const dialled = connections.filter(({ direction }) => direction === 'outbound');
  const isSeed = ({ remotePeer, remoteAddr }: Connection): boolean =>
    configured.some((text) => {
      const [place, id] = text.split('/p2p/');
      return id === undefined
        ? remoteAddr.toString().split('/p2p/')[0] === place
        : id === remotePeer.toString();
    });
  if (dialled.some(isSeed)) return 'configured';
  return dialled.length ? 'outbound' : 'inbound';
}

/** Figures for the operator of a seed. */
export interface TransportStats {
  readonly connections: number;
  readonly banned: number;
  /** Reservations that other peers hold here, at this relay. */
  readonly reservations: number;
}

export interface OwnTransport extends Transport {
  stats(): TransportStats;
  /** Takes a peer that an HTTP server was called by; false where its address has too many handshakes in work. */
  takeUpgrade(upgrade: Upgrade): boolean;
}

/** A transport that is not started; start it once. */
export function createTransport(options: TransportOptions): OwnTransport {
  const {
    chainId,
    version = VERSION_KNOWN,
    role,
    standsForMany = isLoopback,
    log = silentLog,
  } = options;
  const penalties = new Penalties();
  const { metrics, traffic } = countTraffic(options.metrics);
  /** Peers that speak our protocol on our chain. */
  const known = new Set<string>();
  let host: Host | undefined;
  let running: Running | undefined;

  const isBanned = (peer: { toString(): string }) =>
    penalties.isBanned(peer.toString(), Date.now());
  const pending = new AddressShare(PENDING_PER_ADDRESS_MAX, standsForMany);
  const gater = {
    // The default refuses ws:// and loopback in browsers.
    denyDialMultiaddr: () => false,
    denyDialPeer: isBanned,
    denyInboundEncryptedConnection: isBanned,
    denyInboundUpgradedConnection: isBanned,
    denyOutboundEncryptedConnection: isBanned,
    denyInboundRelayReservation: isBanned,
    ...guardIntroductions(standsForMany, (peer) => addressOf(peer.toString())),
    ...(role === 'seed' && guardInbound(standsForMany, pending, isBanned)),
  };

  const connectionsOf = (peer: string): Connection[] =>
    (host?.getConnections(peerIdFromString(peer)) ?? []).filter(
      (c) => c.status === 'open' && !c.limits,
    );

  /** Of one that was met at a relay the address would be the relay's. */
  const addressOf = (peer: string): string | undefined => {
    const [connection] = connectionsOf(peer);
    if (!connection || isMeeting(connection.remoteAddr)) return undefined;
    return addressIn(connection.remoteAddr);
  };

  function charge(peer: string, f: Fault): void {
    const points = penaltyOf(f);
    if (points === 0) return;
    log.warn('peer.charged', { peer, points, fault: describeFault(f) });
    if (!penalties.charge(peer, points, Date.now()) || !host) return;
    known.delete(peer);
    for (const c of host.getConnections(peerIdFromString(peer))) {
      for (const stream of c.streams) stream.abort(new Error(`banned: ${f.fault}`));
      // Not abort() first: with it @libp2p/websockets 10 leaves the socket open (a close code it may not send).
      c.close({ signal: AbortSignal.timeout(CLOSE_MS) }).catch(() => c.abort(new Error('banned')));
    }
  }

  const infoOf = (peer: string): PeerInfo[] => {
    const connections = connectionsOf(peer);
    const address = connections[0]?.remoteAddr.toString();
    if (address === undefined) return [];
    const penalty = Math.round(penalties.points(peer, Date.now()));
    const origin = originOf(connections, options.bootstrap);
    return [{ id: peer, origin, link: linkOf(address), address, penalty }];
  };
  const peers = (): PeerInfo[] => [...known].flatMap(infoOf);

  async function follow(host: Host, handlers: Handlers): Promise<void> {
    const changed = () => handlers.onPeers(peers());
    host.addEventListener('connection:open', ({ detail: opened }) => {
      if (host.getConnections(opened.remotePeer).length <= CONNECTIONS_PER_PEER_MAX) return;
      log.warn('peer.too-many-connections', { peer: opened.remotePeer.toString() });
      opened
        .close({ signal: AbortSignal.timeout(CLOSE_MS) })
        .catch((e: unknown) => opened.abort(e as Error));
    });
    await host.register(syncProtocol(chainId), {
      onConnect: (peer) => {
        known.add(peer.toString());
        changed();
      },
      onDisconnect: (peer) => {
        known.delete(peer.toString());
        changed();
      },
    });
  }

  const started = (): Running => {
    if (!running) throw new AppError('NET_CLOSED', 'the transport is not running');
    return running;
  };

  return {
    async start(handlers) {
      assert(!host, 'a transport starts once');
      const topics = [blockTopic, txTopic, offerTopic, peerTopic].map((name) => name(chainId));
      const privateKey = options.privateKey ?? (await newPrivateKey());
      const made = (host = await createHost({
        ...options,
        answers: handlers.onAsk !== undefined,
        privateKey,
        topics,
        gater,
        metrics,
        log,
      }));
      const stopped = new AbortController();
      const wiring = { host: made, chainId, version, handlers, charge, log };
      const sync = await createSync(wiring);
      const seeds = seedsFromAddresses(options.bootstrap, log);
      const relaysOf = (peer: string): readonly string[] => mesh.relaysOf(peer);
      const reach = createReach({
        host: made,
        seeds,
        relaysOf: role === 'seed' ? undefined : relaysOf,
        meets: role === 'browser',
        log,
        signal: stopped.signal,
      });
      const asking = await createAsking({ ...wiring, onAsk: handlers.onAsk, reach });
      await follow(made, handlers);
      await made.start();
      if (role === 'seed') boundUdpHandshakes(made, standsForMany);
      running = { sync, asking, gossip: createGossip(wiring), stopped };
      const mesh = startMesh({
        ...wiring,
        privateKey,
        meets: options.role === 'browser',
        signal: stopped.signal,
      });
      keepSeeds(made, seeds, stopped.signal, log);
    },
    async stop() {
      running?.stopped.abort();
      running = undefined;
      known.clear();
      if (host) keepUdpSockets(host);
      await host?.stop();
    },
    ownId: () => host?.peerId.toString(),
    peers,
    traffic,
    addresses: () => host?.getMultiaddrs().map(String) ?? [],
    async request(peer, request, timeoutMs) {
      return await started().sync.request(peer, request, timeoutMs);
    },
    async ask(peer, receiver) {
      return await started().asking.ask(peer, receiver);
    },
    async announceBlock(announce) {
      await started().gossip.announceBlock(announce);
    },
    async announceTx(announce) {
      await started().gossip.announceTx(announce);
    },
    async announceOffer(offer) {
      return started().gossip.announceOffer(offer);
    },
    charge,
    takeUpgrade: (upgrade) =>
      !!host && !!running && pending.hasRoom(upgrade.address) && takeUpgrade(host, upgrade),
    stats: () => ({
      connections: host?.getConnections().length ?? 0,
      banned: penalties.banned(Date.now()),
      reservations: host ? placesHeld(host) : 0,
    }),
  };
}

function placesHeld(host: Host): number {
  const { relay } = host.services as { relay?: { reservations: { size: number } } };
  return relay?.reservations.size ?? 0;
}
