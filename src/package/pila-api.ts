/** What programs and pages of others use: one peer of the network behind a few calls. */
import type { Balance, ClientApi, ClientConfig, ClientEvent } from '../client/api.ts';
import type { ModelsHere } from './models-here.ts';
import type { Paid } from './paid-api.ts';
import type { MineOptions, Mining } from './work.ts';

/** A payment that was sent, and is announced until a block has it. */
export interface Payment {
  /** Of the transaction, in hex. */
  readonly id: string;
  /** @returns height of its block. @throws TX_REFUSED where it expired, was refused or replaced */
  confirmed(): Promise<number>;
}

export type PilaEvent<Type extends ClientEvent['type']> = Extract<ClientEvent, { type: Type }>;

export interface Pila extends ModelsHere, Paid {
  readonly network: ClientConfig['network'];
  /** Address of the key; undefined without one. */
  readonly address: string | undefined;
  /** All else that a peer does, with bytes for ids and addresses: docs/api.md. */
  readonly client: ClientApi;
  /** Resolves when this peer is at the head of the chain; that may take as long as nobody else is there. */
  synced(): Promise<void>;
  /**
   * The balance of an address after the newest block, proven here. @param address default: that of the key
   * @throws ADDRESS_MALFORMED, ADDRESS_CHECKSUM, ADDRESS_NETWORK, WATCH_FULL over 16 addresses, NO_PEERS
   */
  balance(address?: string): Promise<Balance>;
  /**
   * Pays with the key. @param amount nV: `parseAmount('1.5')`
   * @throws SERVING_MISSING without a key, ADDRESS_*, AMOUNT_RANGE, MEMO_LONG, NONCE_TAKEN, TX_REFUSED
   */
  pay(to: string, amount: bigint, memo?: string): Promise<Payment>;
  /**
   * Begins to work for the network; what fails is thrown where the status is read.
   * @throws ADDRESS_*, NO_PAYOUT without key and address; and there MODELS_DECLINED, NO_MINER, SERVING_MISSING, …
   */
  mine(options?: MineOptions): Mining;
  /**
   * What happens from when they are read on, of one type or of all. Of those that wait the newest 256 are kept. They end
   * with `stop`.
   */
  events(): AsyncIterable<ClientEvent>;
  events<Type extends ClientEvent['type']>(type: Type): AsyncIterable<PilaEvent<Type>>;
  /** Ends the peer and all iterations. */
  stop(): Promise<void>;
}

export interface PilaOptions {
  /** Address of a seed's page, such as `https://…/`, or a configuration of one's own. */
  readonly network: string | ClientConfig;
}
