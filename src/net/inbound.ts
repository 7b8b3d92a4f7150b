/**
 * What strangers may take of a seed before it knows them: handshakes, places at its relay, records. Each is
 * counted for the caller's own address, also where an HTTP server took the call. libp2p has no options for this,
 * so what is bounded here is reached through its parts; tests over real sockets hold each.
 */
import type { ConnectionGater, Libp2p, MultiaddrConnection, PeerId } from '@libp2p/interface';
import { BoundedMap } from '../lib/bounded.ts';
import {
  AddressRate,
  AddressShare,
  addressIn,
  networkOf,
  type StandsForMany,
} from './address-rate.ts';
import { RateLimiter } from './rate.ts';

/** Connections of one address whose handshake is not done. */
export const PENDING_PER_ADDRESS_MAX = 20;
/** Places at a relay, each held for as long as its holder is connected. */
export const RESERVATIONS_MAX = { seed: 2000, browser: 16 };
/** ms after which a holder is told to renew it: at a browser 30 s before that, at a seed 5 min. */
export const RESERVATION_MS = { seed: 600_000, browser: 120_000 };
/** Places at a relay that one address holds. */
export const PLACES_PER_ADDRESS_MAX = 64;
/**
 * Introductions that a relay makes for one address, to anybody and to one holder of a place: each costs the holder a
 * handshake and one of its 60 connections, for up to two minutes, and the relay what it carries.
 */
export const INTRODUCTION_RATE = { perSecond: 2, burst: 64 };
export const INTRODUCTION_PAIR_RATE = { perSecond: 0.2, burst: 16 };
/** Handshakes at once on the UDP port, and those of one address. */
export const UDP_HANDSHAKES_MAX = 50;
export const UDP_PER_ADDRESS_MAX = 10;
/** New handshakes there, as each takes some 3 ms of the thread. */
export const UDP_RATE = { perSecond: 30, burst: 100 };
/** ms for a handshake. */
const UDP_HANDSHAKE_MS = 6000;
/**
 * For the first try of a caller and for all later ones: requests before it, and ms in which the agent must have been
 * answered. The agent checks at once, after 500 ms and after 1500.
 */
const UDP_ROUNDS = [
  { requests: 2, silentMs: 450 },
  { requests: 4, silentMs: 1400 },
];
/** Callers whose requests are counted; the one heard longest ago is forgotten. */
const UDP_HEARD_MAX = 16_384;
/** ms that a WebSocket's other end has to answer our close. */
const CLOSE_MS = 1000;
/** Most bytes of a WebSocket message: peers send frames of 64 KiB. `ws` by itself keeps 100 MiB of each socket. */
export const WS_MESSAGE_BYTES_MAX = 1024 * 1024;

/** The parts of libp2p's listeners that are used here; each kind has some of them. */
interface Listener {
  /** Of WebSockets. */
  wsServer?: {
    readonly options: { closeTimeout: number; maxPayload: number };
    handleUpgrade(
      request: object,
      socket: object,
      head: Uint8Array,
      done: (webSocket: ServerWebSocket) => void,
    ): void;
  };
  onWsServerConnection?(webSocket: ServerWebSocket, request: { socket: From }): void;
  /** Of WebRTC-direct. */
  incomingConnection?: TakeUdp;
  /** By `address:port:ufrag`. */
  readonly connections?: Map<string, IceAgent>;
}
interface IceAgent {
  readonly iceConnectionState: string;
}
interface From {
  readonly remoteAddress: string;
  readonly remotePort: number;
}
interface ServerWebSocket {
  on(event: 'error', listener: () => void): void;
  close(code?: number): void;
  terminate(): void;
}
type TakeUdp = (ufrag: string, host: string, port: number, signal: AbortSignal) => Promise<void>;

function listenersOf(host: Libp2p): Listener[] {
  type Manager = { getListeners(): Listener[] };
  const { transportManager } = (host as unknown as { components: { transportManager: Manager } })
    .components;
  return transportManager.getListeners();
}

/** Limits for each address of connections that come in; `pending` counts those whose handshake is not done. */
export function guardInbound(
  standsForMany: StandsForMany,
  pending: AddressShare,
  isBanned: (peer: PeerId) => boolean,
): Pick<ConnectionGater, 'denyInboundConnection' | 'denyInboundUpgradedConnection'> {
  const rate = new AddressRate(standsForMany);
  const ends = new WeakMap<MultiaddrConnection, () => void>();
  return {
    denyInboundConnection(connection) {
      const address = addressIn(connection.remoteAddr);
      if (!rate.take(address, Date.now())) return true;
      const end = pending.take(address);
      if (!end) return true;
      ends.set(connection, end);
      connection.addEventListener('close', end);
      return false;
    },
    denyInboundUpgradedConnection(peer, connection) {
      ends.get(connection)?.();
      return isBanned(peer);
    },
  };
}

/** @param addressOf undefined: who asks came without one, as browsers to each other, and counts for itself */
export function guardIntroductions(
  standsForMany: StandsForMany,
  addressOf: (peer: PeerId) => string | undefined,
): Pick<ConnectionGater, 'denyOutboundRelayedConnection'> {
  const rate = new RateLimiter(INTRODUCTION_RATE);
  const pairRate = new RateLimiter(INTRODUCTION_PAIR_RATE);
  return {
    denyOutboundRelayedConnection(source, holder) {
      const address = addressOf(source);
      if (address && standsForMany(address)) return false;
      const caller = address ? networkOf(address) : String(source);
      const now = Date.now();
      return !pairRate.take(`${caller} ${String(holder)}`, 1, now) || !rate.take(caller, 1, now);
    },
  };
}

/** A WebSocket upgrade that an HTTP server hands over: what it got with Node.js's event of that name. */
export interface Upgrade {
  readonly request: { readonly socket: { readonly remotePort?: number | undefined } };
  readonly socket: object;
  readonly head: Uint8Array;
  /** The address that it counts for. */
  readonly address: string;
}

/**
 * Makes an upgrade a connection of the host, as if it had come to its own WebSocket listener.
 * @returns false where there is none
 */
export function takeUpgrade(host: Libp2p, { request, socket, head, address }: Upgrade): boolean {
  const listener = listenersOf(host).find((l) => l.wsServer);
  if (!listener?.wsServer) return false;
  Object.assign(listener.wsServer.options, {
    closeTimeout: CLOSE_MS,
    maxPayload: WS_MESSAGE_BYTES_MAX,
  });
  listener.wsServer.handleUpgrade(request, socket, head, (webSocket) => {
    // Bytes that are no frame: `ws` closes the socket, and ends the process where nobody hears of it.
    webSocket.on('error', () => undefined);
    const close = webSocket.close.bind(webSocket);
    // What libp2p resets a connection with is a code that nobody may send: `ws` throws, and the socket stays.
    webSocket.close = (code) => (code === 1006 ? webSocket.terminate() : close(code));
    const { remotePort = 0 } = request.socket;
    listener.onWsServerConnection!(webSocket, { socket: { remoteAddress: address, remotePort } });
  });
  return true;
}

/**
 * Bounds what a datagram, whose sender's address may be forged, sets off. No address gets more bytes than it sent:
 * a check of the ICE agent is shorter than two requests of the kind that the agent takes. So a handshake begins with
 * the second request, and is given up before the agent checks again unless the first check was answered.
 * Whoever is further away than that takes a second try, for which two checks are paid.
 */
export function boundUdpHandshakes(host: Libp2p, standsForMany: StandsForMany): void {
  const heard = new BoundedMap<string, { requests: number; round: number }>(UDP_HEARD_MAX);
  const perAddress = new AddressShare(UDP_PER_ADDRESS_MAX, standsForMany);
  const rate = new RateLimiter(UDP_RATE);
  let inWork = 0;
  for (const listener of listenersOf(host)) {
    if (!listener.incomingConnection) continue;
    const take = listener.incomingConnection.bind(listener);
    listener.incomingConnection = async (ufrag, from, port, signal) => {
      const key = `${from}:${port}:${ufrag}`;
      const { requests, round } = heard.get(key) ?? { requests: 0, round: 0 };
      heard.set(key, { requests: requests + 1, round });
      const { requests: wanted, silentMs } = UDP_ROUNDS[round]!;
      if (requests + 1 < wanted || inWork >= UDP_HANDSHAKES_MAX) return;
      const end = perAddress.take(from);
      if (!end) return;
      if (!rate.take('', 1, Date.now())) {
        end();
        return;
      }
      inWork++;
      heard.set(key, { requests: 0, round: Math.min(round + 1, UDP_ROUNDS.length - 1) });
      const silent = giveUpSilent(() => listener.connections?.get(key), silentMs);
      const whole = AbortSignal.timeout(UDP_HANDSHAKE_MS);
      try {
        await take(ufrag, from, port, AbortSignal.any([signal, silent.signal, whole]));
      } finally {
        silent.end();
        inWork--;
        end();
      }
    };
  }
}

/** A signal that aborts after `ms` unless the ICE agent was answered. */
function giveUpSilent(connection: () => IceAgent | undefined, ms: number) {
  const silent = new AbortController();
  const look = (): void => {
    const state = connection()?.iceConnectionState;
    if (state !== 'connected' && state !== 'completed') silent.abort();
  };
  // After the events that came while the thread was busy: a timer alone would be before them.
  const timer = setTimeout(() => setTimeout(look), ms);
  return { signal: silent.signal, end: () => clearTimeout(timer) };
}

interface Relay {
  readonly reservationStore: {
    readonly reservations: {
      readonly size: number;
      get(peer: PeerId): object | undefined;
      set(peer: PeerId, reservation: object): void;
      delete(peer: PeerId): void;
    };
    readonly defaultDataLimit: bigint;
    readonly defaultDurationLimit: number;
    reserve(peer: PeerId, address: { toString(): string }): { status: string; expire?: number };
    removeReservation(peer: PeerId): void;
  };
}

/**
 * A place at a relay lasts as long as its holder's connection: libp2p's own lasts for its whole time although the
 * holder has gone, and ends in the middle although it is renewed.
 */
export function shareRelayPlaces(
  host: Libp2p,
  role: 'seed' | 'browser',
  many: StandsForMany,
): void {
  const { reservationStore: store } = (host.services as unknown as { relay: Relay }).relay;
  const { reservations } = store;
  const places = new AddressShare(PLACES_PER_ADDRESS_MAX, many);
  const ends = new Map<string, () => void>();
  store.reserve = (peer, address) => {
    const expiry = new Date(Date.now() + RESERVATION_MS[role]);
    const granted = { status: 'OK', expire: Math.round(expiry.getTime() / 1000) };
    if (reservations.get(peer)) return granted;
    const refused = { status: 'RESERVATION_REFUSED' };
    // Nothing would free the place of a peer that left while it asked.
    const isGone = host.getConnections(peer).length === 0;
    if (isGone || reservations.size >= RESERVATIONS_MAX[role]) return refused;
    const giveBack = places.take(addressIn(address));
    if (!giveBack) return refused;
    const end = new AbortController();
    const limit = { data: store.defaultDataLimit, duration: store.defaultDurationLimit };
    reservations.set(peer, { addr: address, expiry, limit, signal: end.signal });
    ends.set(peer.toString(), () => {
      reservations.delete(peer);
      giveBack();
      end.abort();
    });
    return granted;
  };
  // Also called for a holder that broke off before it was answered: it can ask again.
  store.removeReservation = (peer) => {
    ends.get(peer.toString())?.();
    ends.delete(peer.toString());
  };
  host.addEventListener('peer:disconnect', ({ detail: peer }) => store.removeReservation(peer));
}

/** Forgets a peer with its last connection; libp2p would keep a record of each that ever came. */
export function forgetAbsent(host: Libp2p): void {
  const forget = async (peer: PeerId): Promise<void> => {
    // A look at the record comes after libp2p's own, which learns from it which parts to tell of the end.
    await host.peerStore.get(peer);
    if (host.getConnections(peer).length === 0) await host.peerStore.delete(peer);
  };
  host.addEventListener('peer:disconnect', ({ detail: peer }) => {
    // Who left before telling anything has no record.
    forget(peer).catch(() => undefined);
  });
}
