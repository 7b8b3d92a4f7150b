/** One question to peers in turn, the most promising first. */
import { isFault, type Fault } from '../../core/faults.ts';
import type { ResponseTo, SyncRequest } from '../../core/messages.ts';
import type { Transport } from '../../net/transport.ts';

/**
 * Asks peers in turn until `take` makes something of an answer; undefined when none does. A fault
 * that it returns is charged to the peer, and the next one is asked.
 */
export type Ask = <T extends SyncRequest['type'], R>(
  request: Extract<SyncRequest, { type: T }>,
  take: (
    answer: ResponseTo<T>,
    peer: string,
  ) => Promise<R | Fault | undefined> | R | Fault | undefined,
) => Promise<R | undefined>;

/** `heightOf`: what a peer claims, which alone must not make it the first for ever. */
export function createAsk(transport: Transport, heightOf: (peer: string) => number): Ask {
  /** Peers whose last answer was of no use, or did not come: they are asked last. */
  const useless = new Set<string>();

  return async (request, take) => {
    const peers = transport.peers().map(({ id }) => id);
    for (const peer of useless) if (!peers.includes(peer)) useless.delete(peer);
    peers.sort(
      (a, b) => Number(useless.has(a)) - Number(useless.has(b)) || heightOf(b) - heightOf(a),
    );
    for (const peer of peers) {
      const answer = await transport.request(peer, request).catch(() => undefined);
      const isAnswer = answer?.type === request.type;
      const taken = isAnswer ? await take(answer as never, peer) : undefined;
      if (taken !== undefined && !isFault(taken)) {
        useless.delete(peer);
        return taken;
      }
      useless.add(peer);
      if (isFault(taken)) transport.charge(peer, taken);
    }
    return undefined;
  };
}
