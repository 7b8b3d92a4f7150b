/**
 * Keys that sign with nobody there, as they are stored: the serving key, and a signer for each payment channel.
 * Each is sealed by a key of this device that opens nothing else, so that it works while the vault is locked.
 */
import { schnorr } from '@noble/curves/secp256k1.js';
import {
  encode,
  hash32,
  list,
  optional,
  struct,
  u32,
  u48,
  u64,
  type Value,
} from '../../core/codec.ts';
import { equal } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { CHANNELS_LIMIT_FIRST, CHANNELS_MAX, FRESH_MAX } from '../channels.ts';
import { keyAtPath, SERVING_PATH } from '../keys.ts';
import { decrypt, encrypt, Sealed, type VaultCrypto } from './sealing.ts';

const delegate = { publicKey: hash32, secret: Sealed };
const Delegate = struct(delegate);
export type Delegate = Value<typeof Delegate>;

/** `endMs`: ms since 1970 (channels.ts). */
const Channel = struct({ id: hash32, limit: u64, endMs: u48 });
/** `index`: of its path. */
const Signer = struct({ ...delegate, index: u32, channel: optional(Channel) });
export type Signer = Value<typeof Signer>;

export const Delegates = struct({
  serving: Delegate,
  channelsLimit: u64,
  /** Index of the next signer: none is made twice. */
  nextSigner: u32,
  signers: list(Signer, CHANNELS_MAX + FRESH_MAX),
});
export type Delegates = Value<typeof Delegates>;

/** What only the words' owner changes. Channels also end while the vault is locked. */
const Owned = struct({ serving: hash32, channelsLimit: u64 });

/** For the tag over the public part. */
export const ownedBytes = ({ serving, channelsLimit }: Delegates): Uint8Array =>
  encode(Owned, { serving: serving.publicKey, channelsLimit });

/** The key at a path of the words, sealed. @param deviceKey made for delegates alone */
export async function sealDelegate(
  crypto: VaultCrypto,
  deviceKey: CryptoKey,
  entropy: Uint8Array,
  path: string,
): Promise<Delegate> {
  const { publicKey, secret } = keyAtPath(entropy, path);
  try {
    return { publicKey, secret: await encrypt(crypto, deviceKey, publicKey, secret) };
  } finally {
    secret.fill(0);
  }
}

/** What a vault begins with. */
export const createDelegates = async (
  crypto: VaultCrypto,
  deviceKey: CryptoKey,
  entropy: Uint8Array,
): Promise<Delegates> => ({
  serving: await sealDelegate(crypto, deviceKey, entropy, SERVING_PATH),
  channelsLimit: CHANNELS_LIMIT_FIRST,
  nextSigner: 0,
  signers: [],
});

/** Gives the secret to `use`, and wipes it. @throws VAULT_TAMPERED where it is not the key that it is said to be */
export async function useDelegate<T>(
  crypto: VaultCrypto,
  deviceKey: CryptoKey | undefined,
  { publicKey, secret }: Delegate,
  use: (secret: Uint8Array) => T,
): Promise<T> {
  const opened = deviceKey && (await decrypt(crypto, deviceKey, publicKey, secret));
  try {
    if (opened && equal(schnorr.getPublicKey(opened), publicKey)) return use(opened);
    throw new AppError('VAULT_TAMPERED', 'another key');
  } finally {
    opened?.fill(0);
  }
}
