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
  Claim,
  Coinbase,
  ExpiryList,
  OpenRequest,
  SettleList,
  type Position,
  type Tx,
  type TxOf,
} from '../../src/core/formats.ts';
import { voucherHash } from '../../src/core/channel.ts';
import { addressOf } from '../../src/core/address.ts';
import { hash, plainHash } from '../../src/core/hash.ts';
import { txId } from '../../src/core/tx/tx.ts';
import { GENESIS_ID } from './fixtures.ts';
import { ANSWER, executionOf } from './ledger.ts';

const MATURITY = 3;
const FIRST_RESULTS_MAX = 3;

/** Stands in for a signature, which is a hundred times dearer: the hash and the key. */
export const vouch = (hashed: Uint8Array, key: Uint8Array): Uint8Array => concat(hashed, key);
export const isVouched = (hashed: Uint8Array, voucher: Uint8Array, key: Uint8Array): boolean =>
  toHex(voucher) === toHex(vouch(hashed, key));

/** nV that leave the sender besides the fee. */
function extraOf(tx: Tx): bigint {
  if (tx.type === 'transfer') return tx.amount;
  if (tx.type === 'request') return tx.reward;
  return tx.type === 'channel' ? tx.limit : 0n;
}

type Requests = Record<string, OpenRequest & { claims: Record<string, Claim> }>;

export class Oracle {
  height = 0;
  burned = 0n;
  issued = 0n;
  accounts: Record<string, Account> = {};
  coinbases: Record<number, Coinbase> = {};
  /** Closed ones stay in `claimsLeft`: their unused claims are not cleaned up. */
  requests: Requests = {};
  claimsLeft: Record<string, Claim> = {};
  expiring: Record<number, Uint8Array[]> = {};
  settling: Record<number, Uint8Array[]> = {};
  channels: Record<string, Channel> = {};
  /** Ids by the height at which they end, in the order in which they were opened. */
  ending: Record<number, Uint8Array[]> = {};
  #index = 0;
  #fees = 0n;
  #firsts = 0;

  copy(): Oracle {
    const { height, burned, issued, accounts, coinbases, ...rest } = this;
    const { requests, claimsLeft, expiring, settling, channels, ending } = rest;
    const open = { requests, claimsLeft, expiring, settling, channels, ending };
    const plain = { accounts, coinbases, ...open };
    return Object.assign(new Oracle(), { height, burned, issued, ...structuredClone(plain) });
  }

  of(address: Uint8Array): Account {
    return (this.accounts[toHex(address)] ??= {
      balance: 0n,
      nonce: 0,
      txCount: 0,
      lastTx: { height: 0, index: 0 },
    });
  }

  begin(): void {
    const h = ++this.height;
    this.#index = 0;
    this.#fees = 0n;
    this.#firsts = 0;
    const due = this.coinbases[h - MATURITY];
    if (due) this.of(due.miner).balance += due.amount;
    delete this.coinbases[h - MATURITY];
    for (const id of this.settling[h] ?? []) {
      const { best, reward } = this.requests[toHex(id)]!;
      const paid = (reward * 80n) / 100n;
      this.of(best!.payee).balance += paid;
      this.burned += reward - paid;
      this.#close(id);
    }
    delete this.settling[h];
    for (const id of this.expiring[h] ?? []) {
      const request = this.requests[toHex(id)];
      if (!request || request.settle) continue;
      this.of(request.asker).balance += request.reward;
      this.#close(id);
    }
    delete this.expiring[h];
    for (const id of this.ending[h] ?? []) {
      const { asker, limit } = this.channels[toHex(id)]!;
      this.of(asker).balance += limit;
      delete this.channels[toHex(id)];
    }
    delete this.ending[h];
  }

  #close(id: Uint8Array): void {
    const { claims } = this.requests[toHex(id)]!;
    for (const [payee, claim] of Object.entries(claims)) this.claimsLeft[toHex(id) + payee] = claim;
    delete this.requests[toHex(id)];
  }

  end(miner: Uint8Array): void {
    this.coinbases[this.height] = { miner, amount: 50_000_000_000n + this.#fees };
    this.issued += 50_000_000_000n;
  }

  /** Executes a transaction whose static rules hold, or refuses it and changes nothing. */
  execute(tx: Tx): boolean {
    if (tx.type === 'close') return this.#closeChannel(tx);
    const from = addressOf(tx.from);
    const me = this.of(from);
    const extra = extraOf(tx);
    if (tx.nonce !== me.nonce || me.balance < tx.fee + extra) return false;
    const position = { height: this.height, index: this.#index };
    if (!this.#effect(tx, from, position)) return false;
    me.balance -= tx.fee + extra;
    me.nonce++;
    this.#count(me, position);
    this.#fees += tx.fee;
    this.#index++;
    return true;
  }

  /** The provider's account, if there is one, has no part in it. */
  #closeChannel(tx: TxOf<'close'>): boolean {
    const channel = this.channels[toHex(tx.channel)];
    if (!channel || tx.nonce !== 0) return false;
    if (toHex(channel.provider) !== toHex(tx.from)) return false;
    if (tx.amount < tx.fee || tx.amount > channel.limit) return false;
    const vouched = voucherHash(GENESIS_ID, tx.channel, tx.amount);
    if (!isVouched(vouched, tx.voucher, channel.signer)) return false;
    const position = { height: this.height, index: this.#index };
    const [payee, asker] = [this.of(channel.payee), this.of(channel.asker)];
    payee.balance += tx.amount - tx.fee;
    asker.balance += channel.limit - tx.amount;
    for (const one of new Set([payee, asker]))
      if (one.balance || one.nonce || one.txCount) this.#count(one, position);
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

  // eslint-disable-next-line complexity -- the naive way, read beside docs/protocol.md: one branch a rule
  #effect(tx: Exclude<Tx, { type: 'close' }>, from: Uint8Array, position: Position): boolean {
    if (tx.type === 'transfer') {
      const to = this.of(tx.to);
      to.balance += tx.amount;
      if (toHex(tx.to) !== toHex(from)) this.#count(to, position);
      return true;
    }
    if (tx.type === 'request') {
      const expiry = this.height + tx.lifetime;
      const list = (this.expiring[expiry] ??= []);
      if (list.length >= 256) return false;
      const id = txId(tx);
      list.push(id);
      const { modelId, reward, input } = tx;
      const answerHash = new Uint8Array(32);
      const fresh = { asker: from, modelId, reward, expiry, best: null, settle: 0, answerHash };
      this.requests[toHex(id)] = { ...fresh, input, claims: {} };
      return true;
    }
    if (tx.type === 'channel') {
      const expiry = this.height + tx.lifetime;
      const list = (this.ending[expiry] ??= []);
      if (list.length >= 256) return false;
      list.push(txId(tx));
      const { signer, provider, payee, limit } = tx;
      this.channels[toHex(txId(tx))] = { asker: from, signer, provider, payee, limit, expiry };
      return true;
    }
    const request = this.requests[toHex(tx.request)];
    if (!request) return false;
    const payee = toHex(from);
    const mine = request.claims[payee];
    if (tx.type === 'claim') {
      if (mine) return false;
      request.claims[payee] = { commitment: tx.commitment, position };
      return true;
    }
    const { execution } = executionOf(tx.request);
    const K = hash('claim', concat(tx.request, from, execution, ANSWER));
    if (!mine || mine.position.height === this.height) return false;
    if (toHex(tx.answer) !== toHex(ANSWER) || toHex(mine.commitment) !== toHex(K)) return false;
    if (!request.settle) {
      if (this.#firsts === FIRST_RESULTS_MAX) return false;
      this.#firsts++;
      request.settle = this.height + 6;
      request.answerHash = plainHash(ANSWER);
      (this.settling[request.settle] ??= []).push(tx.request);
    }
    const place = (p: Position) => p.height * 10_000 + p.index;
    if (!request.best || place(mine.position) < place(request.best.claim))
      request.best = { payee: from, claim: mine.position };
    delete request.claims[payee];
    return true;
  }

  /** Every leaf by key in hex, straight from §8.2. */
  leaves(): Map<string, Uint8Array> {
    const out = new Map<string, Uint8Array>();
    const put = (value: Uint8Array, kind: number, ...id: string[]) => {
      const bytes = concat(...id.map((hex) => Uint8Array.from(Buffer.from(hex, 'hex'))));
      out.set(toHex(hash('tree-key', Uint8Array.of(kind), bytes)), value);
    };
    const at = (height: string) => toHex(u32(Number(height)));
    for (const [who, account] of Object.entries(this.accounts))
      if (account.balance || account.nonce || account.txCount)
        put(encode(Account, account), 0, who);
    for (const [h, c] of Object.entries(this.coinbases)) put(encode(Coinbase, c), 1, at(h));
    for (const [id, r] of Object.entries(this.requests)) {
      put(encode(OpenRequest, r), 2, id);
      for (const [payee, c] of Object.entries(r.claims)) put(encode(Claim, c), 5, id, payee);
    }
    for (const [h, l] of Object.entries(this.expiring))
      if (l.length) put(encode(ExpiryList, l), 3, at(h));
    for (const [h, l] of Object.entries(this.settling)) put(encode(SettleList, l), 4, at(h));
    for (const [id, c] of Object.entries(this.channels)) put(encode(Channel, c), 6, id);
    for (const [h, l] of Object.entries(this.ending))
      if (l.length) put(encode(ChannelList, l), 7, at(h));
    for (const [both, c] of Object.entries(this.claimsLeft))
      put(encode(Claim, c), 5, both.slice(0, 64), both.slice(64));
    return out;
  }

  /** Coins in balances, unmatured coinbases, escrow and channels. */
  coins(): bigint {
    const all = [
      ...Object.values(this.accounts).map((a) => a.balance),
      ...Object.values(this.coinbases).map((c) => c.amount),
      ...Object.values(this.requests).map((r) => r.reward),
      ...Object.values(this.channels).map((c) => c.limit),
    ];
    return all.reduce((sum, n) => sum + n, 0n);
  }
}
