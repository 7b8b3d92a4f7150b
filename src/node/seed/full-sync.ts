/** Follows other full nodes: asks new peers for their status, fetches and imports branches with more work. */
import { createPeerQueue } from '../../client/sync/peer-queue.ts';
import type { FullChain } from '../../chain/full/full-chain.ts';
import { isStoreFailure } from '../../chain/store/store-watch.ts';
import { blockId } from '../../core/header/header.ts';
import { isFault } from '../../core/faults.ts';
import { BLOCKS_MAX, HEADERS_MAX, type Block, type Status } from '../../core/messages.ts';
import type { Header } from '../../core/formats.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { Log } from '../../lib/log.ts';
import type { PeerInfo, Transport } from '../../net/transport.ts';

export interface FullSync {
  /** Takes the new list of peers: new ones are asked for their status. */
  meet(peers: readonly PeerInfo[]): void;
  /** The peer announced a block whose parent is not here. */
  lagging(peer: string): void;
  /**
   * Asks all peers for their status again: an announcement may be lost, or have come too early for this
   * machine's clock.
   */
  poll(): void;
  /**
   * Whether blocks are being fetched in bulk: the last BLOCKS_MAX of some peer all moved the head up. Only blocks
   * with work behind them say so: what a peer claims does not, and a fetch that stops moving the head ends it.
   */
  isBehind(): boolean;
}

/** ms between two polls. */
export const POLL_MS = 15_000;

/** `turnMs`: ms for which one catch-up keeps the next waiting, because both might fetch the same blocks. */
export function createFullSync(
  chain: FullChain,
  transport: Transport,
  log: Log,
  turnMs?: number,
): FullSync {
  const met = new Set<string>();
  /** Those of them that were told to be of another genesis: each block that they announce would be a line. */
  const foreign = new Set<string>();
  /** Peers that blocks are being fetched from in bulk. */
  const bulk = new Set<string>();
  const peerQueue = createPeerQueue({
    run: (peer) =>
      catchUp(peer)
        .catch((e: unknown) => {
          if (!isStoreFailure(e)) log.info('sync.stopped', { peer, code: AppError.from(e).code });
        })
        .finally(() => bulk.delete(peer)),
    turnMs,
  });

  async function catchUp(peer: string): Promise<void> {
    for (;;) {
      const status = await ask(peer);
      if (!status || status.totalWork <= chain.head().header.totalWork) return;
      const before = chain.head().header.totalWork;
      if (!(await fetchBranch(peer)) || chain.head().header.totalWork <= before) return;
      log.info('sync.head', { peer, height: chain.head().header.height });
    }
  }

  async function ask(peer: string): Promise<Status | undefined> {
    const answer = await transport.request(peer, { type: 'status' });
    if (answer.type !== 'status') return undefined;
    const genesis = await chain.header(0);
    if (genesis && equal(blockId(answer.genesis), blockId(genesis))) return answer;
    if (!foreign.has(peer))
      log.warn('sync.foreign', { peer, genesis: toHex(blockId(answer.genesis)).slice(0, 16) });
    if (met.has(peer)) foreign.add(peer);
    return undefined;
  }

  /**
   * Fetches the headers after our last common block, then their blocks, until these have more work than our
   * own branch. @returns false when they do not get there
   */
  async function fetchBranch(peer: string): Promise<boolean> {
    const before = chain.head().header.totalWork;
    let reached = 0;
    let locator = await chain.locator();
    for (;;) {
      const answer = await transport.request(peer, { type: 'headers', locator, max: HEADERS_MAX });
      if (answer.type !== 'headers') return false;
      const { headers } = answer;
      for (let i = 0; i < headers.length; i += BLOCKS_MAX) {
        const height = chain.head().header.height;
        if (!(await fetchBlocks(peer, headers.slice(i, i + BLOCKS_MAX)))) return false;
        if (chain.head().header.height - height >= BLOCKS_MAX) bulk.add(peer);
        else bulk.delete(peer);
      }
      if (chain.head().header.totalWork > before) return true;
      // The branch is longer than one answer. Imported blocks cost work, so the loop cannot go on for ever.
      const last = headers.at(-1);
      if (!last || last.height <= reached) return false;
      reached = last.height;
      locator = [blockId(last)];
    }
  }

  async function fetchBlocks(peer: string, headers: readonly Header[]): Promise<boolean> {
    let missing = headers.map((header) => ({ header, id: blockId(header) }));
    while (missing.length) {
      const ids = missing.map(({ id }) => id);
      const answer = await transport.request(peer, { type: 'blocks', ids });
      if (answer.type !== 'blocks' || !answer.blocks.length) return false;
      for (const { id, body, proof } of answer.blocks) {
        const wanted = missing.find((m) => equal(m.id, id));
        if (!wanted || !proof) return false;
        if (!(await take(peer, { header: wanted.header, body, proof }))) return false;
      }
      missing = missing.filter(({ id }) => !answer.blocks.some((b) => equal(b.id, id)));
    }
    return true;
  }

  async function take(peer: string, block: Block): Promise<boolean> {
    const result = await chain.importBlock(block);
    if (!isFault(result)) return result.status !== 'orphan' && result.status !== 'crowded';
    log.warn('sync.refused', { peer, fault: result.fault, height: block.header.height });
    transport.charge(peer, result);
    return false;
  }

  return {
    meet(peers) {
      const now = new Set(peers.map((p) => p.id));
      for (const peers of [met, foreign])
        for (const id of peers) if (!now.has(id)) peers.delete(id);
      for (const id of now) {
        if (met.has(id)) continue;
        met.add(id);
        log.info('peer.joined', { peer: id, peers: now.size });
        peerQueue.add(id);
      }
    },
    lagging(peer) {
      log.debug('sync.orphan', { peer, head: toHex(chain.head().id).slice(0, 16) });
      peerQueue.addTold(peer);
    },
    poll() {
      for (const id of met) peerQueue.add(id);
    },
    isBehind: () => bulk.size > 0,
  };
}
