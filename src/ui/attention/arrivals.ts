/** Which payments have arrived since the history was read last. Pure but for what it remembers. */
import type { AccountEntry } from '../../client/api.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import { historyKindOf } from '../wallet/history/kinds.ts';

/** Ids of transactions that are remembered: after a reorganisation they come again, which is no news. */
const KNOWN_MAX = 4096;

export interface Arrival {
  /** nV. */
  readonly amount: bigint;
  readonly from: Uint8Array;
}

export class Arrivals {
  #known: ReadonlySet<string> = new Set();
  /** Undefined before the first history: what is there by then has not arrived. */
  #account: Uint8Array | undefined;

  /** @param entries newest first; older pages may have been added */
  note(account: Uint8Array, entries: readonly AccountEntry[]): Arrival[] {
    const isFirst = !this.#account || !equal(this.#account, account);
    const before = isFirst ? new Set<string>() : this.#known;
    const ids = entries.map(({ id }) => toHex(id));
    const newest = ids.findIndex((id) => before.has(id));
    const fresh = isFirst ? [] : entries.slice(0, newest < 0 ? entries.length : newest);
    this.#account = account;
    this.#known = new Set([...ids, ...before].slice(0, KNOWN_MAX));
    return fresh.flatMap(({ tx: { tx } }) => {
      const { kind, amount, other } = historyKindOf(tx).line(tx, account);
      return kind === 'received' && amount && other ? [{ amount, from: other }] : [];
    });
  }
}
