/** A stream of asking between two peers in memory: frames pass the real codecs, one after the other. */
import { AskerFrame, ProviderFrame, type AskerFrameOf } from '../../src/core/ask-messages.ts';
import type { AskPeers } from '../../src/core/channel.ts';
import { decode, encode, type Codec } from '../../src/core/codec.ts';
import { AppError } from '../../src/lib/errors.ts';
import { SerialQueue } from '../../src/lib/queue.ts';
import {
  SENDING_MAX,
  type AskReceiver,
  type AskStream,
  type OnAsk,
} from '../../src/net/asking/ask-stream.ts';

/** One direction: what is sent is handed to the receiver, and its end, too. */
class Lane<T> {
  readonly #queue = new SerialQueue(SENDING_MAX + 1);
  readonly #codec: Codec<T>;
  readonly #hand: (frame: T) => Promise<void>;

  constructor(codec: Codec<T>, hand: (frame: T) => Promise<void>) {
    this.#codec = codec;
    this.#hand = hand;
  }

  send(frame: T, failed: () => void): void {
    if (this.#queue.size >= SENDING_MAX) throw new AppError('BUSY', 'frames wait');
    const bytes = encode(this.#codec, frame);
    this.#queue.run(() => this.#hand(decode(this.#codec, bytes))).catch(failed);
  }

  end(gone: () => void): void {
    void this.#queue.run(gone);
  }
}

/** @param cut ends the stream when it aborts: a peer is gone */
export function joinInMemory(
  peers: AskPeers,
  onAsk: OnAsk,
  receiverOf: (stream: AskStream<AskerFrame>) => AskReceiver<ProviderFrame>,
  cut: AbortSignal,
): AskStream<AskerFrame> {
  let isOver = false;
  let provider: AskReceiver<AskerFrame> | undefined;
  let isOpened = false;
  const toProvider = new Lane<AskerFrame>(AskerFrame, async (frame) => {
    if (isOpened) return await provider?.onFrame(frame);
    isOpened = true;
    provider = await onAsk(answers, frame as AskerFrameOf<'open'>);
    if (!provider) end();
  });
  const toAsker = new Lane<ProviderFrame>(ProviderFrame, (frame) => asker.onFrame(frame));
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    toProvider.end(() => provider?.onGone());
    toAsker.end(() => asker.onGone());
  };
  const streamOver = <T>(lane: Lane<T>): AskStream<T> => ({
    peers,
    async send(frame) {
      if (isOver) throw new AppError('NET_CLOSED', 'the stream has ended');
      lane.send(frame, end);
    },
    close: async () => end(),
  });
  const answers = streamOver(toAsker);
  const questions = streamOver(toProvider);
  const asker = receiverOf(questions);
  cut.addEventListener('abort', end);
  return questions;
}
