/** What the rest of Pila sees of a stream between asker and provider: typed frames, one after the other. */
import type { AskPeers } from '../../core/channel.ts';
import type { AskerFrame, AskerFrameOf, ProviderFrame } from '../../core/ask-messages.ts';

/** Frames of one end that wait for a slow reader. */
export const SENDING_MAX = 64;

export interface AskStream<Out> {
  /** What `open` is signed for. */
  readonly peers: AskPeers;
  /** Resolves when the peer may be sent more. @throws AppError NET_TIMEOUT, NET_CLOSED, BUSY */
  send(frame: Out): Promise<void>;
  /** Ends the stream after what was sent. */
  close(): Promise<void>;
}

export interface AskReceiver<In> {
  /** The next frame is read when this has resolved; a rejection ends the stream. */
  onFrame(frame: In): Promise<void>;
  /** Whether it keeps its place where all are taken and somebody new comes. Asked of those that a provider serves. */
  isHeld?(): Promise<boolean>;
  /** The last call, whoever ended it. */
  onGone(): void;
}

/**
 * A peer's stream with its first frame. Undefined where nothing is served for that channel: the stream is ended after
 * what the handler has sent.
 */
export type OnAsk = (
  stream: AskStream<ProviderFrame>,
  open: AskerFrameOf<'open'>,
) => Promise<AskReceiver<AskerFrame> | undefined>;
