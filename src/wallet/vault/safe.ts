/** The stored record and what opens it. Keeps no keys: what it gives is the caller's to wipe. */
import { AppError } from '../../lib/errors.ts';
import {
  createDataKey,
  createDeviceKey,
  createScryptWrap,
  decodeVault,
  encodeVault,
  keyFromPassphrase,
  openByPasskey,
  openDataKey,
  openEntropy,
  sealVault,
  SCRYPT_COST,
  wrapByPasskey,
  type ScryptCost,
  type VaultBlob,
  type VaultContents,
  type VaultCrypto,
} from './vault-blob.ts';
import { pairsOf, type Keys } from './vault-keys.ts';
import type { VaultRecord, VaultStorage } from './vault-storage.ts';

export interface Loaded {
  readonly record: VaultRecord;
  readonly blob: VaultBlob;
}

/** How a protected vault is opened. */
export type Opener = { readonly passphrase: string } | { readonly passkey: Uint8Array };

export interface SafePlatform {
  readonly storage: VaultStorage;
  readonly crypto: VaultCrypto;
  /** Cost of new passphrase keys; weaker stored ones are raised to it at unlock. */
  readonly cost?: ScryptCost;
}

export class Safe {
  readonly #platform: SafePlatform;

  constructor(platform: SafePlatform) {
    this.#platform = platform;
  }

  /** What is stored now: another tab may have changed it. */
  async load(): Promise<Loaded | undefined> {
    const record = await this.#platform.storage.load();
    return record && { record, blob: decodeVault(record.blob) };
  }

  /** Whether it was stored: never over another vault, which a damaged one may be too. */
  async found(contents: VaultContents): Promise<boolean> {
    const { crypto, storage } = this.#platform;
    const deviceKey = await createDeviceKey(crypto);
    const dataKey = createDataKey(crypto);
    const blob = await sealVault(
      crypto,
      contents,
      { wrap: { type: 'device' }, wrapKey: deviceKey },
      dataKey,
    );
    dataKey.fill(0);
    return storage.save({ blob: encodeVault(blob), deviceKey }, undefined);
  }

  /** Stores a vault from a file where there is none. */
  adopt(blob: VaultBlob): Promise<boolean> {
    const record = { blob: encodeVault(blob), deviceKey: undefined };
    return this.#platform.storage.save(record, undefined);
  }

  erase(): Promise<void> {
    return this.#platform.storage.erase();
  }

  /** Changes what is not sealed. */
  async change({ record, blob }: Loaded, change: Partial<VaultBlob>): Promise<void> {
    await this.#save({ ...blob, ...change }, record.deviceKey, record);
  }

  /** @throws PASSPHRASE_WRONG, PASSKEY_WRONG, PASSKEY_MISSING */
  async openData({ blob }: Pick<Loaded, 'blob'>, opener: Opener): Promise<Uint8Array> {
    const { crypto } = this.#platform;
    if ('passkey' in opener) {
      if (!blob.passkey) throw new AppError('PASSKEY_MISSING', 'no passkey opens this vault');
      return openByPasskey(crypto, blob, blob.passkey, opener.passkey);
    }
    const { wrap } = blob;
    if (wrap.type !== 'scrypt') throw new AppError('VAULT_CORRUPT', 'no passphrase was set');
    return openDataKey(crypto, blob, await keyFromPassphrase(crypto, opener.passphrase, wrap));
  }

  async keysOf({ blob }: Pick<Loaded, 'blob'>, dataKey: Uint8Array): Promise<Keys> {
    const entropy = await openEntropy(this.#platform.crypto, blob, dataKey);
    return { entropy, pairs: pairsOf(entropy, blob.accounts) };
  }

  /** Keys of a vault without a passphrase. */
  async openByDevice(loaded: Loaded): Promise<Keys> {
    const { deviceKey } = loaded.record;
    if (!deviceKey) throw new AppError('VAULT_CORRUPT', 'the key of this device is gone');
    const dataKey = await openDataKey(this.#platform.crypto, loaded.blob, deviceKey);
    return this.keysOf(loaded, dataKey).finally(() => dataKey.fill(0));
  }

  get #cost(): ScryptCost {
    return this.#platform.cost ?? SCRYPT_COST;
  }

  isWeak({ blob: { wrap } }: Loaded): boolean {
    const workOf = ({ logN, r, p }: ScryptCost) => r * p * 2 ** logN;
    return wrap.type === 'scrypt' && workOf(wrap) < workOf(this.#cost);
  }

  /** Wraps the data key again, and wipes it. A passkey wraps the same data key, so it still opens it. */
  async wrapByPassphrase(
    passphrase: string,
    { entropy }: Keys,
    { record, blob }: Loaded,
    dataKey = createDataKey(this.#platform.crypto),
  ): Promise<void> {
    const { crypto } = this.#platform;
    const wrap = createScryptWrap(crypto, this.#cost);
    const contents = { ...blob, entropy, backedUp: blob.backedUp === 1 };
    try {
      const wrapKey = await keyFromPassphrase(crypto, passphrase, wrap);
      const sealed = await sealVault(crypto, contents, { wrap, wrapKey }, dataKey);
      await this.#save(sealed, undefined, record);
    } finally {
      dataKey.fill(0);
    }
  }

  /** Adds a passkey, once it was shown to open what it wraps. */
  async addPasskey(
    loaded: Loaded,
    which: { readonly credential: Uint8Array; readonly salt: Uint8Array },
    output: Uint8Array,
    dataKey: Uint8Array,
  ): Promise<void> {
    const { crypto } = this.#platform;
    const passkey = await wrapByPasskey(crypto, { ...which, output }, loaded.blob, dataKey);
    (await openByPasskey(crypto, loaded.blob, passkey, output)).fill(0);
    await this.change(loaded, { passkey });
  }

  async #save(blob: VaultBlob, deviceKey: CryptoKey | undefined, record: VaultRecord) {
    const next = { blob: encodeVault(blob), deviceKey };
    if (!(await this.#platform.storage.save(next, record.blob)))
      throw new AppError('VAULT_CHANGED', 'another tab changed the vault: try again');
  }
}
