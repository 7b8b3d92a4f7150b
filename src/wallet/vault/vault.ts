/**
 * The vault: keeps one seed, shows it only when asked, and signs what it has read itself. Knows no
 * platform: storage, cryptography and time come from outside. Calls run one after another.
 */
import { receiptHash, type AskPeers, type Receipt } from '../../core/channel.ts';
import { offerHash, type UnsignedOffer } from '../../core/offer.ts';
import { txBytes, txId, signTx } from '../../core/tx/tx.ts';
import { equal } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { SerialQueue } from '../../lib/queue.ts';
import { createQuiz, isQuizPassed, type QuizQuestion } from '../backup-quiz.ts';
import { CHANNELS_LIMIT_FIRST } from '../channels.ts';
import { UNATTENDED_CALLS_MAX } from '../vault-calls.ts';
import { keyPath, keysFromEntropy, type KeyPair } from '../keys.ts';
import { LOCK_MINUTES, LOCK_MINUTES_FIRST } from '../lock-minutes.ts';
import { requireFloor } from '../passphrase.ts';
import { randomBytes } from '../random.ts';
import { isOld, Safe, type Loaded, type Opener, type SafePlatform } from './safe.ts';
import { decodeTx, summaryFromTx } from '../summary.ts';
import type { NewPasskey, VaultApi, VaultStatus } from './vault-api.ts';
import { ACCOUNTS_MAX } from './vault-blob.ts';
import { Delegation } from './delegation.ts';
import { Unattended, type VaultChain } from './unattended.ts';
import { statusOf, type Known } from './vault-status.ts';
import { blobFromFile, fileFromBlob, type VaultFile } from './vault-file.ts';
import { readName, tampered, wipe, type Keys } from './vault-keys.ts';
import { ENTROPY_BYTES, formatWords, parseWords } from '../seed-words.ts';

export interface VaultPlatform extends SafePlatform {
  readonly clock: {
    /** ms since 1970: it must count while the device sleeps. */
    now(): number;
    /** Runs once after that many ms, unless the result is called first. */
    after(ms: number, run: () => void): () => void;
  };
  /** Called after every change, also those that no call made (auto-lock, another tab). */
  readonly onChange?: (status: VaultStatus) => void;
  /** Vaults of other tabs over the same storage. Nothing secret is sent: each tab is unlocked by itself. */
  readonly others?: {
    send(what: VaultNews): void;
    onMessage(listener: (what: unknown) => void): void;
  };
}

/** What a vault sends to those of other tabs: read the storage again, or also lock. */
export type VaultNews = 'changed' | 'lock';

const MINUTE_MS = 60_000;
/** A protected vault locks after this long without a call that needs keys, unless the person chose another time. */
export const IDLE_LOCK_MS = LOCK_MINUTES_FIRST * MINUTE_MS;
/** And after this long without anybody who could see the page. */
export const HIDDEN_LOCK_MS = 60_000;
/** Calls that may wait: a person's, of which the slowest takes about a second, and what nobody is there for. */
const CALLS_MAX = 32 + UNATTENDED_CALLS_MAX;

export function createVault(platform: VaultPlatform): VaultApi {
  const vault = new Vault(platform);
  /** A method of the vault, once it is its turn. */
  const queued =
    <A extends unknown[], T>(method: (...args: A) => Promise<T>) =>
    (...args: A): Promise<T> =>
      vault.queue.run(() => method.apply(vault, args));
  return {
    openFor: async (chain) => vault.openFor(chain),
    status: queued(vault.status),
    create: queued(vault.create),
    checkWords: async (words) => void parseWords(words).fill(0),
    restore: queued(vault.restore),
    protect: queued(vault.protect),
    unlock: (passphrase) => vault.queue.run(() => vault.unlock({ passphrase })),
    addPasskey: queued(vault.addPasskey),
    removePasskey: queued(vault.removePasskey),
    unlockByPasskey: (passkey) => vault.queue.run(() => vault.unlock({ passkey })),
    lockAfter: queued(vault.lockAfter),
    setHidden: queued(vault.setHidden),
    exportFile: queued(vault.exportFile),
    importFile: (file, ...how) => vault.imports.run(() => vault.importFile(file, ...how)),
    stopDeriving: async () => vault.stopDeriving(),
    lock: queued(vault.lock),
    words: queued(vault.words),
    backupQuiz: queued(vault.backupQuiz),
    proveBackup: queued(vault.proveBackup),
    describe: async (tx) => summaryFromTx(decodeTx(tx)),
    sign: queued(vault.sign),
    servingKey: queued(vault.servingKey),
    signReceipt: queued(vault.signReceipt),
    signOffer: queued(vault.signOffer),
    signClose: queued(vault.signClose),
    newSigner: queued(vault.newSigner),
    signAsk: queued(vault.signAsk),
    signVoucher: queued(vault.signVoucher),
    channelEnded: queued(vault.channelEnded),
    channelsLimit: queued(vault.channelsLimit),
    setChannelsLimit: queued(vault.setChannelsLimit),
    accountsAhead: queued(vault.accountsAhead),
    addAccount: queued(vault.addAccount),
    renameAccount: queued(vault.renameAccount),
    useAccount: queued(vault.useAccount),
    erase: queued(vault.erase),
  };
}

class Vault {
  readonly queue = new SerialQueue(CALLS_MAX);
  /** A file's derivation may take long and needs nothing of the vault: other calls go on beside it. */
  readonly imports = new SerialQueue(1, 'BUSY');
  readonly #platform: VaultPlatform;
  readonly #safe: Safe;
  readonly #unattended: Unattended;
  readonly #delegation: Delegation;
  #keys: Keys | undefined;
  #quiz: QuizQuestion[] | undefined;
  /** The record whose public part the keys confirmed last. */
  #verified: Uint8Array | undefined;
  /** One whose public part they denied: this device's MAC was forged, too. */
  #denied: Uint8Array | undefined;
  #usedAtMs = 0;
  #lockMs = IDLE_LOCK_MS;
  #hiddenAtMs: number | undefined;
  #cancelTimer = () => {};

  constructor(platform: VaultPlatform) {
    this.#platform = platform;
    this.#safe = new Safe(platform);
    this.#unattended = new Unattended(platform.clock.now);
    this.#delegation = new Delegation(this.#safe, platform.clock.now);
    platform.others?.onMessage((what) => {
      if (what !== 'changed' && what !== 'lock') return;
      // If the queue is full, its calls look again themselves.
      void this.queue.run(() => this.#onOther(what)).catch(() => {});
    });
  }

  openFor(chain: VaultChain): void {
    this.#unattended.openFor(chain);
  }

  async status(): Promise<VaultStatus> {
    try {
      const loaded = await this.#load();
      return statusOf(loaded?.blob, this.#keys !== undefined, this.#knownOf(loaded));
    } catch (e) {
      const code = AppError.from(e).code;
      if (code !== 'VAULT_CORRUPT' && code !== 'VAULT_VERSION' && code !== 'VAULT_TAMPERED')
        throw e;
      // Of a changed one: whether its words need the passphrase.
      const blob = code === 'VAULT_TAMPERED' ? (await this.#safe.load())?.blob : undefined;
      return { ...statusOf(blob, false), exists: true, locked: true, problem: code };
    }
  }

  create(passphrase?: string): Promise<VaultStatus> {
    const entropy = randomBytes(this.#platform.crypto, ENTROPY_BYTES);
    return this.#found({ entropy, backedUp: false }, passphrase);
  }

  async restore(words: string, passphrase?: string): Promise<VaultStatus> {
    return this.#found({ entropy: parseWords(words), backedUp: true }, passphrase);
  }

  async protect(passphrase: string, old: string | undefined): Promise<VaultStatus> {
    requireFloor(passphrase);
    const { keys, loaded } = await this.#open();
    await this.#ask(old, loaded, (dataKey) =>
      this.#safe.wrapByPassphrase(passphrase, keys, loaded, dataKey),
    );
    this.#touch();
    return this.#changed('changed');
  }

  async unlock(opener: Opener): Promise<VaultStatus> {
    const loaded = await this.#require();
    if (loaded.blob.wrap.type === 'scrypt') {
      const dataKey = await this.#safe.openData(loaded, opener);
      try {
        const keys = await this.#confirm(loaded, this.#safe.keysOf(loaded, dataKey));
        this.#keep(keys);
        if ('passphrase' in opener && this.#safe.isWeak(loaded))
          await this.#safe.wrapByPassphrase(opener.passphrase, keys, loaded, dataKey);
        else if (isOld(loaded)) await this.#safe.raise(loaded, keys);
      } finally {
        dataKey.fill(0);
      }
      this.#touch();
    }
    return this.#changed();
  }

  /** Keys are the passphrase's; a passkey is its shortcut. */
  async addPasskey(passphrase: string, { output, ...which }: NewPasskey): Promise<VaultStatus> {
    const { loaded } = await this.#open();
    if (loaded.blob.wrap.type !== 'scrypt')
      throw new AppError('PASSKEY_UNPROTECTED', 'a passphrase comes first');
    await this.#ask(passphrase, loaded, (dataKey) =>
      this.#safe.addPasskey(loaded, which, output, dataKey!),
    );
    output.fill(0);
    return this.#changed('changed');
  }

  async removePasskey(): Promise<VaultStatus> {
    await this.#safe.removePasskey(await this.#require());
    return this.#changed('changed');
  }

  async lockAfter(minutes: number): Promise<VaultStatus> {
    if (!LOCK_MINUTES.some((m) => m === minutes))
      throw new AppError('LOCK_RANGE', `${minutes} minutes`);
    // Only with keys: whoever finds it locked does not decide how long it will stay open.
    const { keys, loaded } = await this.#open();
    await this.#safe.change(loaded, { lockMinutes: minutes }, keys);
    return this.#changed('changed');
  }

  async setHidden(hidden: boolean): Promise<void> {
    this.#hiddenAtMs = hidden ? (this.#hiddenAtMs ?? this.#platform.clock.now()) : undefined;
    if (this.#keys) this.#startTimer();
  }

  async exportFile(): Promise<VaultFile> {
    return fileFromBlob((await this.#require()).blob);
  }

  async importFile(file: unknown, passphrase: string, dear = false): Promise<VaultStatus> {
    const blob = blobFromFile(file);
    if (!dear && this.#safe.isDear(blob))
      throw new AppError('FILE_DEAR', 'it asks for more than twice the usual work');
    const dataKey = await this.#safe.openData({ blob }, { passphrase });
    const opened = this.#safe.keysOf({ blob }, dataKey).finally(() => dataKey.fill(0));
    const keys = await opened.catch((cause: unknown) => {
      throw new AppError('FILE_MALFORMED', 'its parts do not belong together', { cause });
    });
    const { accounts, current, backedUp } = blob;
    const contents = { entropy: keys.entropy, accounts, current, backedUp: backedUp === 1 };
    // Sealed anew: the file says how hard its own seal is to open.
    return this.queue.run(() => this.#foundBy(keys, this.#safe.found(contents, passphrase)));
  }

  stopDeriving(): void {
    this.#safe.stopDeriving();
  }

  lock(): Promise<VaultStatus> {
    this.#forget();
    return this.#changed('lock');
  }

  async accountsAhead(): Promise<Uint8Array[]> {
    const { keys } = await this.#open();
    const paths = Array.from({ length: ACCOUNTS_MAX }, (_, index) => keyPath(index, 0));
    const pairs = keysFromEntropy(keys.entropy, paths.slice(keys.pairs.length));
    return pairs.map(({ secret, address }) => (secret.fill(0), address));
  }

  async addAccount(name: string): Promise<VaultStatus> {
    const stored = readName(name);
    const { keys, loaded } = await this.#open();
    const { accounts } = loaded.blob;
    if (accounts.length >= ACCOUNTS_MAX)
      throw new AppError('ACCOUNTS_FULL', `${ACCOUNTS_MAX} accounts`);
    const [pair] = keysFromEntropy(keys.entropy, [keyPath(accounts.length, 0)]) as [KeyPair];
    const next = [...accounts, { name: stored, publicKey: pair.publicKey }];
    await this.#safe.change(loaded, { accounts: next, current: accounts.length }, keys);
    this.#keys = { ...keys, pairs: [...keys.pairs, pair] };
    return this.#changed('changed');
  }

  async renameAccount(index: number, name: string): Promise<VaultStatus> {
    const stored = readName(name);
    await this.#requireAccount(index);
    const { keys, loaded } = await this.#open();
    const accounts = loaded.blob.accounts.map((account, i) =>
      i === index ? { ...account, name: stored } : account,
    );
    await this.#safe.change(loaded, { accounts }, keys);
    return this.#changed('changed');
  }

  async useAccount(index: number): Promise<VaultStatus> {
    await this.#safe.change(await this.#requireAccount(index), { current: index });
    return this.#changed('changed');
  }

  async words(passphrase: string | undefined): Promise<string> {
    const stored = await this.#safe.load();
    if (stored && this.#isChanged(stored)) return this.#wordsOfChanged(stored, passphrase);
    const { keys, loaded } = await this.#open();
    await this.#ask(passphrase, loaded);
    return formatWords(keys.entropy);
  }

  /** Whoever changed the public part cannot have changed what is sealed: the coins are not lost. */
  async #wordsOfChanged(stored: Loaded, passphrase = ''): Promise<string> {
    const isProtected = stored.blob.wrap.type === 'scrypt';
    const dataKey = isProtected
      ? await this.#safe.openData(stored, { passphrase })
      : await this.#safe.openDeviceData(stored);
    const entropy = await this.#safe.entropyOf(stored, dataKey).finally(() => dataKey.fill(0));
    const words = formatWords(entropy);
    entropy.fill(0);
    return words;
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
    await this.#safe.change(loaded, { backedUp: 1 }, keys);
    return this.#changed('changed');
  }

  async sign(bytes: Uint8Array): Promise<Uint8Array> {
    const tx = decodeTx(bytes);
    const chain = this.#unattended.chainOf(tx);
    const { keys, loaded } = await this.#open();
    const pair = keys.pairs.find(({ publicKey }) => equal(tx.from, publicKey));
    if (!pair) throw new AppError('TX_SENDER', 'the transaction spends from another key');
    if (!loaded.blob.backedUp)
      throw new AppError('BACKUP_FIRST', 'the words were not proven to be written down');
    if (tx.type === 'channel') await this.#delegation.noteOpening({ keys, loaded }, tx, chain);
    return txBytes(signTx(chain.genesisId, tx, pair.secret));
  }

  async servingKey(): Promise<Uint8Array | undefined> {
    return (await this.#load())?.blob.delegates?.serving.publicKey;
  }

  async signReceipt(receipt: Receipt): Promise<Uint8Array> {
    const hashed = receiptHash(this.#unattended.genesisId, receipt);
    return this.#delegation.sign(await this.#require(), hashed);
  }

  async signOffer(offer: UnsignedOffer): Promise<Uint8Array> {
    const hashed = offerHash(this.#unattended.genesisId, offer);
    return this.#delegation.sign(await this.#require(), hashed);
  }

  async signClose(bytes: Uint8Array, opening: Uint8Array): Promise<Uint8Array> {
    const tx = decodeTx(bytes);
    if (tx.type !== 'close') throw new AppError('TX_MALFORMED', 'not a close');
    const { genesisId } = this.#unattended.chainOf(tx);
    const loaded = await this.#require();
    this.#delegation.requireOwn(loaded, genesisId, { close: tx, opening });
    this.#unattended.admit(tx);
    return txBytes({ tx, signature: await this.#delegation.sign(loaded, txId(genesisId, tx)) });
  }

  async newSigner(): Promise<Uint8Array> {
    return this.#delegation.newSigner(await this.#open());
  }

  async signAsk(channel: Uint8Array, peers: AskPeers): Promise<Uint8Array> {
    const { genesisId } = this.#unattended;
    return this.#delegation.signAsk(await this.#require(), genesisId, { channel, peers });
  }

  async signVoucher(channel: Uint8Array, amount: bigint): Promise<Uint8Array> {
    const { genesisId } = this.#unattended;
    return this.#delegation.signVoucher(await this.#require(), genesisId, { channel, amount });
  }

  async channelEnded(channel: Uint8Array): Promise<void> {
    await this.#delegation.channelEnded(await this.#require(), channel);
  }

  async channelsLimit(): Promise<bigint> {
    const { delegates } = (await this.#require()).blob;
    return delegates?.channelsLimit ?? CHANNELS_LIMIT_FIRST;
  }

  async setChannelsLimit(limit: bigint): Promise<VaultStatus> {
    await this.#delegation.setLimit(await this.#open(), limit);
    return this.#changed('changed');
  }

  async erase(): Promise<VaultStatus> {
    this.#forget();
    await this.#safe.erase();
    this.#verified = this.#denied = undefined;
    return this.#changed('lock');
  }

  async #changed(news?: VaultNews): Promise<VaultStatus> {
    const status = await this.status();
    this.#platform.onChange?.(status);
    if (news) this.#platform.others?.send(news);
    return status;
  }

  async #onOther(what: VaultNews): Promise<void> {
    if (what === 'lock') this.#forget();
    await this.#changed();
  }

  async #found(
    { entropy, backedUp }: { readonly entropy: Uint8Array; readonly backedUp: boolean },
    passphrase: string | undefined,
  ): Promise<VaultStatus> {
    if (passphrase !== undefined) requireFloor(passphrase);
    const keys = { entropy, pairs: keysFromEntropy(entropy, [keyPath(0, 0)]) };
    const accounts = [{ name: new Uint8Array(), publicKey: keys.pairs[0]!.publicKey }];
    const contents = { entropy, accounts, current: 0, backedUp };
    return this.#foundBy(keys, this.#safe.found(contents, passphrase));
  }

  async #foundBy(keys: Keys, stored: Promise<boolean>): Promise<VaultStatus> {
    // Also true of a damaged vault: only `erase` removes one.
    if (!(await stored)) {
      wipe(keys);
      throw new AppError('VAULT_EXISTS', 'this device already holds keys');
    }
    this.#keep(keys);
    return this.#changed('changed');
  }

  /** @throws VAULT_TAMPERED: then nothing of the public part is believed */
  async #load(): Promise<Loaded | undefined> {
    const loaded = await this.#checked(await this.#safe.load());
    const blob = loaded?.blob;
    if (!blob) this.#forget();
    this.#lockWithin((blob?.lockMinutes ?? 0) * MINUTE_MS || IDLE_LOCK_MS);
    if (blob?.wrap.type === 'scrypt' && this.#isIdle) this.#forget();
    return loaded;
  }

  /**
   * The public part is believed where this device's MAC is right, and confirmed by the keys where they are
   * at hand: in an open vault, and in one that no passphrase protects.
   */
  async #checked(loaded: Loaded | undefined): Promise<Loaded | undefined> {
    if (!loaded) return undefined;
    if (this.#isChanged(loaded)) {
      await this.#deny(loaded);
      throw tampered('it is not as this device wrote it');
    }
    if (this.#isVerified(loaded)) return loaded;
    const { address, wrap } = loaded.blob;
    // Erased and founded anew by another tab: these keys say nothing about it.
    if (this.#keys && !equal(this.#keys.pairs[0]!.address, address)) this.#forget();
    if (this.#keys) {
      this.#keys = await this.#confirm(loaded, this.#safe.verified(loaded.blob, this.#keys));
      return loaded;
    }
    if (wrap.type === 'scrypt') return loaded;
    const keys = await this.#confirm(loaded, this.#safe.openByDevice(loaded));
    try {
      if (!isOld(loaded)) return loaded;
      await this.#safe.raise(loaded, keys);
    } finally {
      wipe(keys);
    }
    return this.#checked(await this.#safe.load());
  }

  /** Notes what the keys said of a record. @throws VAULT_TAMPERED */
  async #confirm({ record }: Loaded, asked: Promise<Keys>): Promise<Keys> {
    try {
      const keys = await asked;
      this.#verified = record.blob;
      return keys;
    } catch (e) {
      if (AppError.from(e).code === 'VAULT_TAMPERED') await this.#deny({ record });
      throw e;
    }
  }

  /** Locks, and says so once: whatever call found it out. */
  async #deny({ record }: Pick<Loaded, 'record'>): Promise<void> {
    this.#forget();
    if (this.#denied && equal(this.#denied, record.blob)) return;
    this.#denied = record.blob;
    await this.#changed();
  }

  #isVerified({ record }: Loaded): boolean {
    return this.#verified !== undefined && equal(this.#verified, record.blob);
  }

  #isChanged({ record, trust }: Loaded): boolean {
    return trust === 'changed' || (this.#denied !== undefined && equal(this.#denied, record.blob));
  }

  #knownOf(loaded: Loaded | undefined): Known {
    if (loaded && this.#isVerified(loaded)) return 'byKeys';
    return loaded?.trust === 'kept' ? 'byDevice' : 'not';
  }

  /** Another time was chosen, here or in another tab: the timer of the old one would come too late. */
  #lockWithin(ms: number): void {
    const isNew = ms !== this.#lockMs;
    this.#lockMs = ms;
    if (isNew && this.#keys) this.#startTimer();
  }

  /** Timers stop while a device sleeps: the clock decides, and one set back is not trusted. */
  get #isIdle(): boolean {
    const now = this.#platform.clock.now();
    const hiddenMs = Math.abs(now - (this.#hiddenAtMs ?? now));
    return Math.abs(now - this.#usedAtMs) >= this.#lockMs || hiddenMs >= HIDDEN_LOCK_MS;
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

  /** Keys for a call that needs them: a person makes it, so it counts as a use. */
  async #open(): Promise<{ keys: Keys; loaded: Loaded }> {
    const loaded = await this.#require();
    if (!this.#keys && loaded.blob.wrap.type === 'scrypt')
      throw new AppError('VAULT_LOCKED', 'the vault is locked');
    if (!this.#keys) this.#keep(await this.#safe.openByDevice(loaded));
    this.#touch();
    return { keys: this.#keys!, loaded };
  }

  /**
   * Asked although it is unlocked: who finds the page open must not walk away with the seed. `use` gets
   * the data key where a passphrase protects it.
   */
  async #ask(
    passphrase: string | undefined,
    loaded: Loaded,
    use: (dataKey: Uint8Array | undefined) => Promise<void> = async () => {},
  ): Promise<void> {
    if (loaded.blob.wrap.type !== 'scrypt') return use(undefined);
    const dataKey = await this.#safe.openData(loaded, { passphrase: passphrase ?? '' });
    await use(dataKey).finally(() => dataKey.fill(0));
  }

  #keep(keys: Keys): void {
    if (this.#keys) wipe(this.#keys);
    this.#keys = keys;
    this.#touch();
  }

  /** Without a passphrase a lock protects nothing: then the timer finds nothing to do. */
  #touch(): void {
    this.#usedAtMs = this.#platform.clock.now();
    this.#startTimer();
  }

  #startTimer(): void {
    const now = this.#platform.clock.now();
    const idleMs = this.#usedAtMs + this.#lockMs - now;
    const hiddenMs = (this.#hiddenAtMs ?? Infinity) + HIDDEN_LOCK_MS - now;
    this.#cancelTimer();
    // In the queue, so that no call loses its keys half-way. If it is full, its calls lock.
    const lockIfIdle = () => void this.queue.run(() => this.#lockIfIdle()).catch(() => {});
    this.#cancelTimer = this.#platform.clock.after(Math.min(idleMs, hiddenMs), lockIfIdle);
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
