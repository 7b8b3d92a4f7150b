/** HTTP servers: one for the app, its models, its configuration and the faucet, another for RPC and metrics. */
import type { Stats } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import sirv from 'sirv';
import type { ErrorCode } from '../../lib/error-codes.ts';
import { AppError } from '../../lib/errors.ts';
import { textFromBytes } from '../../lib/text-file.ts';
import type { Upgrade } from '../../net/inbound.ts';
import { ownCallers, type Callers } from './caller.ts';
import { keepPlainRange, requireChanged, Unchanged } from './conditional.ts';
import { policies } from './policies.ts';
import { STATUS } from './refusal-status.ts';
import { boundSockets, cutSilent, cutUnread, type Admit } from './sockets.ts';

/** Most bytes of a request's body. */
const BODY_BYTES_MAX = 1024 * 1024;

export type Route = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

/** The route for each `METHOD /path`; `METHOD /path/*` matches paths with one more part. `GET` answers HEAD too. */
export type Routes = Readonly<Record<string, Route>>;

/** The same paths with other routes. */
export const mapRoutes = (routes: Routes, to: (route: Route, name: string) => Route): Routes =>
  Object.fromEntries(Object.entries(routes).map(([name, route]) => [name, to(route, name)]));

/** Seconds after which a caller that was refused for the moment may try again. */
const RETRY_S = 5;

/** What OpenAI's clients call a refusal of that status. */
const TYPE: Readonly<Record<number, string>> = {
  401: 'authentication_error',
  402: 'insufficient_quota',
  403: 'permission_error',
  429: 'rate_limit_error',
};

/** A refusal because of one field of a body. */
export class FieldError extends AppError {
  readonly param: string | undefined;

  /** @param param its path, such as `messages.0.content`; undefined: all of it */
  constructor(code: ErrorCode, param: string | undefined, message: string) {
    super(code, message);
    this.param = param;
  }
}

/** A refusal as it is told, in the form of OpenAI's errors. */
export function tellError(error: AppError): object {
  const status = statusOf(error);
  const type = TYPE[status] ?? (status < 500 ? 'invalid_request_error' : 'server_error');
  return {
    ...error.toJSON(),
    type,
    param: error instanceof FieldError ? (error.param ?? null) : null,
  };
}

/** A code that only its form made one, of another version, has no row. */
const statusOf = ({ code }: AppError): number => STATUS[code] ?? STATUS.INTERNAL;

function sendError(response: ServerResponse, e: unknown): void {
  const error = AppError.from(e);
  const status = statusOf(error);
  if (status === 401) response.setHeader('www-authenticate', 'Bearer');
  if (status === 429 || status === 503) response.setHeader('retry-after', RETRY_S);
  sendJson(response, status, { error: tellError(error) });
}

export const sendJson = (response: ServerResponse, status: number, value: unknown): void =>
  send(response, status, 'application/json', JSON.stringify(value));

export function send(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(text);
}

/** @throws AppError BODY_TOO_LARGE */
export async function readBody(
  request: IncomingMessage,
  bytesMax = BODY_BYTES_MAX,
): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  // Left open when the body is refused: destroying the request would also close the socket of the answer.
  const read = request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  for await (const part of read) {
    size += part.length;
    if (size > bytesMax) break;
    parts.push(part);
  }
  if (size > bytesMax) {
    // The rest of the body is discarded, or the next request on this connection would never be seen.
    // Not at once: a stream does not flow until the loop's listener is removed.
    setImmediate(() => request.resume());
    throw new AppError('BODY_TOO_LARGE', `a body has at most ${bytesMax} bytes`);
  }
  try {
    return textFromBytes(Buffer.concat(parts));
  } catch (cause) {
    throw new AppError('BODY_MALFORMED', 'the body is no text in UTF-8 or UTF-16', { cause });
  }
}

/** Serves files of `folder`. `mirrors`: further addresses from which the app's workers may fetch models. */
export const serveFolder = (folder: string, mirrors: readonly string[] = []): Route => {
  const policyOf = policies(mirrors);
  const setHeaders = (response: ServerResponse, path: string, stats: Stats): void => {
    setFileHeaders(response, path);
    response.setHeader('content-security-policy', policyOf(path));
    requireChanged(response, stats);
  };
  const files = sirv(folder, { etag: true, brotli: true, setHeaders });
  return (request, response) => {
    keepPlainRange(request.headers);
    response.on('pipe', (file: Readable) => endWith(response, file));
    try {
      files(request, response, () => {
        throw new AppError('NOT_FOUND', 'no such file');
      });
    } catch (e) {
      if (!(e instanceof Unchanged)) throw e;
      response.writeHead(304).end();
    }
  };
};

/**
 * Closes the file when the answer is over: a pipe leaves it open where the caller left in the middle. A file that
 * cannot be read, because another build took its place or no more may be open, ends this answer alone.
 */
function endWith(response: ServerResponse, file: Readable): void {
  response.once('close', () => file.destroy());
  file.once('error', () => response.destroy());
}

function setFileHeaders(response: ServerResponse, path: string): void {
  // Files with a hash in their name never change; everything else is checked again at each request.
  const forever = path.startsWith('/assets/');
  response.setHeader('cache-control', forever ? 'public, max-age=31536000, immutable' : 'no-cache');
  response.setHeader('referrer-policy', 'no-referrer');
  response.setHeader('cross-origin-opener-policy', 'same-origin');
  response.setHeader('permissions-policy', PERMISSIONS);
}

/** The camera reads QR codes; passkeys open the vault. */
const PERMISSIONS =
  'camera=(self), publickey-credentials-get=(self), publickey-credentials-create=(self), ' +
  'microphone=(), geolocation=(), payment=(), usb=(), serial=(), hid=(), midi=(), bluetooth=()';

/** Seconds for which a browser asks by https alone (HSTS), but for loopback names: other programs have them too. */
const HTTPS_ONLY_S = 31_536_000;

const nothing: Route = () => {
  throw new AppError('NOT_FOUND', 'nothing is here');
};

/** The route of a request. @throws AppError METHOD_REFUSED, after telling the methods that its path has */
function routeOf(
  { method = '', url = '/' }: IncomingMessage,
  response: ServerResponse,
  routes: Routes,
  otherwise: Route,
): Route {
  const path = url.split('?')[0]!;
  const folder = `${path.slice(0, path.lastIndexOf('/'))}/*`;
  const at = (verb: string): Route | undefined =>
    routes[`${verb} ${path}`] ?? routes[`${verb} ${folder}`];
  const route = at(method) ?? (method === 'HEAD' ? at('GET') : undefined);
  if (route) return route;
  const verbs = ['GET', 'POST'].filter(at);
  // What has no route of its own is a file, looked up and read, never written; below /v1 there are none.
  if (!verbs.length && path.startsWith('/v1/'))
    throw new AppError('NOT_FOUND', 'there is no such call: /openapi.json lists them');
  const known = verbs.length ? verbs : ['GET'];
  const allowed = known.includes('GET') ? ['HEAD', ...known] : known;
  if (!verbs.length && allowed.includes(method)) return otherwise;
  response.setHeader('allow', allowed.join(', '));
  throw new AppError('METHOD_REFUSED', `methods here: ${allowed.join(', ')}`);
}

export interface HttpServer {
  readonly server: Server;
  readonly admit: Admit;
}

export interface HttpOptions {
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer } | undefined;
  readonly callers?: Callers;
}

/** @param otherwise answers GET and HEAD of every path without a route */
export function createHttp(
  routes: Routes,
  otherwise: Route = nothing,
  { tls, callers = ownCallers }: HttpOptions = {},
): HttpServer {
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    cutUnread(response);
    // No other site embeds an answer. Those that it may read say so themselves, and are fetched by CORS.
    response.setHeader('cross-origin-resource-policy', 'same-origin');
    response.setHeader('x-content-type-options', 'nosniff');
    if (tls && !LOOPBACK.test(request.headers.host ?? ''))
      response.setHeader('strict-transport-security', `max-age=${HTTPS_ONLY_S}`);
    try {
      if (!admit(request, response)) {
        // A proxy would keep the socket, and with many of them the listener is full.
        response.setHeader('connection', 'close');
        throw new AppError('RATE_LIMIT', TOO_MANY);
      }
      await routeOf(request, response, routes, otherwise)(request, response);
    } catch (e) {
      if (!response.headersSent) sendError(response, e);
      else response.destroy();
    }
  };
  const listener = (request: IncomingMessage, response: ServerResponse) =>
    void handle(request, response);
  const timed = { connectionsCheckingInterval: CHECK_MS, shouldUpgradeCallback: isWebSocket };
  const server = tls
    ? createTlsServer({ ...tls, ...timed, handshakeTimeout: TLS_MS }, listener)
    : createServer(timed, listener);
  const admit = boundSockets(server, callers);
  return { server, admit };
}

/** Any other upgrade may be passed over, and is where Node.js knows the option (24.9): the request is answered. */
const isWebSocket = ({ headers }: IncomingMessage): boolean =>
  headers.upgrade?.toLowerCase() === 'websocket';

const TOO_MANY = 'too many calls from this address at once';
/** ms between looks at sockets whose time is over. */
const CHECK_MS = 2000;
/** ms for a TLS handshake. */
const TLS_MS = 10_000;

/** Why an upgrade is refused, as a status line without its version; undefined: it may come. */
export type UpgradeGuard = (request: IncomingMessage) => string | undefined;

export interface UpgradeDeps {
  readonly callers: Callers;
  readonly guard: UpgradeGuard;
  /** Gets what `guard` let in; false: it takes no more of this caller. */
  take(upgrade: Upgrade): boolean;
}

/**
 * Hands WebSocket upgrades to the peers' transport, so that the page and its peers share one port. The returned
 * function closes their sockets: a server's own close waits for them and does not end them.
 */
export function handUpgrades(
  { server, admit }: HttpServer,
  { callers, guard, take }: UpgradeDeps,
): () => void {
  const open = new Set<Socket>();
  server.on('upgrade', (request, duplex, head) => {
    const socket = duplex as Socket;
    socket.on('error', () => socket.destroy());
    const refuse = (status: string): void => {
      socket.write(`HTTP/1.1 ${status}\r\nconnection: close\r\n\r\n`);
      socket.destroySoon();
    };
    const refusal = guard(request) ?? (admit(request, socket) ? undefined : TOO_MANY_STATUS);
    if (refusal) {
      refuse(refusal);
      return;
    }
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    if (!head.length) cutSilent(socket, socket.bytesRead);
    if (!take({ request, socket, head, address: callers.of(request) })) refuse(TOO_MANY_STATUS);
  });
  return () => open.forEach((socket) => socket.destroy());
}

export const TOO_MANY_STATUS = '429 Too Many Requests';

/** The port it listens on. @throws AppError PORT_BUSY, PORT_REFUSED */
export function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const busy = cause.code === 'EADDRINUSE';
      const why = busy ? 'is in use by another program' : `cannot be opened (${cause.code})`;
      reject(
        new AppError(busy ? 'PORT_BUSY' : 'PORT_REFUSED', `port ${port} on ${host} ${why}`, {
          cause,
        }),
      );
    });
    server.listen(port, host, () => resolve((server.address() as { port: number }).port));
  });
}

export const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\]|::1)(:\d+)?$/i;

/**
 * @throws AppError TYPE_REFUSED for a body that a page of another site could send without asking first (CORS), or that
 * is packed: what it unpacks to has no bound before it is unpacked
 */
export function requireJson({ headers }: IncomingMessage): void {
  const [type = ''] = (headers['content-type'] ?? '').split(';');
  if (type.trim().toLowerCase() !== 'application/json')
    throw new AppError('TYPE_REFUSED', 'content-type must be application/json');
  if ((headers['content-encoding'] ?? 'identity').trim().toLowerCase() !== 'identity')
    throw new AppError('TYPE_REFUSED', 'a body is sent as it is, without content-encoding');
}

/**
 * Whether a WebSocket comes from a page of another site, or by another name than a loopback one (DNS rebinding).
 * Programs send no Origin.
 */
export function isForeignPage({ headers }: IncomingMessage): boolean {
  const { origin } = headers;
  const host = (headers.host ?? '').toLowerCase();
  if (origin === undefined) return false;
  return !LOOPBACK.test(host) || !URL.canParse(origin) || new URL(origin).host !== host;
}

/** @throws AppError HOST_REFUSED */
function requireLoopbackName({ headers }: IncomingMessage): void {
  if (!LOOPBACK.test(headers.host ?? ''))
    throw new AppError('HOST_REFUSED', 'ask by a loopback name');
}

/**
 * The routes, of which each throws HOST_REFUSED for a Host that is no loopback name. Another site's page that has
 * such a name lead here is of one origin with the answers (DNS rebinding): no header tells it from the app.
 */
export const byLoopbackName = (routes: Routes): Routes =>
  mapRoutes(routes, (route) => (request, response) => {
    requireLoopbackName(request);
    return route(request, response);
  });

/**
 * Refuses what a foreign page could make a browser send to a loopback service: other Host names
 * (DNS rebinding) and bodies that need no CORS preflight.
 */
export function guardLoopback(request: IncomingMessage, host: string): void {
  const loopback = LOOPBACK.test(host);
  if (loopback) requireLoopbackName(request);
  if (request.headers.origin !== undefined)
    throw new AppError('ORIGIN_REFUSED', 'web pages may not call this service');
  if (request.method === 'POST') requireJson(request);
}
