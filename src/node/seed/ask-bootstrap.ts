/** Asking the peers that a node was given, before it has a chain of its own to answer them from. */
import type { SyncRequest, SyncResponse } from '../../core/messages.ts';
import type { NetworkParams } from '../../core/params.ts';
import { AppError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import { createTransport } from '../../net/create-transport.ts';
import type { Handlers } from '../../net/transport.ts';

/** ms to wait for an answer: time for loading, a dial that fails, and a second dial. */
export const ANSWER_MS_MAX = 20_000;
const ASK_EVERY_MS = 200;

const SILENT: Handlers = {
  onRequest: async () => ({ type: 'unavailable', reason: 'starting' }),
  onBlock: async () => 'ignore',
  onTx: async () => 'ignore',
  onOffer: async () => 'ignore',
  onPeers: () => {},
};

export interface AskedNetwork {
  readonly params: NetworkParams;
  /** Multiaddrs. */
  readonly bootstrap: readonly string[];
  readonly log: Log;
}

export type AskPeer = (request: SyncRequest) => Promise<SyncResponse>;

/**
 * What the first peer says of whom `ask` takes anything; undefined where none did in ANSWER_MS_MAX. A peer that fails is
 * asked again.
 */
export async function askBootstrap<T>(
  { params: { chainId }, bootstrap, log }: AskedNetwork,
  ask: (askPeer: AskPeer, peer: string) => Promise<T | undefined>,
): Promise<T | undefined> {
  const transport = createTransport({ chainId, role: 'node', bootstrap, log });
  await transport.start(SILENT);
  try {
    for (const end = Date.now() + ANSWER_MS_MAX; Date.now() < end;) {
      for (const { id } of transport.peers()) {
        const askPeer: AskPeer = (request) => transport.request(id, request);
        const taken = await ask(askPeer, id).catch((e: unknown) => {
          log.info('bootstrap.unanswered', { peer: id, code: AppError.from(e).code });
          return undefined;
        });
        if (taken !== undefined) return taken;
      }
      await new Promise((resolve) => setTimeout(resolve, ASK_EVERY_MS));
    }
    return undefined;
  } finally {
    await transport.stop();
  }
}
