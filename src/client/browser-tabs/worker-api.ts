/** Between the page and the client worker: the client API and its first call. */
import type { ClientApi, ClientConfig, ClientEvent } from '../api.ts';

/** The end of a port: of real peer connections, or of a whole transport on the page. */
export interface Lent {
  readonly kind: 'rtc' | 'transport';
  readonly port: MessagePort;
}

export type WorkerApi = ClientApi & {
  /**
   * First of all calls; the others wait for it. `lent`: what only the page can have, undefined
   * without WebRTC. Waits until no other worker of the network runs. @throws AppError STORE_FAILED
   */
  init(config: ClientConfig, lent: Lent | undefined): Promise<void>;
};
export type WorkerEvents = { event: ClientEvent };
