/**
 * One peer is caught up with after another, each of them once; who is slow goes on beside the next, who
 * must not wait for it.
 */
import { SerialQueue } from '../../lib/queue.ts';

/** ms after which a turn that goes on keeps the next no longer waiting. */
const TURN_MS = 15_000;
/** Turns that may wait, one for each peer: as many as a seed has. */
const QUEUE_MAX = 2048;

export interface Turns {
  give(peer: string): void;
  /** Turns that wait or keep others waiting. */
  readonly waiting: number;
}

/** A failure of `run` is the network's: the peer is looked at again some time. `onEnd`: after each turn. */
export function createTurns(
  run: (peer: string) => Promise<void>,
  onEnd: () => void,
  turnMs = TURN_MS,
): Turns {
  const queue = new SerialQueue(QUEUE_MAX);
  const waiting = new Set<string>();
  const running = new Set<string>();

  async function take(peer: string): Promise<void> {
    waiting.delete(peer);
    if (running.has(peer)) return;
    running.add(peer);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const over = new Promise<void>((resolve) => (timer = setTimeout(resolve, turnMs)));
    const done = run(peer).finally(() => running.delete(peer));
    await Promise.race([done, over]).finally(() => clearTimeout(timer));
  }

  return {
    give(peer) {
      if (waiting.has(peer)) return;
      waiting.add(peer);
      void queue
        .run(() => take(peer))
        .catch(() => waiting.delete(peer))
        .finally(onEnd);
    },
    get waiting() {
      return queue.size;
    },
  };
}
