/** What follows from a new head whose state is known: one list, in this order, one after the other. */
import type { LightChain } from '../chain/light/light-chain.ts';
import type { Body } from '../core/formats.ts';
import type { ChainPoint } from '../core/header/header.ts';
import { txId } from '../core/tx/tx.ts';
import type { Emitter } from '../lib/events.ts';
import type { Mining } from './mining/mining.ts';
import type { PeerEvents } from './peer-events.ts';
import type { RevertedBlocks } from './sync/reverted-blocks.ts';
import type { HeadReactions } from './sync/settle-head.ts';
import type { LightPool } from './wallet/light-pool.ts';
import type { Outbox } from './wallet/outbox.ts';
import type { Sending } from './wallet/sending.ts';
import type { WatchedBalances } from './wallet/watched-balances.ts';

/** Chance of announcing waiting transactions at a new head: a pool may have dropped them, and messages get lost. */
const ANNOUNCE_CHANCE = 1 / 8;

export interface HeadReactionsDeps {
  readonly chain: LightChain;
  readonly pool: LightPool;
  readonly reverted: RevertedBlocks;
  readonly outbox: Outbox;
  readonly sending: Sending;
  readonly mining: Mining;
  readonly balances: WatchedBalances;
  readonly events: Emitter<PeerEvents>;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

type Reaction = (head: ChainPoint, body: Body | undefined) => void | Promise<void>;

export function createHeadReactions(deps: HeadReactionsDeps): HeadReactions {
  const { chain, pool, reverted, outbox, sending, mining, balances, events } = deps;

  const reactions: readonly Reaction[] = [
    // The pool comes first: everything below reads what the new state has left in it.
    async function judgePool(head) {
      const transactions = await reverted.takeTransactions();
      pool.setHead(head.header, chain.state.after(head.id), transactions);
    },

    // Before anything is sent again: the transactions in this block are confirmed and wait no longer.
    async function confirmOwn({ header: { height } }, body) {
      const { id: genesis } = chain.headers.genesis;
      const inBlock = (body?.transactions ?? []).map(({ tx }) => ({
        id: txId(genesis, tx),
        height,
      }));
      await outbox.noteHead(height, inBlock);
    },

    // The pool dropped transactions that the new state refuses; one of ours may be valid again.
    () => sending.resubmitWaiting(),
    async function announceNowAndThen() {
      if (deps.random() < ANNOUNCE_CHANCE) await sending.announceWaiting();
    },

    // A template is made of the pool as it is now. This comes before the balances, which may have to ask peers.
    () => mining.refresh(),

    () => balances.proveAll(),
    () => events.emit('statusChanged'),
    () => events.emit('headSettled'),
  ];

  return {
    async run(head, body) {
      for (const react of reactions) await react(head, body);
    },
  };
}
