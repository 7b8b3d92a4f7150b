/** With whom the person's accounts have dealt, read to the end of their histories while a sheet needs it. */
import type { ClientApi, Payees } from '../../../client/api.ts';
import { toHex } from '../../../lib/bytes.ts';

/** Pages of an account's history that are read before the next account's turn. */
const PAGES = 4;

export class Dealings {
  /** Of each account, by its address in hex. */
  known = $state.raw<ReadonlyMap<string, Payees>>(new Map());
  /** All accounts were looked at since the last change of the chain. */
  #isFresh = $state.raw(false);
  readonly #peer: Pick<ClientApi, 'payees'>;
  #doubts = 0;
  #isReading = false;
  #isOver = false;

  constructor(peer: Pick<ClientApi, 'payees'>) {
    this.#peer = peer;
  }

  get all(): Payees[] {
    return [...this.known.values()];
  }

  /** Nobody is missing: who is in no list was never dealt with. */
  get whole(): boolean {
    return this.#isFresh && this.known.size > 0 && this.all.every(({ whole }) => whole);
  }

  /** Transactions read, of all accounts. */
  get read(): number {
    return this.all.reduce((sum, { read }) => sum + read, 0);
  }

  get total(): number {
    return this.all.reduce((sum, { read, total }) => sum + Math.max(read, total ?? 0), 0);
  }

  /** The chain changed: what is in the lists stays, but they may lack somebody. */
  doubt(): void {
    this.#doubts++;
    this.#isFresh = false;
  }

  /** The sheet is closed: reading ends with the page in work. */
  stop(): void {
    this.#isOver = true;
  }

  /** Reads on until all is whole, or a peer gives nothing more: then the next call tries again. */
  async follow(addresses: readonly Uint8Array[]): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      for (let at = -1; at !== this.#doubts && !this.#isOver;) {
        at = this.#doubts;
        for (const address of addresses) await this.#note(address, 0);
        for (const address of addresses) await this.#readOut(address);
      }
      this.#isFresh = true;
    } catch {
      // Without peers it stays unknown, and the sheet says so.
    } finally {
      this.#isReading = false;
    }
  }

  async #readOut(address: Uint8Array): Promise<void> {
    let before = -1;
    let now = await this.#note(address, PAGES);
    while (!this.#isOver && !now.whole && now.read > before) {
      before = now.read;
      now = await this.#note(address, PAGES);
    }
  }

  async #note(address: Uint8Array, pages: number): Promise<Payees> {
    const payees = await this.#peer.payees(address, pages);
    this.known = new Map([...this.known, [toHex(address), payees]]);
    return payees;
  }
}
