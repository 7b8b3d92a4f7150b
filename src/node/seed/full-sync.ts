/** Follows other full nodes: asks new peers for their status, fetches and imports branches with more work. */
import { FailedHeads } from '../../client/sync/failed-heads.ts';
import { createPeerQueue } from '../../client/sync/peer-queue.ts';
import type { BranchSource, Unfollowed } from '../../chain/full/follow.ts';
import type { FullChain } from '../../chain/full/full-chain.ts';
import type { ImportStatus } from '../../chain/full/import.ts';
import { EarlyBlocks } from '../../chain/shared/early-blocks.ts';
import { Patience } from '../../chain/shared/patience.ts';
import { isStoreFailure } from '../../chain/store/store-watch.ts';
import { blockId, msUntilTimely } from '../../core/header/header.ts';
import { knownHeaders } from '../../core/header/tables.ts';
import { isChargedWhenAsked, isFault, type Fault } from '../../core/faults.ts';
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
  /** The peer announced a block whose time has not come: it is imported then. */
  early(peer: string, block: Block): void;
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
  /** A branch with more work than the head's that this node does not follow; undefined where there is none. */
  unfollowed(): UnfollowedBranch | undefined;
}

export interface UnfollowedBranch {
  readonly height: number;
  readonly totalWork: bigint;
  readonly why: Unfollowed;
}

/** What came of a block that is told to nobody once its time has come. */
const NOT_TOLD: readonly ImportStatus[] = ['known', 'orphan', 'early'];

/** ms between two polls. */
export const POLL_MS = 15_000;

/** `turnMs`: ms for which one catch-up keeps the next waiting, because both might fetch the same blocks. */
// eslint-disable-next-line @typescript-eslint/max-params -- what it works with, and two clocks for tests
export function createFullSync(
  chain: FullChain,
  transport: Transport,
  log: Log,
  turnMs?: number,
  nowMs: () => number = Date.now,
): FullSync {
  const met = new Set<string>();
  /** Those of them that were told to be of another genesis: each block that they announce would be a line. */
  const foreign = new Set<string>();
  /** Peers whose branch has blocks that found no place beside the chain. */
  const unplaced = new Set<string>();
  let unfollowed: (UnfollowedBranch & { readonly peer: string }) | undefined;
  /** Whose branches were not followed: headers are free to make, and must not keep this node busy. */
  const failed = new FailedHeads(nowMs);
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

  const early = new EarlyBlocks(
    async (peer, block) => {
      const result = await chain.importBlock(block);
      if (isFault(result)) transport.charge(peer, result);
      // A timer may be early by the clock, and a clock be set back.
      else if (result.status === 'early') holdEarly(peer, block);
      return !isFault(result) && !NOT_TOLD.includes(result.status);
    },
    // Whoever held it back says the same, byte by byte, and gossip passes on the first.
    (block) => transport.announceBlock({ block, sequence: 0 }),
  );

  function holdEarly(peer: string, block: Block): void {
    const waitMs = msUntilTimely(chain.params, block.header, nowMs());
    if (waitMs) early.hold(peer, block, waitMs);
  }

  async function catchUp(peer: string): Promise<void> {
    for (;;) {
      const status = await ask(peer);
      if (!status || status.totalWork <= chain.head().header.totalWork) return;
      const before = chain.head().header.totalWork;
      if (!(await fetchBranch(peer)) && !(await follow(peer, status))) return;
      if (chain.head().header.totalWork <= before) return;
      log.info('sync.head', { peer, height: chain.head().header.height });
    }
  }

  /** A branch whose blocks found no place beside the chain is executed apart from it. @returns whether it is the chain */
  async function follow(peer: string, { height, totalWork }: Status): Promise<boolean> {
    if (!unplaced.delete(peer)) return false;
    const teller = transport.peers().find(({ id }) => id === peer);
    if (!teller || failed.isWaiting(teller)) return false;
    const source: BranchSource = {
      async headersAfter(id) {
        const locator = id ? [id] : await chain.locator();
        const request = { type: 'headers', locator, max: HEADERS_MAX } as const;
        const answer = await transport.request(peer, request);
        return answer.type === 'headers' ? knownHeaders(chain.params, answer.headers) : [];
      },
      async parts(ids) {
        const answer = await transport.request(peer, { type: 'blocks', ids: [...ids] });
        return answer.type === 'blocks' ? answer.blocks : [];
      },
    };
    const done = await chain.follow(source).catch((e: unknown) => {
      failed.note(teller);
      throw e;
    });
    if (done !== 'busy' && (isFault(done) || typeof done === 'string')) failed.note(teller);
    if (isFault(done)) chargeAsked(peer, done);
    if (isFault(done) || typeof done !== 'string') unfollowed = undefined;
    else if (done !== 'light' && done !== 'busy')
      unfollowed = { peer, height, totalWork, why: done };
    const result = isFault(done) ? done.fault : typeof done === 'string' ? done : done.status;
    log.warn('sync.branch', { peer, height, result });
    return typeof done !== 'string' && !isFault(done);
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
      const headers = knownHeaders(chain.params, answer.headers);
      const patience = new Patience(headers.length, nowMs);
      for (let i = 0; i < headers.length; i += BLOCKS_MAX) {
        const height = chain.head().header.height;
        const some = headers.slice(i, i + BLOCKS_MAX);
        if (!(await fetchBlocks(peer, some, patience))) return false;
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

  /** @returns false where not all were given, or so slowly that the patience with the peer's branch ended */
  async function fetchBlocks(
    peer: string,
    headers: readonly Header[],
    patience: Patience,
  ): Promise<boolean> {
    let missing = headers.map((header) => ({ header, id: blockId(header) }));
    while (missing.length) {
      if (patience.isOver) return false;
      const ids = missing.map(({ id }) => id);
      const answer = await patience.wait(() => transport.request(peer, { type: 'blocks', ids }));
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

  function chargeAsked(peer: string, wrong: Fault): void {
    if (isChargedWhenAsked(wrong)) transport.charge(peer, wrong);
  }

  async function take(peer: string, block: Block): Promise<boolean> {
    const result = await chain.importBlock(block);
    if (!isFault(result) && result.status === 'orphan') unplaced.add(peer);
    if (!isFault(result)) return result.status !== 'orphan' && result.status !== 'early';
    // A branch ends where its blocks are too early even to wait.
    if (result.fault === 'header.time-future') return false;
    log.warn('sync.refused', { peer, fault: result.fault, height: block.header.height });
    chargeAsked(peer, result);
    return false;
  }

  return {
    meet(peers) {
      const now = new Set(peers.map((p) => p.id));
      for (const peers of [met, foreign, unplaced])
        for (const id of peers) if (!now.has(id)) peers.delete(id);
      // What it claimed is nobody else's word.
      if (unfollowed && !now.has(unfollowed.peer)) unfollowed = undefined;
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
    early: holdEarly,
    poll() {
      for (const id of met) peerQueue.add(id);
    },
    isBehind: () => bulk.size > 0,
    unfollowed() {
      if (unfollowed && chain.head().header.totalWork >= unfollowed.totalWork)
        unfollowed = undefined;
      if (!unfollowed) return undefined;
      const { height, totalWork, why } = unfollowed;
      return { height, totalWork, why };
    },
  };
}
