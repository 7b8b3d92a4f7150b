/**
 * Balances of addresses, proven by leaves of the state; the last proven balance is stored for times when this
 * client is offline. Transactions of an address are in history.ts.
 */
import type { LightChain } from '../../chain/light/light-chain.ts';
import type { Store } from '../../chain/store/store.ts';
import { bytes, decode, encode, struct, tryDecode, u32, u48, u64 } from '../../core/codec.ts';
import { Account, Coinbase, type Header } from '../../core/formats.ts';
import { blockId } from '../../core/header/header.ts';
import { stateKey } from '../../core/tree/keys.ts';
import type { Params } from '../../core/params.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import type { Balance } from '../api.ts';
import type { ChainReader } from '../sync/chain-reader.ts';
import { createFindTx, type FindTx } from './find-tx.ts';
import { createHistory, type ReadHistory } from './history.ts';
import { createIncomeBook, type IncomeBook } from './income.ts';
import { createPayeeBook, type PayeeBook } from './payees.ts';

/** Beginning of the keys of what was proven last. */
export const BALANCES = 'balance';
const keyOf = (address: Uint8Array): string => `${BALANCES}/${toHex(address)}`;

const BalanceRecord = struct({
  address: bytes(32),
  spendable: u64,
  immature: u64,
  nonce: u64,
  txCount: u32,
  height: u32,
  id: bytes(32),
  timeMs: u48,
  proofBytes: u32,
});

export interface Accounts {
  /** The last proven balance, from memory or disk. */
  last(address: Uint8Array): Promise<Balance | undefined>;
  /** Proves the balance again; undefined when no peer could send a valid proof. */
  prove(address: Uint8Array): Promise<Balance | undefined>;
  readonly history: ReadHistory;
  readonly find: FindTx;
  readonly payees: PayeeBook;
  readonly income: IncomeBook;
}

export interface AccountsDeps {
  readonly chain: LightChain;
  readonly params: Params;
  readonly reader: ChainReader;
  /** A store other than the chain's: it is kept when the chain is rebuilt. */
  readonly store: Store;
}

export function createAccounts({ chain, params, reader, store }: AccountsDeps): Accounts {
  /** Headers up to `height` whose coinbase pays the address and has not matured. */
  async function ownCoinbases(address: Uint8Array, height: number): Promise<Header[]> {
    const own: Header[] = [];
    for (let h = Math.max(1, height - params.maturityBlocks + 1); h <= height; h++) {
      const header = await chain.headers.at(h);
      if (header && equal(header.miner, address)) own.push(header);
    }
    return own;
  }

  async function prove(address: Uint8Array): Promise<Balance | undefined> {
    const at = await reader.state.newest();
    if (!at) return undefined;
    const own = await ownCoinbases(address, at.height);
    const keys = [stateKey.account(address), ...own.map(({ height }) => stateKey.coinbase(height))];
    const opened = await reader.state.read(at, keys);
    if (!opened) return undefined;
    const [leaf, ...leaves] = opened.values;
    const account = leaf && decode(Account, leaf);
    const paid = leaves.map((coinbase) => (coinbase ? decode(Coinbase, coinbase).amount : 0n));
    const balance: Balance = {
      address,
      spendable: account?.balance ?? 0n,
      immature: paid.reduce((sum, amount) => sum + amount, 0n),
      nonce: account?.nonce ?? 0n,
      txCount: account?.txCount ?? 0,
      provenAt: { height: at.height, id: blockId(at), timeMs: at.time },
      proofBytes: opened.proofBytes,
    };
    const value = encode(BalanceRecord, { ...balance, ...balance.provenAt });
    await store.batch([{ key: keyOf(address), value }]);
    for (const [i, header] of own.entries()) await income.note(header, paid[i]!);
    return balance;
  }

  const find = createFindTx(chain, reader);
  const history = createHistory(chain, reader, find);
  const last = (address: Uint8Array) => readBalance(store, address);
  const payees = createPayeeBook({ chain, history, leaf: last, store });
  const income = createIncomeBook({ chain, params, reader, store, last });
  return { prove, last, history, find, payees, income };
}

/** The last proven balance of an address. */
export async function readBalance(store: Store, address: Uint8Array): Promise<Balance | undefined> {
  const data = await store.get(keyOf(address));
  const record = data && tryDecode(BalanceRecord, data);
  if (!record) return undefined;
  const { height, id, timeMs, ...rest } = record;
  return { ...rest, provenAt: { height, id, timeMs } };
}
