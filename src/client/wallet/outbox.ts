/**
 * Transactions that this peer sent: stored before they are announced, kept and announced again until they are
 * confirmed deep enough or have expired. The last block found here is kept in the same way.
 */
import { dropOtherChain } from '../../chain/store/other-chain.ts';
import type { Store } from '../../chain/store/store.ts';
import { struct, u32, u8, tryDecode, encode } from '../../core/codec.ts';
import { SignedTx } from '../../core/formats.ts';
import { Block } from '../../core/messages.ts';
import { txBytes, txId } from '../../core/tx/tx.ts';
import { fromHex, toHex } from '../../lib/bytes.ts';
import { AppError, assert } from '../../lib/errors.ts';
import type { PendingTx } from '../api.ts';
import { BALANCES } from './accounts.ts';

const FOUND_KEY = 'found';
/** All of it was sent on one chain. */
const OF_CHAIN = { marker: 'chain', prefixes: ['tx/', `${BALANCES}/`, FOUND_KEY] };
/** Transactions kept at once. */
const OUTBOX_MAX = 500;
/** Blocks after which a confirmed transaction is forgotten. */
const SETTLED_BLOCKS = 100;

interface StateRow {
  /** Stands for the state on disk: one that was stored once is never another's. */
  readonly code: number;
  /** For a block: it is announced again. */
  readonly waits: boolean;
  /** A block is known that has its nonce. */
  readonly isPlaced: boolean;
  /** It is in a block or may still be: a new transaction needs another nonce. */
  readonly holdsNonce: boolean;
}

const STATES: { readonly [S in PendingTx['state']]: StateRow } = {
  pending: { code: 0, waits: true, isPlaced: false, holdsNonce: true },
  confirmed: { code: 1, waits: false, isPlaced: true, holdsNonce: true },
  expired: { code: 2, waits: false, isPlaced: false, holdsNonce: false },
  refused: { code: 3, waits: false, isPlaced: false, holdsNonce: false },
  replaced: { code: 4, waits: false, isPlaced: true, holdsNonce: true },
};
const STATE_NAMES = Object.keys(STATES) as PendingTx['state'][];

const EntryRecord = struct({ tx: SignedTx, state: u8, height: u32 });

interface Entry {
  readonly signed: SignedTx;
  state: PendingTx['state'];
  height: number | undefined;
}

export class Outbox {
  readonly #store: Store;
  readonly #entries = new Map<string, Entry>();
  /** Of the chain that it belongs to. */
  #genesis: Uint8Array | undefined;

  /** The last block found here; until a peer has it, only this client can announce it. */
  found: Block | undefined;

  private constructor(store: Store) {
    this.#store = store;
  }

  static async open(store: Store): Promise<Outbox> {
    const box = new Outbox(store);
    for (const { key, value } of await store.range('tx/', 'tx0', OUTBOX_MAX)) {
      const record = tryDecode(EntryRecord, value);
      if (!record) continue;
      const state = STATE_NAMES.find((name) => STATES[name].code === record.state) ?? 'pending';
      box.#entries.set(key.slice(3), {
        signed: record.tx,
        state,
        height: record.height || undefined,
      });
    }
    const found = await store.get(FOUND_KEY);
    box.found = found && tryDecode(Block, found);
    return box;
  }

  /**
   * Before anything is sent again: what was sent on another chain is forgotten. A network that began anew under the
   * same number could pay it once more, and its nonces say nothing there, nor do those of balances proven there.
   */
  async belongTo(genesisId: Uint8Array): Promise<void> {
    this.#genesis = genesisId;
    if (!(await dropOtherChain(this.#store, OF_CHAIN, genesisId))) return;
    this.#entries.clear();
    this.found = undefined;
  }

  async keepFound(block: Block): Promise<void> {
    this.found = block;
    await this.#store.batch([{ key: FOUND_KEY, value: encode(Block, block) }]);
  }

  /** @throws AppError OUTBOX_FULL, STORE_* */
  async add(signed: SignedTx): Promise<PendingTx> {
    const id = this.#idOf(signed);
    if (!this.#entries.has(id)) {
      if (this.#entries.size >= OUTBOX_MAX) await this.#dropSettled();
      await this.#write(id, { signed, state: 'pending', height: undefined });
    }
    return this.#statusOf(id);
  }

  all(): PendingTx[] {
    return [...this.#entries.keys()].map((id) => this.#statusOf(id)).reverse();
  }

  /** All transactions that are in no block, also those beside their replacement. */
  unsettled(): SignedTx[] {
    return this.#where(({ waits }) => waits);
  }

  /** All transactions not known to be in a block, also refused ones: another branch may hold them. */
  unplaced(): SignedTx[] {
    return this.#where(({ isPlaced }) => !isPlaced);
  }

  has(signed: SignedTx): boolean {
    return this.#entries.has(this.#idOf(signed));
  }

  /** Transactions that are in a block or may still get into one: a new transaction needs another nonce. */
  alive(): SignedTx[] {
    return this.#where(({ holdsNonce }) => holdsNonce);
  }

  /**
   * Transactions that wait for a block, in order of nonce, as pools take them: of those with the same nonce
   * the one with the highest fee, which replaces the others.
   */
  waiting(): SignedTx[] {
    const costliest = new Map<string, SignedTx>();
    for (const signed of this.unsettled()) {
      const rival = costliest.get(placeOf(signed));
      if (!rival || signed.tx.fee > rival.tx.fee) costliest.set(placeOf(signed), signed);
    }
    return [...costliest.values()].sort((a, b) => Number(a.tx.nonce - b.tx.nonce));
  }

  /** Notes a new head at `height`: transactions of `inBlock` are confirmed; others may expire or be forgotten. */
  async noteHead(
    height: number,
    inBlock: readonly { id: Uint8Array; height: number }[],
  ): Promise<void> {
    for (const { id, height: at } of inBlock) await this.#confirm(toHex(id), at);
    for (const [id, entry] of this.#entries) {
      if (STATES[entry.state].waits && entry.signed.tx.expiry < height)
        await this.#change(id, 'expired', undefined);
      const settledAt = STATES[entry.state].waits
        ? undefined
        : (entry.height ?? entry.signed.tx.expiry);
      if (settledAt !== undefined && height > settledAt + SETTLED_BLOCKS)
        await this.#write(id, undefined);
    }
  }

  /** Notes a reorganisation: transactions confirmed above the fork wait again. */
  async reopen(forkHeight: number): Promise<void> {
    for (const [id, { state, height = 0 }] of [...this.#entries])
      if (STATES[state].isPlaced && height > forkHeight)
        await this.#change(id, 'pending', undefined);
  }

  /** Notes that another transaction with the same nonce is in the block at that height. */
  async replace(id: Uint8Array, height: number): Promise<void> {
    await this.#change(toHex(id), 'replaced', height);
  }

  /** Notes that no block can hold the transaction any more. */
  async refuse(id: Uint8Array): Promise<void> {
    await this.#change(toHex(id), 'refused', undefined);
  }

  async #confirm(id: string, height: number): Promise<void> {
    const entry = this.#entries.get(id);
    if (!entry) return;
    await this.#change(id, 'confirmed', height);
    const place = placeOf(entry.signed);
    for (const [other, { signed, state }] of [...this.#entries])
      if (other !== id && STATES[state].waits && placeOf(signed) === place)
        await this.#change(other, 'replaced', height);
  }

  /** Makes room by forgetting the oldest transaction that does not wait for a block. */
  async #dropSettled(): Promise<void> {
    const settled = [...this.#entries].find(([, { state }]) => !STATES[state].waits);
    if (!settled) throw new AppError('OUTBOX_FULL', `${OUTBOX_MAX} transactions are waiting`);
    await this.#write(settled[0], undefined);
  }

  async #change(id: string, state: PendingTx['state'], height: number | undefined): Promise<void> {
    const entry = this.#entries.get(id);
    if (entry && (entry.state !== state || entry.height !== height))
      await this.#write(id, { ...entry, state, height });
  }

  async #write(id: string, entry: Entry | undefined): Promise<void> {
    const value =
      entry &&
      encode(EntryRecord, {
        tx: entry.signed,
        state: STATES[entry.state].code,
        height: entry.height ?? 0,
      });
    await this.#store.batch([{ key: `tx/${id}`, value }], true);
    if (entry) this.#entries.set(id, entry);
    else this.#entries.delete(id);
  }

  #where(holds: (row: StateRow) => boolean): SignedTx[] {
    const found = [...this.#entries.values()].filter(({ state }) => holds(STATES[state]));
    return found.map(({ signed }) => signed);
  }

  #idOf({ tx }: SignedTx): string {
    assert(this.#genesis, 'what is sent belongs to a chain');
    return toHex(txId(this.#genesis, tx));
  }

  #statusOf(id: string): PendingTx {
    const { signed, state, height } = this.#entries.get(id)!;
    return { id: fromHex(id)!, bytes: txBytes(signed), state, height };
  }
}

/** Only one transaction of a sender and nonce can be in the chain. */
const placeOf = ({ tx }: SignedTx): string => `${toHex(tx.from)}/${tx.nonce}`;
