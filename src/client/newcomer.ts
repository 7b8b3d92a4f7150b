/**
 * A client that knows no genesis: its configuration names none, and its store is empty. It learns the genesis
 * from the first peer that has one of this network; until then there is no chain.
 */
import { unavailable } from '../chain/shared/answer.ts';
import type { LightChain } from '../chain/light/light-chain.ts';
import { isFault } from '../core/faults.ts';
import type { Handlers } from '../net/transport.ts';
import type { ChainStatus } from './api.ts';
import { statusWithoutChain } from './chain-status.ts';
import type { ClientBase, Stage } from './stage.ts';
import { createPeerQueue } from './sync/peer-queue.ts';

export class Newcomer implements Stage {
  readonly #deps: ClientBase;
  readonly #chain = Promise.withResolvers<LightChain>();
  readonly #queue = createPeerQueue({ run: (peer) => this.#askGenesis(peer) });
  #everConnected = false;
  /** Whether a genesis was chosen: taking a second one would delete the chain of the first. */
  #hasChosen = false;

  constructor(deps: ClientBase) {
    this.#deps = deps;
  }

  /** Resolves once a peer has sent the genesis. */
  get chain(): Promise<LightChain> {
    return this.#chain.promise;
  }

  /** Without a genesis nothing can be judged, and only requests for parts of models can be answered. */
  readonly handlers: Handlers = {
    onRequest: async (_peer, request) =>
      request.type === 'model'
        ? this.#deps.modelService.answer(request)
        : unavailable('no genesis'),
    onBlock: async () => 'ignore',
    onTx: async () => 'ignore',
    onOffer: async () => 'ignore',
    onPeers: (peers) => {
      this.#everConnected ||= peers.length > 0;
      this.poll();
      this.#deps.events.emit('statusChanged');
    },
  };

  /** Asks every peer. */
  poll(): void {
    for (const { id } of this.#deps.transport.peers()) this.#queue.add(id);
  }

  announceFoundAgain(): void {}

  async shareFound(): Promise<void> {}

  stop(): void {
    this.#deps.worker.stop();
  }

  status(): ChainStatus {
    const { network, transport } = this.#deps;
    const alone = this.#everConnected ? 'offline' : 'connecting';
    const sync = transport.peers().length ? 'syncing' : alone;
    return statusWithoutChain({ params: network.params, transport, sync });
  }

  async #askGenesis(peer: string): Promise<void> {
    const { light, transport } = this.#deps;
    const status = await transport.request(peer, { type: 'status' });
    if (status.type !== 'status' || this.#hasChosen) return;

    this.#hasChosen = true;
    try {
      const begun = await light.begin(status.genesis);
      if (isFault(begun)) this.#hasChosen = false;
      else this.#chain.resolve(begun.chain);
    } catch (e) {
      this.#hasChosen = false;
      throw e;
    }
  }
}
