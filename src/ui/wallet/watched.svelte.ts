/** Addresses with names, those looked at and those paid: kept in localStorage, shared by all tabs. */
import { WATCHED_MAX } from '../../client/api.ts';
import { formatAddress } from '../../core/address.ts';
import { toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { shownName } from '../../wallet/plain-text.ts';
import { addressFrom } from '../../wallet/address.ts';
import { parseUri } from '../../wallet/uri.ts';

type Storage = Pick<globalThis.Storage, 'getItem' | 'setItem'>;

export interface Watched {
  readonly address: Uint8Array;
  /** Hex of the address. */
  readonly key: string;
  readonly name: string;
}

/** Of the addresses that the client follows; the account in use and one being left need a place too. */
const LISTED_MAX = WATCHED_MAX - 4;
export const CONTACTS_MAX = 100;
const NAME_CHARS_MAX = 32;
const KINDS = {
  watched: { max: LISTED_MAX, full: 'WATCHED_FULL' },
  contacts: { max: CONTACTS_MAX, full: 'CONTACTS_FULL' },
} as const;

export class WatchedList {
  entries = $state.raw<readonly Watched[]>([]);
  readonly #storage: Storage | undefined;
  readonly #prefix: string;
  readonly #kind: keyof typeof KINDS;

  constructor(prefix: string, storage: Storage | undefined, kind: keyof typeof KINDS = 'watched') {
    this.#prefix = prefix;
    this.#kind = kind;
    this.#storage = storage;
    this.read();
  }

  /** Name in storage: addresses of another network have no balance here. */
  get storageKey(): string {
    return `pila.${this.#kind}.${this.#prefix}`;
  }

  /** What is stored, also by another tab; what is no list of ours counts as none. */
  read(): void {
    const kept: unknown[] = this.#stored();
    const entries = kept.slice(0, KINDS[this.#kind].max).flatMap((x) => {
      const { address: text, name } = Object(x) as Record<string, unknown>;
      const address = typeof text === 'string' ? addressFrom(text, this.#prefix) : undefined;
      return address ? [entryOf(address, typeof name === 'string' ? name : '')] : [];
    });
    // A screen cannot draw two lines of one key.
    this.entries = [...new Map(entries.map((entry) => [entry.key, entry])).values()];
  }

  /** Of an address or a payment link. @throws WATCHED_FULL, WATCHED_KNOWN, and the codes of parseUri */
  add(text: string, name: string): Watched {
    const address = parseUri(text, this.#prefix).address;
    const entry = entryOf(address, name);
    if (this.entries.some(({ key }) => key === entry.key))
      throw new AppError('WATCHED_KNOWN', 'it is in the list');
    return this.put(address, name);
  }

  /** Adds it, or gives it another name. @throws WATCHED_FULL, CONTACTS_FULL, NAME_BLANK (nothing of it would be seen) */
  put(address: Uint8Array, name: string): Watched {
    const entry = entryOf(address, name);
    if (name.trim() && !entry.name) throw new AppError('NAME_BLANK', 'a name that shows nothing');
    const others = this.entries.filter(({ key }) => key !== entry.key);
    const { max, full } = KINDS[this.#kind];
    if (others.length >= max) throw new AppError(full, `${max} addresses`);
    this.#keep([...others, entry]);
    return entry;
  }

  /** Adds what is not there yet, as far as there is room. */
  merge(more: readonly Pick<Watched, 'address' | 'name'>[]): void {
    for (const { address, name } of more) {
      const entry = entryOf(address, name);
      const isNew = !this.entries.some(({ key }) => key === entry.key);
      if (isNew && this.entries.length < KINDS[this.#kind].max)
        this.#keep([...this.entries, entry]);
    }
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
  name: [...shownName(name)].slice(0, NAME_CHARS_MAX).join(''),
});
