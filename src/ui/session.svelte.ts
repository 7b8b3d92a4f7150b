/**
 * What the screens show and do: the last word of the client and of the vault, and the acts a person
 * can start. Every act's failure becomes `problem`, to be shown in words.
 */
import type {
  Balance,
  ChainStatus,
  ClientApi,
  ClientEvent,
  History,
  FetchConsent,
  Gift,
  Holding,
  MinerStatus,
  ModelStorage,
  PaidWork,
  PendingTx,
  StoredModel,
} from '../client/api.ts';
import { untrack } from 'svelte';
import { createParams, type NetworkParams } from '../core/params.ts';
import { HOLDING_ALL, MINER_OFF } from '../client/api.ts';
import { equal, toHex } from '../lib/bytes.ts';
import type { ErrorCode } from '../lib/error-codes.ts';
import { trueCause } from './cause.ts';
import { AppError } from '../lib/errors.ts';
import { forget, recognise, remember, type KeyMemory } from './known-keys.ts';
import { Care } from './work/care/care.svelte.ts';
import {
  conditionsOf,
  isBlocked,
  UNSEEN,
  type BrowserFacts,
  type Condition,
} from './work/conditions.ts';
import type { VaultApi, VaultStatus } from '../wallet/vault/vault-api.ts';
import type { Engine, PageConfig, Passphrases } from './engine.ts';
import { isDead } from './kit/format.ts';
import { isStale } from '../core/header/stale.ts';
import { joinHistory } from './wallet/history/history.ts';
import { Answering } from './work/answering.ts';
import { isWorking, type Around } from './work/sentence.ts';
import { WorkLog } from './work/work-log.svelte.ts';

export const HISTORY_SHOWN = 20;
/** Entries of the history that a page keeps. */
export const HISTORY_MAX = 2000;

export interface Problem {
  readonly code: ErrorCode;
  readonly message: string;
  /** Of the act that ended with it. */
  readonly act?: string;
}

/** How a person wants to mine. */
export interface MiningWish {
  /** Name of the model to mine with; one that the network lacks is not asked for. */
  readonly model?: string | undefined;
  /** Whether the other mined models may be fetched; default: fetch. */
  readonly others?: FetchConsent;
  /** Not before, ms since 1970. */
  readonly fromMs?: number;
}

/** A question about the person's own texts. */
export interface AskedAbout {
  readonly question: string;
  /** The id of one of them; '': all. */
  readonly about: string;
}

export class Session {
  config = $state.raw<PageConfig>();
  chain = $state.raw<ChainStatus>();
  miner = $state.raw<MinerStatus>(MINER_OFF);
  /** The mined models on this device. */
  holding = $state.raw<Holding>(HOLDING_ALL);
  balance = $state.raw<Balance>();
  vault = $state.raw<VaultStatus>();
  /** How often open keys were locked or erased, here or by another tab; told at once, also during an act. */
  lockings = $state.raw(0);
  history = $state.raw<History>();
  /** Proven balances of other addresses that are looked at, by address in hex. */
  others = $state.raw<Readonly<Record<string, Balance>>>({});
  /** Models on this device; undefined until a screen asked. */
  storage = $state.raw<ModelStorage>();
  /** Texts of the person are kept on this device, to be searched; false until a screen looked. */
  hasTexts = $state.raw(false);
  /** Answers that this device computed for the person since the page was opened. */
  ownAnswers = $state.raw(0);
  /** Models that have changed since the page was opened, by name. */
  arriving = $state.raw<Readonly<Record<string, StoredModel>>>({});
  pending = $state.raw<readonly PendingTx[]>([]);
  problem = $state.raw<Problem>();
  /** Acts whose failure is shown beside what begins them, on the screen that is open. */
  places = $state.raw<readonly string[]>([]);
  /** What the opening of the page ended with, where the keys could not be asked for. */
  #unopened = $state.raw<Problem>();
  /** What answering for pay came to; undefined before it was asked for. */
  provided = $state.raw<PaidWork>();
  /** Why this device does not answer for pay, though the person wants it. */
  unanswering = $state.raw<Problem>();
  /** Blocks that the last reorganisation replaced, until dismissed. */
  reorganised = $state.raw(0);
  /** The act in progress: only one at a time. */
  busy = $state.raw<string>();
  /** An account was chosen and isn't the one in use yet. */
  isSwitching = $state.raw(false);
  /** Settled when the act in progress ends, and no other has taken its place. */
  #idle: PromiseWithResolvers<void> | undefined;
  /** What became of the work since the page was opened. */
  readonly log = new WorkLog();
  /** A sheet lies over the screen: it shows the problem itself. */
  covered = $state.raw(false);
  now = $state.raw(Date.now());
  /** By the browser's word: a network that leads nowhere counts as one. */
  hasNetwork = $state.raw(true);
  /** Nobody sees the page. */
  hidden = $state.raw(false);
  browser = $state.raw<BrowserFacts>(UNSEEN);
  /** Start was pressed, and the miner has not spoken yet. */
  starting = $state.raw(false);
  /** Of the last start or pause. */
  #turn = 0;
  /** Tells the engine how much it may work, while it does. */
  readonly care = new Care((duty) => {
    const { state, pausedUntilMs } = this.miner;
    if (isWorking(state) || pausedUntilMs)
      void this.peer.throttleMining(duty).catch(() => undefined);
  });
  readonly #engine: Engine;
  readonly #loadConfig: () => Promise<PageConfig>;
  readonly #answering: Answering;
  /** The person wants this device to answer for pay. */
  #wantsAnswers = false;
  /** nV for a thousand tokens, as the person says. */
  #tokenPrice: bigint | undefined;
  #following = '';
  /** The account that was followed last: it gives its place up to the next. */
  #followed: Uint8Array | undefined;
  /** Addresses that are looked at, in hex. */
  readonly #looked = new Set<string>();
  /** By the vault's last word. */
  #wasOpen = false;
  /** The vault's last status while an act is going on: shown after it. */
  #laterVault: VaultStatus | undefined;
  #opened: Promise<unknown> = Promise.resolve();
  #askedAbout: AskedAbout | undefined;
  readonly #memory: KeyMemory | undefined;

  /** @param memory what this page remembers between its loads: of which keys it showed addresses */
  constructor(engine: Engine, loadConfig: () => Promise<PageConfig>, memory?: KeyMemory) {
    this.#memory = memory;
    this.#engine = engine;
    this.#loadConfig = loadConfig;
    this.#answering = new Answering(() => engine.client);
    engine.on((event) => this.#onEvent(event));
    engine.onVault((status) => this.#onVault(status));
  }

  /** Calls the listener at every event of the client, until the result is called. */
  on(listener: (event: ClientEvent) => void): () => void {
    return this.#engine.on(listener);
  }

  get keys(): VaultApi {
    return this.#engine.vault;
  }

  /** Why nothing can be shown of the keys, or made of them, whatever a person presses. */
  get hindrance(): Problem | undefined {
    return this.browser.isSecure ? this.#unopened : { code: 'PAGE_INSECURE', message: '' };
  }

  get passphrases(): Passphrases {
    return this.#engine.passphrases;
  }

  get peer(): ClientApi {
    return this.#engine.client;
  }

  /** Of the network; the main one's before it is known. */
  get params(): NetworkParams {
    return createParams(this.config?.network ?? 'main', []);
  }

  /** Human-readable part of addresses. */
  get prefix(): string {
    return this.config?.prefix ?? this.params.prefix;
  }

  get blockTimeMs(): number {
    return this.params.blockTimeMs;
  }

  /** Coins of the network are worth nothing; false before it is known. */
  get isTrial(): boolean {
    return this.params.isTrial;
  }

  get stale(): boolean {
    return isStale(this.chain?.headTimeMs ?? 0, this.now, this.blockTimeMs);
  }

  /** Nobody is there to ask, and not for the first moments: what is shown was proven earlier. */
  get offline(): boolean {
    if (this.chain?.peers.length) return false;
    return !this.hasNetwork || this.chain?.sync === 'offline';
  }

  /** Stale for so long that something is wrong. */
  get dead(): boolean {
    return isDead(this.chain?.headTimeMs ?? 0, this.now, this.blockTimeMs);
  }

  /** Peers are there, and yet no block has come for long. */
  get nobodyMines(): boolean {
    return this.stale && (this.chain?.peers.length ?? 0) > 0;
  }

  /** nV of the account, spendable and maturing. */
  get owned(): bigint {
    return (this.balance?.spendable ?? 0n) + (this.balance?.immature ?? 0n);
  }

  get conditions(): Condition[] {
    const onBattery = this.care.verdict.reason === 'battery';
    return conditionsOf(this.browser, this.config, onBattery);
  }

  /** What the sentence about the work depends on besides miner and chain. */
  get around(): Around {
    return { starting: this.starting, held: this.care.held, holding: this.holding };
  }

  /** Nothing is computed for now, though it works. */
  get waits(): boolean {
    return this.care.held || this.holding.uncheckedMs === 0;
  }

  get hasFaucet(): boolean {
    return this.params.faucet;
  }

  /** Reads the settings once, and has the vault sign for their network alone. */
  async #configure(): Promise<void> {
    if (this.config) return;
    const config = await this.#loadConfig();
    const { network, genesis } = config;
    // Without it nothing is signed, and whoever asks for that is told.
    await this.keys.openFor({ network, genesis }).catch((error: unknown) => this.fail(error));
    this.config = config;
  }

  /** At load: reads the vault; with keys on this device the client connects, and never mines. */
  async open(): Promise<void> {
    this.#opened = this.act('open', async () => {
      await this.#configure();
      this.vault = recognise(await this.keys.status(), this.#memory);
      this.#countLocking(this.vault);
      if (this.vault.exists) await this.follow();
    });
    await this.#opened;
    this.#unopened = this.vault ? undefined : this.problem;
  }

  /** A screen about the network was opened: that connects, also without keys. */
  async connect(): Promise<void> {
    await this.#opened;
    if (this.chain) return;
    try {
      await this.#configure();
      const { chain, miner, holding } = await this.peer.status();
      this.chain ??= chain;
      this.miner = miner;
      this.holding = holding;
    } catch (error) {
      this.fail(error);
    }
  }

  /** Watches the vault's address and shows what is known of it, offline too. */
  async follow(): Promise<void> {
    const address = this.vault?.address;
    if (!address || this.#following === address.toString()) return;
    await this.peer.payTo(address);
    const before = this.#followed;
    this.#followed = address;
    if (before && !this.#looked.has(toHex(before))) await this.peer.unwatch(before);
    this.#following = address.toString();
    await this.#answer();
    const { chain, miner, holding } = await this.peer.status();
    this.chain = chain;
    this.miner = miner;
    this.holding = holding;
    const known = await this.peer.balance(address);
    // What was proven meanwhile is newer, and the account may be another one by now.
    if (this.#isOwn(address)) this.balance ??= known;
    // Without peers yet there is no history: the next proven balance asks again.
    void this.refresh().catch(() => undefined);
  }

  /** Reads what this device remembers of its work. */
  recall = (): Promise<void> =>
    this.log.recall(this.peer, this.vault?.address, () => this.miner.units).catch(() => undefined);

  /** History and waiting payments. */
  async refresh(): Promise<void> {
    const address = this.vault?.address;
    if (!address) return;
    this.pending = await this.peer.pending();
    const newest = await this.peer.history(address, HISTORY_SHOWN);
    if (this.#isOwn(address)) this.history = joinHistory(newest, this.history);
  }

  /** The next page of the history. */
  older(): Promise<boolean> {
    return this.act('older', async () => {
      const address = this.vault?.address;
      const shown = this.history;
      if (!address || !shown?.next) return;
      const page = await this.peer.history(address, HISTORY_SHOWN, shown.next);
      if (this.history !== shown) return;
      const entries = [...shown.entries, ...page.entries].slice(0, HISTORY_MAX);
      const next = entries.length < HISTORY_MAX ? page.next : undefined;
      this.history = { ...page, entries, next, linked: shown.linked && page.linked };
    });
  }

  #isOwn(address: Uint8Array): boolean {
    return address.toString() === this.vault?.address?.toString();
  }

  /** Follows the balance of an address without keys. */
  async look(address: Uint8Array): Promise<void> {
    const key = toHex(address);
    if (this.#looked.has(key)) return;
    this.#looked.add(key);
    try {
      await this.connect();
      const known = await this.peer.balance(address);
      if (known) this.others = { ...this.others, [key]: known };
      await this.peer.watch(address);
    } catch (error) {
      this.#looked.delete(key);
      this.fail(error);
    }
  }

  async lookAway(address: Uint8Array): Promise<void> {
    const key = toHex(address);
    this.#looked.delete(key);
    const { [key]: _, ...rest } = this.others;
    this.others = rest;
    if (this.#isOwn(address)) return;
    await this.peer.unwatch(address).catch((error: unknown) => this.fail(error));
  }

  /** Connects, and asks what is stored. */
  async readStorage(): Promise<void> {
    await this.connect();
    try {
      this.storage = await this.peer.storage();
    } catch (error) {
      this.fail(error);
    }
  }

  /** Hands a question from the search to the conversation that begins next. */
  askAbout(asked: AskedAbout): void {
    this.#askedAbout = asked;
  }

  takeAskedAbout(): AskedAbout | undefined {
    const asked = this.#askedAbout;
    this.#askedAbout = undefined;
    return asked;
  }

  /** A fetch is no act: others may go on beside it. What it ended with is in the model's own state. */
  async fetchModel({ id }: StoredModel, trusted: boolean): Promise<void> {
    if (!trusted) return;
    await this.peer.fetchModel(id).catch(() => undefined);
    await this.readStorage();
  }

  /** At any time: a start may be waiting for it. */
  stopModel = ({ id }: StoredModel): Promise<void> =>
    this.peer.stopModel(id).catch((error: unknown) => this.fail(error));

  async freeModel({ id }: StoredModel): Promise<void> {
    await this.act('freeModel', () => this.peer.freeModel(id));
    await this.readStorage();
  }

  #noteModel(model: StoredModel): void {
    this.arriving = { ...this.arriving, [model.name]: model };
    const { storage } = this;
    if (!storage) return;
    const models = storage.models.map((known) => (equal(known.id, model.id) ? model : known));
    this.storage = { ...storage, models };
  }

  /**
   * @param trusted of the click that asked for it: a script's click starts nothing.
   */
  async start(trusted: boolean, wish: MiningWish = {}): Promise<void> {
    if (trusted) await this.#start(wish);
  }

  /**
   * At load: what the page before was to do when it ended is forgotten, or gone on with, as the person chose. Nothing
   * else starts without a click.
   */
  async takeUp(goesOn: boolean, wish: MiningWish = {}): Promise<void> {
    if (!this.#following) return;
    const left = await this.peer.takeIntent().catch(() => undefined);
    if (!left || !goesOn || isBlocked(this.conditions) || isWorking(this.miner.state)) return;
    await this.#start({ ...wish, ...left });
  }

  async #start(wish: MiningWish): Promise<void> {
    if (this.starting) return;
    this.starting = true;
    const turn = ++this.#turn;
    // A quick hand presses before the page has read its keys: the click must not be lost.
    await this.#opened;
    // Paused meanwhile.
    if (!this.starting) return;
    await this.act('start', async () => {
      await this.#configure();
      this.vault ??= recognise(await this.keys.status(), this.#memory);
      if (!this.vault.exists) this.vault = await this.keys.create();
      remember(this.vault, this.#memory);
      // Nobody is paid whose address is not known to be this vault's.
      const { problem, address } = this.vault;
      if (problem || !address) throw new AppError(problem ?? 'VAULT_LOCKED', 'no address');
      this.#countLocking(this.vault);
      await this.follow();
      await this.peer.throttleMining(this.care.verdict.duty);
      await this.#mine(wish, turn);
    });
    if (turn === this.#turn) this.starting = false;
  }

  /** @param turn nothing is started once another has begun: a pause holds, however long the start took to come here */
  async #mine({ model, others = 'fetch', fromMs = 0 }: MiningWish, turn: number): Promise<void> {
    const known = model !== undefined && (await this.peer.models());
    const isKnown = known && known.some(({ name }) => name === model);
    if (turn !== this.#turn) return;
    await this.peer.startMining({ backend: 'auto', others, fromMs, ...(isKnown && { model }) });
  }

  /** Another word on the models that are still to be fetched, while it works. */
  fetchOthers = (model: string | undefined, others: FetchConsent): Promise<boolean> =>
    this.act('models', () => this.#mine({ model, others }, this.#turn));

  pause = (): Promise<boolean> => {
    this.#stopStarting();
    return this.act('pause', () => this.peer.pauseMining());
  };
  /** Works on by itself after `fromMs`. */
  pauseUntil = (fromMs: number, wish: MiningWish = {}): Promise<boolean> => {
    const turn = this.#stopStarting();
    return this.act('pause', () => this.#mine({ ...wish, fromMs }, turn));
  };
  finish = (): Promise<boolean> => this.act('finish', () => this.peer.finishMining());
  #stopStarting(): number {
    this.starting = false;
    return ++this.#turn;
  }

  /** Trial coins: whether somebody mines the block that they wait for; undefined when there are none. */
  async faucet(): Promise<Gift | undefined> {
    const address = this.vault?.address;
    let gift: Gift | undefined;
    if (address)
      await this.act('faucet', async () => void (gift = await this.peer.faucet(address)));
    return gift;
  }

  /** Runs an act on the vault and shows its new status. */
  async change(name: string, act: (keys: VaultApi) => Promise<VaultStatus>): Promise<boolean> {
    return this.act(name, async () => this.#show(await act(this.keys)));
  }

  /** As `change`, once the act in progress has ended: a button that is pressed early must not be without effect. */
  async changeNext(name: string, act: (keys: VaultApi) => Promise<VaultStatus>): Promise<boolean> {
    return this.actNext(name, async () => this.#show(await act(this.keys)));
  }

  async useAccount(index: number): Promise<boolean> {
    this.isSwitching = true;
    const done = await this.changeNext('useAccount', (keys) => keys.useAccount(index));
    this.isSwitching = false;
    return done;
  }

  async #show(told: VaultStatus): Promise<void> {
    // What was not believed at load is not believed later, until it is opened.
    const isDoubted = this.vault?.problem === 'VAULT_TAMPERED';
    const status = isDoubted ? recognise(told, this.#memory) : told;
    this.#countLocking(status);
    remember(status, this.#memory);
    if (status.problem && isWorking(this.miner.state)) await this.peer.pauseMining();
    const before = this.vault?.address?.toString();
    this.vault = status;
    if (this.#following) await this.#answer();
    if (status.address?.toString() === before) return;
    this.balance = undefined;
    this.history = undefined;
    this.pending = [];
    this.log.forget();
    this.#following = '';
    await this.follow();
  }

  #countLocking(status: VaultStatus): void {
    const isOpen = status.exists && !status.locked;
    if (this.#wasOpen && !isOpen) this.lockings++;
    this.#wasOpen = isOpen;
  }

  /** Whether this device is to answer questions of others, paid to the account in use. */
  async answerForPay(wanted: boolean, tokenPrice?: bigint): Promise<void> {
    this.#wantsAnswers = wanted;
    this.#tokenPrice = tokenPrice;
    if (this.#following) await this.#answer();
  }

  /** Work goes on where it fails; another status of the vault, as after an unlock, tries again. */
  async #answer(): Promise<void> {
    const { address, problem } = this.vault ?? {};
    try {
      const payee = this.#wantsAnswers && !problem ? address : undefined;
      await this.#answering.answerFor(payee, this.#tokenPrice);
      this.unanswering = undefined;
      if (this.#wantsAnswers) this.provided = await this.peer.provided();
    } catch (error) {
      this.unanswering = trueCause(error).toJSON();
    }
  }

  /** Nobody sees the page: keys that a passphrase protects lock sooner, while the work goes on. */
  hide(hidden: boolean): void {
    this.hidden = hidden;
    if (!this.vault?.protected) return;
    this.keys.setHidden(hidden).catch((error: unknown) => this.fail(error));
  }

  /** Stops the work first: it would go on being paid to keys that nobody has any more. */
  async erase(): Promise<boolean> {
    if (isWorking(this.miner.state) && !(await this.pause())) return false;
    const done = await this.change('erase', (keys) => keys.erase());
    if (done) forget(this.#memory);
    return done;
  }

  /** Whether it went well. A pause is never refused because something else is going on. */
  async act(name: string, work: () => Promise<unknown>): Promise<boolean> {
    if (this.busy && name !== 'pause') return false;
    this.#idle ??= Promise.withResolvers();
    this.busy = name;
    this.problem = undefined;
    try {
      await work();
      return true;
    } catch (error) {
      this.fail(error, name);
      return false;
    } finally {
      if (this.busy === name) this.busy = undefined;
      if (!this.busy) {
        this.#showLaterVault();
        this.#idle?.resolve();
        this.#idle = undefined;
      }
    }
  }

  /** As `act`, for what a screen is of no use without: it waits for the act in progress. */
  async actNext(name: string, work: () => Promise<unknown>): Promise<boolean> {
    while (this.#idle) await this.#idle.promise;
    return this.act(name, work);
  }

  #onChain(status: ChainStatus): void {
    const isNew = !this.chain || !equal(this.chain.headId, status.headId);
    this.chain = status;
    const mine = this.vault?.address;
    if (isNew && mine) void this.log.seal(this.peer, status.height, mine, this.miner.units);
  }

  fail(error: unknown, act?: string): void {
    this.problem = { ...trueCause(error).toJSON(), ...(act && { act }) };
  }

  /** While a screen shows what an act fails with, until the result is called. */
  place(act: string): () => void {
    this.places = [...untrack(() => this.places), act];
    return () => (this.places = this.places.filter((one) => one !== act));
  }

  /** Another tab, or the vault's own lock, changed it: shown after the act that is going on. */
  #onVault(status: VaultStatus): void {
    this.#countLocking(status);
    this.#laterVault = status;
    if (!this.busy) this.#showLaterVault();
  }

  #showLaterVault(): void {
    const status = this.#laterVault;
    this.#laterVault = undefined;
    if (status) void this.#show(status).catch((error: unknown) => this.fail(error));
  }

  #onEvent(event: ClientEvent): void {
    const react = this.#reactions[event.type] as (event: ClientEvent) => void;
    react(event);
  }

  /** What each event of the client does here. */
  readonly #reactions: {
    readonly [K in ClientEvent['type']]: (event: Extract<ClientEvent, { type: K }>) => void;
  } = {
    chain: ({ status }) => this.#onChain(status),
    miner: ({ status }) => this.log.note((this.miner = status), this.care.onBattery),
    holding: ({ holding }) => (this.holding = holding),
    balance: ({ balance }) => this.#onBalance(balance),
    model: ({ model }) => this.#noteModel(model),
    reorganised: ({ depth }) => {
      this.reorganised = depth;
      // Places in abandoned blocks: fetched again with the next proven balance.
      this.history = undefined;
    },
    // The screen of questions listens for these itself.
    prepaid: () => {},
    part: () => {},
    paid: () => {},
    provided: ({ work }) => (this.provided = work),
    problem: ({ code, message }) => (this.problem = { code, message }),
  };

  #onBalance(balance: Balance): void {
    const key = toHex(balance.address);
    if (this.#looked.has(key)) this.others = { ...this.others, [key]: balance };
    if (!this.#isOwn(balance.address)) return;
    const changed =
      balance.txCount !== this.balance?.txCount ||
      this.pending.length > 0 ||
      this.history === undefined;
    this.balance = balance;
    if (changed) this.refresh().catch((error: unknown) => this.fail(error));
  }
}
