/** How a full node handles messages of peers: requests, blocks, transactions. */
import { answer, unavailable } from '../../chain/shared/answer.ts';
import type { FullChain } from '../../chain/full/full-chain.ts';
import { isStoreFailure } from '../../chain/store/store-watch.ts';
import type { ImportStatus } from '../../chain/full/import.ts';
import type { PackageStore } from '../../client/models/package-store.ts';
import { isFault, type Fault } from '../../core/faults.ts';
import type { BlockAnnounce, SyncResponse, TxAnnounce } from '../../core/messages.ts';
import { AppError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { Handlers, Verdict } from '../../net/transport.ts';
import type { FullSync } from './full-sync.ts';

/** Whether gossip relays a block: blocks that are new here are relayed. */
const PASSED_ON: Readonly<Record<ImportStatus, 'accept' | 'ignore'>> = {
  extended: 'accept',
  reorganised: 'accept',
  side: 'accept',
  known: 'ignore',
  orphan: 'ignore',
  early: 'ignore',
};

export function createHandlers(
  chain: FullChain,
  sync: () => FullSync,
  log: Log,
  packages?: Pick<PackageStore, 'answer'>,
): Pick<Handlers, 'onRequest' | 'onBlock' | 'onTx'> {
  /** A full queue is no fault of the sender, nor is a full disk. */
  const busy = (e: unknown): 'ignore' => {
    if (!isStoreFailure(e)) log.warn('peer.busy', { code: AppError.from(e).code });
    return 'ignore';
  };
  return {
    async onRequest(_peer, request): Promise<SyncResponse | Fault> {
      try {
        if (request.type === 'model' && packages) return await packages.answer(request);
        return await answer(chain, request, () => chain.mempool.byFee());
      } catch (e) {
        if (!isStoreFailure(e))
          log.error('peer.request', { type: request.type, error: AppError.from(e).message });
        return unavailable('busy');
      }
    },
    async onBlock(peer: string, { block }: BlockAnnounce): Promise<Verdict> {
      const { height } = block.header;
      if (chain.isFarBehind(block.header)) return 'ignore';
      try {
        const result = await chain.importBlock(block);
        if (isFault(result)) {
          log.warn('block.refused', { height, peer, fault: result.fault });
          return result;
        }
        if (result.status === 'orphan') sync().lagging(peer);
        if (result.status === 'early') sync().early(peer, block);
        return PASSED_ON[result.status];
      } catch (e) {
        return busy(e);
      }
    },
    async onTx(_peer: string, { tx }: TxAnnounce): Promise<Verdict> {
      // It would be judged on a state of long ago.
      if (sync().isBehind()) return 'ignore';
      try {
        const refused = await chain.addTx(tx);
        return refused?.fault === 'tx.known' ? 'ignore' : (refused ?? 'accept');
      } catch (e) {
        return busy(e);
      }
    },
  };
}
