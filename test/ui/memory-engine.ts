/** An engine without workers for tests of the screens' state: answers from plain fields. */
import type {
  AskedPrepaid,
  Balance,
  ChainStatus,
  ClientApi,
  ClientEvent,
  Distrusted,
  FetchConsent,
  GenerateAsked,
  GeneratedText,
  Gift,
  Holding,
  InputReading,
  MinerStatus,
  ModelInfo,
  ModelStorage,
  PaidAnswer,
  PaidWork,
  PendingTx,
  Prepaid,
  Provider,
} from '../../src/client/api.ts';
import { addressOf } from '../../src/core/address.ts';
import { decode, encode } from '../../src/core/codec.ts';
import { SignedTx, Tx } from '../../src/core/formats.ts';

import { equal, utf8 } from '../../src/lib/bytes.ts';
import type { ErrorCode } from '../../src/lib/error-codes.ts';
import { AppError } from '../../src/lib/errors.ts';
import type { Engine, Passphrases } from '../../src/ui/engine.ts';
import {
  HOLDING_ALL,
  MINER_OFF,
  type AccountEntry,
  type FoundBlockPay,
  type WorkDay,
  type WorkHour,
  type WorkFound,
} from '../../src/client/api.ts';
import { CHANNELS_LIMIT_FIRST } from '../../src/wallet/channels.ts';
import { decodeTx, summaryFromTx } from '../../src/wallet/summary.ts';
import type { VaultApi, VaultStatus } from '../../src/wallet/vault/vault-api.ts';

const publicKey = Uint8Array.from({ length: 32 }, (_, i) => (i * 37 + 11) & 255);
export const ADDRESS = addressOf(publicKey);
const WORDS =
  'abandon ability able about above absent absorb abstract absurd abuse access accident '
    .concat('account accuse achieve acid acoustic acquire across act action actor actress actual')
    .split(' ');
export const PASSPHRASE = 'lusab-babad-gutih-tugad-mudof';

export const CHAIN: ChainStatus = {
  network: 'local',
  prefix: 'rpila',
  sync: 'synced',
  height: 8112,
  headId: new Uint8Array(32).fill(0xab),
  headTimeMs: Date.now() - 4000,
  genesisId: new Uint8Array(32).fill(7),
  totalWork: 1n << 60n,
  proofsChecked: 100,
  difficulty: 1n << 32n,
  peers: Array.from({ length: 9 }, (_, i) => ({
    id: `12D3KooWQYV9dGMFoRzNStwpXztXaBUjtPqi6aU76ZgUriHhKu${i}1`,
    origin: 'outbound' as const,
    link: (['webrtc', 'webrtc', 'webrtc-direct', 'relayed', 'websocket'] as const)[i % 5]!,
    address: `/ip4/203.0.113.${i}/udp/9090/webrtc-direct/certhash/uEiAkH5a4DPGKUuOBjYw0CgwjLa2R`,
    penalty: i === 4 ? 20 : 0,
  })),
  peersAgreeing: 8,
  peersAsked: 9,
  mempool: 2,
  holdsState: true,
  outlook: { rules: 'known', isWeak: false },
  finalBlocks: 6,
  traffic: { sentBytes: 1_204_000, receivedBytes: 8_730_000 },
};

export const EMPTY_VAULT: VaultStatus = {
  exists: false,
  locked: false,
  protected: false,
  backedUp: false,
  address: undefined,
  publicKey: undefined,
  accounts: [],
  verified: false,
  current: 0,
  lockMinutes: 5,
  passkey: undefined,
  problem: undefined,
};
export const FULL_VAULT: VaultStatus = {
  ...EMPTY_VAULT,
  exists: true,
  address: ADDRESS,
  publicKey,
  accounts: [{ index: 0, name: '', address: ADDRESS, publicKey }],
  verified: true,
};
/** Of another account of the same vault. */
const otherKey = new Uint8Array(32).fill(5);
export const OTHER_ADDRESS = addressOf(otherKey);

export const BALANCE: Balance = {
  address: ADDRESS,
  spendable: 151_307_000_000n,
  immature: 100_000_000_000n,
  nonce: 3n,
  txCount: 5,
  provenAt: { height: 8111, id: new Uint8Array(32).fill(0x5c), timeMs: Date.now() - 9000 },
  proofBytes: 742,
};

export const LINGUA: ModelInfo = {
  name: 'lingua',
  kind: 'classifier',
  id: new Uint8Array(32).fill(0x11),
  labels: 'cs de en es fr it ja ko pl pt ru tr zh zht none'.split(' '),
  packing: 'bytes',
  tokenizerBytes: 0,
  shapes: [{ sequences: 1, tokens: 128 }],
  inputBytesMax: 128,
  sequenceBytes: 128,
  answerSize: 15,
  macs: 151_000_000n,
};
/** A language model. */
export const WRITER: ModelInfo = {
  name: 'smollm2',
  kind: 'generator',
  id: new Uint8Array(32).fill(0x22),
  labels: [],
  packing: 'u16',
  tokenizerBytes: 2_104_556,
  shapes: [{ sequences: 1, tokens: 256 }],
  inputBytesMax: 4096,
  sequenceBytes: 4096,
  answerSize: 576,
  macs: 34_000_000_000n,
};
/** Italian before Spanish. */
export const ANSWER = new Uint8Array(
  new Int8Array([-12, -20, -3, 19, 4, 47, -40, -38, -9, 12, -22, -17, -31, -35, -44]),
);

/** One that answers, cheaply and at once. */
export const PROVIDER: Provider = {
  key: Uint8Array.from({ length: 32 }, (_, i) => (i * 91 + 60) & 255),
  payee: new Uint8Array(32).fill(0x77),
  peer: '12D3KooWQYV9dGMFoRzNStwpXztXaBUjtPqi6aU76ZgUriHhKu99',
  model: LINGUA.id,
  price: { type: 'sequence', amount: 3_100_000n },
  window: 128,
  queue: 0,
  waitSeconds: 0,
  paid: 0n,
  answers: 0,
  gaveNothing: false,
};
export const CHANNEL: Prepaid = {
  id: new Uint8Array(32).fill(0xc4),
  opening: new Uint8Array(200),
  provider: PROVIDER.key,
  payee: PROVIDER.payee,
  peer: PROVIDER.peer,
  limit: 2_000_000_000n,
  spent: 620_000_000n,
  expiry: 18_100,
  state: 'open',
  depth: 12,
  isBusy: false,
  answers: 200,
  problem: undefined,
};
export const PAID: PaidAnswer = {
  channel: CHANNEL.id,
  n: 200,
  model: LINGUA.id,
  salt: new Uint8Array(32),
  options: new Uint8Array(),
  input: utf8('La pila di Volta fece scorrere la prima corrente continua.'),
  answer: ANSWER,
  units: 1,
  total: 620_000_000n,
  receipt: new Uint8Array(140),
  signature: new Uint8Array(64),
  provider: PROVIDER.key,
  timeMs: Date.UTC(2026, 10, 25, 10, 12),
  verdict: 'unchecked',
};

export class MemoryEngine implements Engine {
  vaultStatus: VaultStatus = EMPTY_VAULT;
  chain: ChainStatus = CHAIN;
  miner: MinerStatus = MINER_OFF;
  holding: Holding = HOLDING_ALL;
  known: Balance | undefined;
  entries: AccountEntry[] = [];
  /** By day and model. */
  worked: WorkDay[] = [];
  workedHours: WorkHour[] = [];
  /** Blocks found here. */
  foundHere: WorkFound[] = [];
  /** The vault's answer to `create` waits for this. */
  creating = Promise.resolve();
  /** What the faucet says. */
  gift: Gift = { mining: true };
  /** Blocks that pay the account. */
  found: FoundBlockPay[] = [];
  waiting: PendingTx[] = [];
  /** What an input says. */
  reading: InputReading = { ids: undefined, texts: undefined };
  /** What running a model gives. */
  ran = ANSWER;
  /** Pieces of an answer that a language model writes, as they come; one that waits is never followed. */
  pieces: (GeneratedText | 'waits')[] = [];
  /** Every call, in order: `vault.create`, `client.watch`, … */
  readonly calls: string[] = [];
  /** A call of this name fails with the code. */
  fails: Record<string, ErrorCode> = {};
  readonly #vaultListeners = new Set<(status: VaultStatus) => void>();
  readonly #listeners = new Set<(event: ClientEvent) => void>();

  on(listener: (event: ClientEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  onVault(listener: (status: VaultStatus) => void): () => void {
    this.#vaultListeners.add(listener);
    return () => void this.#vaultListeners.delete(listener);
  }

  emitVault(status: VaultStatus): void {
    this.#vaultListeners.forEach((listener) => listener(status));
  }

  emit(event: ClientEvent): void {
    this.#listeners.forEach((listener) => listener(event));
  }

  #note(call: string): void {
    this.calls.push(call);
    const code = this.fails[call];
    if (code) throw new AppError(code, 'tx.balance');
  }

  #mine(state: MinerStatus['state']): void {
    this.miner = { ...this.miner, state };
    this.emit({ type: 'miner', status: this.miner });
  }

  #vault(call: string, next: Partial<VaultStatus>): VaultStatus {
    this.#note(`vault.${call}`);
    return (this.vaultStatus = { ...this.vaultStatus, ...next });
  }

  /** What the run before was to do when it ended. */
  left: { readonly fromMs: number } | undefined;
  /** The model of the last start. */
  minedWith: string | undefined;
  /** What was last said of the other mined models. */
  others: FetchConsent | undefined;

  kept: ModelStorage = {
    models: [
      {
        name: LINGUA.name,
        id: LINGUA.id,
        licence: 'MIT',
        attribution:
          'The Pila authors. Trained on TypeScript’s localized diagnostics (Microsoft, Apache-2.0), ' +
          'texts of Chromium’s screens (The Chromium Authors, BSD-3-Clause), locale data ' +
          '(Unicode CLDR, Unicode-3.0) and sentences of its own (MIT).',
        bytes: 1_410_000,
        stored: 700_000,
        arriving: 0,
        state: 'partial',
        isServed: false,
        waitMs: undefined,
        problem: undefined,
        refused: [],
      },
    ],
    sources: ['http://localhost:8790/models/'],
    usedBytes: 21_000_000,
    quotaBytes: 2_000_000_000,
  };

  /** Whom closes of channels were to pay, in order; undefined: no more questions are taken. */
  readonly payees: (Uint8Array | undefined)[] = [];
  /** nV for a thousand tokens, as it was told each time. */
  readonly tokenPrices: (bigint | undefined)[] = [];
  paidWork: PaidWork = {
    isOn: false,
    channels: 0,
    streams: 0,
    answers: 0,
    units: 0,
    earned: 0n,
    last: undefined,
  };
  offered: Provider[] = [];
  falseOnes: Distrusted[] = [];
  prepaid: Prepaid[] = [];
  paidAnswers: PaidAnswer[] = [];
  /** Whether running the model gives what was answered. */
  isTrue = true;
  /** nV that channels may hold in all. */
  channelsLimit = CHANNELS_LIMIT_FIRST;
  /** What waits for the whole answer, where a test gives it. */
  asking: PromiseWithResolvers<PaidAnswer> | undefined;
  /** What a language model was asked last. */
  generateAsked: GenerateAsked | undefined;
  /** The price of the last prepaid question. */
  askedAt: AskedPrepaid['price'];

  #channelOf(id: Uint8Array): Prepaid {
    const found = this.prepaid.find((channel) => equal(channel.id, id));
    if (!found) throw new AppError('CHANNEL_UNKNOWN', 'not open here');
    return found;
  }

  /** Changes a channel, and says so. */
  tellChannel(channel: Prepaid): void {
    this.prepaid = [...this.prepaid.filter(({ id }) => !equal(id, channel.id)), channel];
    this.emit({ type: 'prepaid', channel });
  }

  readonly client: ClientApi = {
    status: async () => {
      this.#note('client.status');
      return { chain: this.chain, miner: this.miner, holding: this.holding };
    },
    provide: async (how) => {
      this.#note('client.provide');
      this.payees.push(how?.payee);
      this.tokenPrices.push(how?.tokenPrice);
      this.paidWork = { ...this.paidWork, isOn: how !== undefined };
    },
    provided: async () => this.paidWork,
    watch: async () => this.#note('client.watch'),
    unwatch: async () => this.#note('client.unwatch'),
    payTo: async () => this.#note('client.payTo'),
    account: async () => BALANCE,
    block: async () => undefined,
    transaction: async () => undefined,
    supply: async () => ({
      height: 8112,
      issued: 0n,
      held: undefined,
      burned: undefined,
      accounts: undefined,
    }),
    diagnostics: async () => ({}),
    models: async () => [LINGUA],
    tokenise: async (_id, texts) => {
      this.#note('client.tokenise');
      const input = utf8(texts.join('\n'));
      const fits = input.length <= LINGUA.inputBytesMax;
      return { tokens: [input.length], input: fits ? input : undefined };
    },
    readInput: async () => this.reading,
    converse: async (_id, messages) => {
      const input = utf8(messages.map(({ content }) => content).join('\n'));
      return { tokens: input.length, limit: 2047, input };
    },
    textBytes: async (_id, tokens) => Uint8Array.from(tokens),
    providers: async () => this.offered,
    distrusted: async () => this.falseOnes,
    openChannel: async (opening, peer) => {
      this.#note('client.openChannel');
      const { tx } = decode(SignedTx, opening);
      if (tx.type !== 'channel') throw new AppError('TX_MALFORMED', 'no opening');
      const { provider, payee, limit } = tx;
      const fresh = {
        spent: 0n,
        answers: 0,
        depth: 0,
        expiry: undefined,
        state: 'waiting',
      } as const;
      const id = new Uint8Array(32).fill(this.prepaid.length + 1);
      const channel = { ...CHANNEL, ...fresh, id, opening, provider, payee, peer, limit };
      this.tellChannel(channel);
      return channel;
    },
    channels: async () => this.prepaid,
    askPrepaid: async ({ channel, model, input, price }) => {
      this.#note('client.askPrepaid');
      this.askedAt = price;
      const asked = this.#channelOf(channel);
      const n = asked.answers + 1;
      const answer = this.asking
        ? await this.asking.promise
        : { ...PAID, channel, n, model, input, provider: asked.provider };
      this.paidAnswers = [answer, ...this.paidAnswers];
      return answer;
    },
    stopAsking: async (id) => {
      this.#note('client.stopAsking');
      this.#channelOf(id);
    },
    closeChannel: async (id) => {
      this.#note('client.closeChannel');
      this.tellChannel({ ...this.#channelOf(id), state: 'closing' });
    },
    answers: async () => this.paidAnswers,
    verifyAnswer: async () => {
      this.#note('client.verifyAnswer');
      return { isEqual: this.isTrue, at: this.isTrue ? undefined : 0 };
    },
    shareAnswer: async () => utf8('a shared answer'),
    readAnswer: async () => {
      this.#note('client.readAnswer');
      return PAID;
    },
    loadModel: async () => this.#note('client.loadModel'),
    execute: async () => {
      this.#note('client.execute');
      return this.ran;
    },
    generation: async () => ({
      defaults: { temperature: 179, topK: 0, topP: 58_982, penalty: 282, maxTokens: 512 },
      context: 2048,
    }),
    generate: async (asked) => {
      this.#note('client.generate');
      this.generateAsked = asked;
      return 1;
    },
    generated: async () => {
      this.#note('client.generated');
      const next = this.pieces.shift();
      return next && next !== 'waits' ? next : new Promise<never>(() => undefined);
    },
    stopGenerating: async () => this.#note('client.stopGenerating'),
    balance: async () => this.known,
    history: async (_address, max, from) => {
      if (this.fails['client.history']) throw new AppError(this.fails['client.history'], 'no');
      const isFrom = ({ position }: AccountEntry) =>
        position.height === from?.height && position.index === from.index;
      const at = from ? this.entries.findIndex(isFrom) : 0;
      const entries = this.entries.slice(at, at + max);
      const next = this.entries[at + max]?.position;
      return { entries, total: this.entries.length, linked: true, next };
    },
    income: async () => ({ blocks: this.found, next: undefined }),
    payees: async (address) => {
      const all = this.entries.map(({ tx: { tx } }) => tx);
      const own = all.flatMap((tx) =>
        tx.type === 'transfer' && equal(addressOf(tx.from), address) ? [tx.to] : [],
      );
      const total = this.entries.length;
      return { paid: own, sent: [], received: [], read: total, total: total, whole: true };
    },
    header: async () => undefined,
    headers: async () => [],
    submit: async (bytes) => {
      this.#note('client.submit');
      const id = new Uint8Array(32).fill(this.waiting.length + 1);
      const sent: PendingTx = { id, bytes, state: 'pending', height: undefined };
      this.waiting = [sent, ...this.waiting];
      return sent;
    },
    pending: async () => this.waiting,
    prepare: async () => {
      this.#note('client.prepare');
      const fees = { slow: 10_000n, normal: 100_000n, fast: 1_000_000n };
      return { chainId: 3, nonce: 3n, expiry: 8212, fees, spendable: BALANCE.spendable };
    },
    storage: async () => this.kept,
    fetchModel: async () => this.#note('client.fetchModel'),
    stopModel: async () => this.#note('client.stopModel'),
    freeModel: async () => this.#note('client.freeModel'),
    startMining: async ({ model, others = 'fetch', fromMs = 0 }) => {
      this.#note('client.startMining');
      this.minedWith = model;
      this.others = others;
      const isLater = fromMs > Date.now();
      this.miner = { ...this.miner, pausedUntilMs: isLater ? fromMs : undefined };
      this.#mine(isLater ? 'paused' : 'running');
    },
    takeIntent: async () => {
      this.#note('client.takeIntent');
      const { left } = this;
      this.left = undefined;
      return left;
    },
    throttleMining: async (duty) => {
      this.#note(`client.throttleMining ${duty}`);
    },
    pauseMining: async () => {
      this.#note('client.pauseMining');
      this.miner = { ...this.miner, pausedUntilMs: undefined };
      this.#mine('paused');
    },
    worked: async () => ({
      days: this.worked,
      hours: this.workedHours,
      found: this.foundHere,
    }),
    finishMining: async () => {
      this.#note('client.finishMining');
      this.#mine('off');
    },
    faucet: async () => {
      this.#note('client.faucet');
      return this.gift;
    },
  };

  readonly passphrases: Passphrases = {
    suggest: async () => 'orbit velvet canyon thimble pretzel lagoon',
    requireStrong: async () => {},
  };

  readonly vault: VaultApi = {
    openFor: async () => this.#note('vault.openFor'),
    status: async () => {
      this.#note('vault.status');
      return this.vaultStatus;
    },
    create: async () => {
      const created = this.#vault('create', FULL_VAULT);
      await this.creating;
      return created;
    },
    checkWords: async () => this.#note('vault.checkWords'),
    restore: async () => this.#vault('restore', { ...FULL_VAULT, backedUp: true }),
    protect: async () => this.#vault('protect', { protected: true, locked: false }),
    unlock: async (passphrase) => {
      if (passphrase !== PASSPHRASE) throw new AppError('PASSPHRASE_WRONG', 'no');
      return this.#vault('unlock', { locked: false });
    },
    lock: async () => this.#vault('lock', { locked: true }),
    addPasskey: async (_passphrase, { credential, salt }) =>
      this.#vault('addPasskey', { passkey: { credential, salt } }),
    removePasskey: async () => this.#vault('removePasskey', { passkey: undefined }),
    unlockByPasskey: async () => this.#vault('unlockByPasskey', { locked: false }),
    lockAfter: async (lockMinutes) => this.#vault('lockAfter', { lockMinutes }),
    setHidden: async () => this.#note('vault.setHidden'),
    exportFile: async () => {
      throw new AppError('EXPORT_UNPROTECTED', 'not here');
    },
    stopDeriving: async () => this.#note('vault.stopDeriving'),
    importFile: async () => this.#vault('importFile', FULL_VAULT),
    words: async () => WORDS.join(' '),
    backupQuiz: async () =>
      [3, 11, 20].map((place) => ({
        place,
        choices: [WORDS[place]!, WORDS[place - 1]!, WORDS[0]!, WORDS[23]!, WORDS[7]!, WORDS[14]!],
      })),
    proveBackup: async () => this.#vault('proveBackup', { backedUp: true }),
    describe: async (bytes) => summaryFromTx(decodeTx(bytes)),
    sign: async (bytes) => {
      this.#note('vault.sign');
      return encode(SignedTx, { tx: decode(Tx, bytes), signature: new Uint8Array(64) });
    },
    servingKey: async () => undefined,
    signReceipt: async () => new Uint8Array(64),
    signOffer: async () => new Uint8Array(64),
    signClose: async (bytes) =>
      encode(SignedTx, { tx: decode(Tx, bytes), signature: new Uint8Array(64) }),
    newSigner: async () => otherKey,
    signAsk: async () => new Uint8Array(64),
    signVoucher: async () => new Uint8Array(64),
    channelEnded: async () => this.#note('vault.channelEnded'),
    channelsLimit: async () => this.channelsLimit,
    setChannelsLimit: async (limit) => {
      this.channelsLimit = limit;
      return this.#vault('setChannelsLimit', {});
    },
    accountsAhead: async () => [OTHER_ADDRESS],
    addAccount: async (name) => {
      const { accounts } = this.vaultStatus;
      const account = { index: 1, name, address: OTHER_ADDRESS, publicKey: otherKey };
      return this.#vault('addAccount', {
        accounts: [...accounts, account],
        current: 1,
        address: OTHER_ADDRESS,
        publicKey: otherKey,
      });
    },
    renameAccount: async (index, name) => {
      const accounts = this.vaultStatus.accounts.map((a) =>
        a.index === index ? { ...a, name } : a,
      );
      return this.#vault('renameAccount', { accounts });
    },
    useAccount: async (index) => {
      const { address, publicKey: key } = this.vaultStatus.accounts[index]!;
      return this.#vault('useAccount', { current: index, address, publicKey: key });
    },
    erase: async () => this.#vault('erase', EMPTY_VAULT),
  };
}
