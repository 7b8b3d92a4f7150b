/** The interface between the page and the client worker: the client API and its first call. */
import type { ClientApi, ClientConfig, ClientEvent } from '../api.ts';

/** One end of a port to the page, which serves real peer connections there, or a whole transport. */
export interface Lent {
  readonly kind: 'rtc' | 'transport';
  readonly port: MessagePort;
}

export type WorkerApi = ClientApi & {
  /**
   * The first call; all others wait for it. `lent`: the port to the page's peer connections, undefined without
   * WebRTC. `signers`: the port to what its vault signs with nobody there (signers-port.ts), if it has one. Waits until no other
   * worker of the network runs. @throws AppError STORE_FAILED
   */
  init(
    config: ClientConfig,
    lent: Lent | undefined,
    signers: MessagePort | undefined,
  ): Promise<void>;
};
export type WorkerEvents = { event: ClientEvent };
