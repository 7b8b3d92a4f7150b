/** A map of bounded size that evicts the entry used longest ago. For data that peers can make us keep. */
import { assert } from './errors.ts';

/** Keys compare as in Map: use hex text for bytes. */
export class BoundedMap<K, V> {
  readonly #entries = new Map<K, V>();
  readonly #max: number;
  readonly #evicted: ((key: K, value: V) => void) | undefined;

  /** @param evicted is called for each evicted entry, not for deleted ones */
  constructor(max: number, evicted?: (key: K, value: V) => void) {
    assert(max >= 1, 'a bounded map holds at least one entry');
    this.#max = max;
    this.#evicted = evicted;
  }

  get size(): number {
    return this.#entries.size;
  }

  has(key: K): boolean {
    return this.#entries.has(key);
  }

  /** Reading an entry counts as a use. */
  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined && !this.#entries.has(key)) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value!);
    return value;
  }

  set(key: K, value: V): this {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > this.#max) this.#dropOldest();
    return this;
  }

  delete(key: K): boolean {
    return this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }

  /** Iterates from the entry used longest ago to the newest. */
  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.#entries[Symbol.iterator]();
  }

  #dropOldest(): void {
    const [[key, value]] = this.#entries as unknown as [[K, V]];
    this.#entries.delete(key);
    this.#evicted?.(key, value);
  }
}
