/** Receipts of requests from a full chain: every block was executed here, so no peer is asked. */
import type { FullChain } from '../../chain/full/full-chain.ts';
import type { Receipt } from '../../client/api.ts';
import type { ChainNetwork } from '../../client/models/networks.ts';
import { closedAt, receiptFrom, type Evidence, type Found } from '../../client/asking/receipt.ts';
import { decode } from '../../core/codec.ts';
import { isFault } from '../../core/faults.ts';
import { OpenRequest, type TxOf } from '../../core/formats.ts';
import { blockId } from '../../core/header/header.ts';
import { stateKey } from '../../core/tree/keys.ts';
import { treeFromProof, treeGet } from '../../core/tree/tree.ts';
import { equal, toHex } from '../../lib/bytes.ts';

/** Results of one request that are taken from the pool. */
const POOLED_MAX = 16;

/** @param sent the request, if this node is its sender: then it is known even when no pool holds it */
export type ReceiptOf = (id: Uint8Array, sent?: TxOf<'request'>) => Promise<Receipt | undefined>;

export function createReceipts(chain: FullChain, network: ChainNetwork): ReceiptOf {
  /** The request's leaf after that block; undefined where the state after the block is not kept. */
  async function leafAfter(block: Uint8Array, id: Uint8Array) {
    const key = stateKey.request(id);
    const proof = await chain.proveState(block, [key]);
    const tree = proof && treeFromProof(proof);
    if (!tree || isFault(tree)) return undefined;
    const value = treeGet(tree, key);
    return value ? decode(OpenRequest, value) : null;
  }

  async function findAll(id: Uint8Array): Promise<Found[]> {
    const found: Found[] = [];
    for (const position of await chain.find(id)) {
      const header = await chain.header(position.height);
      if (!header) continue;
      const block = blockId(header);
      const [parts] = await chain.parts([block]);
      const tx = parts?.body[position.index];
      if (tx) found.push({ position, tx, blockId: block });
    }
    return found;
  }

  const pooledResults = (id: Uint8Array): TxOf<'result'>[] =>
    chain.mempool
      .byFee()
      .flatMap(({ tx }) => (tx.type === 'result' && equal(tx.request, id) ? [tx] : []))
      .slice(0, POOLED_MAX);

  function sentOf(id: Uint8Array, own: TxOf<'request'> | undefined): Evidence['sent'] {
    const waiting = chain.mempool.get(toHex(id))?.tx;
    if (waiting?.type === 'request') return { tx: waiting, fate: 'waits' };
    // The request is ours and in no pool: another transaction took its nonce, or it has expired.
    return own && { tx: own, fate: 'dropped' };
  }

  return async (id, own) => {
    const head = chain.head();
    const { height } = head.header;
    const leaf = await leafAfter(head.id, id);
    const found = await findAll(id);
    const evidence = { id, sent: sentOf(id, own), found, pooled: pooledResults(id), leaf, height };
    const open: Evidence = { ...evidence, closing: undefined };
    const closed = closedAt(open);
    const before = closed === undefined ? undefined : await chain.header(closed - 1);
    const last = before && (await leafAfter(blockId(before), id));
    return receiptFrom({ ...open, closing: last ?? undefined }, network.models);
  };
}
