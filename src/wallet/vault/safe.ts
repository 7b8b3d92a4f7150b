/** The stored record and what opens it. Keeps no keys: what it gives is the caller's to wipe. */
import { signHash } from '../../core/channel.ts';
import { equal } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import {
  createDataKey,
  createMacKey,
  createScryptWrap,
  decodeVault,
  encodeVault,
  isMacRight,
  keyFromPassphrase,
  macOf,
  openByPasskey,
  openDataKey,
  openEntropy,
  sealVault,
  SCRYPT_COST,
  tagOf,
  workOf,
  wrapByPasskey,
  type ScryptCost,
  type ScryptWrap,
  type VaultBlob,
  type VaultContents,
} from './vault-blob.ts';
import {
  createDelegates,
  sealDelegate,
  useDelegate,
  type Delegate,
  type Delegates,
} from './delegates-blob.ts';
import { createDeviceKey, type VaultCrypto } from './sealing.ts';
import { pairsOf, tampered, wipe, type Keys } from './vault-keys.ts';
import type { VaultRecord, VaultStorage } from './vault-storage.ts';

export interface Loaded {
  readonly record: VaultRecord;
  readonly blob: VaultBlob;
  readonly trust: Trust;
}

/**
 * What this device's own MAC says of the record: as this device wrote it; of a version that made no MAC,
 * so that only the keys can tell; or changed by somebody else.
 */
export type Trust = 'kept' | 'old' | 'changed';

/** What this device opens without anybody: the words where no passphrase seals them, and the delegates. */
type DeviceKeys = Pick<VaultRecord, 'deviceKey' | 'delegatesKey'>;

interface Delegated extends Pick<VaultRecord, 'delegatesKey'> {
  readonly delegates: Delegates;
}

/** How a protected vault is opened. */
export type Opener = { readonly passphrase: string } | { readonly passkey: Uint8Array };

/** Whether a version stored it that had no tag, or no delegates: what it lacks is made once it is open. */
export const isOld = ({ trust, blob }: Loaded): boolean => trust === 'old' || !blob.delegates;

export interface SafePlatform {
  readonly storage: VaultStorage;
  readonly crypto: VaultCrypto;
  /** Cost of new passphrase keys; weaker stored ones are raised to it at unlock. */
  readonly cost?: ScryptCost;
}

export class Safe {
  readonly #platform: SafePlatform;
  #stop = new AbortController();

  constructor(platform: SafePlatform) {
    this.#platform = platform;
  }

  /** What is stored now: another tab may have changed it. */
  async load(): Promise<Loaded | undefined> {
    const record = await this.#platform.storage.load();
    if (!record) return undefined;
    const blob = decodeVault(record.blob);
    return { record, blob, trust: await this.#trustIn(record, blob) };
  }

  async #trustIn(
    { blob, mac, macKey }: VaultRecord,
    { tag, delegates }: VaultBlob,
  ): Promise<Trust> {
    if (!mac && !macKey && !tag && !delegates) return 'old';
    if (!mac || !macKey) return 'changed';
    const isRight = await isMacRight(this.#platform.crypto, macKey, mac, blob).catch(() => false);
    return isRight ? 'kept' : 'changed';
  }

  /**
   * Whether it was stored: never over another vault, which a damaged one may be too. With a passphrase no
   * key of this device is ever stored beside the words.
   */
  async found(
    contents: Omit<VaultContents, 'delegates'>,
    passphrase: string | undefined,
  ): Promise<boolean> {
    const { crypto } = this.#platform;
    const deviceKey = passphrase === undefined ? await createDeviceKey(crypto) : undefined;
    const wrapping =
      passphrase === undefined
        ? { wrap: { type: 'device' } as const, wrapKey: deviceKey! }
        : await this.#wrapping(passphrase);
    const { delegates, delegatesKey } = await this.#delegated(contents.entropy);
    const dataKey = createDataKey(crypto);
    const sealed = sealVault(crypto, { ...contents, delegates }, wrapping, dataKey);
    const blob = await sealed.finally(() => dataKey.fill(0));
    return this.#store(blob, { deviceKey, delegatesKey }, undefined);
  }

  erase(): Promise<void> {
    return this.#platform.storage.erase();
  }

  /** Changes what is not sealed. @param keys needed where the change is of what the tag is over */
  async change({ record, blob }: Loaded, change: Partial<VaultBlob>, keys?: Keys): Promise<void> {
    const next = await this.#tagged({ ...blob, ...change }, keys);
    if (!(await this.#store(next, record, record))) throw changed();
  }

  /**
   * A record of an older version gets its tag, its MAC and its delegates. If another tab does so too, one of them
   * has. Where nothing can be written the next start tries again: the keys open all the same.
   */
  async raise(loaded: Loaded, keys: Keys): Promise<void> {
    const { record, blob } = loaded;
    const { delegates, delegatesKey } = await this.#delegated(keys.entropy, loaded);
    const next = await this.#tagged({ ...blob, delegates }, keys);
    await this.#store(next, { ...record, delegatesKey }, record).catch(() => false);
  }

  /** The delegates that a vault has, or new ones: their key never leaves this device. */
  async #delegated(entropy: Uint8Array, loaded?: Loaded): Promise<Delegated> {
    const { crypto } = this.#platform;
    const [kept, keptKey] = [loaded?.blob.delegates, loaded?.record.delegatesKey];
    if (kept) return { delegates: kept, delegatesKey: keptKey };
    const delegatesKey = await createDeviceKey(crypto);
    return { delegates: await createDelegates(crypto, delegatesKey, entropy), delegatesKey };
  }

  /** @throws SERVING_MISSING: an older version stored the vault, and it was not opened since */
  delegatesOf({ blob: { delegates } }: Loaded): Delegates {
    if (delegates) return delegates;
    throw new AppError('SERVING_MISSING', 'unlock it once');
  }

  /** Signs by a delegate, also while the vault is locked. @throws VAULT_TAMPERED */
  signBy({ record }: Loaded, delegate: Delegate, hashed: Uint8Array): Promise<Uint8Array> {
    return useDelegate(this.#platform.crypto, record.delegatesKey, delegate, (secret) =>
      signHash(hashed, secret),
    );
  }

  /** The key at a path of the words, for this vault to keep. @throws VAULT_TAMPERED where its delegates have lost their key */
  async delegate({ record }: Loaded, { entropy }: Keys, path: string): Promise<Delegate> {
    if (!record.delegatesKey) throw tampered('no delegates  key');
    return sealDelegate(this.#platform.crypto, record.delegatesKey, entropy, path);
  }

  async #tagged(blob: VaultBlob, keys: Keys | undefined): Promise<VaultBlob> {
    return keys ? { ...blob, tag: await tagOf(this.#platform.crypto, blob, keys.entropy) } : blob;
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
    return openDataKey(crypto, blob, await this.#derive(opener.passphrase, wrap));
  }

  /** The key that opens a vault without a passphrase. */
  async openDeviceData({ record, blob }: Loaded): Promise<Uint8Array> {
    if (!record.deviceKey) throw new AppError('VAULT_CORRUPT', 'the key of this device is gone');
    return openDataKey(this.#platform.crypto, blob, record.deviceKey);
  }

  /** Whatever the public part says. */
  entropyOf({ blob }: Pick<Loaded, 'blob'>, dataKey: Uint8Array): Promise<Uint8Array> {
    return openEntropy(this.#platform.crypto, blob, dataKey);
  }

  /** @throws VAULT_TAMPERED when the public part is not what the keys say */
  async keysOf({ blob }: Pick<Loaded, 'blob'>, dataKey: Uint8Array): Promise<Keys> {
    return this.verified(blob, { entropy: await this.entropyOf({ blob }, dataKey), pairs: [] });
  }

  /** Keys of the vault's accounts; those given are wiped if it is refused. @throws VAULT_TAMPERED */
  async verified(blob: VaultBlob, { entropy, pairs }: Keys): Promise<Keys> {
    const { accounts, tag } = blob;
    const isSame =
      accounts.length === pairs.length &&
      pairs.every(({ publicKey }, i) => equal(publicKey, accounts[i]!.publicKey));
    if (!isSame) for (const { secret } of pairs) secret.fill(0);
    const keys = { entropy, pairs: isSame ? pairs : pairsOf(entropy, accounts) };
    const isTagged = tag
      ? equal(tag, await tagOf(this.#platform.crypto, blob, entropy))
      : !blob.delegates;
    if (isTagged) return keys;
    wipe(keys);
    throw tampered('its public part is not what its owner left');
  }

  /** Keys of a vault without a passphrase. */
  async openByDevice(loaded: Loaded): Promise<Keys> {
    const dataKey = await this.openDeviceData(loaded);
    return this.keysOf(loaded, dataKey).finally(() => dataKey.fill(0));
  }

  get #cost(): ScryptCost {
    return this.#platform.cost ?? SCRYPT_COST;
  }

  isWeak({ blob: { wrap } }: Loaded): boolean {
    return wrap.type === 'scrypt' && workOf(wrap) < workOf(this.#cost);
  }

  /** Whether a file asks for more than twice our own work: up to sixteen times is taken. */
  isDear({ wrap }: VaultBlob): boolean {
    return wrap.type === 'scrypt' && workOf(wrap) > 2 * workOf(this.#cost);
  }

  /** Gives up what is being derived from a passphrase. */
  stopDeriving(): void {
    this.#stop.abort();
    this.#stop = new AbortController();
  }

  #derive(passphrase: string, wrap: ScryptWrap): Promise<CryptoKey> {
    return keyFromPassphrase(this.#platform.crypto, passphrase, wrap, this.#stop.signal);
  }

  async #wrapping(passphrase: string) {
    const wrap = createScryptWrap(this.#platform.crypto, this.#cost);
    return { wrap, wrapKey: await this.#derive(passphrase, wrap) };
  }

  /**
   * Wraps the data key again, and wipes it. A passkey wraps the same data key, so it still opens it. Resolves when what
   * opened it before is off the disk.
   */
  async wrapByPassphrase(
    passphrase: string,
    { entropy }: Keys,
    loaded: Loaded,
    dataKey = createDataKey(this.#platform.crypto),
  ): Promise<void> {
    const { record, blob } = loaded;
    try {
      const { delegates, delegatesKey } = await this.#delegated(entropy, loaded);
      const contents = { ...blob, entropy, backedUp: blob.backedUp === 1, delegates };
      const wrapping = await this.#wrapping(passphrase);
      const sealed = await sealVault(this.#platform.crypto, contents, wrapping, dataKey);
      await this.#move(sealed, { deviceKey: undefined, delegatesKey }, record);
    } finally {
      dataKey.fill(0);
    }
  }

  /** Adds a passkey, once it was shown to open what it wraps. */
  async addPasskey(
    { record, blob }: Loaded,
    which: { readonly credential: Uint8Array; readonly salt: Uint8Array },
    output: Uint8Array,
    dataKey: Uint8Array,
  ): Promise<void> {
    const { crypto } = this.#platform;
    const passkey = await wrapByPasskey(crypto, { ...which, output }, blob, dataKey);
    (await openByPasskey(crypto, blob, passkey, output)).fill(0);
    await this.#move({ ...blob, passkey }, record, record);
  }

  /** Resolves when what the passkey opened is off the disk. */
  removePasskey({ record, blob }: Loaded): Promise<void> {
    return this.#move({ ...blob, passkey: null }, record, record);
  }

  /** What is over a replaced secret: the record before it leaves the disk. */
  async #move(blob: VaultBlob, keys: DeviceKeys, before: VaultRecord) {
    const record = await this.#record(blob, keys, before.macKey);
    if (!(await this.#platform.storage.move(record, before.blob))) throw changed();
  }

  async #store(
    blob: VaultBlob,
    keys: DeviceKeys,
    before: VaultRecord | undefined,
  ): Promise<boolean> {
    const record = await this.#record(blob, keys, before?.macKey);
    return this.#platform.storage.save(record, before?.blob);
  }

  async #record(
    blob: VaultBlob,
    { deviceKey, delegatesKey }: DeviceKeys,
    macKeyBefore: CryptoKey | undefined,
  ): Promise<VaultRecord> {
    const { crypto } = this.#platform;
    const macKey = macKeyBefore ?? (await createMacKey(crypto));
    const stored = encodeVault(blob);
    const mac = await macOf(crypto, macKey, stored);
    return { blob: stored, deviceKey, delegatesKey, macKey, mac };
  }
}

const changed = () => new AppError('VAULT_CHANGED', 'another tab changed the vault: try again');
