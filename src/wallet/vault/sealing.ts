/** A secret of 32 bytes, encrypted and bound to where it belongs: AES-256-GCM. */
import { bytes, struct, type Value } from '../../core/codec.ts';
import { randomBytes } from '../random.ts';

export type VaultCrypto = Pick<Crypto, 'subtle' | 'getRandomValues'>;

export const KEY_BYTES = 32;
const TAG_BYTES = 16;

export const Sealed = struct({ iv: bytes(12), data: bytes(KEY_BYTES + TAG_BYTES) });
export type Sealed = Value<typeof Sealed>;

/** Non-extractable: it can be stored in IndexedDB and used, but not read. */
export const createDeviceKey = (crypto: VaultCrypto): Promise<CryptoKey> =>
  crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);

export const importKey = (crypto: VaultCrypto, rawKey: Uint8Array): Promise<CryptoKey> =>
  crypto.subtle.importKey('raw', view(rawKey), 'AES-GCM', false, ['encrypt', 'decrypt']);

export async function encrypt(
  crypto: VaultCrypto,
  key: CryptoKey,
  bound: Uint8Array,
  plain: Uint8Array,
): Promise<Sealed> {
  const iv = randomBytes(crypto, 12);
  const algorithm = { name: 'AES-GCM', iv, additionalData: view(bound) };
  return { iv, data: new Uint8Array(await crypto.subtle.encrypt(algorithm, key, view(plain))) };
}

/** Undefined when key, bound data or cipher text is not the one it was made with. */
export async function decrypt(
  crypto: VaultCrypto,
  key: CryptoKey,
  bound: Uint8Array,
  { iv, data }: Sealed,
): Promise<Uint8Array | undefined> {
  const algorithm = { name: 'AES-GCM', iv: view(iv), additionalData: view(bound) };
  try {
    return new Uint8Array(await crypto.subtle.decrypt(algorithm, key, view(data)));
  } catch {
    return undefined;
  }
}

/** WebCrypto's types refuse shared memory, which none of ours is. */
export function view(b: Uint8Array): Uint8Array<ArrayBuffer> {
  return b as Uint8Array<ArrayBuffer>;
}
