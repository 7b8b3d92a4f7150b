/**
 * The stored vault. A random data key encrypts the entropy by AES-256-GCM; the data key itself is
 * wrapped by this device's key or by one that scrypt makes from a passphrase, and beside a passphrase
 * also by what a passkey gives. Each is bound to its wrapping. A plain checksum tells damage from a
 * wrong passphrase, and a tag under a key of the entropy tells a changed public part from damage.
 */
import { scryptAsync } from '@noble/hashes/scrypt.js';
import { addressOf } from '../../core/address.ts';
import {
  blob,
  bytes,
  encode,
  hash32,
  list,
  optional,
  struct,
  tryDecode,
  u8,
  union,
  type Value,
} from '../../core/codec.ts';
import { plainHash } from '../../core/hash.ts';
import { concat, equal, utf8 } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { Delegates, ownedBytes } from './delegates-blob.ts';
import { LOCK_MINUTES, LOCK_MINUTES_FIRST } from '../lock-minutes.ts';
import { normalizePassphrase } from '../passphrase.ts';
import { randomBytes } from '../random.ts';
import {
  decrypt,
  encrypt,
  importKey,
  KEY_BYTES,
  Sealed,
  view,
  type VaultCrypto,
} from './sealing.ts';

export const VERSION = 5;
/** What the cipher texts are bound to: until version 3 of the record also to the address. */
const SEAL_OLD = 1;
const SEAL_VERSION = 2;
/** One passphrase opens them all, and each costs a derivation then. */
export const ACCOUNTS_MAX = 16;
const SALT_BYTES = 16;
const CHECK_BYTES = 32;
const TAG_BYTES_PUBLIC = 32;

const Wrap = union({
  device: [0, struct({})],
  /** scrypt's N = 2^logN, r and p. */
  scrypt: [1, struct({ logN: u8, r: u8, p: u8, salt: bytes(SALT_BYTES) })],
});
export type Wrap = Value<typeof Wrap>;
export type ScryptWrap = Extract<Wrap, { type: 'scrypt' }>;
export type ScryptCost = Pick<ScryptWrap, 'logN' | 'r' | 'p'>;

const Bound = struct({ version: u8, wrap: Wrap });
/** With the address a changed address looks like a wrong passphrase. */
const BoundOld = struct({ version: u8, wrap: Wrap, address: hash32 });
/** Public: readable while locked. Its place in the list is its index in the path. */
const Account = struct({ name: blob(128), publicKey: hash32 });
export type AccountRecord = Value<typeof Account>;

/** A passkey's own wrapping of the data key: what WebAuthn's PRF gives for the salt opens it. */
const Passkey = struct({
  credential: blob(1023),
  salt: bytes(KEY_BYTES),
  wrappedKey: Sealed,
});
export type Passkey = Value<typeof Passkey>;
const PasskeyBound = struct({ address: hash32, credential: blob(1023), salt: bytes(KEY_BYTES) });

const sealedFields = {
  /** 0 or 1. */
  backedUp: u8,
  wrappedKey: Sealed,
  entropy: Sealed,
};
/** `address`: of account 0. */
const head = { version: u8, wrap: Wrap, address: hash32 };
const accountsFields = { accounts: list(Account, ACCOUNTS_MAX), current: u8 };
/** Minutes without a use after which a protected vault locks. */
const comfort = { lockMinutes: u8, passkey: optional(Passkey) };
/** `seal`: 1 or 2. `tag`: of the public part, 32 bytes; none until the vault is first opened by this version. */
const tagged = { seal: u8, tag: optional(bytes(TAG_BYTES_PUBLIC)) };
/** None until the vault is first opened by this version. */
const delegated = { delegates: optional(Delegates) };
const Stored = struct({
  ...head,
  ...comfort,
  ...accountsFields,
  ...sealedFields,
  ...tagged,
  ...delegated,
});
/** Without keys that sign unattended. */
const StoredV4 = struct({ ...head, ...comfort, ...accountsFields, ...sealedFields, ...tagged });
/** Not tagged, bound to the address. */
const StoredV3 = struct({ ...head, ...comfort, ...accountsFields, ...sealedFields });
/** Locks after five minutes, knows no passkeys. */
const StoredV2 = struct({ ...head, ...accountsFields, ...sealedFields });
/** With one account. */
const StoredV1 = struct({ ...head, publicKey: hash32, ...sealedFields });
export type VaultBlob = Value<typeof Stored>;

/** What only the keys' owner changes: the tag is over it. Which account is in use may change while locked. */
const PublicPart = struct({ lockMinutes: u8, accounts: list(Account, ACCOUNTS_MAX), backedUp: u8 });
/** With what is owned of the delegates, where there are any: a vault of version 4 had none. */
type PublicPart = Value<typeof PublicPart> & { readonly delegates: Delegates | null };

/** OWASP's floor, audited in @noble/hashes: 128 MiB, about 0.5 s on a two-core Xeon. */
export const SCRYPT_COST: ScryptCost = { logN: 17, r: 8, p: 1 };
/** ms of work after which other messages are read: each pause costs some. */
const TICK_MS = 50;
/** Steps of scrypt, which take the same time each. */
export const workOf = ({ logN, r, p }: ScryptCost): number => r * p * 2 ** logN;
/** A blob may ask for this much and no more: 512 MiB. */
const SCRYPT_BYTES_MAX = 2 ** 29;

export function encodeVault(blob: VaultBlob): Uint8Array {
  const data = encode(Stored, blob);
  return concat(data, plainHash(data));
}

/** Whether the checksum is right: also of a version that is not known here. */
export function isWhole(stored: Uint8Array): boolean {
  const data = stored.slice(0, -CHECK_BYTES);
  return data.length > 0 && equal(plainHash(data), stored.slice(-CHECK_BYTES));
}

/** @throws VAULT_VERSION (a newer format), VAULT_CORRUPT */
export function decodeVault(stored: Uint8Array): VaultBlob {
  if (!isWhole(stored)) throw corrupt('its checksum is wrong');
  const data = stored.slice(0, -CHECK_BYTES);
  const version = data[0]!;
  if (version < 1 || version > VERSION) throw new AppError('VAULT_VERSION', `version ${version}`);
  const blob = version === VERSION ? tryDecode(Stored, data) : fromOlder(data);
  if (
    !blob ||
    blob.backedUp > 1 ||
    !isSealKnown(blob) ||
    blob.current >= blob.accounts.length ||
    !isTimely(blob)
  )
    throw corrupt('its format is wrong');
  if (!equal(addressOf(blob.accounts[0]!.publicKey), blob.address))
    throw corrupt('its address is wrong');
  if (blob.wrap.type === 'scrypt' && !isCostBounded(blob.wrap))
    throw corrupt('it asks for too much work');
  return blob;
}

function fromOlder(data: Uint8Array): VaultBlob | undefined {
  const since5 = { version: VERSION, delegates: null };
  if (data[0] === 4) {
    const old = tryDecode(StoredV4, data);
    return old && { ...old, ...since5 };
  }
  const untagged = { ...since5, seal: SEAL_OLD, tag: null };
  if (data[0] === 3) {
    const old = tryDecode(StoredV3, data);
    return old && { ...old, ...untagged };
  }
  const newer = { ...untagged, lockMinutes: LOCK_MINUTES_FIRST, passkey: null };
  if (data[0] === 2) {
    const old = tryDecode(StoredV2, data);
    return old && { ...old, ...newer };
  }
  const old = tryDecode(StoredV1, data);
  if (!old) return undefined;
  const { publicKey, ...rest } = old;
  const accounts = [{ name: new Uint8Array(), publicKey }];
  return { ...rest, ...newer, accounts, current: 0 };
}

const isTimely = ({ lockMinutes }: VaultBlob): boolean =>
  LOCK_MINUTES.some((minutes) => minutes === lockMinutes);

const isSealKnown = ({ seal }: VaultBlob): boolean => seal === SEAL_OLD || seal === SEAL_VERSION;

const isCostBounded = ({ logN, r, p }: ScryptCost): boolean =>
  logN >= 10 && r >= 1 && p >= 1 && p <= 4 && 128 * r * 2 ** logN <= SCRYPT_BYTES_MAX;

export interface VaultContents {
  readonly entropy: Uint8Array;
  /** The first is account 0. */
  readonly accounts: readonly AccountRecord[];
  readonly current: number;
  readonly backedUp: boolean;
  readonly lockMinutes?: number;
  readonly passkey?: Passkey | null;
  readonly delegates: Delegates | null;
}

/** 32 bytes, to be wiped after use. */
export const createDataKey = (crypto: VaultCrypto): Uint8Array => randomBytes(crypto, KEY_BYTES);

/** Encrypts entropy under the data key, wrapped by `wrapKey`, which is what `wrap` describes. */
export async function sealVault(
  crypto: VaultCrypto,
  { entropy, backedUp, ...rest }: VaultContents,
  { wrap, wrapKey }: { readonly wrap: Wrap; readonly wrapKey: CryptoKey },
  dataKey: Uint8Array,
): Promise<VaultBlob> {
  const address = addressOf(rest.accounts[0]!.publicKey);
  const bound = encode(Bound, { version: SEAL_VERSION, wrap });
  const blob = {
    lockMinutes: LOCK_MINUTES_FIRST,
    passkey: null,
    ...rest,
    version: VERSION,
    wrap,
    address,
    accounts: [...rest.accounts],
    backedUp: backedUp ? 1 : 0,
    wrappedKey: await encrypt(crypto, wrapKey, bound, dataKey),
    entropy: await encrypt(crypto, await importKey(crypto, dataKey), bound, entropy),
    seal: SEAL_VERSION,
  };
  return { ...blob, tag: await tagOf(crypto, blob, entropy) };
}

const boundOf = (blob: VaultBlob) =>
  encode(blob.seal === SEAL_OLD ? BoundOld : Bound, { ...blob, version: blob.seal });

/** HMAC-SHA-256 of the public part, under a key that only the entropy gives. 32 bytes. */
export async function tagOf(
  crypto: VaultCrypto,
  publicPart: PublicPart,
  entropy: Uint8Array,
): Promise<Uint8Array> {
  const hmac = { name: 'HMAC', hash: 'SHA-256', length: 256 };
  const key = await derive(crypto, entropy, { info: TAG_INFO, use: hmac, usages: ['sign'] });
  const { delegates } = publicPart;
  const owned = delegates ? ownedBytes(delegates) : new Uint8Array();
  const data = view(concat(encode(PublicPart, publicPart), owned));
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, data));
}
const TAG_INFO = view(utf8('pila vault public part'));

/** The data key, to be wiped. @throws PASSPHRASE_WRONG, or VAULT_CORRUPT where no passphrase is to blame */
export async function openDataKey(
  crypto: VaultCrypto,
  blob: VaultBlob,
  wrapKey: CryptoKey,
): Promise<Uint8Array> {
  const dataKey = await decrypt(crypto, wrapKey, boundOf(blob), blob.wrappedKey);
  if (!dataKey && blob.wrap.type === 'scrypt')
    throw new AppError('PASSPHRASE_WRONG', 'the passphrase does not open the vault');
  if (!dataKey) throw corrupt('the key of this device does not open it');
  return dataKey;
}

/** @throws VAULT_CORRUPT */
export async function openEntropy(
  crypto: VaultCrypto,
  blob: VaultBlob,
  dataKey: Uint8Array,
): Promise<Uint8Array> {
  const key = await importKey(crypto, dataKey);
  const entropy = await decrypt(crypto, key, boundOf(blob), blob.entropy);
  if (!entropy) throw corrupt('its entropy does not decrypt');
  return entropy;
}

/** HKDF: a key for one use, from which nothing else that the secret is used for follows. */
async function derive(
  crypto: VaultCrypto,
  secret: Uint8Array,
  what: {
    readonly info: Uint8Array<ArrayBuffer>;
    readonly use: AesKeyGenParams | HmacKeyGenParams;
    readonly usages: KeyUsage[];
  },
): Promise<CryptoKey> {
  const base = await crypto.subtle.importKey('raw', view(secret), 'HKDF', false, ['deriveKey']);
  const how = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: what.info };
  return crypto.subtle.deriveKey(how, base, what.use, false, what.usages);
}

const keyFromPasskey = (crypto: VaultCrypto, output: Uint8Array): Promise<CryptoKey> => {
  const aes = { name: 'AES-GCM', length: 256 };
  return derive(crypto, output, { info: PASSKEY_INFO, use: aes, usages: ['encrypt', 'decrypt'] });
};
const PASSKEY_INFO = view(utf8('pila vault passkey'));

/** A passkey, and what its PRF gives for the salt: 32 bytes. */
interface PasskeyOutput extends Pick<Passkey, 'credential' | 'salt'> {
  readonly output: Uint8Array;
}

export async function wrapByPasskey(
  crypto: VaultCrypto,
  { credential, salt, output }: PasskeyOutput,
  { address }: VaultBlob,
  dataKey: Uint8Array,
): Promise<Passkey> {
  const bound = encode(PasskeyBound, { address, credential, salt });
  const wrapKey = await keyFromPasskey(crypto, output);
  return { credential, salt, wrappedKey: await encrypt(crypto, wrapKey, bound, dataKey) };
}

/** The data key, to be wiped. @throws PASSKEY_WRONG */
export async function openByPasskey(
  crypto: VaultCrypto,
  { address }: VaultBlob,
  { credential, salt, wrappedKey }: Passkey,
  output: Uint8Array,
): Promise<Uint8Array> {
  const bound = encode(PasskeyBound, { address, credential, salt });
  const dataKey = await decrypt(crypto, await keyFromPasskey(crypto, output), bound, wrappedKey);
  if (!dataKey) throw new AppError('PASSKEY_WRONG', 'this passkey does not open the vault');
  return dataKey;
}

export const createScryptWrap = (crypto: VaultCrypto, cost: ScryptCost): ScryptWrap => ({
  type: 'scrypt',
  ...cost,
  salt: randomBytes(crypto, SALT_BYTES),
});

/** Non-extractable. @throws VAULT_MEMORY when the device lacks it (128·r·2^logN bytes), DERIVING_STOPPED */
export async function keyFromPassphrase(
  crypto: VaultCrypto,
  passphrase: string,
  { logN, r, p, salt }: ScryptWrap,
  stop?: AbortSignal,
): Promise<CryptoKey> {
  const maxmem = SCRYPT_BYTES_MAX + 2 ** 20;
  const onProgress = () => stop?.throwIfAborted();
  const options = { N: 2 ** logN, r, p, dkLen: KEY_BYTES, maxmem, asyncTick: TICK_MS, onProgress };
  const secret = utf8(normalizePassphrase(passphrase));
  try {
    const rawKey = await scryptAsync(secret, salt, options);
    return await importKey(crypto, rawKey).finally(() => rawKey.fill(0));
  } catch (cause) {
    if (stop?.aborted) throw new AppError('DERIVING_STOPPED', 'stopped before the key was known');
    throw new AppError('VAULT_MEMORY', 'the key could not be derived', { cause });
  } finally {
    secret.fill(0);
  }
}

/** Non-extractable, for an HMAC-SHA-256 over the whole record: whoever edits the disk alone cannot make it. */
export const createMacKey = (crypto: VaultCrypto): Promise<CryptoKey> =>
  crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256', length: 256 }, false, [
    'sign',
    'verify',
  ]);

export const macOf = async (
  crypto: VaultCrypto,
  key: CryptoKey,
  record: Uint8Array,
): Promise<Uint8Array> => new Uint8Array(await crypto.subtle.sign('HMAC', key, view(record)));

export const isMacRight = (
  crypto: VaultCrypto,
  key: CryptoKey,
  mac: Uint8Array,
  record: Uint8Array,
): Promise<boolean> => crypto.subtle.verify('HMAC', key, view(mac), view(record));

const corrupt = (why: string) => new AppError('VAULT_CORRUPT', why);
