/** Requests sent from here and their positions in blocks; kept longer than the outbox keeps a transaction. */
import type { Store } from '../../chain/store/store.ts';
import { encode, hash32, list, struct, tryDecode, u32 } from '../../core/codec.ts';
import { SignedTx, Position, type TxOf } from '../../core/formats.ts';
import { FIND_MAX } from '../../core/messages.ts';
import { txId } from '../../core/tx/tx.ts';
import { toHex } from '../../lib/bytes.ts';
import type { Found } from './receipt.ts';

/** Requests kept; the oldest makes room. */
export const ASKED_MAX = 100;

const FoundRecord = struct({ position: Position, blockId: hash32, tx: SignedTx });
const Record = struct({ order: u32, tx: SignedTx, found: list(FoundRecord, FIND_MAX) });

export interface AskedRequest {
  readonly id: Uint8Array;
  readonly tx: TxOf<'request'>;
  /** The request's transactions that were found in blocks; a reorganisation may have undone them. */
  readonly found: readonly Found[];
}

interface Entry extends AskedRequest {
  readonly signed: SignedTx;
  readonly order: number;
}

export class Asked {
  readonly #store: Store;
  readonly #entries = new Map<string, Entry>();

  private constructor(store: Store) {
    this.#store = store;
  }

  static async open(store: Store): Promise<Asked> {
    const asked = new Asked(store);
    for (const { key, value } of await store.range('asked/', 'asked0', ASKED_MAX)) {
      const record = tryDecode(Record, value);
      if (record?.tx.tx.type !== 'request') continue;
      const { order, found, tx: signed } = record;
      asked.#entries.set(key.slice(6), {
        id: txId(signed.tx),
        tx: record.tx.tx,
        found,
        signed,
        order,
      });
    }
    return asked;
  }

  /** Newest first. */
  all(): AskedRequest[] {
    return this.#newestFirst();
  }

  get(id: Uint8Array): AskedRequest | undefined {
    return this.#entries.get(toHex(id));
  }

  /** Ignores transactions of other kinds. */
  async add(signed: SignedTx): Promise<void> {
    const { tx } = signed;
    const id = txId(tx);
    if (tx.type !== 'request' || this.get(id)) return;
    const order = (this.#newestFirst()[0]?.order ?? 0) + 1;
    await this.#write({ id, tx, signed, order, found: [] });
    for (const old of this.#newestFirst().slice(ASKED_MAX)) await this.#forget(old);
  }

  async keep(id: Uint8Array, found: readonly Found[]): Promise<void> {
    const entry = this.#entries.get(toHex(id));
    if (entry) await this.#write({ ...entry, found: found.slice(0, FIND_MAX) });
  }

  #newestFirst(): Entry[] {
    return [...this.#entries.values()].sort((a, b) => b.order - a.order);
  }

  async #write(entry: Entry): Promise<void> {
    const { order, signed, found } = entry;
    const value = encode(Record, { order, tx: signed, found: [...found] });
    await this.#store.batch([{ key: `asked/${toHex(entry.id)}`, value }]);
    this.#entries.set(toHex(entry.id), entry);
  }

  async #forget({ id }: Entry): Promise<void> {
    await this.#store.batch([{ key: `asked/${toHex(id)}`, value: undefined }]);
    this.#entries.delete(toHex(id));
  }
}
