/**
 * Request and response: one length-prefixed message each way per stream, then the stream is closed at both
 * ends. Sizes, waits, streams and rates are capped on both sides; the asking side paces itself below the
 * rate beyond which the serving side charges penalties.
 */
import type { Connection, Stream } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { lpStream } from '@libp2p/utils';
import { encode, tryDecode } from '../core/codec.ts';
import { fault, isFault, type Fault } from '../core/faults.ts';
import {
  BLOCKS_MAX,
  HEADERS_MAX,
  HISTORY_MAX,
  MESSAGE_BYTES_MAX,
  MODEL_SLICE_BYTES,
  PROOF_KEYS_MAX,
  SyncRequest,
  SyncResponse,
} from '../core/messages.ts';
import { VERSION_KNOWN } from '../core/params.ts';
import { OFFER_BYTES_MAX, OFFERS_TOLD_MAX } from '../core/offer.ts';
import { AppError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Host } from './host.ts';
import { RateLimiter } from './rate.ts';
import type { Handlers } from './transport.ts';

/** The largest request: a proof of 256 keys is 8.2 KB. */
export const REQUEST_BYTES_MAX = 16 * 1024;
export const REQUEST_MS = 10_000;
/** How long a peer may take to send its request, and to read our answer. */
const PEER_MS = 10_000;
export const INBOUND_STREAMS_MAX = 16;
export const OUTBOUND_MAX = 8;
export const WAITING_MAX = 64;
/** Requests of all peers that are being answered at once; each answer has at most MESSAGE_BYTES_MAX. */
export const SERVING_MAX = 32;
/** Bytes of answers that one peer has not read yet, and all peers together; there small answers do not count. */
export const UNREAD_BYTES_MAX = 4 * MESSAGE_BYTES_MAX;
const UNREAD_ALL_BYTES_MAX = 8 * UNREAD_BYTES_MAX;
const SMALL_BYTES = 4096;
const PACE_MS = 20;

/** Of one kind of requests: what there is to answer, up to `most`, and how much of it a token buys. */
interface Price<T extends SyncRequest> {
  readonly asked: (request: T) => number;
  readonly most: number;
  readonly perToken: number;
}

const flat = (tokens: number) => ({ asked: () => tokens, most: tokens, perToken: 1 });

/** A token is about a millisecond of a quiet seed: `npm run -s bench:costs` measures it (docs/limits.md). */
const PRICES: { readonly [K in SyncRequest['type']]: Price<Extract<SyncRequest, { type: K }>> } = {
  status: flat(1),
  headers: { asked: ({ max }) => max, most: HEADERS_MAX, perToken: 128 },
  blocks: { asked: ({ ids }) => ids.length, most: BLOCKS_MAX, perToken: 4 },
  proof: { asked: ({ keys }) => keys.length, most: PROOF_KEYS_MAX, perToken: 64 },
  witness: flat(4),
  transactions: flat(8),
  // Every entry may lie in a block of its own, which is read for it.
  history: { asked: ({ max }) => max, most: HISTORY_MAX, perToken: 2 },
  state: flat(10),
  find: flat(4),
  model: flat(4),
  offers: flat(4),
};

/** Tokens that a request costs, by what it asks for: both sides count the same. */
export function costOf(request: SyncRequest): number {
  // The cast is needed: the type of a row does not say that it belongs to this request's type.
  const { asked, most, perToken } = PRICES[request.type] as Price<SyncRequest>;
  return Math.max(1, Math.ceil(Math.min(asked(request), most) / perToken));
}
export const SERVE_RATE = { perSecond: 50, burst: 100 };
export const ASK_RATE = { perSecond: 40, burst: 80 };

/** First byte of an answer of headers. */
const HEADERS_TAG = 1;

export const syncProtocol = (chainId: number): string => `/pila/sync/2/${chainId}`;

/** Most bytes of an answer: for some requests far below the general bound. */
const RESPONSE_BYTES_MAX: Readonly<Record<SyncRequest['type'], number>> = {
  status: 1024,
  headers: 256 * 1024,
  blocks: MESSAGE_BYTES_MAX,
  proof: MESSAGE_BYTES_MAX,
  witness: MESSAGE_BYTES_MAX,
  transactions: MESSAGE_BYTES_MAX,
  history: MESSAGE_BYTES_MAX,
  state: MESSAGE_BYTES_MAX,
  find: 1024,
  model: MODEL_SLICE_BYTES + 64,
  offers: OFFERS_TOLD_MAX * OFFER_BYTES_MAX + 64,
};

export interface SyncOptions {
  readonly host: Host;
  readonly chainId: number;
  /** The highest version of the rules that this program knows; of all networks when absent. */
  readonly version?: number;
  readonly handlers: Handlers;
  readonly charge: (peer: string, f: Fault) => void;
  readonly log: Log;
}
export interface Sync {
  request(peer: string, request: SyncRequest, timeoutMs?: number): Promise<SyncResponse>;
}

/** The peer's fault that a failed read shows; undefined when the peer only went away. */
export function faultOfRead(error: unknown): Fault | undefined {
  const name = error instanceof Error ? error.name : '';
  if (name === 'InvalidDataLengthError' || name === 'StreamBufferError')
    return fault('wire.too-large', { error: name });
  if (name === 'InvalidMessageLengthError' || name === 'InvalidDataLengthLengthError')
    return fault('wire.malformed', { error: name });
  return undefined;
}

const unavailable = (reason: string): SyncResponse => ({ type: 'unavailable', reason });

export async function createSync(options: SyncOptions): Promise<Sync> {
  const { host, chainId } = options;
  const protocol = syncProtocol(chainId);
  const answer = createAnswer(options);
  const unread = new Unread();
  const onStream = (stream: Stream, connection: Connection) =>
    serve(
      { peer: connection.remotePeer.toString(), stream, charge: options.charge },
      answer,
      unread,
    );
  await host.handle(protocol, onStream, {
    maxInboundStreams: INBOUND_STREAMS_MAX,
    maxOutboundStreams: OUTBOUND_MAX + 1,
  });
  const paced = createPace();
  return {
    async request(peer, request, timeoutMs = REQUEST_MS) {
      const signal = AbortSignal.timeout(timeoutMs);
      try {
        return await paced(peer, costOf(request), signal, () =>
          ask(options, peer, request, signal),
        );
      } catch (cause) {
        if (cause instanceof AppError) throw cause;
        if (signal.aborted) throw new AppError('NET_TIMEOUT', `no answer from ${peer}`, { cause });
        throw new AppError('NET_CLOSED', `${peer} closed the stream: ${String(cause)}`, { cause });
      }
    },
  };
}

type Answer = (peer: string, bytes: Uint8Array) => Promise<SyncResponse | Fault>;

function createAnswer({ handlers, log }: SyncOptions): Answer {
  const rates = new RateLimiter(SERVE_RATE);
  let serving = 0;
  return async (peer, bytes) => {
    const request = tryDecode(SyncRequest, bytes);
    if (!request) return fault('wire.malformed', { protocol: 'sync', bytes: bytes.length });
    if (!rates.take(peer, costOf(request), Date.now()))
      return fault('wire.rate', { request: request.type });
    if (serving >= SERVING_MAX) return unavailable('busy');
    serving++;
    try {
      return await handlers.onRequest(peer, request);
    } catch (e) {
      // A bug, or this node's store fails; the peer did nothing wrong.
      log.error('sync.failed', { request: request.type, error: String(e) });
      return unavailable('failed');
    } finally {
      serving--;
    }
  };
}

/** One peer's request on a stream of its own. */
interface Asked {
  readonly peer: string;
  readonly stream: Stream;
  readonly charge: SyncOptions['charge'];
}

async function serve({ peer, stream, charge }: Asked, answer: Answer, unread: Unread) {
  let taken = 0;
  try {
    const lp = lpStream(stream, {
      maxDataLength: REQUEST_BYTES_MAX,
      maxBufferSize: REQUEST_BYTES_MAX + 8,
    });
    const bytes = (await lp.read({ signal: AbortSignal.timeout(PEER_MS) })).subarray();
    const response = await answer(peer, bytes);
    if (isFault(response)) {
      charge(peer, response);
      // A peer over its rate gets an answer, so that an honest peer waits; for any worse fault the stream is aborted.
      if (response.fault !== 'wire.rate') return stream.abort(new Error(response.fault));
    }
    let reply = responseBytes(isFault(response) ? unavailable('rate') : response);
    if (!unread.take(peer, reply.length)) reply = responseBytes(unavailable('busy'));
    else taken = reply.length;
    await lp.write(reply, {
      signal: AbortSignal.timeout(PEER_MS),
    });
    await stream.close({ signal: AbortSignal.timeout(PEER_MS) });
  } catch (error) {
    const found = faultOfRead(error);
    if (found) charge(peer, found);
    stream.abort(error as Error);
  } finally {
    unread.give(peer, taken);
  }
}

/** Bounds the memory of answers that peers do not read: a hostile peer can have many keys and streams for free. */
class Unread {
  readonly #ofPeer = new Map<string, number>();
  #all = 0;

  take(peer: string, bytes: number): boolean {
    const own = (this.#ofPeer.get(peer) ?? 0) + bytes;
    const isOver = bytes > SMALL_BYTES && this.#all + bytes > UNREAD_ALL_BYTES_MAX;
    if (own > UNREAD_BYTES_MAX || isOver) return false;
    this.#ofPeer.set(peer, own);
    this.#all += bytes;
    return true;
  }

  give(peer: string, bytes: number): void {
    const own = (this.#ofPeer.get(peer) ?? 0) - bytes;
    this.#all -= bytes;
    if (own > 0) this.#ofPeer.set(peer, own);
    else this.#ofPeer.delete(peer);
  }
}

function responseBytes(response: SyncResponse): Uint8Array {
  const bytes = encode(SyncResponse, response);
  return bytes.length <= MESSAGE_BYTES_MAX ? bytes : encode(SyncResponse, unavailable('too large'));
}

/** Version of the first header of an answer that is a list of headers, before it is decoded; else 0. */
function versionOf(bytes: Uint8Array): number {
  if (bytes[0] !== HEADERS_TAG) return 0;
  // Behind the tag stands their number, of at most two bytes.
  const at = (bytes[1] ?? 0) < 128 ? 2 : 3;
  return bytes[at] ?? 0;
}

async function ask(
  { host, chainId, version = VERSION_KNOWN, charge }: SyncOptions,
  peer: string,
  request: SyncRequest,
  signal: AbortSignal,
): Promise<SyncResponse> {
  // Only over an existing connection: a request never starts a dial.
  const connection = host
    .getConnections(peerIdFromString(peer))
    .find((c) => c.status === 'open' && !c.limits);
  if (!connection) throw new AppError('NET_CLOSED', `not connected to ${peer}`);
  const stream = await connection.newStream(syncProtocol(chainId), { signal });
  const refuse = (f: Fault, error?: unknown): AppError => {
    charge(peer, f);
    const code = f.fault === 'wire.newer' ? 'NET_NEWER' : 'NET_MALFORMED';
    return new AppError(code, `${peer}: ${f.fault}`, { cause: error });
  };
  try {
    const max = RESPONSE_BYTES_MAX[request.type];
    const lp = lpStream(stream, { maxDataLength: max, maxBufferSize: max + 8 });
    await lp.write(encode(SyncRequest, request), { signal });
    const bytes = (await lp.read({ signal })).subarray();
    if (versionOf(bytes) > version) throw refuse(fault('wire.newer', { request: request.type }));
    const response = tryDecode(SyncResponse, bytes);
    if (!response) throw refuse(fault('wire.malformed', { request: request.type }));
    if (response.type !== request.type && response.type !== 'unavailable')
      throw refuse(fault('wire.unasked', { asked: request.type, got: response.type }));
    await stream.close({ signal });
    return response;
  } catch (error) {
    stream.abort(error as Error);
    const found = faultOfRead(error);
    throw found ? refuse(found, error) : error;
  }
}

/** Keeps our requests to one peer below its rate and stream caps, waiting with a bound. */
function createPace() {
  const rates = new RateLimiter(ASK_RATE);
  const running = new Map<string, number>();
  let waiting = 0;
  return async <T>(
    peer: string,
    cost: number,
    signal: AbortSignal,
    run: () => Promise<T>,
  ): Promise<T> => {
    const free = () =>
      (running.get(peer) ?? 0) < OUTBOUND_MAX && rates.take(peer, cost, Date.now());
    if (!free()) {
      if (waiting >= WAITING_MAX) throw new AppError('BUSY', 'too many requests are waiting');
      waiting++;
      try {
        do {
          await new Promise((r) => setTimeout(r, PACE_MS));
          signal.throwIfAborted();
        } while (!free());
      } finally {
        waiting--;
      }
    }
    running.set(peer, (running.get(peer) ?? 0) + 1);
    try {
      return await run();
    } finally {
      const left = running.get(peer)! - 1;
      if (left) running.set(peer, left);
      else running.delete(peer);
    }
  };
}
