/**
 * The chain of a simulation: the real state machine over its tree, with the real pool, under branches that are taken
 * back to any depth. After each block the plain ledger must have taken the same transactions and hold the same coins.
 */
import { VerifiedSignatures } from '../../src/chain/shared/verified-signatures.ts';
import { chooseBody } from '../../src/chain/shared/choose-body.ts';
import { Mempool, poolBase } from '../../src/chain/shared/mempool.ts';
import type { ChannelView } from '../../src/client/channels/terms.ts';
import { decode } from '../../src/core/codec.ts';
import {
  Account,
  Channel,
  type Body,
  type SignedOpening,
  type SignedTx,
} from '../../src/core/formats.ts';
import type { FaultCode } from '../../src/core/faults.ts';
import { SUBSIDY, type Params } from '../../src/core/params.ts';
import { stateKey } from '../../src/core/tree/keys.ts';
import { EMPTY_TREE, treeEntries, treeGet, type Tree } from '../../src/core/tree/tree.ts';
import { StateView } from '../../src/core/tree/view.ts';
import { writeAccount } from '../../src/core/tx/state-tx.ts';
import { txId } from '../../src/core/tx/tx.ts';
import { equal, fromHex, toHex } from '../../src/lib/bytes.ts';
import { GENESIS_ID, MINER, MODELS, paramsOf } from '../core/fixtures.ts';
import { Ledger } from '../core/ledger.ts';
import type { Random } from '../sim/random.ts';
import { PlainLedger } from './plain-ledger.ts';

/** nV: what the simulation counts in, so that a block's subsidy is 150 of them. */
export const UNIT = SUBSIDY / 150n;
/** nV of a close, and of an opening. */
export const FEE = 50n * UNIT;
/** Deeper than any reorganisation here. */
export const OVER_DEPTH = 12;
/** Closes that a miner still tries, whether the pool has dropped them or not. */
const CLOSES_MAX = 64;

export class ChannelLedger {
  readonly #random: Random;
  readonly #params: Params;
  readonly #context = { genesis: GENESIS_ID, models: MODELS };
  readonly #chain: Ledger;
  readonly #plain: PlainLedger;
  readonly #pool = new Mempool(new VerifiedSignatures(GENESIS_ID));
  /** After each block, from before the first. */
  readonly #trees: Tree[];
  readonly #bodies: Body[] = [];
  readonly #closes: SignedTx[] = [];
  readonly #views = new Map<string, ChannelView>();
  readonly #coins: bigint;
  /** Where the state machine and the plain ledger first differed, or coins were made or lost; empty: nowhere. */
  problem = '';

  /** @param funds nV by address in hex; `off`: rules of consensus that the state machine leaves out */
  constructor(funds: ReadonlyMap<string, bigint>, random: Random, off: readonly FaultCode[] = []) {
    this.#random = random;
    this.#params = paramsOf('local', [...off]);
    this.#chain = new Ledger(this.#params, this.#context);
    const view = new StateView(EMPTY_TREE);
    for (const [address, balance] of funds) {
      const account = { balance, nonce: 0n, txCount: 0, lastTx: { height: 0, index: 0 } };
      writeAccount(view, fromHex(address)!, account);
    }
    this.#chain.tree = view.tree();
    this.#trees = [this.#chain.tree];
    const { maturityBlocks } = this.#params;
    this.#plain = new PlainLedger({
      genesis: GENESIS_ID,
      miner: MINER.address,
      maturityBlocks,
      funds,
    });
    this.#coins = this.#plain.coins;
    this.#headChanged([]);
  }

  get height(): number {
    return this.#chain.height;
  }

  /** As a peer that tells it: the pool may refuse it. */
  submit(signed: SignedTx): void {
    this.#pool.add(signed);
    this.#views.clear();
    if (signed.tx.type !== 'close') return;
    this.#closes.push(signed);
    if (this.#closes.length > CLOSES_MAX) this.#closes.shift();
  }

  /** The next block. @param first what its miner takes in before all else, if it can */
  mine(first?: SignedTx): void {
    const waiting = this.#random.shuffle(this.#pool.byFee());
    const some = waiting.filter(() => this.#random.chance(0.8));
    // Of those who have no part in it a miner may hold any close, old ones and wrong ones too.
    const old = this.#closes.length ? [this.#random.pick(this.#closes)] : [];
    const candidates = [...(first ? [first] : []), ...some, ...old].filter(isFirst);

    const { height } = this.#chain.header();
    const at = { tree: this.#chain.tree, height };
    const body = chooseBody(this.#params, this.#context, at, candidates);
    this.#chain.add(body);
    this.#trees.push(this.#chain.tree);
    this.#bodies.push(body);
    this.#compare(body, this.#plain.mine(candidates));
    this.#headChanged([]);
  }

  /** Takes back `depth` blocks and makes one more than these. @param first as of `mine`, in the first of them */
  reorganise(depth: number, first?: SignedTx): void {
    const back = Math.min(depth, this.height);
    const reverted = this.#bodies
      .splice(this.#bodies.length - back)
      .flatMap((body) => body.transactions);
    for (let i = 0; i < back; i++) {
      this.#chain.undo();
      this.#plain.undo();
      this.#trees.pop();
    }
    this.#headChanged(reverted);
    this.mine(first);
    for (let i = 0; i < back; i++) this.mine();
  }

  view({ tx: opening }: SignedOpening): ChannelView {
    const id = toHex(txId(GENESIS_ID, opening));
    const known = this.#views.get(id);
    if (known) return known;
    const { height } = this;
    const leaf = channelIn(this.#chain.tree, opening);
    const waits = this.#pool.get(id) !== undefined;
    const stood = this.#trees.slice(-OVER_DEPTH).some((tree) => channelIn(tree, opening));
    const view: ChannelView = {
      height,
      subsidy: SUBSIDY,
      closeCost: FEE,
      expiry: leaf?.expiry ?? height + 1 + opening.lifetime,
      depth: leaf ? height - (leaf.expiry - opening.lifetime) + 1 : waits ? 0 : undefined,
      isLost: !leaf && !waits,
      isOver: !stood && !waits && height > OVER_DEPTH,
    };
    this.#views.set(id, view);
    return view;
  }

  /** nV that the close of this channel has taken from its limit. */
  closedFor(channel: Uint8Array): bigint {
    const close = this.#bodies
      .flatMap((body) => body.transactions)
      .find(({ tx }) => tx.type === 'close' && equal(tx.channel, channel))?.tx;
    return close?.type === 'close' ? close.amount : 0n;
  }

  #headChanged(reverted: readonly SignedTx[]): void {
    const { tree, height, params } = this.#chain;
    const confirmed = new Set(
      this.#bodies.at(-1)?.transactions.map(({ tx }) => toHex(txId(GENESIS_ID, tx))),
    );
    const change = { reverted, confirmed, changed: { has: () => true } };
    this.#pool.setBase(poolBase(params, this.#context, tree, { height }), change);
    this.#views.clear();
  }

  #compare(body: Body, plainly: readonly SignedTx[]): void {
    const differs = (what: string): void => {
      this.problem ||= `${what} at height ${this.height}`;
    };
    const { state, coins } = this.#plain;
    const { tree } = this.#chain;
    const { transactions } = body;
    if (transactions.length !== plainly.length || transactions.some((tx, i) => tx !== plainly[i]))
      differs('other transactions are valid');
    for (const [address, { balance, nonce }] of state.accounts) {
      const value = treeGet(tree, stateKey.account(fromHex(address)!));
      const account = value && decode(Account, value);
      if (account?.balance !== balance || account.nonce !== nonce)
        differs(`account ${address} is another`);
    }
    for (const { tx, expiry } of state.channels.values()) {
      const leaf = channelIn(tree, tx);
      if (leaf?.expiry !== expiry || leaf.limit !== tx.limit) differs('a channel is another');
    }
    const ends = new Set([...state.channels.values()].map(({ expiry }) => expiry));
    const { accounts, channels, coinbases } = state;
    const leaves = accounts.size + channels.size + ends.size + coinbases.size;
    if ([...treeEntries(tree)].length !== leaves) differs('there are other leaves');
    if (coins !== this.#coins + SUBSIDY * BigInt(this.height)) differs(`${coins} nV`);
  }
}

function channelIn(tree: Tree, opening: SignedOpening['tx']): Channel | undefined {
  const leaf = treeGet(tree, stateKey.channel(txId(GENESIS_ID, opening)));
  return leaf && decode(Channel, leaf);
}

const isFirst = (signed: SignedTx, at: number, all: readonly SignedTx[]): boolean =>
  all.findIndex(({ tx }) => equal(txId(GENESIS_ID, tx), txId(GENESIS_ID, signed.tx))) === at;
