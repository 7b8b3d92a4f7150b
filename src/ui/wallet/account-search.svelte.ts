/** Finds the other accounts of restored words: nothing but the chain knows which of them were used. */
import type { Session } from '../session.svelte.ts';

type Storage = Pick<globalThis.Storage, 'getItem' | 'setItem'>;

/** So many accounts in a row that nobody used end the search. */
export const UNUSED_MAX = 2;

/** How many of the accounts, from the first, are to be made so that the last used one is among them. */
export async function countUsed(
  addresses: readonly Uint8Array[],
  isUsed: (address: Uint8Array) => Promise<boolean>,
): Promise<number> {
  let used = 0;
  for (const [i, address] of addresses.entries()) {
    if (i >= used + UNUSED_MAX) break;
    if (await isUsed(address)) used = i + 1;
  }
  return used;
}

/** `found`: how many accounts were made. */
export type SearchState = 'none' | 'waiting' | 'searching' | 'failed' | { readonly found: number };

export class AccountSearch {
  state = $state.raw<SearchState>('none');
  /** In storage while the words were restored and their accounts were not looked for: a reload goes on with it. */
  readonly #key: string;
  readonly #storage: Storage | undefined;

  constructor(prefix: string, storage: Storage | undefined) {
    this.#key = `pila.search-accounts.${prefix}`;
    this.#storage = storage;
    if (this.#attempt((kept) => kept.getItem(this.#key))) this.state = 'waiting';
  }

  /** The words were just restored. */
  begin(): void {
    this.state = 'waiting';
    this.#attempt((kept) => kept.setItem(this.#key, '1'));
  }

  /** They were erased, or the person has read what was found. */
  end(): void {
    this.state = 'none';
    this.#attempt((kept) => kept.setItem(this.#key, ''));
  }

  /**
   * With the keys open, and a head that peers agree on: addresses are proven like one's own.
   * @param nameOf of the account with that index
   */
  async run(session: Session, nameOf: (index: number) => string): Promise<void> {
    this.state = 'searching';
    try {
      const before = session.vault?.accounts.length ?? 0;
      const ahead = await session.keys.accountsAhead();
      const used = await countUsed(ahead, async (address) => {
        const { spendable, immature, txCount } = await session.peer.account(address);
        return spendable > 0n || immature > 0n || txCount > 0;
      });
      const isMade = used === 0 || (await this.#make(session, before + used, nameOf));
      if (isMade) this.#attempt((kept) => kept.setItem(this.#key, ''));
      this.state = !isMade ? 'failed' : used > 0 ? { found: used } : 'none';
    } catch {
      this.state = 'failed';
    }
  }

  /** Making an account uses it: in the end the one that was in use is used again. */
  async #make(
    session: Session,
    total: number,
    nameOf: (index: number) => string,
  ): Promise<boolean> {
    let isWhole = false;
    const isMade = await session.changeNext('findAccounts', async (keys) => {
      const { accounts, current } = await keys.status();
      try {
        for (let index = accounts.length; index < total; index++)
          await keys.addAccount(nameOf(index));
        isWhole = true;
      } catch {
        // Said as the search's own failure: those that were made stay.
      }
      return keys.useAccount(current);
    });
    return isMade && isWhole;
  }

  /** A person may forbid it: then a reload forgets the search. */
  #attempt<T>(use: (kept: Storage) => T): T | undefined {
    try {
      return this.#storage && use(this.#storage);
    } catch {
      return undefined;
    }
  }
}
