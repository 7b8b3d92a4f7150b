/** Addresses that are only looked at: public data, kept in localStorage, shared by all tabs. */
import { formatAddress, parseAddress } from '../core/address.ts';
import { toHex } from '../lib/bytes.ts';
import { AppError } from '../lib/errors.ts';
import { plainText } from '../wallet/plain-text.ts';
import { readAddress } from '../wallet/address.ts';

type Storage = Pick<globalThis.Storage, 'getItem' | 'setItem'>;

export interface Watched {
  readonly address: Uint8Array;
  /** Hex of the address. */
  readonly key: string;
  readonly name: string;
}

/** The client follows sixteen; the account in use and one being left need a place too. */
export const WATCHED_MAX = 12;
const NAME_CHARS_MAX = 32;

export class WatchedList {
  entries = $state.raw<readonly Watched[]>([]);
  readonly #storage: Storage | undefined;
  readonly #prefix: string;

  constructor(prefix: string, storage: Storage | undefined) {
    this.#prefix = prefix;
    this.#storage = storage;
    this.read();
  }

  /** Name in storage: addresses of another network have no balance here. */
  get storageKey(): string {
    return `pila.watched.${this.#prefix}`;
  }

  /** What is stored, also by another tab; what is no list of ours counts as none. */
  read(): void {
    const kept: unknown[] = this.#stored();
    this.entries = kept.slice(0, WATCHED_MAX).flatMap((x) => {
      const { address: text, name } = Object(x) as Record<string, unknown>;
      const address = typeof text === 'string' ? parseAddress(text, this.#prefix) : undefined;
      return address ? [entryOf(address, typeof name === 'string' ? name : '')] : [];
    });
  }

  /** @throws WATCHED_FULL, WATCHED_KNOWN, and the codes of readAddress */
  add(text: string, name: string): Watched {
    const address = readAddress(text.replace(/\s+/g, ''), this.#prefix);
    const entry = entryOf(address, name);
    if (this.entries.some(({ key }) => key === entry.key))
      throw new AppError('WATCHED_KNOWN', 'it is in the list');
    if (this.entries.length >= WATCHED_MAX)
      throw new AppError('WATCHED_FULL', `${WATCHED_MAX} addresses`);
    this.#keep([...this.entries, entry]);
    return entry;
  }

  remove(key: string): void {
    this.#keep(this.entries.filter((entry) => entry.key !== key));
  }

  #keep(entries: readonly Watched[]): void {
    this.entries = entries;
    const list = entries.map(({ address, name }) => ({
      address: formatAddress(address, this.#prefix),
      name,
    }));
    try {
      this.#storage?.setItem(this.storageKey, JSON.stringify(list));
    } catch {
      // Storage may be forbidden or full: then the list lasts as long as the page.
    }
  }

  #stored(): unknown[] {
    try {
      const list: unknown = JSON.parse(this.#storage?.getItem(this.storageKey) ?? '[]');
      return Array.isArray(list) ? list : [];
    } catch {
      return [];
    }
  }
}

const entryOf = (address: Uint8Array, name: string): Watched => ({
  address,
  key: toHex(address),
  name: plainText(name.trim()).slice(0, NAME_CHARS_MAX),
});
