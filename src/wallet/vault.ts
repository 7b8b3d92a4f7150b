/**
 * The vault: keeps one seed, shows it only when asked, and signs what it has read itself. Knows no
 * platform: storage, cryptography and time come from outside. Calls run one after another.
 */
import { txBytes, signTx } from '../core/tx.ts';
import { equal } from '../lib/bytes.ts';
import { AppError } from '../lib/errors.ts';
import { SerialQueue } from '../lib/queue.ts';
import { createQuiz, isQuizPassed, type QuizQuestion } from './backup-quiz.ts';
import { keyFromEntropy, type KeyPair } from './keys.ts';
import { requireStrong } from './passphrase.ts';
import { randomBytes } from './random.ts';
import { decodeTx, summaryFromTx } from './summary.ts';
import type { VaultApi, VaultStatus } from './vault-api.ts';
import {
  createDeviceKey,
  createScryptWrap,
  decodeVault,
  encodeVault,
  keyFromPassphrase,
  openVault,
  sealVault,
  SCRYPT_COST,
  type ScryptCost,
  type VaultBlob,
  type VaultCrypto,
} from './vault-blob.ts';
import type { VaultRecord, VaultStorage } from './vault-storage.ts';
import { ENTROPY_BYTES, formatWords, parseWords } from './words.ts';

export interface VaultPlatform {
  readonly storage: VaultStorage;
  readonly crypto: VaultCrypto;
  readonly clock: {
    /** ms since 1970: it must count while the device sleeps. */
    now(): number;
    /** Runs once after that many ms, unless the result is called first. */
    after(ms: number, run: () => void): () => void;
  };
  /** Cost of new passphrase keys; weaker stored ones are raised to it at unlock. */
  readonly cost?: ScryptCost;
  /** Hears of every change, those that no call made too (auto-lock). */
  readonly onChange?: (status: VaultStatus) => void;
}

/** A protected vault locks after this long without a call that needs keys. */
export const IDLE_LOCK_MS = 5 * 60_000;
/** Calls that may wait; the slowest takes about a second. */
const CALLS_MAX = 32;

export function createVault(platform: VaultPlatform): VaultApi {
  const vault = new Vault(platform);
  const queue = vault.queue;
  return {
    status: () => queue.run(() => vault.status()),
    create: () => queue.run(() => vault.create()),
    restore: (words) => queue.run(() => vault.restore(words)),
    protect: (passphrase) => queue.run(() => vault.protect(passphrase)),
    unlock: (passphrase) => queue.run(() => vault.unlock(passphrase)),
    lock: () => queue.run(() => vault.lock()),
    words: (passphrase) => queue.run(() => vault.words(passphrase)),
    backupQuiz: () => queue.run(() => vault.backupQuiz()),
    proveBackup: (answers) => queue.run(() => vault.proveBackup(answers)),
    describe: async (tx) => summaryFromTx(decodeTx(tx)),
    sign: (tx) => queue.run(() => vault.sign(tx)),
    erase: () => queue.run(() => vault.erase()),
  };
}

interface Keys {
  readonly entropy: Uint8Array;
  readonly pair: KeyPair;
}
interface Loaded {
  readonly record: VaultRecord;
  readonly blob: VaultBlob;
}

class Vault {
  readonly queue = new SerialQueue(CALLS_MAX);
  readonly #platform: VaultPlatform;
  #keys: Keys | undefined;
  #quiz: QuizQuestion[] | undefined;
  #usedAtMs = 0;
  #cancelTimer = () => {};

  constructor(platform: VaultPlatform) {
    this.#platform = platform;
  }

  async status(): Promise<VaultStatus> {
    try {
      return this.#statusOf(await this.#load());
    } catch (e) {
      const code = AppError.from(e).code;
      if (code !== 'VAULT_CORRUPT' && code !== 'VAULT_VERSION') throw e;
      return { ...this.#statusOf(undefined), exists: true, locked: true, problem: code };
    }
  }

  create(): Promise<VaultStatus> {
    return this.#found(randomBytes(this.#platform.crypto, ENTROPY_BYTES), false);
  }

  async restore(words: string): Promise<VaultStatus> {
    return this.#found(parseWords(words), true);
  }

  async protect(passphrase: string): Promise<VaultStatus> {
    requireStrong(passphrase);
    const { keys, loaded } = await this.#open();
    await this.#wrapByPassphrase(passphrase, keys, loaded);
    this.#touch();
    return this.#changed();
  }

  async unlock(passphrase: string): Promise<VaultStatus> {
    const loaded = await this.#require();
    if (loaded.blob.wrap.type === 'scrypt') {
      const keys = await this.#openByPassphrase(passphrase, loaded);
      this.#keep(keys);
      const { logN, r, p } = this.#cost;
      const { wrap } = loaded.blob;
      const isWeak = wrap.r * wrap.p * 2 ** wrap.logN < r * p * 2 ** logN;
      if (isWeak) await this.#wrapByPassphrase(passphrase, keys, loaded);
      this.#touch();
    }
    return this.#changed();
  }

  lock(): Promise<VaultStatus> {
    this.#forget();
    return this.#changed();
  }

  async words(passphrase: string | undefined): Promise<string> {
    const { keys, loaded } = await this.#open();
    // Asked again although it is unlocked: who finds the page open must not walk away with the seed.
    if (loaded.blob.wrap.type === 'scrypt')
      wipe(await this.#openByPassphrase(passphrase ?? '', loaded));
    return formatWords(keys.entropy);
  }

  async backupQuiz(): Promise<QuizQuestion[]> {
    const { keys } = await this.#open();
    this.#quiz = createQuiz(formatWords(keys.entropy).split(' '), this.#platform.crypto);
    return this.#quiz;
  }

  async proveBackup(answers: string[]): Promise<VaultStatus> {
    const { keys, loaded } = await this.#open();
    const quiz = this.#quiz;
    // One try a quiz: repeated guessing would prove nothing.
    this.#quiz = undefined;
    if (!quiz || !isQuizPassed(quiz, formatWords(keys.entropy).split(' '), answers))
      throw new AppError('BACKUP_WRONG', 'an answer is wrong, or the questions are used up');
    await this.#save({ ...loaded.blob, backedUp: 1 }, loaded.record.deviceKey, loaded);
    return this.#changed();
  }

  async sign(bytes: Uint8Array): Promise<Uint8Array> {
    const tx = decodeTx(bytes);
    const { keys, loaded } = await this.#open();
    if (!equal(tx.from, keys.pair.publicKey))
      throw new AppError('TX_SENDER', 'the transaction spends from another key');
    // Work may be claimed before: a backup is asked for when there is something to lose by spending.
    const isSpending = tx.type === 'transfer' || tx.type === 'request';
    if (isSpending && !loaded.blob.backedUp)
      throw new AppError('BACKUP_FIRST', 'the words were not proven to be written down');
    return txBytes(signTx(tx, keys.pair.secret));
  }

  async erase(): Promise<VaultStatus> {
    this.#forget();
    await this.#platform.storage.erase();
    return this.#changed();
  }

  get #cost(): ScryptCost {
    return this.#platform.cost ?? SCRYPT_COST;
  }

  #statusOf(loaded: Loaded | undefined): VaultStatus {
    const isProtected = loaded?.blob.wrap.type === 'scrypt';
    return {
      exists: !!loaded,
      locked: isProtected && !this.#keys,
      protected: isProtected,
      backedUp: loaded?.blob.backedUp === 1,
      address: loaded?.blob.address,
      publicKey: loaded?.blob.publicKey,
      problem: undefined,
    };
  }

  async #changed(): Promise<VaultStatus> {
    const status = await this.status();
    this.#platform.onChange?.(status);
    return status;
  }

  /** New keys, wrapped by a new key of this device. */
  async #found(entropy: Uint8Array, backedUp: boolean): Promise<VaultStatus> {
    const { crypto, storage } = this.#platform;
    const keys = { entropy, pair: keyFromEntropy(entropy) };
    const deviceKey = await createDeviceKey(crypto);
    const blob = await sealVault(crypto, { ...keys, backedUp }, { type: 'device' }, deviceKey);
    // Also true of a damaged vault: only `erase` removes one.
    if (!(await storage.save({ blob: encodeVault(blob), deviceKey }, undefined))) {
      wipe(keys);
      throw new AppError('VAULT_EXISTS', 'this device already holds keys');
    }
    this.#keep(keys);
    return this.#changed();
  }

  /** What is stored now: another tab may have changed it. */
  async #load(): Promise<Loaded | undefined> {
    const record = await this.#platform.storage.load();
    const blob = record && decodeVault(record.blob);
    if (!blob || (this.#keys && !equal(this.#keys.pair.address, blob.address))) this.#forget();
    // Timers stop while a device sleeps: the clock decides, and one set back is not trusted.
    const idleMs = Math.abs(this.#platform.clock.now() - this.#usedAtMs);
    if (blob?.wrap.type === 'scrypt' && idleMs >= IDLE_LOCK_MS) this.#forget();
    return record && blob && { record, blob };
  }

  async #require(): Promise<Loaded> {
    const loaded = await this.#load();
    if (!loaded) throw new AppError('VAULT_MISSING', 'this device holds no keys');
    return loaded;
  }

  /** Keys for a call that needs them, which counts as a use. */
  async #open(): Promise<{ keys: Keys; loaded: Loaded }> {
    const loaded = await this.#require();
    if (!this.#keys && loaded.blob.wrap.type === 'scrypt')
      throw new AppError('VAULT_LOCKED', 'the vault is locked');
    if (!this.#keys) this.#keep(await this.#openByKey(loaded, loaded.record.deviceKey));
    this.#touch();
    return { keys: this.#keys!, loaded };
  }

  async #openByPassphrase(passphrase: string, loaded: Loaded): Promise<Keys> {
    const { wrap } = loaded.blob;
    if (wrap.type !== 'scrypt') throw new AppError('VAULT_CORRUPT', 'no passphrase was set');
    const wrapKey = await keyFromPassphrase(this.#platform.crypto, passphrase, wrap);
    return this.#openByKey(loaded, wrapKey);
  }

  async #openByKey({ blob }: Loaded, wrapKey: CryptoKey | undefined): Promise<Keys> {
    if (!wrapKey) throw new AppError('VAULT_CORRUPT', 'the key of this device is gone');
    const entropy = await openVault(this.#platform.crypto, blob, wrapKey);
    const keys = { entropy, pair: keyFromEntropy(entropy) };
    if (equal(keys.pair.address, blob.address)) return keys;
    wipe(keys);
    throw new AppError('VAULT_CORRUPT', 'its keys are of another address');
  }

  async #wrapByPassphrase(passphrase: string, keys: Keys, loaded: Loaded): Promise<void> {
    const { crypto } = this.#platform;
    const wrap = createScryptWrap(crypto, this.#cost);
    const wrapKey = await keyFromPassphrase(crypto, passphrase, wrap);
    const backedUp = loaded.blob.backedUp === 1;
    const blob = await sealVault(crypto, { ...keys, backedUp }, wrap, wrapKey);
    await this.#save(blob, undefined, loaded);
  }

  async #save(blob: VaultBlob, deviceKey: CryptoKey | undefined, { record }: Loaded) {
    const next = { blob: encodeVault(blob), deviceKey };
    if (!(await this.#platform.storage.save(next, record.blob)))
      throw new AppError('VAULT_CHANGED', 'another tab changed the vault: try again');
  }

  #keep(keys: Keys): void {
    if (this.#keys) wipe(this.#keys);
    this.#keys = keys;
    this.#touch();
  }

  /** Without a passphrase a lock protects nothing: then the timer finds nothing to do. */
  #touch(): void {
    this.#usedAtMs = this.#platform.clock.now();
    this.#cancelTimer();
    // In the queue, so that no call loses its keys half-way. If it is full, its calls lock.
    const lockIfIdle = () => void this.queue.run(() => this.#lockIfIdle()).catch(() => {});
    this.#cancelTimer = this.#platform.clock.after(IDLE_LOCK_MS, lockIfIdle);
  }

  async #lockIfIdle(): Promise<void> {
    const wasOpen = this.#keys !== undefined;
    await this.#load();
    if (wasOpen && !this.#keys) await this.#changed();
  }

  #forget(): void {
    if (this.#keys) wipe(this.#keys);
    this.#keys = undefined;
    this.#quiz = undefined;
    this.#cancelTimer();
  }
}

function wipe({ entropy, pair }: Keys): void {
  entropy.fill(0);
  pair.secret.fill(0);
}
