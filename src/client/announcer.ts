/** Announces blocks and transactions to all peers. A sequence number makes each repetition new to gossip. */
import type { SignedTx } from '../core/formats.ts';
import type { Block } from '../core/messages.ts';
import type { Transport } from '../net/transport.ts';

export class Announcer {
  readonly #transport: Transport;
  #sequence = 0;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  get hasPeers(): boolean {
    return this.#transport.peers().length > 0;
  }

  /** @throws what the transport fails with */
  async announceBlock(block: Block): Promise<void> {
    await this.#transport.announceBlock({ block, sequence: ++this.#sequence });
  }

  /** @throws what the transport fails with */
  async announceTx(tx: SignedTx): Promise<void> {
    await this.#transport.announceTx({ tx, sequence: ++this.#sequence });
  }
}
