/** What a full node answers to peers: a request in, what the chain has out. */
import type { FullChain } from '../chain/full-chain.ts';
import { isFault, type Fault } from '../core/faults.ts';
import type { BlockAnnounce, SyncRequest, SyncResponse, TxAnnounce } from '../core/messages.ts';
import { TXS_MAX } from '../core/messages.ts';
import { AppError } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { Handlers, Verdict } from '../net/transport.ts';
import type { FullSync } from './full-sync.ts';

export const AGENT = 'pila/0.1.0';

const unavailable = (reason: string): SyncResponse => ({ type: 'unavailable', reason });

async function answer(chain: FullChain, request: SyncRequest): Promise<SyncResponse> {
  switch (request.type) {
    case 'status': {
      const { id, header } = chain.head();
      const genesis = await chain.header(0);
      if (!genesis) return unavailable('no genesis');
      const { height, totalWork } = header;
      return { type: 'status', genesis, head: id, height, totalWork, agent: AGENT };
    }
    case 'headers': {
      const headers = await chain.headersAfter(request.locator, request.max);
      return { type: 'headers', headers };
    }
    case 'blocks':
      return { type: 'blocks', blocks: await chain.parts(request.ids) };
    case 'proof': {
      const proof = await chain.proveState(request.block, request.keys);
      return proof ? { type: 'proof', proof } : unavailable('state not kept');
    }
    case 'witness': {
      const proof = await chain.witness(request.block);
      return proof ? { type: 'witness', proof } : unavailable('state not kept');
    }
    case 'transactions':
      return { type: 'transactions', txs: chain.mempool.byFee().slice(0, TXS_MAX) };
    case 'history': {
      const { address, from, max } = request;
      return { type: 'history', entries: await chain.history(address, from, max) };
    }
    case 'state':
    case 'find':
      return unavailable('not yet');
  }
}

export function createHandlers(
  chain: FullChain,
  sync: () => FullSync,
  log: Log,
): Omit<Handlers, 'onPeers'> {
  /** A full queue is our trouble, not the sender's. */
  const busy = (e: unknown): 'ignore' => {
    log.warn('peer.busy', { code: AppError.from(e).code });
    return 'ignore';
  };
  return {
    async onRequest(_peer, request): Promise<SyncResponse | Fault> {
      try {
        return await answer(chain, request);
      } catch (e) {
        log.error('peer.request', { type: request.type, error: AppError.from(e).message });
        return unavailable('busy');
      }
    },
    async onBlock(peer: string, { block }: BlockAnnounce): Promise<Verdict> {
      const { height } = block.header;
      try {
        const result = await chain.importBlock(block);
        if (isFault(result)) {
          log.warn('block.refused', { height, peer, fault: result.fault });
          return result;
        }
        if (result.status === 'orphan') sync().lagging(peer);
        return result.status === 'orphan' || result.status === 'known' ? 'ignore' : 'accept';
      } catch (e) {
        return busy(e);
      }
    },
    async onTx(_peer: string, { tx }: TxAnnounce): Promise<Verdict> {
      try {
        const refused = await chain.addTx(tx);
        return refused?.fault === 'tx.known' ? 'ignore' : (refused ?? 'accept');
      } catch (e) {
        return busy(e);
      }
    },
  };
}
