/**
 * The libp2p node by role. A seed listens and relays; a browser dials, and meets other browsers over relays;
 * a node (Node.js) dials, and where it answers askers it has places at relays, over which they come. WebRTC is
 * loaded when the host is made and not with this module: in a worker the façade must be installed first
 * (rtc-worker.ts), and in Node.js WebRTC's native part may be missing.
 */
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2';
import { privateKeyFromProtobuf } from '@libp2p/crypto/keys';
import { gossipsub, StrictNoSign, type GossipSub, type Message } from '@libp2p/gossipsub';
import { createTopicScoreParams } from '@libp2p/gossipsub/score';
import { identify, identifyPush, type Identify } from '@libp2p/identify';
import type { Connection, ConnectionGater, Libp2p, PeerId } from '@libp2p/interface';
import { noise } from '@libp2p/noise';
import { ping } from '@libp2p/ping';
import { webSockets } from '@libp2p/websockets';
import { yamux } from '@libp2p/yamux';
import { createLibp2p, type Libp2pOptions } from 'libp2p';
import type { Log } from '../lib/log.ts';
import { isLoopback, type StandsForMany } from './address-rate.ts';
import { forgetAbsent, shareRelayPlaces } from './inbound.ts';
import { keepInitChannel } from './rtc-init.ts';

export type Role = 'browser' | 'seed' | 'node';
export type Host = Libp2p<{ pubsub: GossipSub }>;
type TransportFactory = NonNullable<Libp2pOptions['transports']>[number];

export interface HostOptions {
  readonly role: Role;
  /** Multiaddrs to listen on; by default none, and for a browser or a node that answers its relays. */
  readonly listen?: readonly string[];
  /** Askers' streams are taken here. */
  readonly answers?: boolean;
  /** Multiaddrs to announce besides those it listens on, for a host behind a proxy. */
  readonly announce?: readonly string[];
  /** Takes WebSockets from an HTTP server alone (inbound.ts, takeUpgrade), none at a port of its own. */
  readonly behindHttp?: boolean;
  /** Addresses that have no limits of their own, by default this machine's. */
  readonly standsForMany?: StandsForMany;
  /** A key from newPrivateKey(); a fresh one when absent. */
  readonly privateKey?: Uint8Array;
  /** Stores the WebRTC-direct certificate; the caller opens and closes it. Peers' records come here, too. */
  readonly datastore?: Libp2pOptions['datastore'];
  /** STUN servers for connections between browsers; none by default, so that no outside server is asked. */
  readonly iceServers?: RTCIceServer[];
  readonly topics: readonly string[];
  readonly gater: ConnectionGater;
  /** Told of every stream, to count its bytes, and of libp2p's own figures. */
  readonly metrics?: Libp2pOptions['metrics'];
  readonly log: Log;
}

/** Several messages may share one frame; each is held to GOSSIP_BYTES_MAX by its validator. */
const GOSSIP_FRAME_BYTES_MAX = 4 * 1024 * 1024;

export async function createHost(options: HostOptions): Promise<Host> {
  const { role, privateKey, datastore, gater } = options;
  const rtc = await rtcTransports(options);
  const listen = options.listen ?? listenOf(options);
  const host = await createLibp2p({
    start: false,
    ...(privateKey && { privateKey: privateKeyFromProtobuf(privateKey) }),
    ...(datastore && { datastore }),
    addresses: {
      listen: listen.filter((a) => rtc.length || !a.includes('/webrtc')),
      ...(options.announce && { appendAnnounce: [...options.announce] }),
    },
    // A seed whose UDP port is taken still serves WebSockets.
    transportManager: { faultTolerance: 1 },
    transports: [
      webSockets(options.behindHttp ? { http: { shouldUpgradeCallback: () => false } } : {}),
      ...rtc,
      ...(role === 'seed' ? [] : [circuitRelayTransport()]),
    ],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: gater,
    ...(options.metrics && { metrics: options.metrics }),
    connectionManager: connectionLimits(role),
    services: {
      identify: identify({ runOnConnectionOpen: false }),
      identifyPush: identifyPush(),
      ping: ping(),
      pubsub: gossip(role, options.topics),
      // The keychain holds the certificate's key; browsers have no use for its 18 KB.
      ...(datastore && { keychain: (await import('@libp2p/keychain')).keychain() }),
      ...(role !== 'node' && { relay: relayServer(role) }),
    },
  } as Libp2pOptions<{ pubsub: GossipSub }>);
  keepRelayAddresses(host, options.log);
  identifyPeers(host, options.log);
  if (role !== 'node') shareRelayPlaces(host, role, options.standsForMany ?? isLoopback);
  if (role === 'seed') forgetAbsent(host);
  return host;
}

/** ms before each time that a peer is asked what it speaks, and for its answer. */
const IDENTIFY_WAITS_MS = [0, 1000, 4000];
const IDENTIFY_MS = 10_000;
const CLOSE_MS = 1000;

/**
 * Asks whoever is connected what it speaks. libp2p asks once, for five seconds: who was too busy to answer stayed
 * connected, so that nobody dialled it again, and nothing was ever said to it. One that does not answer is left.
 */
function identifyPeers(host: Host, log: Log): void {
  const { identify } = host.services as unknown as { identify: Identify };
  async function ask(connection: Connection): Promise<void> {
    for (const waitMs of IDENTIFY_WAITS_MS) {
      if (waitMs) await new Promise((resolve) => setTimeout(resolve, waitMs));
      if (connection.status !== 'open') return;
      try {
        await identify.identify(connection, { signal: AbortSignal.timeout(IDENTIFY_MS) });
        return;
      } catch (e) {
        log.debug('peer.unidentified', { peer: String(connection.remotePeer), error: String(e) });
      }
    }
    const signal = AbortSignal.timeout(CLOSE_MS);
    await connection.close({ signal }).catch((e: unknown) => connection.abort(e as Error));
  }
  host.addEventListener('connection:open', ({ detail }) => void ask(detail));
}

/**
 * libp2p 3.3 throws, outside of any call of ours, when a relay's own address is a WebRTC address, as a
 * browser's is; the address is listed all the same. In a worker the error would look like a crash.
 */
function keepRelayAddresses(host: Host, log: Log): void {
  type Observed = Record<'confirmObservedAddr' | 'removeObservedAddr', (...args: never[]) => void>;
  const manager = (host as unknown as { components: { addressManager: Observed } }).components
    .addressManager;
  for (const name of ['confirmObservedAddr', 'removeObservedAddr'] as const) {
    const real = manager[name].bind(manager);
    manager[name] = (...args) => {
      try {
        real(...args);
      } catch (e) {
        log.debug('net.address-refused', { call: name, error: String(e) });
      }
    };
  }
}

/**
 * Makes a host's stop leave its WebRTC-direct sockets to the end of the process. @libp2p/webrtc 6.0
 * closes the UDP socket before the connections on it, and these then use freed memory: the process
 * aborts (node-datachannel 0.33: at the first stop with a connection open; 0 of 100 with this).
 * Nothing else closes such a socket, so no peer can cause the abort.
 */
export function keepUdpSockets(host: Host): void {
  type Listener = { stunServer?: { close(): Promise<void> } };
  type Manager = { getListeners(): Listener[] };
  const { transportManager } = (host as unknown as { components: { transportManager: Manager } })
    .components;
  for (const { stunServer } of transportManager.getListeners())
    if (stunServer) stunServer.close = async () => {};
}

export interface Reservations extends EventTarget {
  hasReservation(relay: PeerId): boolean;
}

/** This host's reservations at relays, and their events; undefined where it asks for none. */
export function reservationsOf(host: Host): Reservations | undefined {
  type Manager = { getTransports(): { reservationStore?: Reservations }[] };
  const { transportManager } = (host as unknown as { components: { transportManager: Manager } })
    .components;
  return transportManager.getTransports().find((t) => t.reservationStore)?.reservationStore;
}

/** Relays at which a browser has a reservation: the seed, and neighbours that remain when the seed dies. */
export const RELAYS_MAX = 4;
const RELAYS_LISTEN: readonly string[] = Array.from({ length: RELAYS_MAX }, () => '/p2p-circuit');

function listenOf({ role, answers }: HostOptions): readonly string[] {
  if (role === 'browser') return [...RELAYS_LISTEN, '/webrtc'];
  return role === 'node' && answers ? RELAYS_LISTEN : [];
}

async function rtcTransports(options: HostOptions): Promise<TransportFactory[]> {
  keepInitChannel();
  try {
    if (typeof process === 'undefined' && !globalThis.RTCPeerConnection)
      throw new Error('no RTCPeerConnection here');
    const { webRTC, webRTCDirect } = await import('@libp2p/webrtc');
    const init = { rtcConfiguration: { iceServers: options.iceServers ?? [] } };
    const direct = webRTCDirect(init) as TransportFactory;
    return options.role === 'browser' ? [direct, webRTC(init) as TransportFactory] : [direct];
  } catch (e) {
    const error = e instanceof Error ? e.message : String(e);
    options.log.warn('net.no-webrtc', { error });
    return [];
  }
}

/** Connections at once; incoming connections beyond it are refused. */
export const CONNECTIONS_MAX = { seed: 2000, browser: 60, node: 60 } as const;

const connectionLimits = (role: Role): Libp2pOptions['connectionManager'] =>
  role === 'seed'
    ? {
        maxConnections: CONNECTIONS_MAX.seed,
        inboundConnectionThreshold: 500,
        maxIncomingPendingConnections: 1000,
        maxParallelDials: 20,
        addressDialTimeout: 6000,
      }
    : // Few dials at once: Chromium keeps every RTCPeerConnection until it collects garbage.
      {
        maxConnections: CONNECTIONS_MAX[role],
        inboundConnectionThreshold: 20,
        maxParallelDials: 4,
        addressDialTimeout: 6000,
        dialTimeout: 10_000,
      };

const relayServer = (role: Role) =>
  role === 'seed'
    ? circuitRelayServer({
        maxInboundHopStreams: 512,
        maxOutboundHopStreams: 512,
        maxOutboundStopStreams: 512,
      })
    : // A browser relays a connection of two others only for as long as their handshake takes.
      circuitRelayServer({
        reservations: {
          defaultDataLimit: 32_768n,
          defaultDurationLimit: 30_000,
        },
      });

/** One refused message lowers the score enough to leave the mesh; silence costs nothing, as blocks are rare. */
const TOPIC_SCORE = createTopicScoreParams({
  topicWeight: 1,
  timeInMeshWeight: 0.01,
  timeInMeshQuantum: 1000,
  timeInMeshCap: 100,
  firstMessageDeliveriesWeight: 0.5,
  firstMessageDeliveriesDecay: 0.97,
  firstMessageDeliveriesCap: 20,
  meshMessageDeliveriesWeight: 0,
  meshFailurePenaltyWeight: 0,
  invalidMessageDeliveriesWeight: -20,
  invalidMessageDeliveriesDecay: 0.97,
});

/** Messages have no author, so the id is a hash of the content; announcements hold a sequence number. */
const messageId = async (message: Message): Promise<Uint8Array> =>
  new Uint8Array(
    await crypto.subtle.digest('SHA-256', message.data as Uint8Array<ArrayBuffer>),
  ).subarray(0, 20);

/** Peers that send each other all messages of a topic: as many as are wanted, at least and at most. */
export const GOSSIP_MESH = { D: 4, Dlo: 3, Dhi: 8, Dout: 1, Dscore: 2 } as const;
/** Of the peers outside the mesh, the part that hears what there is. The default reached half of a seed's. */
export const GOSSIP_FACTOR = { seed: 1, browser: 0.25, node: 0.25 } as const;

const gossip = (role: Role, topics: readonly string[]) =>
  gossipsub({
    globalSignaturePolicy: StrictNoSign,
    msgIdFn: messageId,
    emitSelf: false,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    fallbackToFloodsub: false,
    allowedTopics: [...topics],
    maxInboundDataLength: GOSSIP_FRAME_BYTES_MAX,
    maxOutboundBufferSize: 4 * GOSSIP_FRAME_BYTES_MAX,
    decodeRpcLimits: {
      maxSubscriptions: 32,
      maxMessages: 64,
      maxIhaveMessageIDs: 1000,
      maxIwantMessageIDs: 1000,
      maxIdontwantMessageIDs: 1000,
      maxControlMessages: 64,
      maxPeerInfos: 16,
    },
    ...GOSSIP_MESH,
    gossipFactor: GOSSIP_FACTOR[role],
    scoreParams: {
      topics: Object.fromEntries(topics.map((t) => [t, TOPIC_SCORE])),
      // Many peers with one address are a household, a proxy or a test.
      IPColocationFactorWeight: 0,
    },
  });
