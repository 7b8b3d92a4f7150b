/**
 * Naive oracle of §8: plain objects, one function per rule in the words of the specification, no
 * tree, no overlay. It says whether a transaction is valid and what every leaf then holds.
 */
import { concat, toHex, u32 } from '../../src/lib/bytes.ts';
import { encode } from '../../src/core/codec.ts';
import {
  Account,
  Channel,
  ChannelList,
  Coinbase,
  type Position,
  type Tx,
  type TxOf,
} from '../../src/core/formats.ts';
import { voucherHash } from '../../src/core/channel.ts';
import { createParams } from '../../src/core/params.ts';
import { addressOf } from '../../src/core/address.ts';
import { hash } from '../../src/core/hash.ts';
import { txId } from '../../src/core/tx/tx.ts';
import { GENESIS_ID } from '../core/fixtures.ts';

const MATURITY = createParams('local', []).maturityBlocks;
/** nV: what makes an account, at least. */
const LEAST = 10_000_000n;

/** Stands in for a signature, which is a hundred times dearer: the hash and the key. */
export const vouch = (hashed: Uint8Array, key: Uint8Array): Uint8Array => concat(hashed, key);
export const isVouched = (hashed: Uint8Array, voucher: Uint8Array, key: Uint8Array): boolean =>
  toHex(voucher) === toHex(vouch(hashed, key));

/** nV that leave the sender besides the fee. */
function extraOf(tx: Tx): bigint {
  if (tx.type === 'transfer') return tx.amount;
  return tx.type === 'channel' ? tx.limit : 0n;
}

export class Oracle {
  height = 0;
  issued = 0n;
  burned = 0n;
  /** Addresses that this block debited. */
  #spent = new Set<string>();
  accounts: Record<string, Account> = {};
  coinbases: Record<number, Coinbase> = {};
  channels: Record<string, Channel> = {};
  /** Ids by the height at which they end, in the order in which they were opened. */
  ending: Record<number, Uint8Array[]> = {};
  #index = 0;
  #fees = 0n;

  copy(): Oracle {
    const { height, issued, burned, accounts, coinbases, channels, ending } = this;
    const plain = { accounts, coinbases, channels, ending };
    return Object.assign(new Oracle(), { height, issued, burned, ...structuredClone(plain) });
  }

  /** undefined: there is no leaf. */
  of(address: Uint8Array): Account | undefined {
    return this.accounts[toHex(address)];
  }

  /** Coins that make an account, or burn. @returns whether there is one then */
  #pay(address: Uint8Array, coins: bigint): boolean {
    const known = this.of(address);
    if (known) known.balance += coins;
    else if (coins >= LEAST) this.#make(address, coins);
    else this.burned += coins;
    return this.of(address) !== undefined;
  }

  #make(address: Uint8Array, balance: bigint): void {
    const nonce = BigInt(this.height) * 4_294_967_296n;
    const lastTx = { height: 0, index: 0 };
    this.accounts[toHex(address)] = { balance, nonce, txCount: 0, lastTx };
  }

  begin(): void {
    const h = ++this.height;
    this.#index = 0;
    this.#fees = 0n;
    this.#spent = new Set();
    const due = this.coinbases[h - MATURITY];
    if (due) this.#pay(due.miner, due.amount);
    delete this.coinbases[h - MATURITY];
    for (const id of this.ending[h] ?? []) {
      const { asker, limit } = this.channels[toHex(id)]!;
      this.#pay(asker, limit);
      delete this.channels[toHex(id)];
    }
    delete this.ending[h];
  }

  end(miner: Uint8Array): void {
    for (const who of this.#spent) {
      const { balance } = this.accounts[who]!;
      if (balance >= LEAST) continue;
      this.#fees += balance;
      delete this.accounts[who];
    }
    this.coinbases[this.height] = { miner, amount: 50_000_000_000n + this.#fees, shares: [] };
    this.issued += 50_000_000_000n;
  }

  /** Executes a transaction whose static rules hold, or refuses it and changes nothing. */
  execute(tx: Tx): boolean {
    if (tx.type === 'close') return this.#closeChannel(tx);
    const from = addressOf(tx.from);
    const me = this.of(from);
    const extra = extraOf(tx);
    if (tx.nonce !== me?.nonce || me.balance < tx.fee + extra) return false;
    const position = { height: this.height, index: this.#index };
    if (!this.#effect(tx, from, position)) return false;
    me.balance -= tx.fee + extra;
    me.nonce++;
    this.#spent.add(toHex(from));
    this.#count(me, position);
    this.#fees += tx.fee;
    this.#index++;
    return true;
  }

  /** The provider's account, if there is one, has no part in it. */
  #closeChannel(tx: TxOf<'close'>): boolean {
    const channel = this.channels[toHex(tx.channel)];
    if (!channel || tx.nonce !== 0n) return false;
    if (toHex(channel.provider) !== toHex(tx.from)) return false;
    if (tx.amount < tx.fee || tx.amount > channel.limit) return false;
    const vouched = voucherHash(GENESIS_ID, tx.channel, tx.amount);
    if (!isVouched(vouched, tx.voucher, channel.signer)) return false;
    const position = { height: this.height, index: this.#index };
    const { payee, asker } = channel;
    const [earned, rest] = [tx.amount - tx.fee, channel.limit - tx.amount];
    const gains: [Uint8Array, bigint][] =
      toHex(payee) === toHex(asker)
        ? [[payee, earned + rest]]
        : [
            [payee, earned],
            [asker, rest],
          ];
    for (const [who, coins] of gains)
      if (this.#pay(who, coins)) this.#count(this.of(who)!, position);
    delete this.channels[toHex(tx.channel)];
    const list = this.ending[channel.expiry]!;
    this.ending[channel.expiry] = list.filter((id) => toHex(id) !== toHex(tx.channel));
    this.#fees += tx.fee;
    this.#index++;
    return true;
  }

  #count(account: Account, position: Position): void {
    account.txCount++;
    account.lastTx = position;
  }

  #effect(tx: Exclude<Tx, { type: 'close' }>, from: Uint8Array, position: Position): boolean {
    if (tx.type === 'transfer') {
      const to = this.of(tx.to);
      if (toHex(tx.to) === toHex(from)) {
        to!.balance += tx.amount;
        return true;
      }
      if ((to?.balance ?? 0n) + tx.amount < LEAST) return false;
      if (to) to.balance += tx.amount;
      else this.#make(tx.to, tx.amount);
      this.#count(this.of(tx.to)!, position);
      return true;
    }
    const expiry = this.height + tx.lifetime;
    const list = (this.ending[expiry] ??= []);
    if (list.length >= 256) return false;
    list.push(txId(GENESIS_ID, tx));
    const { signer, provider, payee, limit } = tx;
    this.channels[toHex(txId(GENESIS_ID, tx))] = {
      asker: from,
      signer,
      provider,
      payee,
      limit,
      expiry,
    };
    return true;
  }

  /** Every leaf by key in hex, straight from §8.2. */
  leaves(): Map<string, Uint8Array> {
    const out = new Map<string, Uint8Array>();
    const put = (value: Uint8Array, kind: number, id: string) => {
      const bytes = Uint8Array.from(Buffer.from(id, 'hex'));
      out.set(toHex(hash('tree-key', Uint8Array.of(kind), bytes)), value);
    };
    const at = (height: string) => toHex(u32(Number(height)));
    for (const [who, account] of Object.entries(this.accounts))
      put(encode(Account, account), 0, who);
    for (const [h, c] of Object.entries(this.coinbases)) put(encode(Coinbase, c), 1, at(h));
    for (const [id, c] of Object.entries(this.channels)) put(encode(Channel, c), 2, id);
    for (const [h, l] of Object.entries(this.ending))
      if (l.length) put(encode(ChannelList, l), 3, at(h));
    return out;
  }

  /** Coins in balances, unmatured coinbases and channels. */
  coins(): bigint {
    const all = [
      ...Object.values(this.accounts).map((a) => a.balance),
      ...Object.values(this.coinbases).map((c) => c.amount),
      ...Object.values(this.channels).map((c) => c.limit),
    ];
    return all.reduce((sum, n) => sum + n, 0n);
  }
}
