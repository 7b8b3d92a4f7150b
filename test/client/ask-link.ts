/** A stream between an asker and a provider in memory: frames pass the real codecs, one after the other, each way. */
import { AskerFrame, ProviderFrame, type AskerFrameOf } from '../../src/core/ask-messages.ts';
import type { AskPeers } from '../../src/core/channel.ts';
import { decode, encode, type Codec } from '../../src/core/codec.ts';
import { AppError } from '../../src/lib/errors.ts';
import type { AskReceiver, AskStream, OnAsk } from '../../src/net/asking/ask-stream.ts';

const copy = <T>(codec: Codec<T>, value: T): T => decode(codec, encode(codec, value));

/** One way: what was sent is handed on in order, and waits for who takes it. */
export class Way<T> {
  readonly #codec: Codec<T>;
  readonly #receiver: Promise<AskReceiver<T> | undefined>;
  #tail: Promise<void> = Promise.resolve();
  /** While set, its sender waits, as for a peer that does not read. */
  held: Promise<void> | undefined;
  isCut = false;
  /** Frames. */
  sent = 0;

  constructor(codec: Codec<T>, receiver: Promise<AskReceiver<T> | undefined>) {
    this.#codec = codec;
    this.#receiver = receiver;
    receiver.catch(() => undefined);
  }

  /** @throws AppError NET_CLOSED */
  async send(frame: T): Promise<void> {
    this.#requireOpen();
    const sent = copy(this.#codec, frame);
    this.sent++;
    this.#tail = this.#tail
      .then(async () => (await this.#receiver)?.onFrame(sent))
      .catch(() => void (this.isCut = true));
    await this.held;
    this.#requireOpen();
  }

  idle(): Promise<void> {
    return this.#tail;
  }

  #requireOpen(): void {
    if (this.isCut) throw new AppError('NET_CLOSED', 'the stream has ended');
  }
}

export interface AskLink {
  readonly toProvider: Way<AskerFrame>;
  readonly toAsker: Way<ProviderFrame>;
  /** Ends the stream for both. */
  cut(): void;
}

/** A stream whose first frame has come. */
export function linkOpened(
  onAsk: OnAsk,
  open: AskerFrameOf<'open'>,
  peers: AskPeers,
  asker: AskReceiver<ProviderFrame>,
): AskLink {
  let provider: AskReceiver<AskerFrame> | undefined;
  const toAsker: Way<ProviderFrame> = new Way<ProviderFrame>(ProviderFrame, Promise.resolve(asker));
  const cut = (): void => {
    if (toAsker.isCut && toProvider.isCut) return;
    toAsker.isCut = toProvider.isCut = true;
    provider?.onGone();
    asker.onGone();
  };
  const stream: AskStream<ProviderFrame> = {
    peers,
    send: (frame) => toAsker.send(frame),
    async close() {
      await toAsker.idle();
      cut();
    },
  };
  const accepted = onAsk(stream, copy(AskerFrame, open) as typeof open).then((receiver) => {
    provider = receiver;
    if (!receiver) void stream.close();
    // It was cut before anybody could hear of it.
    else if (toAsker.isCut) receiver.onGone();
    return receiver;
  });
  const toProvider = new Way<AskerFrame>(AskerFrame, accepted);
  return { toProvider, toAsker, cut };
}
