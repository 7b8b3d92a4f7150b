/**
 * The stored vault. A random data key encrypts the entropy by AES-256-GCM; the data key itself is
 * wrapped by this device's key or by one that scrypt makes from a passphrase. Both are bound to the
 * version, the wrapping and the address. A plain checksum tells damage from a wrong passphrase.
 */
import { scryptAsync } from '@noble/hashes/scrypt.js';
import { addressOf } from '../core/address.ts';
import {
  blob,
  bytes,
  encode,
  hash32,
  list,
  struct,
  tryDecode,
  u8,
  union,
  type Value,
} from '../core/codec.ts';
import { plainHash } from '../core/hash.ts';
import { concat, equal, utf8 } from '../lib/bytes.ts';
import { AppError } from '../lib/errors.ts';
import { normalizePassphrase } from './passphrase.ts';
import { randomBytes } from './random.ts';

export type VaultCrypto = Pick<Crypto, 'subtle' | 'getRandomValues'>;

const VERSION = 2;
/** Of what the cipher texts are bound to: as in version 1. */
const SEAL_VERSION = 1;
/** One passphrase opens them all, and each costs a derivation then. */
export const ACCOUNTS_MAX = 16;
const TAG_BYTES = 16;
const KEY_BYTES = 32;
const SALT_BYTES = 16;
const CHECK_BYTES = 32;

const sealed = { iv: bytes(12), data: bytes(KEY_BYTES + TAG_BYTES) };
const Wrap = union({
  device: struct({}),
  /** scrypt's N = 2^logN, r and p. */
  scrypt: struct({ logN: u8, r: u8, p: u8, salt: bytes(SALT_BYTES) }),
});
export type Wrap = Value<typeof Wrap>;
export type ScryptWrap = Extract<Wrap, { type: 'scrypt' }>;
export type ScryptCost = Pick<ScryptWrap, 'logN' | 'r' | 'p'>;

const Bound = struct({ version: u8, wrap: Wrap, address: hash32 });
/** Public: readable while locked. Its place in the list is its index in the path. */
const Account = struct({ name: blob(128), publicKey: hash32 });
export type AccountRecord = Value<typeof Account>;

const sealedFields = {
  /** 0 or 1. */
  backedUp: u8,
  wrappedKey: struct(sealed),
  entropy: struct(sealed),
};
/** `address`: of account 0. */
const head = { version: u8, wrap: Wrap, address: hash32 };
const Stored = struct({
  ...head,
  accounts: list(Account, ACCOUNTS_MAX),
  current: u8,
  ...sealedFields,
});
/** With one account. */
const StoredV1 = struct({ ...head, publicKey: hash32, ...sealedFields });
export type VaultBlob = Value<typeof Stored>;

/** OWASP's floor, audited in @noble/hashes: 128 MiB, about 0.5 s on a two-core Xeon. */
export const SCRYPT_COST: ScryptCost = { logN: 17, r: 8, p: 1 };
/** A blob may ask for this much and no more: 512 MiB. */
const SCRYPT_BYTES_MAX = 2 ** 29;

export function encodeVault(blob: VaultBlob): Uint8Array {
  const data = encode(Stored, blob);
  return concat(data, plainHash(data));
}

/** @throws VAULT_VERSION (a newer format), VAULT_CORRUPT */
export function decodeVault(stored: Uint8Array): VaultBlob {
  const data = stored.slice(0, -CHECK_BYTES);
  const isWhole = data.length > 0 && equal(plainHash(data), stored.slice(-CHECK_BYTES));
  if (!isWhole) throw corrupt('its checksum is wrong');
  if (data[0] !== VERSION && data[0] !== 1)
    throw new AppError('VAULT_VERSION', `version ${data[0]}`);
  const blob = data[0] === VERSION ? tryDecode(Stored, data) : fromV1(data);
  if (!blob || blob.backedUp > 1 || blob.current >= blob.accounts.length)
    throw corrupt('its format is wrong');
  if (!equal(addressOf(blob.accounts[0]!.publicKey), blob.address))
    throw corrupt('its address is wrong');
  if (blob.wrap.type === 'scrypt' && !isCostBounded(blob.wrap))
    throw corrupt('it asks for too much work');
  return blob;
}

function fromV1(data: Uint8Array): VaultBlob | undefined {
  const old = tryDecode(StoredV1, data);
  if (!old) return undefined;
  const { publicKey, ...rest } = old;
  const accounts = [{ name: new Uint8Array(), publicKey }];
  return { ...rest, version: VERSION, accounts, current: 0 };
}

const isCostBounded = ({ logN, r, p }: ScryptCost): boolean =>
  logN >= 10 && r >= 1 && p >= 1 && p <= 4 && 128 * r * 2 ** logN <= SCRYPT_BYTES_MAX;

export interface VaultContents {
  readonly entropy: Uint8Array;
  /** The first is account 0. */
  readonly accounts: readonly AccountRecord[];
  readonly current: number;
  readonly backedUp: boolean;
}

/** Encrypts entropy under a new data key, wrapped by `wrapKey`, which is what `wrap` describes. */
export async function sealVault(
  crypto: VaultCrypto,
  { entropy, accounts, current, backedUp }: VaultContents,
  wrap: Wrap,
  wrapKey: CryptoKey,
): Promise<VaultBlob> {
  const address = addressOf(accounts[0]!.publicKey);
  const bound = encode(Bound, { version: SEAL_VERSION, wrap, address });
  const rawKey = randomBytes(crypto, KEY_BYTES);
  try {
    return {
      version: VERSION,
      wrap,
      address,
      accounts: [...accounts],
      current,
      backedUp: backedUp ? 1 : 0,
      wrappedKey: await encrypt(crypto, wrapKey, bound, rawKey),
      entropy: await encrypt(crypto, await importKey(crypto, rawKey), bound, entropy),
    };
  } finally {
    rawKey.fill(0);
  }
}

/** The entropy. @throws PASSPHRASE_WRONG, or VAULT_CORRUPT where no passphrase is to blame */
export async function openVault(
  crypto: VaultCrypto,
  blob: VaultBlob,
  wrapKey: CryptoKey,
): Promise<Uint8Array> {
  const bound = encode(Bound, { ...blob, version: SEAL_VERSION });
  const rawKey = await decrypt(crypto, wrapKey, bound, blob.wrappedKey);
  if (!rawKey && blob.wrap.type === 'scrypt')
    throw new AppError('PASSPHRASE_WRONG', 'the passphrase does not open the vault');
  if (!rawKey) throw corrupt('the key of this device does not open it');
  const dataKey = await importKey(crypto, rawKey);
  rawKey.fill(0);
  const entropy = await decrypt(crypto, dataKey, bound, blob.entropy);
  if (!entropy) throw corrupt('its entropy does not decrypt');
  return entropy;
}

export const createScryptWrap = (crypto: VaultCrypto, cost: ScryptCost): ScryptWrap => ({
  type: 'scrypt',
  ...cost,
  salt: randomBytes(crypto, SALT_BYTES),
});

/** Non-extractable. @throws VAULT_MEMORY when the device lacks it (128·r·2^logN bytes) */
export async function keyFromPassphrase(
  crypto: VaultCrypto,
  passphrase: string,
  { logN, r, p, salt }: ScryptWrap,
): Promise<CryptoKey> {
  const options = { N: 2 ** logN, r, p, dkLen: KEY_BYTES, maxmem: SCRYPT_BYTES_MAX + 2 ** 20 };
  const secret = utf8(normalizePassphrase(passphrase));
  try {
    const rawKey = await scryptAsync(secret, salt, options);
    return await importKey(crypto, rawKey).finally(() => rawKey.fill(0));
  } catch (cause) {
    throw new AppError('VAULT_MEMORY', 'the key could not be derived', { cause });
  } finally {
    secret.fill(0);
  }
}

/** Non-extractable: it can be stored in IndexedDB and used, but not read. */
export const createDeviceKey = (crypto: VaultCrypto): Promise<CryptoKey> =>
  crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);

type Sealed = VaultBlob['entropy'];

const importKey = (crypto: VaultCrypto, rawKey: Uint8Array): Promise<CryptoKey> =>
  crypto.subtle.importKey('raw', view(rawKey), 'AES-GCM', false, ['encrypt', 'decrypt']);

async function encrypt(
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
async function decrypt(
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
const view = (b: Uint8Array) => b as Uint8Array<ArrayBuffer>;

const corrupt = (why: string) => new AppError('VAULT_CORRUPT', why);
