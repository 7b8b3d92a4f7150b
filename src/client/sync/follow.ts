/**
 * Keeps the light chain at the network's head. Built from below: executing, the full check, settling a
 * head, catching up with peers, and at the top the blocks that peers announce.
 */
import type { LightChain } from '../../chain/light/light-chain.ts';
import type { Fault } from '../../core/faults.ts';
import type { Block, BlockAnnounce } from '../../core/messages.ts';
import type { Emitter } from '../../lib/events.ts';
import type { PeerInfo, Transport, Verdict } from '../../net/transport.ts';
import type { SyncState } from '../api.ts';
import type { PeerEvents } from '../peer-events.ts';
import { Backfill } from './backfill.ts';
import { BlockIntake } from './block-intake.ts';
import { CatchUp } from './catch-up.ts';
import type { ChainReader } from './chain-reader.ts';
import { Execution } from './execution.ts';
import { FailedHeads } from './failed-heads.ts';
import type { FullCheck } from './full-check.ts';
import { inOrder } from './peer-order.ts';
import { createPeerQueue } from './peer-queue.ts';
import { HeadSettler, type HeadReactions } from './settle-head.ts';

export interface FollowerDeps {
  readonly chain: LightChain;
  readonly transport: Transport;
  readonly reader: ChainReader;
  readonly fullCheck: FullCheck;
  readonly reactions: HeadReactions;
  readonly events: Emitter<PeerEvents>;
  /** ms since 1970. */
  readonly nowMs: () => number;
  /** ms for which catching up with one peer keeps the next waiting. */
  readonly turnMs?: number | undefined;
}

export interface Follower {
  /** The peers that are connected now: new ones are caught up with. */
  onPeers(peers: readonly PeerInfo[]): void;
  onBlock(peer: string, announce: BlockAnnounce): Promise<Verdict>;
  /** Takes in a block that was found here. */
  adopt(block: Block): Promise<Fault | undefined>;
  /** Looks at the blocks up to the head again: another model is here to check them with. */
  recheck(): void;
  /** Asks every peer for its status again. */
  poll(): void;
  sync(): SyncState;
  /**
   * Whether no peer was caught up with yet since there are peers: what is told is of another time. It ends with
   * the first peer that is caught up with, so that no claim of another can prolong it.
   */
  isBehind(): boolean;
}

export function createFollower(deps: FollowerDeps): Follower {
  const { chain, transport, reader, events, fullCheck } = deps;

  const settler = new HeadSettler({
    chain,
    bodies: reader.bodies,
    execution: new Execution(chain, reader),
    fullCheck,
    reactions: deps.reactions,
    backfill: new Backfill(chain, reader.ask, events),
    events,
  });
  const failed = new FailedHeads(deps.nowMs);
  const { nowMs } = deps;
  const catchUp = new CatchUp({ chain, transport, reader, settler, events, failed, nowMs });
  const peerQueue = createPeerQueue({
    run: (peer) => catchUp.with(peer),
    next: (waiting) =>
      inOrder(transport.peers(), failed).find(({ id }) => waiting.has(id))?.id ??
      waiting.values().next().value,
    onEnd: () => events.emit('statusChanged'),
    turnMs: deps.turnMs,
  });
  const intake = new BlockIntake({ ...deps, settler, peerQueue });

  return {
    onPeers(peers) {
      const strangers = reader.heads.noteConnected(peers.map(({ id }) => id));
      for (const id of strangers) peerQueue.add(id);
      events.emit('statusChanged');
    },
    onBlock: (peer, announce) => intake.onAnnounced(peer, announce),
    adopt: (block) => intake.adopt(block),
    recheck: () => settler.startAgain(),
    poll() {
      for (const { id } of transport.peers()) peerQueue.add(id);
    },
    sync() {
      if (!transport.peers().length) return reader.heads.everConnected ? 'offline' : 'connecting';
      return peerQueue.size ? 'syncing' : 'synced';
    },
    isBehind: () => !reader.heads.isCaughtUp,
  };
}
