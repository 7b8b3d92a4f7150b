/**
 * What an address owns and did, proven: leaves by tree proofs against a state root that the chain
 * knows, transactions by the body root of their block. The last proven balance is kept for offline.
 */
import type { LightChain } from '../chain/light-chain.ts';
import type { Store } from '../chain/store.ts';
import { bytes, decode, encode, struct, tryDecode, u32, u48, u64 } from '../core/codec.ts';
import { Account, Coinbase, type Position } from '../core/formats.ts';
import { blockId } from '../core/header.ts';
import { stateKey } from '../core/keys.ts';
import { HISTORY_MAX, type HistoryEntry } from '../core/messages.ts';
import type { Params } from '../core/params.ts';
import { txId } from '../core/tx.ts';
import { equal, toHex } from '../lib/bytes.ts';
import { AppError } from '../lib/errors.ts';
import type { Balance, History } from './api.ts';
import type { Follower } from './follow.ts';

const BalanceRecord = struct({
  address: bytes(32),
  spendable: u64,
  immature: u64,
  nonce: u32,
  txCount: u32,
  height: u32,
  id: bytes(32),
  timeMs: u48,
  proofBytes: u32,
});

export interface Accounts {
  /** The last proven balance, from memory or disk. */
  last(address: Uint8Array): Promise<Balance | undefined>;
  /** Proves it anew; undefined when no peer could give a proof that holds. */
  prove(address: Uint8Array): Promise<Balance | undefined>;
  /** Newest first. @throws AppError NO_PEERS when none answers */
  history(address: Uint8Array, max: number, from?: Position): Promise<History>;
}

interface Parts {
  readonly chain: LightChain;
  readonly params: Params;
  readonly follower: Follower;
  /** Survives a rebuilt chain. */
  readonly store: Store;
}

export function createAccounts({ chain, params, follower, store }: Parts): Accounts {
  const { reader } = follower;

  /** Heights up to `height` whose coinbase pays the address and has not matured. */
  async function ownCoinbases(address: Uint8Array, height: number): Promise<number[]> {
    const own: number[] = [];
    for (let h = Math.max(1, height - params.maturityBlocks + 1); h <= height; h++) {
      const header = await chain.header(h);
      if (header && equal(header.miner, address)) own.push(h);
    }
    return own;
  }

  async function prove(address: Uint8Array): Promise<Balance | undefined> {
    const at = await reader.newest();
    if (!at) return undefined;
    const heights = await ownCoinbases(address, at.height);
    const keys = [stateKey.account(address), ...heights.map(stateKey.coinbase)];
    const opened = await reader.read(at, keys);
    if (!opened) return undefined;
    const [leaf, ...coinbases] = opened.values;
    const account = leaf && decode(Account, leaf);
    const balance: Balance = {
      address,
      spendable: account?.balance ?? 0n,
      immature: coinbases.reduce((sum, c) => sum + (c ? decode(Coinbase, c).amount : 0n), 0n),
      nonce: account?.nonce ?? 0,
      txCount: account?.txCount ?? 0,
      provenAt: { height: at.height, id: blockId(at), timeMs: at.time },
      proofBytes: opened.proofBytes,
    };
    const value = encode(BalanceRecord, { ...balance, ...balance.provenAt });
    await store.batch([{ key: `balance/${toHex(address)}`, value }]);
    return balance;
  }

  async function last(address: Uint8Array): Promise<Balance | undefined> {
    const data = await store.get(`balance/${toHex(address)}`);
    const record = data && tryDecode(BalanceRecord, data);
    if (!record) return undefined;
    const { height, id, timeMs, ...rest } = record;
    return { ...rest, provenAt: { height, id, timeMs } };
  }

  /** Whether the transaction stands at that place of a block of the chain. */
  async function isGenuine({ position, tx }: HistoryEntry): Promise<boolean> {
    const header = await chain.header(position.height);
    const body = header && (await follower.bodyOf(header));
    const there = body?.[position.index];
    return there !== undefined && equal(txId(there.tx), txId(tx.tx));
  }

  async function history(address: Uint8Array, max: number, from?: Position): Promise<History> {
    const at = await reader.newest();
    const key = stateKey.account(address);
    const leaf = at && (await reader.read(at, [key]))?.values[0];
    if (!leaf) return { entries: [], total: 0, linked: true, next: undefined };
    const { lastTx, txCount } = decode(Account, leaf);
    if (!txCount) return { entries: [], total: 0, linked: true, next: undefined };
    const count = Math.min(max, HISTORY_MAX, txCount);
    const request = { type: 'history', address, from: from ?? lastTx, max: count } as const;
    const entries = await follower.ask(request, async ({ entries }) => {
      const genuine: HistoryEntry[] = [];
      for (const entry of entries.slice(0, count)) {
        if (!(await isGenuine(entry))) break;
        genuine.push(entry);
      }
      // An account with transactions has a history: the next peer may tell it.
      return genuine.length ? genuine : undefined;
    });
    if (!entries) throw new AppError('NO_PEERS', 'no peer tells the history');
    return { entries, total: txCount, linked: false, next: undefined };
  }

  return { prove, last, history };
}
