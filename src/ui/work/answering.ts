/**
 * The page's side of answering for pay: whom closes of channels pay, as long as the person wants it and there are keys.
 * What is signed for it goes another way, also while the keys are locked (client/browser-tabs/signers-port.ts).
 */
import type { ClientApi } from '../../client/api.ts';
import { SerialQueue } from '../../lib/queue.ts';

/** Changes of mind that wait for the one before: a person makes few. */
const WAITING_MAX = 32;

export class Answering {
  readonly #peer: () => Pick<ClientApi, 'provide'>;
  /** Switching on asks the keys, switching off does not: in turn, so that the last word counts. */
  readonly #queue = new SerialQueue(WAITING_MAX);
  /** What the peer was told last, as text; '': nothing. */
  #told = '';

  constructor(peer: () => Pick<ClientApi, 'provide'>) {
    this.#peer = peer;
  }

  /**
   * What failed is tried again by the next call.
   * @param payee address that is paid; undefined: no more questions are taken
   * @param tokenPrice nV for a thousand tokens; undefined: what mining would earn in the time
   */
  answerFor(payee: Uint8Array | undefined, tokenPrice: bigint | undefined): Promise<void> {
    return this.#queue.run(async () => {
      const wanted = payee ? [...payee, tokenPrice].join() : '';
      if (wanted === this.#told) return;
      await this.#peer().provide(payee && { payee, tokenPrice });
      this.#told = wanted;
    });
  }
}
