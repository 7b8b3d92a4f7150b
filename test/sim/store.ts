/**
 * A disk that outlives its process: durable writes are there after a crash; the last batches that were not
 * durable may be lost, each as a whole.
 */
import { createMemoryStore } from '../../src/chain/store/memory-store.ts';
import type { Put, Store } from '../../src/chain/store/store.ts';
import type { Random } from './random.ts';

/** Batches that may not have reached the disk yet. */
const UNSYNCED_MAX = 3;

type Undo = readonly Put[];

export class Disk {
  readonly #store = createMemoryStore();
  readonly #unsynced: Undo[] = [];
  #epoch = 0;
  /** Durable batches are lost like others: a mutation. */
  readonly #forgetful: boolean;

  constructor(forgetful = false) {
    this.#forgetful = forgetful;
  }

  /** The store for one run of its owner. After a crash it fails every call. */
  open(): Store {
    const epoch = ++this.#epoch;
    const inner = this.#store;
    const dead = new Promise<never>(() => {});
    const alive = <T>(run: () => Promise<T>): Promise<T> => (epoch === this.#epoch ? run() : dead);
    return {
      get: (key) => alive(() => inner.get(key)),
      range: (...args) => alive(() => inner.range(...args)),
      batch: (puts, durable) => alive(() => this.#batch(puts, durable === true)),
      clear: () =>
        alive(async () => {
          this.#unsynced.length = 0;
          await inner.clear();
        }),
      close: () => alive(async () => void (this.#unsynced.length = 0)),
    };
  }

  async #batch(puts: readonly Put[], durable: boolean): Promise<void> {
    const undo: Put[] = [];
    for (const { key } of puts) undo.push({ key, value: await this.#store.get(key) });
    await this.#store.batch(puts);
    if (durable && !this.#forgetful) this.#unsynced.length = 0;
    else this.#unsynced.push(undo.reverse());
    if (this.#unsynced.length > UNSYNCED_MAX && !this.#forgetful) this.#unsynced.shift();
  }

  /** The power fails: some of the last batches are lost. */
  async crash(random: Random): Promise<void> {
    this.#epoch++;
    const lost = this.#forgetful ? this.#unsynced.length : random.int(0, this.#unsynced.length);
    for (let i = 0; i < lost; i++) await this.#store.batch(this.#unsynced.pop()!);
    this.#unsynced.length = 0;
  }
}
