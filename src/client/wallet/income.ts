/**
 * Blocks that pay an account, newest first. That none is left out follows from the headers, which are all here; how much
 * each paid is proven by its leaf until it matures, and remembered, for afterwards the leaf is gone.
 */
import type { LightChain } from '../../chain/light/light-chain.ts';
import type { Store } from '../../chain/store/store.ts';
import { decode, encode, u64 } from '../../core/codec.ts';
import type { Header } from '../../core/formats.ts';
import { blockId } from '../../core/header/header.ts';
import type { Params } from '../../core/params.ts';
import { subsidyAt } from '../../core/state.ts';
import { bodyOf, bodyRoot } from '../../core/tx/body.ts';
import { bornAt } from '../../core/tx/nonce.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import type { Balance, FoundBlockPay, Income } from '../api.ts';
import type { ChainReader } from '../sync/chain-reader.ts';

/** Headers that one page looks at. */
const LOOKED_MAX = 8192;
/** Headers that are read at once. */
const READ_AT_ONCE = 512;
/** Blocks of one page. */
const PAGE_MAX = 100;
/** Amounts that are remembered: of blocks with transactions alone, and a new one takes the lowest one's place. */
const KEPT_MAX = 20_000;
/** Amounts that are forgotten at once. */
const FORGOTTEN_AT_ONCE = 1000;

const EMPTY_BODY = bodyRoot(bodyOf());
const keyOf = (height: number, id: Uint8Array): string =>
  `paid/${height.toString(16).padStart(8, '0')}/${toHex(id)}`;

export interface IncomeBook {
  /** Remembers what a leaf proved. */
  note(header: Header, amount: bigint): Promise<void>;
  read(address: Uint8Array, max: number, from?: number): Promise<Income>;
}

export interface IncomeDeps {
  readonly chain: Pick<LightChain, 'headers'>;
  readonly params: Pick<Params, 'maturityBlocks'>;
  readonly reader: Pick<ChainReader, 'bodies'>;
  readonly store: Store;
  /** The account as it was proven last. */
  readonly last: (address: Uint8Array) => Promise<Balance | undefined>;
}

export function createIncomeBook({ chain, params, reader, store, last }: IncomeDeps): IncomeBook {
  const { headers } = chain;
  /** Rows that are kept; counted when the first is added. */
  let kept: number | undefined;

  async function note(header: Header, amount: bigint): Promise<void> {
    if (equal(header.bodyRoot, EMPTY_BODY)) return;
    const key = keyOf(header.height, blockId(header));
    if (await store.get(key)) return;
    kept ??= (await store.range('paid/', 'paid0', KEPT_MAX)).length;
    const old = kept < KEPT_MAX ? [] : await store.range('paid/', 'paid0', FORGOTTEN_AT_ONCE);
    const gone = old.map((row) => ({ key: row.key, value: undefined }));
    await store.batch([...gone, { key, value: encode(u64, amount) }]);
    kept += 1 - gone.length;
  }

  async function payOf(header: Header): Promise<FoundBlockPay> {
    const { height, time: timeMs } = header;
    const id = blockId(header);
    const subsidy = subsidyAt(height);
    const found = { height, id, timeMs };
    if (equal(header.bodyRoot, EMPTY_BODY)) return { ...found, amount: subsidy, isProven: true };
    const proven = await store.get(keyOf(height, id));
    if (proven) return { ...found, amount: decode(u64, proven), isProven: true };
    const { transactions = [] } = (await reader.bodies.of(header)) ?? {};
    const fees = transactions.reduce((sum, { tx }) => sum + tx.fee, 0n);
    return { ...found, amount: subsidy + fees, isProven: false };
  }

  /** Headers `low`..`high` of the chain as it is now, lowest first. */
  async function headersIn(low: number, high: number): Promise<Header[]> {
    const below = await headers.at(low - 1);
    if (!below) return [];
    const found = await headers.after([blockId(below)], high - low + 1);
    return found.filter(({ height }) => height >= low && height <= high);
  }

  /** The lowest block whose pay the account's leaf can hold: what matured before the leaf was made is gone with another. */
  function lowestOf({ nonce, txCount, spendable, provenAt }: Balance): number {
    const hasLeaf = nonce > 0n || txCount > 0 || spendable > 0n;
    const from = hasLeaf ? bornAt(nonce) : provenAt.height + 1;
    return Math.max(1, from - params.maturityBlocks);
  }

  return {
    note,
    async read(address, max, from) {
      const balance = await last(address);
      if (!balance) return { blocks: [], next: undefined };
      const lowest = lowestOf(balance);
      const most = Math.max(1, Math.min(max, PAGE_MAX));
      const start = Math.min(from ?? Infinity, balance.provenAt.height);
      const own: Header[] = [];
      let high = start;
      while (high >= lowest && own.length < most && start - high < LOOKED_MAX) {
        const low = Math.max(lowest, high - READ_AT_ONCE + 1);
        const here = await headersIn(low, high);
        own.push(...here.filter(({ miner }) => equal(miner, address)).reverse());
        high = low - 1;
      }
      const shown = own.slice(0, most);
      const further = own[most]?.height ?? (high >= lowest ? high : undefined);
      return { blocks: await Promise.all(shown.map(payOf)), next: further };
    },
  };
}
