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
  /**
   * Catches up with one peer. A rejection is a failure of the network: the peer is asked again later. `again`: others
   * go on meanwhile, and the peer waits for another turn.
   */
  readonly run: (peer: string) => Promise<'again' | void>;
  /** Which of those that wait is next; the one that waits longest by default. */
  readonly next?: (waiting: ReadonlySet<string>) => string | undefined;
  /** Called after each peer, also after a failure. */
  readonly onEnd?: () => void;
  readonly turnMs?: number | undefined;
}

export function createPeerQueue({
  run,
  next = ([first]: Iterable<string>) => first,
  onEnd,
  turnMs = TURN_MS,
}: PeerQueueOptions): PeerQueue {
  const queue = new SerialQueue(QUEUE_MAX);
  const waiting = new Set<string>();
  const running = new Set<string>();
  const told = new RateLimiter(TOLD_RATE);

  function add(peer: string): void {
    if (waiting.has(peer)) return;
    waiting.add(peer);
    void queue
      .run(takeNext)
      .catch(() => waiting.delete(peer))
      .finally(onEnd);
  }

  async function takeNext(): Promise<void> {
    const peer = next(waiting);
    if (peer === undefined) return;
    waiting.delete(peer);
    if (running.has(peer)) return;
    running.add(peer);

    let timer: ReturnType<typeof setTimeout> | undefined;
    const timeUp = new Promise<void>((resolve) => (timer = setTimeout(resolve, turnMs)));
    const done = run(peer)
      .finally(() => running.delete(peer))
      .then(
        (wish) => void (wish && add(peer)),
        () => undefined,
      );
    await Promise.race([done, timeUp]).finally(() => clearTimeout(timer));
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
