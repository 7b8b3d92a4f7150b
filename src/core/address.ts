/** Addresses: the hash of a public key, and its bech32m text (docs/protocol.md §2). */
import { bech32m } from '@scure/base';
import { hash, onceFor } from './hash.ts';

export const addressOf = onceFor((xonly: Uint8Array): Uint8Array => hash('address', xonly));

/** bech32m text of an address; `prefix` is that of its network (NetworkParams.prefix). */
export const formatAddress = (address: Uint8Array, prefix: string): string =>
  bech32m.encode(prefix, bech32m.toWords(address));

/** The 32 bytes of an address with that network's prefix, or undefined. Text all in upper case passes (QR codes). */
export function parseAddress(text: string, prefix: string): Uint8Array | undefined {
  const decoded = bech32m.decodeUnsafe(text);
  if (decoded?.prefix !== prefix) return undefined;
  const address = bech32m.fromWordsUnsafe(decoded.words);
  return address instanceof Uint8Array && address.length === 32 ? address : undefined;
}
