/**
 * `/pila/ask/2`: a stream of length-prefixed frames both ways between an asker and a provider of prepaid answers
 * (docs/protocol.md §9.1). Frames of a stream are handed on one after the other; sizes, rates, streams and waits are
 * capped on both sides. What a frame means is the handlers' matter (client/channels).
 */
import type { Connection, Stream } from '@libp2p/interface';
import { lpStream } from '@libp2p/utils';
import {
  ASKER_FRAME_BYTES_MAX,
  AskerFrame,
  PROVIDER_FRAME_BYTES_MAX,
  ProviderFrame,
} from '../../core/ask-messages.ts';
import { REPLY_BYTES_MAX, type AskPeers } from '../../core/channel.ts';
import { encode, tryDecode, type Codec } from '../../core/codec.ts';
import { fault, type Fault } from '../../core/faults.ts';
import { toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { SerialQueue } from '../../lib/queue.ts';
import type { Host } from '../host.ts';
import { RateLimiter } from '../rate.ts';
import { CARRIED, leaveRelays } from '../records/meeting-point.ts';
import { faultOfRead } from '../sync.ts';
import type { Reach } from './reach.ts';
import { SENDING_MAX, type AskReceiver, type AskStream, type OnAsk } from './ask-stream.ts';

/** Streams of one connection: tabs of one browser, each with a channel. */
export const ASK_STREAMS_PER_CONNECTION = 4;
/**
 * Streams of all askers at once; each may hold two of an asker's largest frames. Where all places are taken, the one
 * that said nothing for longest makes room, but not who has paid or is being answered (`AskReceiver.isHeld`), unless
 * its account holds more than a connection has.
 */
export const ASK_STREAMS_MAX = 32;
/** Streams to providers that this node has open. */
export const ASKING_MAX = 8;
/** How long an asker may take until its first frame, and a peer to take a frame from us. */
export const OPEN_MS = 10_000;
export const SEND_MS = 30_000;
/**
 * A stream without a frame for so long is ended: longer than an asker waits for a step, since a provider stops working
 * for who has gone, and who comes back is the last in its queue. An asker ends sooner what it needs no more.
 */
export const IDLE_MS = 660_000;
/**
 * Tokens of a peer's frames: one, and one more for each 16 KiB. Two ends that keep to the protocol may be quicker: the
 * next frame then waits, and what comes meanwhile is bounded by what a stream holds unread.
 */
export const FRAME_RATE = { perSecond: 50, burst: 400 };
const RATE_WAIT_MS = 20;
const BYTES_PER_TOKEN = 16 * 1024;
/** `status` of a stream that was cut. */
const ENDED: ReadonlySet<Stream['status']> = new Set(['aborted', 'reset']);
/** Two signatures are verified for each: the opening's and the signer's. */
const OPEN_TOKENS = 20;
/** What a stream holds unread: an asker sends one question at a time; an answer is repeated whole. */
const ASKER_UNREAD_BYTES = 2 * ASKER_FRAME_BYTES_MAX;
const PROVIDER_UNREAD_BYTES = 2 * REPLY_BYTES_MAX;

export const askProtocol = (chainId: number): string => `${CARRIED}2/${chainId}`;

export interface AskingOptions {
  readonly host: Host;
  readonly chainId: number;
  /** Undefined where this node serves nobody: the protocol is then not offered. */
  readonly onAsk: OnAsk | undefined;
  readonly reach: Reach;
  readonly charge: (peer: string, f: Fault) => void;
  readonly log: Log;
}
export interface Asking {
  /**
   * Opens a stream to a peer, which is dialled where it has to be. `receiver` is made with the stream, so that no frame
   * is missed.
   * @throws AppError NET_UNREACHABLE, NET_CLOSED, NET_TIMEOUT, BUSY
   */
  ask(
    peer: string,
    receiver: (stream: AskStream<AskerFrame>) => AskReceiver<ProviderFrame>,
  ): Promise<AskStream<AskerFrame>>;
}

export async function createAsking(options: AskingOptions): Promise<Asking> {
  const { host, chainId, onAsk, reach, log } = options;
  const protocol = askProtocol(chainId);
  const own = (): string => host.peerId.toString();
  const wire = { rates: new RateLimiter(FRAME_RATE), charge: options.charge };
  let asking = 0;
  const places = new Set<Place>();
  /** Streams that have said nothing yet, the oldest first. */
  const silent = new Set<Stream>();

  /** They take nobody's place: whoever opens streams and says nothing loses the oldest to who comes. */
  function waitForFirst(stream: Stream): void {
    silent.add(stream);
    const [oldest] = silent;
    if (silent.size <= ASK_STREAMS_MAX || !oldest) return;
    silent.delete(oldest);
    oldest.abort(new Error('too many say nothing'));
  }

  /** One newcomer at a time: the same place is not given to two. */
  const placing = new SerialQueue(ASK_STREAMS_MAX, 'BUSY');

  async function takePlace(place: Place): Promise<boolean> {
    const idlest = [...places].sort((a, b) => a.frameMs - b.frameMs);
    for (const one of idlest) {
      if (places.size < ASK_STREAMS_MAX) break;
      const isHeld = (await one.receiver?.isHeld?.().catch(() => false)) ?? false;
      if (!isHeld && places.delete(one)) one.stream.abort(new Error("its place is another's"));
    }
    if (places.size >= ASK_STREAMS_MAX && !makeRoom(idlest)) return false;
    places.add(place);
    return true;
  }

  /** One account can't hold all places, in however many channels it has paid. @param idlest the idlest first */
  function makeRoom(idlest: readonly Place[]): boolean {
    const held = idlest.filter((place) => places.has(place) && place.account !== undefined);
    const ofSame = ({ account }: Place): Place[] => held.filter((one) => one.account === account);
    const [most = []] = held.map(ofSame).sort((a, b) => b.length - a.length);
    const [gone] = most;
    if (!gone || most.length <= ASK_STREAMS_PER_CONNECTION) return false;
    places.delete(gone);
    gone.stream.abort(new Error('its account has many places'));
    return true;
  }

  async function serve(stream: Stream, connection: Connection, accept: OnAsk): Promise<void> {
    const asker = connection.remotePeer.toString();
    const end = new End(ASKER_END, { ...wire, stream, peer: asker });
    waitForFirst(stream);
    const open = await end.read(OPEN_MS, OPEN_TOKENS).finally(() => silent.delete(stream));
    // It has gone, as an asker does whose keys are away.
    if (!open) return;
    if (open.type !== 'open') return end.fail(fault('wire.unasked', { got: open.type }));
    const place: Place = { stream, frameMs: Date.now() };
    if (!(await placing.run(() => takePlace(place)).catch(() => false)))
      return stream.abort(new Error('too many streams'));
    try {
      const answers = end.answering<ProviderFrame>(ProviderFrame, { asker, provider: own() });
      const receiver = await accept(answers, open);
      place.account = receiver && toHex(open.opening.tx.from);
      if (receiver) await end.receive(seated(place, receiver));
      else await answers.close();
    } catch (e) {
      log.error('ask.failed', { error: String(e) });
      stream.abort(e as Error);
    } finally {
      places.delete(place);
    }
  }

  if (onAsk)
    await host.handle(protocol, (stream, connection) => void serve(stream, connection, onAsk), {
      maxInboundStreams: ASK_STREAMS_PER_CONNECTION,
      maxOutboundStreams: ASK_STREAMS_PER_CONNECTION,
      runOnLimitedConnection: true,
    });

  return {
    async ask(peer, receiverOf) {
      if (asking >= ASKING_MAX) throw new AppError('BUSY', `${ASKING_MAX} streams are open`);
      asking++;
      try {
        const connection = await reach(peer);
        const signal = AbortSignal.timeout(OPEN_MS);
        const way = { signal, runOnLimitedConnection: true };
        const stream = await connection.newStream(protocol, way).catch((cause: unknown) => {
          const code = signal.aborted ? 'NET_TIMEOUT' : 'NET_CLOSED';
          throw new AppError(code, `${peer} opens no stream: ${String(cause)}`, { cause });
        });
        const end = new End(PROVIDER_END, { ...wire, stream, peer });
        const questions = end.answering<AskerFrame>(AskerFrame, { asker: own(), provider: peer });
        const done = end.receive(receiverOf(questions));
        void done.finally(() => {
          asking--;
          leaveRelays(host, connection.remotePeer);
        });
        return questions;
      } catch (e) {
        asking--;
        throw e;
      }
    },
  };
}

/** A stream that an asker is served on. */
interface Place {
  readonly stream: Stream;
  /** Undefined while the provider looks at its first frame. */
  receiver?: AskReceiver<AskerFrame>;
  /** Whose coins pay for it: undefined until its opening was found to be good. */
  account?: string | undefined;
  /** ms since 1970 of its last frame. */
  frameMs: number;
}

function seated(place: Place, receiver: AskReceiver<AskerFrame>): AskReceiver<AskerFrame> {
  place.receiver = receiver;
  return {
    onFrame(frame) {
      place.frameMs = Date.now();
      return receiver.onFrame(frame);
    },
    onGone: () => receiver.onGone(),
  };
}

/** What comes in from one kind of end. */
interface Incoming<In> {
  readonly codec: Codec<In>;
  readonly bytesMax: number;
  readonly unreadMax: number;
}
const ASKER_END: Incoming<AskerFrame> = {
  codec: AskerFrame,
  bytesMax: ASKER_FRAME_BYTES_MAX,
  unreadMax: ASKER_UNREAD_BYTES,
};
const PROVIDER_END: Incoming<ProviderFrame> = {
  codec: ProviderFrame,
  bytesMax: PROVIDER_FRAME_BYTES_MAX,
  unreadMax: PROVIDER_UNREAD_BYTES,
};

interface Wire {
  readonly stream: Stream;
  readonly peer: string;
  readonly rates: RateLimiter;
  readonly charge: AskingOptions['charge'];
}

/** Reads frames of one peer's end, and writes ours. */
class End<In> {
  readonly #in: Incoming<In>;
  readonly #wire: Wire;
  readonly #lp: ReturnType<typeof lpStream>;
  readonly #sending = new SerialQueue(SENDING_MAX, 'BUSY');
  /** Aborted when this end has closed the stream: nothing more is read from it. */
  readonly #closed = new AbortController();

  constructor(incoming: Incoming<In>, wire: Wire) {
    this.#in = incoming;
    this.#wire = wire;
    const { bytesMax, unreadMax } = incoming;
    this.#lp = lpStream(wire.stream, { maxDataLength: bytesMax, maxBufferSize: unreadMax });
  }

  /** Charges the peer, if it has to be, and ends the stream at once. */
  fail(f: Fault): void {
    this.#wire.charge(this.#wire.peer, f);
    this.#wire.stream.abort(new Error(f.fault));
  }

  /** The next frame; undefined when the stream has ended, or was ended for what came. */
  async read(waitMs: number, tokens = 1): Promise<In | undefined> {
    const { stream } = this.#wire;
    const signal = AbortSignal.any([AbortSignal.timeout(waitMs), this.#closed.signal]);
    try {
      const bytes = (await this.#lp.read({ signal })).subarray();
      const cost = tokens + Math.floor(bytes.length / BYTES_PER_TOKEN);
      if (!(await this.#isDue(cost))) return undefined;
      const frame = tryDecode(this.#in.codec, bytes);
      if (!frame) this.fail(fault('wire.malformed', { protocol: 'ask', bytes: bytes.length }));
      return frame;
    } catch (e) {
      const found = faultOfRead(e);
      if (found) this.fail(found);
      else if (!this.#closed.signal.aborted) stream.abort(e as Error);
      return undefined;
    }
  }

  /** Waits until the peer's rate lets a frame through; false where the stream has ended meanwhile. */
  async #isDue(cost: number): Promise<boolean> {
    const { peer, rates, stream } = this.#wire;
    while (!rates.take(peer, cost, Date.now())) {
      if (this.#closed.signal.aborted || ENDED.has(stream.status)) return false;
      await new Promise((resolve) => setTimeout(resolve, RATE_WAIT_MS));
    }
    return true;
  }

  /** Hands frames on until the stream ends. */
  async receive(receiver: AskReceiver<In>): Promise<void> {
    try {
      for (let frame; (frame = await this.read(IDLE_MS));) await receiver.onFrame(frame);
    } catch (e) {
      this.#wire.stream.abort(e as Error);
    } finally {
      receiver.onGone();
    }
  }

  answering<Out>(codec: Codec<Out>, peers: AskPeers): AskStream<Out> {
    const { stream, peer } = this.#wire;
    const send = async (bytes: Uint8Array): Promise<void> => {
      const signal = AbortSignal.timeout(SEND_MS);
      try {
        await this.#lp.write(bytes, { signal });
      } catch (cause) {
        stream.abort(cause as Error);
        if (signal.aborted) throw new AppError('NET_TIMEOUT', `${peer} reads nothing`, { cause });
        throw new AppError('NET_CLOSED', `${peer} closed the stream`, { cause });
      }
    };
    return {
      peers,
      send: (frame) => this.#sending.run(() => send(encode(codec, frame))),
      close: () =>
        this.#sending.run(async () => {
          this.#closed.abort();
          await stream
            .close({ signal: AbortSignal.timeout(OPEN_MS) })
            .catch((e: unknown) => stream.abort(e as Error));
        }),
    };
  }
}
