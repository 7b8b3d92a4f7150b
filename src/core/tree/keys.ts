/** Keys of state leaves (docs/protocol.md §8.2): hashed, so that nobody can choose a leaf's place in the tree. */
import { u32 } from '../../lib/bytes.ts';
import { hash, onceFor } from '../hash.ts';

const key = (kind: number, ...id: Uint8Array[]): Uint8Array =>
  hash('tree-key', Uint8Array.of(kind), ...id);

export const stateKey = {
  account: onceFor((address: Uint8Array): Uint8Array => key(0, address)),
  coinbase: (height: number): Uint8Array => key(1, u32(height)),
  request: (requestId: Uint8Array): Uint8Array => key(2, requestId),
  /** Requests that end at a height. */
  expiry: (height: number): Uint8Array => key(3, u32(height)),
  /** Requests that are paid at a height. */
  settle: (height: number): Uint8Array => key(4, u32(height)),
  claim: (requestId: Uint8Array, payee: Uint8Array): Uint8Array => key(5, requestId, payee),
  channel: (id: Uint8Array): Uint8Array => key(6, id),
  /** Channels that end at a height. */
  channelsEnding: (height: number): Uint8Array => key(7, u32(height)),
};
