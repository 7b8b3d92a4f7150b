/** One question to peers, one after the other, the most promising first. */
import { isFault, type Fault } from '../../core/faults.ts';
import type { ResponseTo, SyncRequest } from '../../core/messages.ts';
import type { Transport } from '../../net/transport.ts';
import type { PeerHeads } from './peer-heads.ts';

/**
 * Asks one peer after the other until `take` returns a result; undefined when no answer was of use. A
 * fault that `take` returns is charged to the peer, and the next peer is asked.
 */
export type Ask = <T extends SyncRequest['type'], R>(
  request: Extract<SyncRequest, { type: T }>,
  take: (
    answer: ResponseTo<T>,
    peer: string,
  ) => Promise<R | Fault | undefined> | R | Fault | undefined,
) => Promise<R | undefined>;

export function createAsk(transport: Transport, heads: PeerHeads): Ask {
  /** Peers whose last answer was of no use or did not come: they are asked last. */
  const useless = new Set<string>();

  /** The peers in the order to ask them: a peer must not stay first only because it claims a great height. */
  function inOrder(): string[] {
    const peers = transport.peers().map(({ id }) => id);
    for (const peer of useless) if (!peers.includes(peer)) useless.delete(peer);
    return peers.sort(
      (a, b) =>
        Number(useless.has(a)) - Number(useless.has(b)) || heads.heightOf(b) - heads.heightOf(a),
    );
  }

  return async (request, take) => {
    for (const peer of inOrder()) {
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
