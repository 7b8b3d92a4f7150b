/**
 * What the state machine must say of accounts and channels, in plain objects and as short as it can be: a copy of the
 * state for each block, so that undoing one is dropping it. Signatures of transactions are taken for right.
 */
import { addressOf } from '../../src/core/address.ts';
import { verifyHash, voucherHash } from '../../src/core/channel.ts';
import type { SignedTx, TxOf } from '../../src/core/formats.ts';
import { SUBSIDY } from '../../src/core/params.ts';
import { txId } from '../../src/core/tx/tx.ts';
import { equal, toHex } from '../../src/lib/bytes.ts';

/** nV that make an account, and that one holds at least. */
const LEAST = 10_000_000n;

export interface PlainAccount {
  balance: bigint;
  nonce: bigint;
}
export interface PlainChannel {
  readonly tx: TxOf<'channel'>;
  readonly expiry: number;
}
interface State {
  /** By address, and channels by id, in hex. */
  readonly accounts: Map<string, PlainAccount>;
  readonly channels: Map<string, PlainChannel>;
  /** nV by height. */
  readonly coinbases: Map<number, bigint>;
  height: number;
  burned: bigint;
  /** Addresses that this block debited. */
  readonly debited: Set<string>;
}

export interface PlainOptions {
  readonly genesis: Uint8Array;
  readonly miner: Uint8Array;
  readonly maturityBlocks: number;
  /** nV by address in hex, before the first block. */
  readonly funds: ReadonlyMap<string, bigint>;
}

export class PlainLedger {
  readonly #options: PlainOptions;
  readonly #states: State[];

  constructor(options: PlainOptions) {
    this.#options = options;
    const accounts = [...options.funds].map(
      ([address, balance]) => [address, { balance, nonce: 0n }] as const,
    );
    this.#states = [
      {
        accounts: new Map(accounts),
        channels: new Map(),
        coinbases: new Map(),
        height: 0,
        burned: 0n,
        debited: new Set(),
      },
    ];
  }

  get height(): number {
    return this.#states.length - 1;
  }

  get state(): State {
    return this.#states.at(-1)!;
  }

  /** nV wherever they are, and those that are gone. */
  get coins(): bigint {
    const { accounts, channels, coinbases, burned } = this.state;
    return [
      ...[...accounts.values()].map(({ balance }) => balance),
      ...[...channels.values()].map(({ tx }) => tx.limit),
      ...coinbases.values(),
    ].reduce((sum, nV) => sum + nV, burned);
  }

  undo(): void {
    this.#states.pop();
  }

  /** A block of those of the transactions, in this order, that are valid in it. @returns them */
  mine(candidates: readonly SignedTx[]): readonly SignedTx[] {
    const { miner, maturityBlocks } = this.#options;
    const before = this.state;
    const height = this.height + 1;
    const state: State = {
      accounts: new Map([...before.accounts].map(([key, account]) => [key, { ...account }])),
      channels: new Map(before.channels),
      coinbases: new Map(before.coinbases),
      height,
      burned: before.burned,
      debited: new Set(),
    };
    credit(state, toHex(miner), state.coinbases.get(height - maturityBlocks) ?? 0n);
    state.coinbases.delete(height - maturityBlocks);
    for (const [id, { tx, expiry }] of state.channels)
      if (expiry === height) {
        state.channels.delete(id);
        credit(state, toHex(addressOf(tx.from)), tx.limit);
      }
    const body = candidates.filter((signed) => this.#apply(state, signed, height));
    let fees = body.reduce((sum, { tx }) => sum + tx.fee, 0n);
    for (const address of state.debited) {
      const { balance } = state.accounts.get(address)!;
      if (balance >= LEAST) continue;
      fees += balance;
      state.accounts.delete(address);
    }
    state.coinbases.set(height, SUBSIDY + fees);
    this.#states.push(state);
    return body;
  }

  /** @returns whether it is valid; then it was executed */
  #apply(state: State, { tx }: SignedTx, height: number): boolean {
    if (tx.expiry < height) return false;
    if (tx.type === 'close') return this.#close(state, tx);
    const account = state.accounts.get(toHex(addressOf(tx.from)));
    const amount = tx.type === 'channel' ? tx.limit : tx.amount;
    if (account?.nonce !== tx.nonce || account.balance < amount + tx.fee) return false;
    const payee =
      tx.type === 'transfer' ? (state.accounts.get(toHex(tx.to))?.balance ?? 0n) : LEAST;
    if (payee + amount < LEAST) return false;
    account.balance -= amount + tx.fee;
    account.nonce++;
    state.debited.add(toHex(addressOf(tx.from)));
    if (tx.type === 'transfer') credit(state, toHex(tx.to), amount);
    else
      state.channels.set(toHex(txId(this.#options.genesis, tx)), {
        tx,
        expiry: height + tx.lifetime,
      });
    return true;
  }

  #close(state: State, { channel, from, amount, fee, voucher }: TxOf<'close'>): boolean {
    const id = toHex(channel);
    const open = state.channels.get(id)?.tx;
    if (!open || !equal(open.provider, from) || amount < fee || amount > open.limit) return false;
    const hashed = voucherHash(this.#options.genesis, channel, amount);
    if (!verifyHash(hashed, voucher, open.signer)) return false;
    state.channels.delete(id);
    credit(state, toHex(open.payee), amount - fee);
    credit(state, toHex(addressOf(open.from)), open.limit - amount);
    return true;
  }
}

function credit(state: State, address: string, nV: bigint): void {
  const account = state.accounts.get(address);
  const nonce = BigInt(state.height) * 2n ** 32n;
  if (account) account.balance += nV;
  else if (nV >= LEAST) state.accounts.set(address, { balance: nV, nonce });
  else state.burned += nV;
}
