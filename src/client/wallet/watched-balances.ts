/** Balances of the addresses that the client's user follows: proven again at every new head. */
import { equal } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { Emitter } from '../../lib/events.ts';
import { WATCHED_MAX, type Balance } from '../api.ts';
import type { PeerEvents } from '../peer-events.ts';
import type { Accounts } from './accounts.ts';
import type { Sending } from './sending.ts';

/** Most tries to prove an address: a new head makes the answer to a try useless. */
const PROVE_TRIES = 3;

export interface WatchedBalancesDeps {
  readonly accounts: Accounts;
  readonly sending: Pick<Sending, 'reconcile'>;
  readonly events: Emitter<PeerEvents>;
}

export class WatchedBalances {
  readonly #deps: WatchedBalancesDeps;
  #addresses: readonly Uint8Array[] = [];

  constructor(deps: WatchedBalancesDeps) {
    this.#deps = deps;
  }

  /** Proves the balance of an address now, in the background, and at every new head. @throws AppError WATCH_FULL */
  watch(address: Uint8Array): void {
    if (!this.#addresses.some((other) => equal(other, address))) {
      if (this.#addresses.length >= WATCHED_MAX)
        throw new AppError('WATCH_FULL', `${WATCHED_MAX} addresses are followed`);
      this.#addresses = [...this.#addresses, address];
    }
    // The next head tries again.
    void this.#prove(address).catch(() => undefined);
  }

  unwatch(address: Uint8Array): void {
    this.#addresses = this.#addresses.filter((other) => !equal(other, address));
  }

  async proveAll(): Promise<void> {
    for (const address of this.#addresses) await this.#prove(address);
  }

  /** Proves any address now. @throws AppError NO_PEERS */
  async account(address: Uint8Array): Promise<Balance> {
    // A head that comes while a peer answers makes the answer useless: the address is proven again.
    for (let tries = 0; tries < PROVE_TRIES; tries++) {
      const balance = await this.#deps.accounts.prove(address);
      if (balance) return balance;
    }
    throw new AppError('NO_PEERS', 'no peer proves this address');
  }

  async #prove(address: Uint8Array): Promise<void> {
    const { accounts, sending, events } = this.#deps;
    const balance = await accounts.prove(address);
    if (!balance) return;
    await sending.reconcile(balance).catch(() => undefined);
    events.emit('report', { type: 'balance', balance });
  }
}
