/** Between the page and the client worker: the client API and its first call. */
import type { ClientApi, ClientConfig, ClientEvent } from './api.ts';

export type WorkerApi = ClientApi & {
  /**
   * First of all calls; the others wait for it. `rtc`: the end of a port that serves real peer
   * connections, where data channels can cross. @throws AppError OTHER_TAB, STORE_FAILED
   */
  init(config: ClientConfig, rtc: MessagePort | undefined): Promise<void>;
};
export type WorkerEvents = { event: ClientEvent };
