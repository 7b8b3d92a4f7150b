/**
 * The vault as JSON, to be kept in a file: what is sealed stays sealed by the passphrase, and the file
 * says itself how. Bytes are hex. A passkey stays behind: it belongs to one address of the web.
 */
import { addressOf } from '../../core/address.ts';
import { fromHex, toHex, utf8 } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { LOCK_MINUTES_FIRST } from '../lock-minutes.ts';
import { decodeVault, encodeVault, VERSION, type VaultBlob } from './vault-blob.ts';

interface SealedJson {
  readonly iv: string;
  readonly data: string;
}
export interface VaultFile {
  readonly cipher: 'aes-256-gcm';
  readonly kdf: {
    readonly name: 'scrypt';
    readonly logN: number;
    readonly r: number;
    readonly p: number;
    readonly salt: string;
  };
  readonly backedUp: boolean;
  readonly accounts: readonly { readonly name: string; readonly publicKey: string }[];
  readonly current: number;
  readonly wrappedKey: SealedJson;
  readonly entropy: SealedJson;
  /** What the sealed parts are bound to: absent in files of the first version. */
  readonly seal?: number;
}

/** @throws EXPORT_UNPROTECTED: a device's key cannot leave it */
export function fileFromBlob(blob: VaultBlob): VaultFile {
  const { wrap } = blob;
  if (wrap.type !== 'scrypt') throw new AppError('EXPORT_UNPROTECTED', 'set a passphrase first');
  const { logN, r, p, salt } = wrap;
  const sealed = ({ iv, data }: VaultBlob['entropy']) => ({ iv: toHex(iv), data: toHex(data) });
  return {
    cipher: 'aes-256-gcm',
    kdf: { name: 'scrypt', logN, r, p, salt: toHex(salt) },
    backedUp: blob.backedUp === 1,
    accounts: blob.accounts.map(({ name, publicKey }) => ({
      name: new TextDecoder().decode(name),
      publicKey: toHex(publicKey),
    })),
    current: blob.current,
    wrappedKey: sealed(blob.wrappedKey),
    entropy: sealed(blob.entropy),
    seal: blob.seal,
  };
}

/** Whoever wrote the file: what it holds is checked as a stored vault is. @throws FILE_MALFORMED */
export function blobFromFile(file: unknown): VaultBlob {
  try {
    const { cipher, kdf, accounts, ...rest } = file as VaultFile;
    if (cipher !== 'aes-256-gcm' || kdf.name !== 'scrypt') throw new Error('an unknown cipher');
    const { logN, r, p } = kdf;
    const sealed = ({ iv, data }: SealedJson) => ({ iv: hex(iv), data: hex(data) });
    const blob: VaultBlob = {
      version: VERSION,
      lockMinutes: LOCK_MINUTES_FIRST,
      passkey: null,
      wrap: { type: 'scrypt', logN, r, p, salt: hex(kdf.salt) },
      address: addressOf(hex(accounts[0]!.publicKey)),
      accounts: accounts.map(({ name, publicKey }) => ({
        name: utf8(name),
        publicKey: hex(publicKey),
      })),
      current: rest.current,
      backedUp: rest.backedUp === true ? 1 : 0,
      wrappedKey: sealed(rest.wrappedKey),
      entropy: sealed(rest.entropy),
      seal: rest.seal ?? 1,
      tag: null,
      delegates: null,
    };
    return decodeVault(encodeVault(blob));
  } catch (cause) {
    throw new AppError('FILE_MALFORMED', 'not a wallet file', { cause });
  }
}

function hex(text: string): Uint8Array {
  const bytes = fromHex(text);
  if (!bytes) throw new Error('not hex');
  return bytes;
}
