/** Serving requests while mining: which one is next, and its claim and result once it is answered. */
import type { LightChain } from '../chain/light-chain.ts';
import type { Network } from './models.ts';
import type { Outbox } from './outbox.ts';

export interface Serving {
  /** x-only key of the payee; undefined: mine idle. */
  serve(publicKey: Uint8Array | undefined): void;
}

export interface ServingParts {
  readonly network: Network;
  readonly chain: LightChain;
  readonly outbox: Outbox;
  readonly onUnsigned: (tx: Uint8Array) => void;
}

export function createServing(_parts: ServingParts): Serving {
  return { serve: () => undefined };
}
