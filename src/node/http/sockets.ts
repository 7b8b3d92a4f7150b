/** What one caller may hold of a listener: sockets, or, through a proxy, requests in work and upgraded sockets. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { AddressShare } from '../../net/address-rate.ts';
import type { Callers } from './caller.ts';

/** Sockets open at once on one listener. */
const SOCKETS_MAX = 2000;
/** Of these, one address. */
export const SOCKETS_PER_ADDRESS_MAX = 100;
/** ms in which a socket must say its first word; after an upgrade once more. */
export const SILENT_MS = 3000;
/** Bytes that a caller must take, of an answer that waits for it, in so many ms. */
export const SLOW_BYTES = 256 * 1024;
export const SLOW_MS = 60_000;

/** What a holder's end gives back. */
interface Ends {
  once(event: 'close', listener: () => void): unknown;
}

/** Whether a request may be taken in; what it holds is given back when `holder` closes. */
export type Admit = (request: IncomingMessage, holder: Ends) => boolean;

/** Bounds a listener's sockets from here on. */
export function boundSockets(server: Server, callers: Callers): Admit {
  const open = new AddressShare(SOCKETS_PER_ADDRESS_MAX, callers.standsForMany);
  const hold = (address: string | undefined, holder: Ends): boolean => {
    const giveBack = open.take(address);
    if (giveBack) holder.once('close', giveBack);
    return giveBack !== undefined;
  };
  server.maxConnections = SOCKETS_MAX;
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  // Longer than the promise to callers: on a busy machine their next request may cross the end of the connection.
  server.keepAliveTimeoutBuffer = 10_000;
  server.on('connection', (socket: Socket) => {
    if (hold(socket.remoteAddress, socket)) cutSilent(socket);
    else socket.destroy();
  });
  // A caller's own socket is counted already.
  return (request, holder) =>
    !callers.standsForMany(request.socket.remoteAddress ?? '') || hold(callers.of(request), holder);
}

/** Destroys a socket from which no byte comes for SILENT_MS from now on, besides those that have come. */
export function cutSilent(socket: Socket, heard = 0): void {
  const timer = setTimeout(() => {
    if (socket.bytesRead === heard) socket.destroy();
  }, SILENT_MS);
  socket.once('close', () => clearTimeout(timer));
}

/**
 * Destroys an answer that its caller does not read: a hundred of them are all sockets of an address. An answer that
 * waits for this node itself has nothing to be read, and may take its time.
 */
export function cutUnread(response: ServerResponse): void {
  let [taken, wasBehind] = [0, false];
  const timer = setInterval(() => {
    const isBehind = response.writableLength > 0;
    const { bytesWritten = 0, writableLength = 0 } = response.socket ?? {};
    const before = taken;
    taken = bytesWritten - writableLength;
    if (isBehind && wasBehind && taken - before < SLOW_BYTES) response.destroy();
    wasBehind = isBehind;
  }, SLOW_MS);
  response.once('close', () => clearInterval(timer));
}
