/**
 * A stream of asking whose ends lie in two threads, over a port of its own: one thread has the real stream and lends
 * it, the other uses it. A frame is handed on when the one before was taken, both ways, as on the real stream.
 */
import type { AskerFrameOf } from '../../core/ask-messages.ts';
import type { AskPeers } from '../../core/channel.ts';
import { AppError } from '../../lib/errors.ts';
import { connect, expose } from '../../lib/rpc.ts';
import { SENDING_MAX, type AskReceiver, type AskStream } from './ask-stream.ts';

type Open = AskerFrameOf<'open'>;
/** To the thread that has the stream. */
type LenderApi<Out> = { send(frame: Out): Promise<void>; close(): Promise<void> };
/** To the thread that uses it. */
type UserApi<In> = {
  /** The first call; false where nobody takes frames of it. `open`: the first frame of a stream that a peer opened. */
  onOpened(peers: AskPeers, open: Open | undefined): Promise<boolean>;
  onFrame(frame: In): Promise<void>;
  isHeld(): Promise<boolean>;
  /** The last call, whoever ended the stream. */
  onGone(): void;
};

export interface LentStream<In> {
  /** Resolves when the user has it, to whether frames are taken. */
  readonly isTaken: Promise<boolean>;
  /** Where the real stream's frames go. */
  readonly receiver: Required<AskReceiver<In>>;
  /** The user's thread is gone: what waits for it fails, which ends the stream. */
  fail(): void;
}

export function lendStream<Out, In>(
  stream: AskStream<Out>,
  port: MessagePort,
  open?: Open,
): LentStream<In> {
  let fail = (): void => undefined;
  const user = connect<UserApi<In>>(port, {
    failed: (die) => (fail = () => die('the thread that used the stream is gone')),
  });
  const lender: LenderApi<Out> = {
    send: (frame) => stream.send(frame),
    close: () => stream.close(),
  };
  expose(lender, port);
  const isTaken = user.onOpened(stream.peers, open);
  // Also where nobody waits for it, it is no crash.
  isTaken.catch(() => undefined);
  return {
    isTaken,
    receiver: {
      onFrame: (frame) => user.onFrame(frame),
      isHeld: () => user.isHeld(),
      onGone() {
        const close = (): void => port.close();
        user.onGone().then(close, close);
      },
    },
    fail: () => fail(),
  };
}

/** What waits fails with a stream's codes also where the other thread has gone. */
function told(e: unknown): AppError {
  const { code, message } = AppError.from(e);
  const isOfStreams = code.startsWith('NET_') || code === 'BUSY';
  return isOfStreams ? AppError.from(e) : new AppError('NET_CLOSED', message, { cause: e });
}

/** @param open is called once the stream is there; its frames go to the receiver that comes back */
export function useStream<Out, In>(
  port: MessagePort,
  open: (
    stream: AskStream<Out>,
    open: Open | undefined,
  ) => AskReceiver<In> | Promise<AskReceiver<In> | undefined>,
): void {
  let die = (_reason: string): void => undefined;
  const lender = connect<LenderApi<Out>>(port, {
    // As many as wait at the real stream.
    pendingMax: SENDING_MAX,
    failed: (fail) => (die = fail),
  });
  const failsAsStream = async (call: Promise<void>): Promise<void> => {
    await call.catch((e: unknown) => {
      throw told(e);
    });
  };
  /** The end comes before the answer to who asked for it. */
  const isOver = (e: AppError): void => {
    if (e.code !== 'NET_CLOSED') throw e;
  };
  let receiver: AskReceiver<In> | undefined;
  const user: UserApi<In> = {
    async onOpened(peers, first) {
      const send = (frame: Out) => failsAsStream(lender.send(frame));
      const close = () => failsAsStream(lender.close()).catch(isOver);
      receiver = await open({ peers, send, close }, first);
      return receiver !== undefined;
    },
    async onFrame(frame) {
      await receiver?.onFrame(frame);
    },
    isHeld: async () => (await receiver?.isHeld?.()) ?? false,
    onGone() {
      // Nobody answers any more.
      die('the stream has ended');
      receiver?.onGone();
    },
  };
  expose(user, port);
}
