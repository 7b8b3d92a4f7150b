/**
 * A queue of peers to catch up with: one at a time, each at most once. A slow peer goes on in the
 * background while the next one starts, so that nobody waits for it for long.
 */
import { SerialQueue } from '../../lib/queue.ts';
import { RateLimiter } from '../../net/rate.ts';

/** ms after which the next peer no longer waits for the present one. */
const TURN_MS = 15_000;
/** Peers that may wait: as many as a seed has connections. */
const QUEUE_MAX = 2048;

/** Blocks on unknown parents after which their teller is asked what it has: making one takes no work. */
const TOLD_RATE = { perSecond: 1, burst: 5 };

export interface PeerQueue {
  /** Adds a peer; does nothing when it waits already. */
  add(peer: string): void;
  /** Adds a peer that told of a block on an unknown parent; beyond TOLD_RATE the next poll finds it. */
  addTold(peer: string): void;
  /** Number of peers that wait or keep others waiting. */
  readonly size: number;
}

export interface PeerQueueOptions {
  /** Catches up with one peer. A rejection is a failure of the network: the peer is asked again later. */
  readonly run: (peer: string) => Promise<void>;
  /** Called after each peer, also after a failure. */
  readonly onEnd?: () => void;
  readonly turnMs?: number | undefined;
}

export function createPeerQueue({ run, onEnd, turnMs = TURN_MS }: PeerQueueOptions): PeerQueue {
  const queue = new SerialQueue(QUEUE_MAX);
  const waiting = new Set<string>();
  const running = new Set<string>();
  const told = new RateLimiter(TOLD_RATE);

  async function take(peer: string): Promise<void> {
    waiting.delete(peer);
    if (running.has(peer)) return;
    running.add(peer);

    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeUp = new Promise<void>((resolve) => (timer = setTimeout(resolve, turnMs)));
    const done = run(peer).finally(() => running.delete(peer));
    await Promise.race([done, timeUp]).finally(() => clearTimeout(timer));
  }

  function add(peer: string): void {
    if (waiting.has(peer)) return;
    waiting.add(peer);
    void queue
      .run(() => take(peer))
      .catch(() => waiting.delete(peer))
      .finally(onEnd);
  }

  return {
    add,
    addTold(peer) {
      if (told.take(peer, 1, Date.now())) add(peer);
    },
    get size() {
      return queue.size;
    },
  };
}
