/**
 * What both ends of channels need of a chain. A light client's and a full node's differ in how leaves are read and
 * transactions kept (`ChainAccess`); what follows from them is the same, and is said here once.
 */
import type { LightChain } from '../../chain/light/light-chain.ts';
import { FEES_FOR, proposedFees } from '../../chain/shared/fees.ts';
import { addressOf } from '../../core/address.ts';
import { tryDecode } from '../../core/codec.ts';
import { fault, isFault, type Fault } from '../../core/faults.ts';
import {
  Account,
  Channel,
  type Header,
  type SignedOpening,
  type SignedTx,
  type Tx,
  type TxOf,
} from '../../core/formats.ts';
import { blockId } from '../../core/header/header.ts';
import { ACCOUNT_MIN, type Params } from '../../core/params.ts';
import { subsidyAt } from '../../core/state.ts';
import { stateKey } from '../../core/tree/keys.ts';
import { bornAt } from '../../core/tx/nonce.ts';
import { spentBy, txId } from '../../core/tx/tx.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import { AppError, assert } from '../../lib/errors.ts';
import type { Announcer } from '../announcer.ts';
import { LIFETIME_BLOCKS } from '../api.ts';
import type { StateReader } from '../sync/state-reader.ts';
import { leavesOf, type LightPool } from '../wallet/light-pool.ts';
import { CHANNELS_MAX } from './channel-store.ts';
import type { ChannelView } from './terms.ts';

/** Blocks for which a channel must have been away before it counts as over: deeper than branches change. */
export const OVER_BLOCKS = 100;
/** Channels whose leaf is remembered: those of both ends, and as many that strangers name. */
const SEEN_MAX = 4 * CHANNELS_MAX;

/** What both ends of channels need of a chain; a light client's and a full node's. */
export interface ChannelChain {
  readonly genesisId: Uint8Array;
  /** What the verified chain says of a channel now; undefined: nobody can prove it at this moment. */
  view(opening: SignedTx): Promise<ChannelView | undefined>;
  /** Reads what `view` needs of them at the newest block, all together. @returns whether all is known */
  look(openings: readonly SignedOpening[]): Promise<boolean>;
  /**
   * Whether a block closed it before its expiry. Known only where this process saw it stand and then gone: else false,
   * as where a branch took its opening out.
   */
  wasClosed(opening: SignedTx): Promise<boolean>;
  /**
   * Puts an opening or a close into the pool and tells peers, also when it is there already. Nothing keeps it over
   * a restart: who opens a channel from an own account also keeps it (`Sending.submit`).
   * @throws AppError TX_REFUSED with the fault's code
   */
  send(tx: SignedTx): Promise<void>;
  /** What a close needs besides channel, amount, voucher: nonce is 0. */
  closeFields(): { readonly chainId: number; readonly expiry: number; readonly fee: bigint };
}

/** How one kind of chain reads and sends. */
export interface ChainAccess {
  readonly params: Params;
  readonly genesisId: Uint8Array;
  head(): Header;
  /** The newest block after which state can be read. */
  newest(): Promise<Header | undefined>;
  /** Of the head's chain. */
  headerAt(height: number): Promise<Header | undefined>;
  /** Proven leaves after that block, in the order of the keys. */
  read(
    header: Header,
    keys: readonly Uint8Array[],
  ): Promise<readonly (Uint8Array | undefined)[] | undefined>;
  /** Whether it waits for a block and the state lets it. */
  isWaiting(opening: SignedTx): Promise<boolean>;
  /** Into the pool. */
  add(tx: SignedTx): Promise<Fault | undefined>;
  announce(tx: SignedTx): Promise<void>;
  /** Transactions that wait, the best fee first. */
  waiting(): readonly SignedTx[];
}

/** What one block's state says of a channel. */
interface Seen {
  readonly block: string;
  readonly height: number;
  readonly leaf: Channel | undefined;
  /** Whether its opening may still be in a block. */
  readonly canCome: boolean;
  /** Whether its payee has an account: else a close below the least balance pays nobody. */
  readonly paysAny: boolean;
  /** Height at which it was first found gone, and gone at each look since. */
  readonly goneSince: number | undefined;
  /** Where it stood last. */
  readonly stood: { readonly header: Header; readonly leaf: Channel } | undefined;
}

/** @param values the channel's leaf, its asker's account, and its payee's */
function seenAt(
  header: Header,
  tx: TxOf<'channel'>,
  [value, account, payee]: readonly (Uint8Array | undefined)[],
  before: Seen | undefined,
): Seen {
  const { height } = header;
  const leaf = value && tryDecode(Channel, value);
  const nonce = account && tryDecode(Account, account)?.nonce;
  const canCome = !leaf && tx.expiry > height && (nonce === undefined || mayFollow(tx, nonce));
  const isGone = !leaf && !canCome;
  return {
    block: toHex(blockId(header)),
    height,
    leaf,
    canCome,
    paysAny: payee !== undefined,
    goneSince: isGone ? (before?.goneSince ?? height) : undefined,
    stood: leaf ? { header, leaf } : before?.stood,
  };
}

/** Where a branch made its account in another block, all that was signed for that account is worth nothing. */
const mayFollow = (tx: Tx, nonce: bigint): boolean =>
  nonce <= tx.nonce && bornAt(nonce) === bornAt(tx.nonce);

export function createChannelChain(access: ChainAccess): ChannelChain {
  const { params, genesisId } = access;
  const seen = new BoundedMap<string, Seen>(SEEN_MAX);
  const nameOf = (tx: Tx): string => toHex(txId(genesisId, tx));
  const keysOf = (tx: TxOf<'channel'>): readonly Uint8Array[] => [
    stateKey.channel(txId(genesisId, tx)),
    stateKey.account(addressOf(tx.from)),
    stateKey.account(tx.payee),
  ];
  let closeFee: { readonly height: number; readonly fee: bigint } | undefined;

  /** Each is read once a head. @returns the height and id of the block, or undefined where nobody proves it */
  async function look(txs: readonly TxOf<'channel'>[]): Promise<string | undefined> {
    const header = await access.newest();
    if (!header) return undefined;
    const block = toHex(blockId(header));
    const unread = txs.filter((tx) => seen.get(nameOf(tx))?.block !== block);
    if (!unread.length) return block;
    // One asker may have many of them.
    const keys = new Map(unread.flatMap(keysOf).map((key) => [toHex(key), key]));
    const read = await access.read(header, [...keys.values()]);
    if (!read) return undefined;
    const values = new Map([...keys.keys()].map((name, i) => [name, read[i]]));
    for (const tx of unread) {
      const leaves = keysOf(tx).map((key) => values.get(toHex(key)));
      seen.set(nameOf(tx), seenAt(header, tx, leaves, seen.get(nameOf(tx))));
    }
    return block;
  }

  /** Once a head: a view holds it, and there is one for each event. */
  function feeNow(): bigint {
    const { height } = access.head();
    if (closeFee?.height !== height)
      closeFee = { height, fee: proposedFees(access.waiting(), FEES_FOR.close).fast };
    return closeFee.fee;
  }

  return {
    genesisId,
    async view(opening) {
      const { tx } = opening;
      assert(tx.type === 'channel', 'a channel is opened by its opening');
      const block = await look([tx]);
      const found = seen.get(nameOf(tx));
      if (!found || found.block !== block) return undefined;
      const { height, leaf, canCome, paysAny, goneSince } = found;
      const depth = leaf && height - (leaf.expiry - tx.lifetime) + 1;
      const waits = canCome && (await access.isWaiting(opening));
      return {
        height,
        subsidy: subsidyAt(height),
        closeCost: feeNow() + (paysAny ? 0n : ACCOUNT_MIN - 1n),
        depth: depth ?? (waits ? 0 : undefined),
        isLost: goneSince !== undefined,
        isOver: goneSince !== undefined && height - goneSince >= OVER_BLOCKS,
        expiry: leaf?.expiry ?? height + 1 + tx.lifetime,
      };
    },
    look: async (openings) => (await look(openings.map(({ tx }) => tx))) !== undefined,
    async wasClosed({ tx }) {
      const { goneSince, stood } = seen.get(nameOf(tx)) ?? {};
      if (goneSince === undefined || !stood || goneSince >= stood.leaf.expiry) return false;
      // On another branch it was not closed, but never opened.
      const there = await access.headerAt(stood.header.height);
      return there !== undefined && equal(blockId(there), blockId(stood.header));
    },
    async send(tx) {
      const refused = await access.add(tx);
      if (refused && refused.fault !== 'tx.known') throw new AppError('TX_REFUSED', refused.fault);
      await access.announce(tx);
    },
    closeFields: () => ({
      chainId: params.chainId,
      expiry: access.head().height + LIFETIME_BLOCKS,
      fee: feeNow(),
    }),
  };
}

export interface LightChannelDeps {
  readonly params: Params;
  readonly chain: LightChain;
  readonly state: StateReader;
  readonly pool: LightPool;
  readonly announcer: Pick<Announcer, 'announceTx'>;
  /** Called when a transaction was added. */
  readonly onAdded: () => void;
}

export function createLightChannelChain(deps: LightChannelDeps): ChannelChain {
  const { params, chain, state, pool, announcer } = deps;
  const head = () => chain.headers.head();
  const genesis = chain.headers.genesis.id;
  const idOf = (tx: Tx): Uint8Array => txId(genesis, tx);

  const isJudged = ({ tx }: SignedTx): boolean =>
    pool.of(addressOf(tx.from)).some((each) => equal(idOf(each.tx), idOf(tx)));

  /**
   * Reads what the pool lacks to judge it: before that a stranger's opening is worth nothing, and not told to anybody.
   * @returns why it is not kept
   */
  async function judge({ tx }: SignedTx): Promise<Fault | undefined> {
    const { header, id } = head();
    const prospect = { height: header.height + 1, tree: undefined, genesis };
    const leaves = await state.read(header, leavesOf(tx, prospect));
    // Nobody proves it now.
    if (!leaves || !equal(head().id, id)) return undefined;
    const held = leaves.values[0] && tryDecode(Account, leaves.values[0]);
    // The whole pool is judged again: not for one that its account can't pay.
    if (held && held.balance >= spentBy(tx)) pool.setHead(header, chain.state.after(id));
    else pool.remove([idOf(tx)]);
    return pool.get(toHex(idOf(tx))) ? undefined : fault('tx.balance');
  }

  return createChannelChain({
    params,
    genesisId: chain.headers.genesis.id,
    head: () => head().header,
    newest: () => state.newest(),
    headerAt: (height) => chain.headers.at(height),
    read: async (header, keys) => (await state.read(header, keys))?.values,
    async isWaiting(opening) {
      if (!isJudged(opening) && pool.get(toHex(idOf(opening.tx)))) await judge(opening);
      return isJudged(opening);
    },
    async add(tx) {
      const refused = pool.add(tx, head().header.height);
      if (isFault(refused)) return refused;
      const isOpening = tx.tx.type === 'channel';
      const wrong = isOpening && !isJudged(tx) ? await judge(tx) : undefined;
      if (!refused && !wrong) deps.onAdded();
      return wrong;
    },
    // Who reaches no peer says it again: a close with every block, an opening from the outbox.
    announce: (tx) => announcer.announceTx(tx).catch(() => undefined),
    waiting: () => pool.judged(),
  });
}
