/**
 * The page's side of serving requests: says whose key answers are paid to, and has the vault sign the
 * miner's claims and results. Nobody is asked each time, so nothing else is signed here.
 */
import type { ClientApi } from '../../client/api.ts';
import { equal } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { SerialQueue } from '../../lib/queue.ts';
import { isUnattended } from '../../wallet/kinds.ts';
import type { VaultApi } from '../../wallet/vault/vault-api.ts';

/** Transactions that wait for their signature: some requests' worth. */
const WAITING_MAX = 32;
/** nV that one of them may pay: far over what a pool asks, far under what would be missed. */
export const WORK_FEE_MAX = 1_000_000n;

export class Serving {
  readonly #peer: () => Pick<ClientApi, 'serve' | 'submit'>;
  readonly #keys: () => Pick<VaultApi, 'describe' | 'sign'>;
  readonly #queue = new SerialQueue(WAITING_MAX);
  #served: Uint8Array | undefined;

  constructor(
    peer: () => Pick<ClientApi, 'serve' | 'submit'>,
    keys: () => Pick<VaultApi, 'describe' | 'sign'>,
  ) {
    this.#peer = peer;
    this.#keys = keys;
  }

  /** x-only key of the unlocked account; undefined: the miner works idle. */
  async serveFor(key: Uint8Array | undefined): Promise<void> {
    const same = key && this.#served ? equal(key, this.#served) : key === this.#served;
    if (same) return;
    this.#served = key;
    await this.#peer().serve(key);
  }

  /** Encoded unsigned Tx. What cannot be signed or is refused earns nothing; work goes on. */
  sign(tx: Uint8Array): void {
    void this.#queue.run(() => this.#signAndSend(tx)).catch(() => undefined);
  }

  async #signAndSend(tx: Uint8Array): Promise<void> {
    const { type, fee } = await this.#keys().describe(tx);
    if (!isUnattended(type) || fee > WORK_FEE_MAX) return;
    try {
      await this.#peer().submit(await this.#keys().sign(tx));
    } catch (e) {
      if (AppError.from(e).code === 'VAULT_LOCKED') await this.serveFor(undefined);
    }
  }
}
