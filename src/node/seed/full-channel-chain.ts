/** What both ends of channels need of a full node's chain. */
import type { FullChain } from '../../chain/full/full-chain.ts';
import { createChannelChain, type ChannelChain } from '../../client/channels/channel-chain.ts';
import type { SignedTx } from '../../core/formats.ts';
import { BODY_BYTES_MAX, type Params } from '../../core/params.ts';
import { treeGet } from '../../core/tree/tree.ts';
import { txId } from '../../core/tx/tx.ts';
import { toHex } from '../../lib/bytes.ts';

export interface FullChannelDeps {
  readonly params: Params;
  readonly genesisId: Uint8Array;
  readonly chain: FullChain;
  /** Tells peers of a transaction. */
  readonly announce: (tx: SignedTx) => Promise<void>;
}

export function createFullChannelChain(deps: FullChannelDeps): ChannelChain {
  const { params, genesisId, chain, announce } = deps;
  const head = () => chain.head().header;
  return createChannelChain({
    params,
    genesisId,
    head,
    newest: async () => head(),
    headerAt: (height) => chain.header(height),
    // A head that came since then: nothing is said until the next look.
    read: async (header, keys) =>
      header === head() ? keys.map((key) => treeGet(chain.headState(), key)) : undefined,
    // Whatever is in this pool was judged on the whole state.
    isWaiting: async ({ tx }) =>
      chain.mempool.get(toHex(txId(chain.params.genesis.id, tx))) !== undefined,
    add: (tx) => chain.addTx(tx),
    announce,
    // Sorted only where more wait than a block holds.
    waiting: () => (chain.mempool.bytes < BODY_BYTES_MAX ? [] : chain.mempool.byFee()),
  });
}
