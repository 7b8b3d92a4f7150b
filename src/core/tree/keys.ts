/** Keys of state leaves (docs/protocol.md §8.2): hashed, so that nobody can choose a leaf's place in the tree. */
import { u32 } from '../../lib/bytes.ts';
import { hash, onceFor } from '../hash.ts';

const key = (kind: number, ...id: Uint8Array[]): Uint8Array =>
  hash('tree-key', Uint8Array.of(kind), ...id);

export const stateKey = {
  account: onceFor((address: Uint8Array): Uint8Array => key(0, address)),
  coinbase: (height: number): Uint8Array => key(1, u32(height)),
  channel: (id: Uint8Array): Uint8Array => key(2, id),
  /** Channels that end at a height. */
  channelsEnding: (height: number): Uint8Array => key(3, u32(height)),
};
