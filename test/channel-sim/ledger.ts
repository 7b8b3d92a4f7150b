/**
 * A naive chain for the simulation of channels: plain objects, a copy of the state for each block, so that a branch
 * can be taken back to any depth. `ChannelLedger` is all that the simulation asks of a chain.
 */
import { verifyHash, voucherHash } from '../../src/core/channel.ts';
import { toHex } from '../../src/lib/bytes.ts';
import type { ChannelView } from '../../src/client/channels/terms.ts';
import type { Channel } from '../../src/core/formats.ts';
import type { Random } from '../sim/random.ts';

export type LedgerTx =
  | { readonly type: 'open'; readonly channel: Uint8Array; readonly terms: Channel }
  /** Takes the coins of an opening elsewhere: only one of the two can be in a branch. */
  | { readonly type: 'elsewhere'; readonly channel: Uint8Array; readonly terms: Channel }
  | {
      readonly type: 'close';
      readonly channel: Uint8Array;
      readonly amount: bigint;
      readonly voucher: Uint8Array;
      /** Key that signed it. */
      readonly by: Uint8Array;
    };

export interface ChannelLedger {
  readonly height: number;
  submit(tx: LedgerTx): void;
  mine(): void;
  /** Takes back `depth` blocks and makes one more; their transactions wait again, but those to `censor`. */
  reorganise(depth: number, censor?: Uint8Array): void;
  view(channel: Uint8Array): ChannelView;
  /** nV that the close of this channel has taken from its limit. */
  closedFor(channel: Uint8Array): bigint;
  /** nV in accounts, channels and fees. */
  readonly coins: bigint;
}

export const SUBSIDY = 150n;
/** nV of a close, and of an opening. */
export const FEE = 50n;
/** Deeper than any reorganisation here. */
export const OVER_DEPTH = 12;

interface State {
  readonly accounts: Map<string, bigint>;
  readonly channels: Map<string, { readonly terms: Channel; readonly from: number }>;
  readonly closed: Map<string, bigint>;
  /** Openings whose coins are spent, in the channel or elsewhere. */
  readonly spent: Set<string>;
  readonly fees: bigint;
  readonly txs: readonly LedgerTx[];
}

export class NaiveLedger implements ChannelLedger {
  readonly #genesis: Uint8Array;
  readonly #random: Random;
  readonly #states: State[];
  #pool: LedgerTx[] = [];

  constructor(genesis: Uint8Array, funds: ReadonlyMap<string, bigint>, random: Random) {
    this.#genesis = genesis;
    this.#random = random;
    const none = { channels: new Map(), closed: new Map(), spent: new Set<string>(), txs: [] };
    this.#states = [{ ...none, accounts: new Map(funds), fees: 0n }];
  }

  get height(): number {
    return this.#states.length - 1;
  }

  get #head(): State {
    return this.#states.at(-1)!;
  }

  get coins(): bigint {
    const { accounts, channels, fees } = this.#head;
    const held = [...accounts.values()].reduce((sum, x) => sum + x, 0n);
    return [...channels.values()].reduce((sum, { terms }) => sum + terms.limit, held + fees);
  }

  submit(tx: LedgerTx): void {
    const known = this.#pool.some((each) => isSame(each, tx));
    // What is not valid now may be so on another branch; it waits, as long as it can be.
    if (!known && this.#pool.length < 200) this.#pool.push(tx);
  }

  mine(): void {
    const before = this.#head;
    const state = {
      accounts: new Map(before.accounts),
      channels: new Map(before.channels),
      closed: new Map(before.closed),
      spent: new Set(before.spent),
      fees: before.fees,
      txs: [] as LedgerTx[],
    };
    const height = this.height + 1;
    for (const [id, { terms }] of state.channels)
      if (terms.expiry === height) {
        state.channels.delete(id);
        credit(state.accounts, terms.asker, terms.limit);
      }
    for (const tx of this.#random.shuffle(this.#pool)) {
      if (this.#random.chance(0.2) || !this.#apply(state, tx, height)) continue;
      state.txs.push(tx);
    }
    this.#pool = this.#pool.filter((tx) => !state.txs.includes(tx));
    this.#states.push(state);
  }

  reorganise(depth: number, censor?: Uint8Array): void {
    const back = Math.min(depth, this.height);
    const taken = this.#states.splice(this.#states.length - back);
    for (const tx of taken.flatMap(({ txs }) => txs)) this.submit(tx);
    if (censor) {
      const isCensored = ({ channel, type }: LedgerTx) =>
        type !== 'elsewhere' && toHex(channel) === toHex(censor);
      this.#pool = this.#pool.filter((tx) => !isCensored(tx));
      const first = this.#pool.find((tx) => toHex(tx.channel) === toHex(censor));
      // The attacker's own block has his transaction.
      while (first && this.#pool.includes(first)) this.mine();
    }
    for (let i = 0; i <= back; i++) this.mine();
  }

  #apply(state: Mutable, tx: LedgerTx, height: number): boolean {
    const id = toHex(tx.channel);
    if (tx.type === 'close') {
      const open = state.channels.get(id);
      if (!open || toHex(tx.by) !== toHex(open.terms.provider)) return false;
      const { limit, signer, payee, asker } = open.terms;
      if (tx.amount < FEE || tx.amount > limit) return false;
      const hashed = voucherHash(this.#genesis, tx.channel, tx.amount);
      if (!verifyHash(hashed, tx.voucher, signer)) return false;
      state.channels.delete(id);
      state.closed.set(id, tx.amount);
      state.fees += FEE;
      credit(state.accounts, payee, tx.amount - FEE);
      credit(state.accounts, asker, limit - tx.amount);
      return true;
    }
    const { asker, limit, expiry } = tx.terms;
    const balance = state.accounts.get(toHex(asker)) ?? 0n;
    if (state.spent.has(id) || balance < limit + FEE || height >= expiry) return false;
    state.spent.add(id);
    state.fees += FEE;
    state.accounts.set(toHex(asker), balance - limit - FEE);
    if (tx.type === 'open') state.channels.set(id, { terms: tx.terms, from: height });
    else state.accounts.set('elsewhere', (state.accounts.get('elsewhere') ?? 0n) + limit);
    return true;
  }

  view(channel: Uint8Array): ChannelView {
    const id = toHex(channel);
    const { channels, spent } = this.#head;
    const open = channels.get(id);
    const waits =
      !spent.has(id) &&
      this.#pool.some(
        (tx) => tx.type === 'open' && toHex(tx.channel) === id && this.height + 1 < tx.terms.expiry,
      );
    const stood = this.#states.slice(-OVER_DEPTH).some((state) => state.channels.has(id));
    return {
      height: this.height,
      subsidy: SUBSIDY,
      closeCost: FEE,
      depth: open ? this.height - open.from + 1 : waits ? 0 : undefined,
      isOver: !stood && !waits && this.height > OVER_DEPTH,
    };
  }

  closedFor(channel: Uint8Array): bigint {
    return this.#head.closed.get(toHex(channel)) ?? 0n;
  }
}

type Mutable = { -readonly [K in keyof State]: State[K] };

const credit = (accounts: Map<string, bigint>, address: Uint8Array, amount: bigint): void =>
  void accounts.set(toHex(address), (accounts.get(toHex(address)) ?? 0n) + amount);

const isSame = (a: LedgerTx, b: LedgerTx): boolean =>
  a.type === b.type &&
  toHex(a.channel) === toHex(b.channel) &&
  (a.type !== 'close' || (b.type === 'close' && a.amount === b.amount));
