/**
 * The vault: keeps one seed, shows it only when asked, and signs what it has read itself. Knows no
 * platform: storage, cryptography and time come from outside. Calls run one after another.
 */
import { addressOf } from '../core/address.ts';
import { txBytes, signTx } from '../core/tx.ts';
import { equal } from '../lib/bytes.ts';
import { AppError } from '../lib/errors.ts';
import { SerialQueue } from '../lib/queue.ts';
import { createQuiz, isQuizPassed, type QuizQuestion } from './backup-quiz.ts';
import { keyPath, keysFromEntropy, type KeyPair } from './keys.ts';
import { requireStrong } from './passphrase.ts';
import { randomBytes } from './random.ts';
import { decodeTx, summaryFromTx } from './summary.ts';
import { plainText } from './uri.ts';
import type { VaultApi, VaultStatus } from './vault-api.ts';
import {
  ACCOUNTS_MAX,
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
import { pairsOf, readName, wipe, type Keys } from './vault-keys.ts';
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
  /** Hears of every change, those that no call made too (auto-lock, another tab's). */
  readonly onChange?: (status: VaultStatus) => void;
  /** Vaults of other tabs over the same storage. Nothing secret is told: each tab is unlocked by itself. */
  readonly others?: {
    tell(what: VaultNews): void;
    hear(listener: (what: unknown) => void): void;
  };
}

/** What a vault tells the other tabs': look again, or also lock. */
export type VaultNews = 'changed' | 'lock';

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
    protect: (passphrase, old) => queue.run(() => vault.protect(passphrase, old)),
    unlock: (passphrase) => queue.run(() => vault.unlock(passphrase)),
    lock: () => queue.run(() => vault.lock()),
    words: (passphrase) => queue.run(() => vault.words(passphrase)),
    backupQuiz: () => queue.run(() => vault.backupQuiz()),
    proveBackup: (answers) => queue.run(() => vault.proveBackup(answers)),
    describe: async (tx) => summaryFromTx(decodeTx(tx)),
    sign: (tx) => queue.run(() => vault.sign(tx)),
    addAccount: (name) => queue.run(() => vault.addAccount(name)),
    renameAccount: (index, name) => queue.run(() => vault.renameAccount(index, name)),
    useAccount: (index) => queue.run(() => vault.useAccount(index)),
    erase: () => queue.run(() => vault.erase()),
  };
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
    platform.others?.hear((what) => {
      if (what !== 'changed' && what !== 'lock') return;
      // If the queue is full, its calls look again themselves.
      void this.queue.run(() => this.#hearOther(what)).catch(() => {});
    });
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

  async protect(passphrase: string, old: string | undefined): Promise<VaultStatus> {
    requireStrong(passphrase);
    const { keys, loaded } = await this.#open();
    await this.#ask(old, loaded);
    await this.#wrapByPassphrase(passphrase, keys, loaded);
    this.#touch();
    return this.#changed('changed');
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
    return this.#changed('lock');
  }

  async addAccount(name: string): Promise<VaultStatus> {
    const stored = readName(name);
    const { keys, loaded } = await this.#open();
    const { accounts } = loaded.blob;
    if (accounts.length >= ACCOUNTS_MAX)
      throw new AppError('ACCOUNTS_FULL', `${ACCOUNTS_MAX} accounts`);
    const [pair] = keysFromEntropy(keys.entropy, [keyPath(accounts.length, 0)]) as [KeyPair];
    const next = [...accounts, { name: stored, publicKey: pair.publicKey }];
    await this.#change(loaded, { accounts: next, current: accounts.length });
    this.#keys = { ...keys, pairs: [...keys.pairs, pair] };
    return this.#changed('changed');
  }

  async renameAccount(index: number, name: string): Promise<VaultStatus> {
    const stored = readName(name);
    const loaded = await this.#requireAccount(index);
    const accounts = loaded.blob.accounts.map((account, i) =>
      i === index ? { ...account, name: stored } : account,
    );
    await this.#change(loaded, { accounts });
    return this.#changed('changed');
  }

  async useAccount(index: number): Promise<VaultStatus> {
    await this.#change(await this.#requireAccount(index), { current: index });
    return this.#changed('changed');
  }

  async words(passphrase: string | undefined): Promise<string> {
    const { keys, loaded } = await this.#open();
    await this.#ask(passphrase, loaded);
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
    await this.#change(loaded, { backedUp: 1 });
    return this.#changed('changed');
  }

  async sign(bytes: Uint8Array): Promise<Uint8Array> {
    const tx = decodeTx(bytes);
    // Work may be claimed before: a backup is asked for when there is something to lose by spending.
    const isSpending = tx.type === 'transfer' || tx.type === 'request';
    // Claims and results are signed without anybody there: they must not keep the vault open.
    const { keys, loaded } = await this.#open(isSpending);
    const pair = keys.pairs.find(({ publicKey }) => equal(tx.from, publicKey));
    if (!pair) throw new AppError('TX_SENDER', 'the transaction spends from another key');
    if (isSpending && !loaded.blob.backedUp)
      throw new AppError('BACKUP_FIRST', 'the words were not proven to be written down');
    return txBytes(signTx(tx, pair.secret));
  }

  async erase(): Promise<VaultStatus> {
    this.#forget();
    await this.#platform.storage.erase();
    return this.#changed('lock');
  }

  get #cost(): ScryptCost {
    return this.#platform.cost ?? SCRYPT_COST;
  }

  #statusOf(loaded: Loaded | undefined): VaultStatus {
    const isProtected = loaded?.blob.wrap.type === 'scrypt';
    const accounts = (loaded?.blob.accounts ?? []).map(({ name, publicKey }, index) => ({
      ...{ index, publicKey, address: addressOf(publicKey) },
      name: plainText(new TextDecoder().decode(name)),
    }));
    const current = loaded?.blob.current ?? 0;
    return {
      exists: !!loaded,
      locked: isProtected && !this.#keys,
      protected: isProtected,
      backedUp: loaded?.blob.backedUp === 1,
      address: accounts[current]?.address,
      publicKey: accounts[current]?.publicKey,
      ...{ accounts, current },
      problem: undefined,
    };
  }

  async #changed(news?: VaultNews): Promise<VaultStatus> {
    const status = await this.status();
    this.#platform.onChange?.(status);
    if (news) this.#platform.others?.tell(news);
    return status;
  }

  async #hearOther(what: VaultNews): Promise<void> {
    if (what === 'lock') this.#forget();
    await this.#changed();
  }

  /** New keys, wrapped by a new key of this device. */
  async #found(entropy: Uint8Array, backedUp: boolean): Promise<VaultStatus> {
    const { crypto, storage } = this.#platform;
    const keys = { entropy, pairs: keysFromEntropy(entropy, [keyPath(0, 0)]) };
    const accounts = [{ name: new Uint8Array(), publicKey: keys.pairs[0]!.publicKey }];
    const deviceKey = await createDeviceKey(crypto);
    const contents = { entropy, accounts, current: 0, backedUp };
    const blob = await sealVault(crypto, contents, { type: 'device' }, deviceKey);
    // Also true of a damaged vault: only `erase` removes one.
    if (!(await storage.save({ blob: encodeVault(blob), deviceKey }, undefined))) {
      wipe(keys);
      throw new AppError('VAULT_EXISTS', 'this device already holds keys');
    }
    this.#keep(keys);
    return this.#changed('changed');
  }

  /** What is stored now: another tab may have changed it. */
  async #load(): Promise<Loaded | undefined> {
    const record = await this.#platform.storage.load();
    const blob = record && decodeVault(record.blob);
    if (!blob || (this.#keys && !equal(this.#keys.pairs[0]!.address, blob.address))) this.#forget();
    else if (this.#keys) this.#deriveNew(this.#keys, blob);
    // Timers stop while a device sleeps: the clock decides, and one set back is not trusted.
    const idleMs = Math.abs(this.#platform.clock.now() - this.#usedAtMs);
    if (blob?.wrap.type === 'scrypt' && idleMs >= IDLE_LOCK_MS) this.#forget();
    return record && blob && { record, blob };
  }

  /** Keys of accounts that another tab added. */
  #deriveNew({ entropy, pairs }: Keys, { accounts }: VaultBlob): void {
    if (accounts.length === pairs.length) return;
    this.#keys = { entropy, pairs: pairsOf(entropy, accounts) };
  }

  async #requireAccount(index: number): Promise<Loaded> {
    const loaded = await this.#require();
    if (!loaded.blob.accounts[index]) throw new AppError('ACCOUNT_UNKNOWN', `account ${index}`);
    return loaded;
  }

  async #require(): Promise<Loaded> {
    const loaded = await this.#load();
    if (!loaded) throw new AppError('VAULT_MISSING', 'this device holds no keys');
    return loaded;
  }

  /** Keys for a call that needs them, which counts as a use where a person asked for it. */
  async #open(isUse = true): Promise<{ keys: Keys; loaded: Loaded }> {
    const loaded = await this.#require();
    if (!this.#keys && loaded.blob.wrap.type === 'scrypt')
      throw new AppError('VAULT_LOCKED', 'the vault is locked');
    if (!this.#keys) this.#keep(await this.#openByKey(loaded, loaded.record.deviceKey));
    if (isUse) this.#touch();
    return { keys: this.#keys!, loaded };
  }

  /** Asked although it is unlocked: who finds the page open must not walk away with the seed. */
  async #ask(passphrase: string | undefined, loaded: Loaded): Promise<void> {
    if (loaded.blob.wrap.type === 'scrypt')
      wipe(await this.#openByPassphrase(passphrase ?? '', loaded));
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
    return { entropy, pairs: pairsOf(entropy, blob.accounts) };
  }

  async #wrapByPassphrase(passphrase: string, keys: Keys, loaded: Loaded): Promise<void> {
    const { crypto } = this.#platform;
    const wrap = createScryptWrap(crypto, this.#cost);
    const wrapKey = await keyFromPassphrase(crypto, passphrase, wrap);
    const { accounts, current, backedUp } = loaded.blob;
    const contents = { entropy: keys.entropy, accounts, current, backedUp: backedUp === 1 };
    const blob = await sealVault(crypto, contents, wrap, wrapKey);
    await this.#save(blob, undefined, loaded);
  }

  /** Changes what is not sealed. */
  #change(loaded: Loaded, change: Partial<VaultBlob>): Promise<void> {
    return this.#save({ ...loaded.blob, ...change }, loaded.record.deviceKey, loaded);
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
