/**
 * The client API: one running peer, the same in a browser and in Node. Screens, the seed process and
 * developers' programs talk to it alone. Everything it returns is structured-clonable.
 */
import type { Fees } from '../chain/shared/fees.ts';
import type { Outlook } from '../chain/shared/outlook.ts';
import type { ErrorCode } from '../lib/error-codes.ts';
import type { Price } from '../core/price.ts';
import type { KIND } from '../core/manifest.ts';
import type { NetworkName } from '../core/params.ts';
import type { HistoryEntry } from '../core/messages.ts';
import type { Body, Header, Position, SignedTx, TxOf } from '../core/formats.ts';
import type { BackendChoice, MinerStatus } from '../miner/engine/miner-api.ts';
import type { Finish } from '../miner/generator/answer.ts';
import type { Choosing } from '../miner/generator/options.ts';
import type { PeerInfo, Traffic } from '../net/transport.ts';

export { MINER_OFF } from '../miner/engine/miner-api.ts';
export type { Fees } from '../chain/shared/fees.ts';
export type { BackendChoice, MinerState, MinerStatus } from '../miner/engine/miner-api.ts';
export type { PeerInfo } from '../net/transport.ts';

/** A page reads its configuration from the server that it came from (`config.json`); a program makes its own. */
export interface ClientConfig {
  readonly network: NetworkName;
  /** Multiaddrs of seeds. */
  readonly bootstrap: readonly string[];
  /** Encoded genesis header in hex, for networks whose genesis is made at first start. */
  readonly genesis: string | undefined;
  /** Address of the server of the faucet and of packages' parts; absent: a page's own. */
  readonly server?: string;
  /** Base addresses of packages' parts, besides the page's own server. */
  readonly mirrors?: readonly string[];
  /** Served models that the seed of the page holds and gives: read by `withTold`. */
  readonly served?: unknown;
  /** Cores that units on the CPU may take; absent: all but one, at most four, fewer with little memory. */
  readonly threads?: number;
  /** Mine also on a software adapter: tests only. */
  readonly forceFallback?: boolean;
  /** Run every segment on ONNX Runtime: tests only. */
  readonly forceRuntime?: boolean;
  /** Run libp2p on the page even where the worker could: tests only. */
  readonly transport?: 'page';
}

export type SyncState = 'connecting' | 'syncing' | 'synced' | 'offline';

export interface ChainStatus {
  readonly network: NetworkName;
  readonly prefix: string;
  readonly sync: SyncState;
  readonly height: number;
  readonly headId: Uint8Array;
  readonly headTimeMs: number;
  readonly genesisId: Uint8Array;
  readonly totalWork: bigint;
  /** Proofs of work checked on this device and kept. */
  readonly proofsChecked: number;
  /** Expected multiply-accumulates per block. */
  readonly difficulty: bigint;
  readonly peers: readonly PeerInfo[];
  /** Peers whose head is this head. */
  readonly peersAgreeing: number;
  /** These, and all that told of another head since this one came: the others were not asked yet. */
  readonly peersAsked: number;
  readonly mempool: number;
  /** The whole state after the head is on this device: no peer needs to prove any of it. */
  readonly holdsState: boolean;
  /** What the newest blocks say about the rules and the power behind the chain. */
  readonly outlook: Outlook;
  /** Blocks, its own counted, with which a payment is final; undefined: none is. */
  readonly finalBlocks: number | undefined;
  /** Messages with peers since the client started. */
  readonly traffic: Traffic;
}

export interface Balance {
  readonly address: Uint8Array;
  /** nV, proven against `provenAt`. */
  readonly spendable: bigint;
  /** nV in coinbases that have not matured, proven. */
  readonly immature: bigint;
  readonly nonce: bigint;
  readonly txCount: number;
  /** The block after which the balance holds. The block’s own proof of work was checked here. */
  readonly provenAt: { readonly height: number; readonly id: Uint8Array; readonly timeMs: number };
  readonly proofBytes: number;
}

export type ClientEvent =
  | { readonly type: 'chain'; readonly status: ChainStatus }
  | { readonly type: 'miner'; readonly status: MinerStatus }
  | { readonly type: 'holding'; readonly holding: Holding }
  | { readonly type: 'balance'; readonly balance: Balance }
  | { readonly type: 'model'; readonly model: StoredModel }
  | { readonly type: 'reorganised'; readonly depth: number }
  /** A channel of this asker has changed; `over` is the last that is said of it. */
  | { readonly type: 'prepaid'; readonly channel: Prepaid }
  /** Further bytes of the answer to question `n`. */
  | {
      readonly type: 'part';
      readonly channel: Uint8Array;
      readonly n: number;
      readonly bytes: Uint8Array;
    }
  /** An answer is whole and kept, whether or not a call still waits for it. */
  | { readonly type: 'paid'; readonly answer: PaidAnswer }
  /** What answering for pay came to. */
  | { readonly type: 'provided'; readonly work: PaidWork }
  | { readonly type: 'problem'; readonly code: ErrorCode; readonly message: string };

export interface PendingTx {
  readonly id: Uint8Array;
  readonly bytes: Uint8Array;
  /** `replaced`: another transaction from here with the same nonce was confirmed. */
  readonly state: 'pending' | 'confirmed' | 'expired' | 'refused' | 'replaced';
  readonly height: number | undefined;
}

/** Number of blocks in which a new transaction can be mined before it expires. */
export const LIFETIME_BLOCKS = 120;

/** Fields that a new transaction needs. */
export interface Prepared {
  readonly chainId: number;
  readonly nonce: bigint;
  readonly expiry: number;
  readonly fees: Fees;
  /** nV: the proven balance, less what transactions that wait will spend. */
  readonly spendable: bigint;
}

/** A transaction of an account. */
export interface AccountEntry extends HistoryEntry {
  readonly id: Uint8Array;
  /** Of its block. */
  readonly timeMs: number;
  /** Of an opening: time of the block at which its channel ended by itself, once that is on the chain. */
  readonly endedMs?: number | undefined;
  /** Of a close: what opened its channel, which says whom it paid; undefined where nobody had it. */
  readonly opening?: TxOf<'channel'> | undefined;
}

export interface History {
  /** Newest first; each entry was checked against its block's bodyRoot. */
  readonly entries: readonly AccountEntry[];
  /** How many transactions the account has, by its proven leaf. */
  readonly total: number;
  /**
   * Whether no transaction is missing between the account's last one and the oldest entry. Proven by the
   * back-links of blocks executed here, or because there are as many entries as the leaf counts, down to the
   * first, or by the leaf before the oldest entry's block; proven for a later page only after the page before.
   */
  readonly linked: boolean;
  /** Where the next page starts; undefined when there is no further page, or no peer has it. */
  readonly next: Position | undefined;
}

/** A block that pays an account for its work. */
export interface FoundBlockPay {
  readonly height: number;
  readonly id: Uint8Array;
  readonly timeMs: number;
  /** nV. */
  readonly amount: bigint;
  /**
   * Whether it is proven: the block holds no transaction, or the leaf with its pay was. If not, it is the subsidy with
   * the fees of the transactions that are known here, and what small accounts lost to that block may come on top.
   */
  readonly isProven: boolean;
}

export interface Income {
  /** Newest first, by headers checked here: none is left out between the first and `next`. */
  readonly blocks: readonly FoundBlockPay[];
  /** Height from which the next page looks down; undefined: all that the account's leaf can hold are here. */
  readonly next: number | undefined;
}

export interface ModelInfo {
  readonly name: string;
  readonly id: Uint8Array;
  /** A generator goes on with a text token by token (`generate`); the others give a row for each sequence. */
  readonly kind: keyof typeof KIND;
  /** How an input becomes tokens: `bytes` of text, or token ids as `u16` or `u24` (client/models/tokeniser.ts). */
  readonly packing: string;
  /** Sequences of a pass and tokens of a sequence; the first is mined, and prices are for its sequences. */
  readonly shapes: readonly { readonly sequences: number; readonly tokens: number }[];
  /** Bytes of tokenizer.json, which is fetched for the first text; 0 when the model has none. */
  readonly tokenizerBytes: number;
  /** Names of an answer row's entries; empty when a row is an embedding. */
  readonly labels: readonly string[];
  /** Most bytes of an input. */
  readonly inputBytesMax: number;
  /** Input bytes per sequence, as long as that of the longest shape: each sequence has one answer row. */
  readonly sequenceBytes: number;
  /** int8 values of one answer row. */
  readonly answerSize: number;
  /** Multiply-accumulates of one unit. */
  readonly macs: bigint;
}

/** Texts turned into a model's input. */
export interface Tokenised {
  /** Number of tokens of each text, special tokens included; number of bytes where the packing is `bytes`. */
  readonly tokens: readonly number[];
  /** Undefined when a text is too long for the model, or there are too many texts. */
  readonly input: Uint8Array | undefined;
}

/** One turn of a conversation; a system's may come first. */
export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string;
}

/** A conversation as a language model's input. */
export interface Conversation {
  /** Tokens that it has, and that it may have: then there is room for one of the answer. */
  readonly tokens: number;
  readonly limit: number;
  /** Undefined when it is longer: nothing is cut. */
  readonly input: Uint8Array | undefined;
}

/** An input, turned back into token ids and texts. */
export interface InputReading {
  /** Token ids of each sequence, without padding; undefined where the model takes bytes, or they don't fit. */
  readonly ids: readonly (readonly number[])[] | undefined;
  /** The ids as texts, which may differ in letters from the texts that were sent; undefined without a tokenizer. */
  readonly texts: readonly string[] | undefined;
}

/** The package of an admitted or a served model on this device. */
export interface StoredModel {
  readonly name: string;
  readonly id: Uint8Array;
  /** It answers and is never mined. */
  readonly isServed: boolean;
  /** Under which licence it is given, and who made it from what, as its manifest says; '' where it says nothing. */
  readonly licence: string;
  readonly attribution: string;
  /** Bytes of the whole package. */
  readonly bytes: number;
  /** Bytes in checked parts on this device. */
  readonly stored: number;
  /** Bytes received of parts that are not complete. */
  readonly arriving: number;
  readonly state: 'absent' | 'partial' | 'fetching' | 'stored';
  /** While all who have it give no more for now: ms from when that began until they are asked again. */
  readonly waitMs: number | undefined;
  /** Code of the error that ended the last fetch. */
  readonly problem: ErrorCode | undefined;
  /** The newest parts that failed the check; `source` is an address, a peer, or '' for this device. */
  readonly refused: readonly { readonly source: string; readonly part: number }[];
}

/**
 * Whether mined models that a miner lacks are fetched behind the work: yes; not before a person was asked, as on a
 * metered line; no, and then nothing is mined.
 */
export const FETCH_CONSENTS = ['fetch', 'ask', 'decline'] as const;
export type FetchConsent = (typeof FETCH_CONSENTS)[number];

export interface MissingModel {
  readonly name: string;
  /** Of its package, those that are not here. */
  readonly bytes: number;
}

/** The mined models on this device: who mines holds all of them, to check the blocks of others. */
export interface Holding {
  /** What is not here, the smallest first; empty before the first start. */
  readonly missing: readonly MissingModel[];
  readonly consent: FetchConsent;
  /** Why the last try to fetch failed; it is tried again. */
  readonly problem: ErrorCode | undefined;
  /**
   * ms for which the work may still go on upon blocks that could not be checked in full; 0: it waits until they are.
   * undefined: all were that have to be.
   */
  readonly uncheckedMs: number | undefined;
}

export const HOLDING_ALL: Holding = {
  missing: [],
  consent: 'fetch',
  problem: undefined,
  uncheckedMs: undefined,
};

export interface ModelStorage {
  readonly models: readonly StoredModel[];
  /** Addresses from which parts are fetched, besides peers; the page's own server first. */
  readonly sources: readonly string[];
  /** Bytes that this origin stores, and bytes that it may store; undefined where the platform does not say. */
  readonly usedBytes: number | undefined;
  readonly quotaBytes: number | undefined;
}

export interface BlockView {
  readonly id: Uint8Array;
  readonly header: Header;
  /** Multiply-accumulates that its target stands for. */
  readonly work: bigint;
  /** Id of its model in hex. */
  readonly model: string | undefined;
  /** undefined when no peer has the body any more. */
  readonly body: Body | undefined;
  readonly txIds: readonly Uint8Array[];
  /** Number of blocks on top of this block. */
  readonly confirmations: number;
  /** Whether the block's own proof was checked on this device; if not, proofs of blocks above it were. */
  readonly workChecked: boolean;
  /** Winning linear (from 1) and proof size, while the proof is kept. */
  readonly proof: { readonly linear: number; readonly bytes: number } | undefined;
}

export interface TxView {
  readonly id: Uint8Array;
  readonly tx: SignedTx;
  /** undefined while the transaction waits in the pool. */
  readonly position: Position | undefined;
  readonly blockId: Uint8Array | undefined;
  readonly confirmations: number;
}

export interface Supply {
  readonly height: number;
  /** nV created up to this height: subsidies and the trial networks' genesis, from the rules. */
  readonly issued: bigint;
  /** nV in accounts, coinbases and channels, summed over the proven state; undefined without the whole state. */
  readonly held: bigint | undefined;
  /** nV that are gone for good: created, and held nowhere; payments too small to make an account. */
  readonly burned: bigint | undefined;
  readonly accounts: number | undefined;
}

/** Who answers for pay, by its offer; nothing of it binds, but that a channel names key and payee. */
export interface Provider {
  /** Serving key, x-only: it closes channels and signs receipts. */
  readonly key: Uint8Array;
  /** Address that closes pay. */
  readonly payee: Uint8Array;
  /** libp2p's peer id. */
  readonly peer: string;
  readonly model: Uint8Array;
  readonly price: Price;
  /** Most tokens of a sequence; of a language model those of question and answer together. */
  readonly window: number;
  /** Questions that wait there, and seconds until another would begin. */
  readonly queue: number;
  readonly waitSeconds: number;
  /** nV that this device has vouched for to it, in all its channels. */
  readonly paid: bigint;
  /** Answers of it that are kept here. */
  readonly answers: number;
  /** It was away, refused or was silent when this device asked it last, a short while ago. */
  readonly gaveNothing: boolean;
}

/** A provider that this device asks no further, and why: PROVIDER_FALSE, or ANSWER_FALSE. */
export interface Distrusted {
  readonly key: Uint8Array;
  readonly code: ErrorCode;
  readonly timeMs: number;
}

/** A channel that this device opened to prepay answers. */
export interface Prepaid {
  readonly id: Uint8Array;
  /** Encoded SignedTx that opened it. */
  readonly opening: Uint8Array;
  readonly provider: Uint8Array;
  readonly payee: Uint8Array;
  /** The provider's peer id when it was last known. */
  readonly peer: string;
  /** nV. */
  readonly limit: bigint;
  /** nV that were vouched for: the rest comes back. */
  readonly spent: bigint;
  /** Height at which the rest comes back by itself; undefined while nobody proves the channel, or once it has gone. */
  readonly expiry: number | undefined;
  /**
   * `waiting` for a block, `open`, `ending` (fewer blocks are left than a question may take), `closing` (nothing more
   * is asked), `over` (gone from the chain), `distrusted` (the provider sent what no honest one sends).
   */
  readonly state: 'waiting' | 'open' | 'ending' | 'closing' | 'over' | 'distrusted';
  /** Blocks from the opening's to the head's, both counted; 0: it waits. */
  readonly depth: number;
  /** A question has no receipt yet. */
  readonly isBusy: boolean;
  /** Questions that were answered in it. */
  readonly answers: number;
  /** Why the last question is not answered, or the opening not sent. */
  readonly problem: ErrorCode | undefined;
}

/** An answer with the provider's receipt, which shows to anybody who said so. */
export interface PaidAnswer {
  readonly channel: Uint8Array;
  /** Its place among the answers of the channel, from 1. */
  readonly n: number;
  readonly model: Uint8Array;
  readonly salt: Uint8Array;
  readonly options: Uint8Array;
  readonly input: Uint8Array;
  readonly answer: Uint8Array;
  /** Units of the answer: rows of sequences, or tokens. */
  readonly units: number;
  /** nV for this answer and all before it in the channel, by the receipt. */
  readonly total: bigint;
  /** Encoded Receipt (docs/protocol.md §8.5), and the provider's signature of it. */
  readonly receipt: Uint8Array;
  readonly signature: Uint8Array;
  readonly provider: Uint8Array;
  /** When it was whole here. */
  readonly timeMs: number;
  /** What running the model here has said: `false` is proven by receipt and model alone. */
  readonly verdict: 'unchecked' | 'equal' | 'false';
}

/** What to attach to a bug report: no keys, no addresses, no inputs. */
export type Diagnostics = Readonly<Record<string, unknown>>;

/** Most headers in one answer: as many as a plot shows. */
export const HEADERS_READ_MAX = 1024;

/** Addresses that one client follows at once. */
export const WATCHED_MAX = 16;

export type ClientApi = ChainApi & AccountApi & AskApi & PrepaidApi & ModelApi & MiningApi;

export type ChainApi = {
  status(): Promise<{ chain: ChainStatus; miner: MinerStatus; holding: Holding }>;
  header(height: number): Promise<Header | undefined>;
  /** Consecutive headers that end at height `last`: at most HEADERS_READ_MAX, fewer where the chain is shorter. */
  headers(last: number, max: number): Promise<Header[]>;
  /** The block at a height, or the block on the chain with this id. */
  block(at: number | Uint8Array): Promise<BlockView | undefined>;
  /** A transaction that waits, or that is in a block, checked against the block's bodyRoot. */
  transaction(id: Uint8Array): Promise<TxView | undefined>;
  supply(): Promise<Supply>;
  diagnostics(): Promise<Diagnostics>;
};

/** With whom an account has dealt, as far as its history was read. */
export interface Payees {
  /** Addresses that it paid. */
  readonly paid: readonly Uint8Array[];
  /** Addresses that a payment was sent to from this device, whether or not a block took it. */
  readonly sent: readonly Uint8Array[];
  /** Addresses that it got coins from. */
  readonly received: readonly Uint8Array[];
  /** How many of its transactions were read. */
  readonly read: number;
  /** How many it has, by its last proven leaf; undefined before one was proven. */
  readonly total: number | undefined;
  /** Every transaction was read, on the chain as it is now: it never dealt with an address that is not here. */
  readonly whole: boolean;
}
export type AccountApi = {
  /** Follow the proven balance of this address. @throws WATCH_FULL over 16 */
  watch(address: Uint8Array): Promise<void>;
  unwatch(address: Uint8Array): Promise<void>;
  /** Pay mining to this address, and follow it. */
  payTo(address: Uint8Array): Promise<void>;
  /** The last proven balance (also offline), or undefined before the first. */
  balance(address: Uint8Array): Promise<Balance | undefined>;
  /** Proves any address now. @throws NO_PEERS when nobody can */
  account(address: Uint8Array): Promise<Balance>;
  /** Newest first, from the account's last transaction or an earlier page's `next`. @throws NO_PEERS */
  history(address: Uint8Array, max: number, from?: Position): Promise<History>;
  /**
   * Blocks that pay this account: at most `max`, newest first, from those after which its balance was proven or from
   * an earlier page's `next`. A page may be empty and have a next one: each looks at a bounded number of headers.
   */
  income(address: Uint8Array, max: number, from?: number): Promise<Income>;
  /**
   * With whom this account has dealt; first reads up to `pages` further pages of its history, newest first.
   * Asked again, it goes on. @throws NO_PEERS
   */
  payees(address: Uint8Array, pages: number): Promise<Payees>;
  /**
   * `tx`: encoded SignedTx, kept until confirmed or expired. `replacing`: id of the waiting transaction whose
   * nonce it takes; without it none is displaced. @throws NONCE_TAKEN where another one waits with its nonce,
   * TX_REFUSED with the fault's code as message
   */
  submit(tx: Uint8Array, replacing?: Uint8Array): Promise<PendingTx>;
  pending(): Promise<PendingTx[]>;
  /**
   * Fields that a new transaction of this sender needs, with fees proposed by what waits at peers; a memo of a payment
   * may cost a little more. `replacing`: id of a waiting transaction; the new one then gets its nonce, and fees high
   * enough to displace it. @throws NOT_PROVEN before a balance is proven, TX_UNKNOWN
   */
  prepare(
    address: Uint8Array,
    replacing?: Uint8Array,
    kind?: 'transfer' | 'channel',
  ): Promise<Prepared>;
  /** Coins from the seed's faucet, on networks that have one. @throws FAUCET_OFF, FAUCET_LATER */
  faucet(address: Uint8Array): Promise<Gift>;
};

/** Trial coins on their way. */
export interface Gift {
  /** Whether somebody mines, as far as the seed knows: otherwise they wait until somebody begins. */
  readonly mining: boolean;
  /** nV; undefined where the seed did not say. */
  readonly amount?: bigint | undefined;
}

export type AskApi = {
  /** Models that may be asked here: admitted ones, then language models whose packages are whole on this device. */
  models(): Promise<ModelInfo[]>;
  /**
   * Turns texts into a model's input: one text for a model of bytes; for a model of words one text for each
   * sequence, and its tokenizer is fetched first. @throws MODEL_MISSING, INPUT_LONG over 65,536 characters,
   * TOKENIZER_MISSING, TOKENISER_SLOW, and as fetchModel
   */
  tokenise(modelId: Uint8Array, texts: readonly string[]): Promise<Tokenised>;
  /** `fetch`: whether the tokenizer may be fetched; without it there are no texts. @throws as tokenise, if fetching */
  readInput(modelId: Uint8Array, input: Uint8Array, fetch?: boolean): Promise<InputReading>;
  /**
   * A conversation up to where the answer begins, by the template of a language model.
   * @throws INPUT_EMPTY where it does not end with a user's text, INPUT_LONG over 65,536 characters or 256 messages,
   * INPUT_CONTROL where a text changes the control words around it, MODEL_REFUSED, and as tokenise
   */
  converse(modelId: Uint8Array, messages: readonly ChatMessage[]): Promise<Conversation>;
  /**
   * The text of an answer's tokens, in UTF-8, where a letter's last bytes may come with later tokens: for
   * `TextDecoder.decode` with `stream`. @throws as converse
   */
  textBytes(modelId: Uint8Array, tokens: Uint32Array): Promise<Uint8Array>;
  /**
   * Runs a model on this device; it is fetched first. @returns rows of all sequences of a pass, int8 as bytes
   * @throws NO_MINER, MODEL_MISSING, INPUT_LONG, and as fetchModel
   */
  execute(modelId: Uint8Array, input: Uint8Array): Promise<Uint8Array>;
  /**
   * Loads a model that will be asked soon, so that who asks waits for the answer alone; nothing is fetched for it.
   * @throws NO_MINER, MODEL_CORRUPT, MODEL_REFUSED, SELF_TEST_FAILED, EXACTNESS_LOST
   */
  loadModel(modelId: Uint8Array): Promise<void>;
  /** Of a language model; its generation.json is fetched first. @throws MODEL_MISSING, MODEL_REFUSED, and as fetchModel */
  generation(modelId: Uint8Array): Promise<GenerationInfo>;
  /**
   * Begins an answer of a language model on this device; the model is fetched first. The work rests meanwhile.
   * @returns by which it is read and stopped
   * @throws BUSY, INPUT_LONG with both numbers of tokens, INPUT_EMPTY, OPTION_RANGE, MODEL_MISSING, MODEL_REFUSED, and
   * as fetchModel
   */
  generate(asked: GenerateAsked): Promise<number>;
  /**
   * Resolves once there is more of that answer, until `finish`. One that nobody reads for 30 s is stopped.
   * @throws PASS_ABORTED of one that was stopped or is not known, BUSY while another call reads it, and what it fails
   * with: NO_MINER, SELF_TEST_FAILED, …
   */
  generated(answer: number): Promise<GeneratedText>;
  /** Nobody wants more of that answer. */
  stopGenerating(answer: number): Promise<void>;
};

/** What a language model on this device is to go on with. */
export interface GenerateAsked {
  readonly model: Uint8Array;
  /** As `converse` makes it. */
  readonly input: Uint8Array;
  /** What is not as the model's own options, in the units of docs/generation.md. */
  readonly options?: Partial<Choosing>;
  /** Stands for the seed; absent: zeros. */
  readonly seed?: string;
}

/** What has come of an answer since it was read last. */
export interface GeneratedText {
  readonly text: string;
  /** Of the whole answer so far; a stop token is one of them and has no text. */
  readonly tokens: number;
  /** Why the answer ends, once it has. */
  readonly finish: Finish | undefined;
}

/** What a language model's answers follow from, beside the text. */
export interface GenerationInfo {
  /** Options of an asker who says nothing else, in the units of docs/generation.md. */
  readonly defaults: Choosing;
  /** Tokens that a conversation and its answer may have together. */
  readonly context: number;
}

/** A question as `askPrepaid` takes it. */
export interface AskedPrepaid {
  readonly channel: Uint8Array;
  readonly model: Uint8Array;
  /** As `tokenise` makes it. */
  readonly input: Uint8Array;
  /** At most 1 KiB: of a language model those of docs/generation.md. Absent: none, which are the model's own there. */
  readonly options?: Uint8Array;
  /** Units after which the answer ends at the latest. */
  readonly most: number;
  /** As offered: for a sequence of the first shape, or a thousand tokens. Absent: what the offer says now. */
  readonly price?: Price;
  /**
   * 32 fresh random bytes of who may make this call twice, as a tab does when another one leads: what was answered is
   * then told again, and paid for once. Absent: chosen here.
   */
  readonly salt?: Uint8Array;
}

export interface AnswerCheck {
  readonly isEqual: boolean;
  /** Of rows the first byte that differs, or the shorter one's end; of tokens the place of the first wrong one. */
  readonly at: number | undefined;
  /** Of tokens, the id of what it should be; absent where the answer should have ended before. */
  readonly token?: number | undefined;
}

/** Answers paid over payment channels: two transactions for many answers, nothing of them on the chain. */
export type PrepaidApi = {
  /** Who offers a model, best first: whom this device has paid, then by price, then by wait. */
  providers(model: Uint8Array): Promise<Provider[]>;
  /** Whom `providers` leaves out, the newest first. */
  distrusted(): Promise<Distrusted[]>;
  /**
   * `opening`: encoded SignedTx of a channel whose signer is the vault's (`newSigner`); it is kept, then submitted.
   * Asked again with the same one, says how it stands. `peer`: the provider's peer id.
   * @throws TX_MALFORMED, TX_REFUSED, NONCE_TAKEN, CHANNEL_UNKNOWN (the vault signed no such channel), SERVING_MISSING,
   * PROVIDER_FALSE, PROVIDER_GONE (it is not there: nothing was set aside), STORE_FULL. Where it could not be sent for
   * another reason, that is its `problem`, and it is sent again at each head.
   */
  openChannel(opening: Uint8Array, peer: string): Promise<Prepaid>;
  /** Those that are not over, the newest last. */
  channels(): Promise<Prepaid[]>;
  /**
   * Resolves when the answer is whole; parts come as events. The same question again, while it has no answer, goes on
   * with it, for as many units as were asked for first: so it is asked again after PROVIDER_GONE, and after a restart.
   * @throws CHANNEL_CLOSED, CHANNEL_ENDING, CHANNEL_LOST, CHANNEL_REPLACED, CHANNEL_SHALLOW, CHANNEL_SMALL,
   * CHANNEL_UNKNOWN, CHANNEL_UNSEEN, INPUT_LONG, MODEL_MISSING, MODEL_UNOFFERED, NOT_PROVEN, PRICE_LOW,
   * PROVIDER_BUSY, PROVIDER_FAILED, PROVIDER_FALSE, PROVIDER_GONE, PROVIDER_PUZZLED, QUESTION_BUSY, QUESTION_LONG
   */
  askPrepaid(asked: AskedPrepaid): Promise<PaidAnswer>;
  /** The running answer is to end where it is; what came is paid. @throws CHANNEL_UNKNOWN */
  stopAsking(channel: Uint8Array): Promise<void>;
  /**
   * Asks the provider to close: nothing more is asked, and the rest comes back with the close, at the latest at the
   * channel's expiry. @throws CHANNEL_UNKNOWN
   */
  closeChannel(channel: Uint8Array): Promise<void>;
  /** Kept on this device, the newest first: at most 200 and 8 MiB. */
  answers(): Promise<PaidAnswer[]>;
  /**
   * Checks hashes and receipt, then runs the model here: of tokens one pass over question and answer.
   * A false answer of this network makes its provider one of the `distrusted`.
   * @throws ANSWER_FORGED (the provider never signed it), NO_MINER, MODEL_MISSING, INPUT_LONG, OPTION_MALFORMED,
   * OPTION_RANGE
   */
  verifyAnswer(answer: PaidAnswer): Promise<AnswerCheck>;
  /** A kept answer in the form in which others verify it, without any key of its asker. @throws ANSWER_UNKNOWN */
  shareAnswer(channel: Uint8Array, n: number): Promise<Uint8Array>;
  /**
   * An answer that somebody shared, once its hashes and its receipt were checked; it is not kept.
   * @throws ANSWER_MALFORMED, ANSWER_FOREIGN (of another network), ANSWER_FORGED
   */
  readAnswer(shared: Uint8Array): Promise<PaidAnswer>;
};

export type ModelApi = {
  storage(): Promise<ModelStorage>;
  /**
   * Resolves when the whole package is here and checked.
   * @throws MODEL_MISSING, MODEL_CORRUPT, MODEL_STOPPED, MODEL_STORE_FULL, MODEL_STORE_FAILED
   */
  fetchModel(id: Uint8Array): Promise<void>;
  /** Stops a fetch. Parts that arrived are kept, and the next fetch goes on from there. */
  stopModel(id: Uint8Array): Promise<void>;
  /**
   * Removes a model's package from disk and from the miner's memory.
   * @throws MODEL_BUSY for a mined one while something is mined, MODEL_STORE_FAILED
   */
  freeModel(id: Uint8Array): Promise<void>;
};

/** How a person or an operator answers for pay: with the model that is mined, and with served ones that are here. */
export interface Provided {
  /** Address that closes of channels are to pay. */
  readonly payee: Uint8Array;
  /** nV for a sequence; absent: no less than mining would earn in the time. */
  readonly price?: bigint | undefined;
  /** nV for a thousand tokens; absent: likewise. */
  readonly tokenPrice?: bigint | undefined;
}

/** What answering for pay came to since this process started; `channels` are those that are open, or to be closed. */
export interface PaidWork {
  /** Whether questions are taken. */
  readonly isOn: boolean;
  readonly channels: number;
  /** Askers that are connected now. */
  readonly streams: number;
  /** Questions answered, and rows or tokens of their answers. */
  readonly answers: number;
  readonly units: number;
  /** nV that was vouched for. */
  readonly earned: bigint;
  /** The last answer that was given to its end; undefined: none yet. */
  readonly last: GivenAnswer | undefined;
}

export interface GivenAnswer {
  readonly model: Uint8Array;
  /** When it ended, ms since 1970. */
  readonly timeMs: number;
  /** Rows or tokens. */
  readonly units: number;
  /** nV that was vouched for it. */
  readonly earned: bigint;
}

/** What this device worked with a model on a day of its clock, whichever account was paid. */
export interface WorkDay {
  /** Year, month and day. */
  readonly day: string;
  readonly model: string;
  /** Units completed, and blocks found. */
  readonly units: number;
  readonly blocks: number;
  /** Time in which it ran, pauses left out. */
  readonly ms: number;
  /** nV that these blocks create, if the chain keeps them. */
  readonly earned: bigint;
}

/** Units completed in an hour of this device's clock, with whatever model. */
export interface WorkHour {
  /** Year, month, day and hour: `2026-12-02T18`. */
  readonly hour: string;
  readonly units: number;
}

/** A block that this device found, and the units of all its days and models that were completed by then. */
export interface WorkFound {
  readonly height: number;
  readonly units: number;
}

export interface Worked {
  /** Oldest first. */
  readonly days: readonly WorkDay[];
  /** The last 48 in which units were completed, oldest first. */
  readonly hours: readonly WorkHour[];
  /** The last ones, oldest first; whether the chain keeps them is not known here. */
  readonly found: readonly WorkFound[];
}

export interface MiningOptions {
  readonly model?: string;
  readonly backend?: BackendChoice;
  /** The mined models that are not here; default: fetch. */
  readonly others?: FetchConsent;
  /** Not before, ms since 1970, at most a week ahead: until then it is paused. */
  readonly fromMs?: number;
}

export type MiningApi = {
  /**
   * Fetches the model first if it is not on this device, then the other mined ones behind the work. Without a `model`
   * the network's default is mined with once all are here, and before that what is here, or small. Called while it
   * works, changes `others` alone.
   * @throws as fetchModel, the miner's errors, and MODELS_DECLINED where `others` says so and one is missing
   */
  startMining(options: MiningOptions): Promise<void>;
  /** Sets the share of the time that units may take, 0 to 1; 0 holds the work. It applies also to later starts. */
  throttleMining(duty: number): Promise<void>;
  pauseMining(): Promise<void>;
  /** Stops mining after the unit in work. */
  finishMining(): Promise<void>;
  /**
   * What the last run of this program was to do when it ended: work, from that time on. Told once, and forgotten by it;
   * undefined: nothing, or this run was already told to start or to stop.
   */
  takeIntent(): Promise<{ readonly fromMs: number } | undefined>;
  /** What this device has worked since it first did, over restarts: by day and model, and lately by hour. */
  worked(): Promise<Worked>;
  /**
   * Answers for pay over channels, with the model that is loaded, also while mining is paused. undefined: takes no more
   * questions; open channels are closed in time all the same. @throws SERVING_MISSING, and what the keys fail with
   */
  provide(provided: Provided | undefined): Promise<void>;
  provided(): Promise<PaidWork>;
};

/** Every method's name, for proxies. */
export const CLIENT_METHODS = [
  ...['status', 'header', 'headers', 'block', 'transaction', 'supply', 'diagnostics'],
  ...[
    'watch',
    'unwatch',
    'payTo',
    'balance',
    'account',
    'history',
    'income',
    'payees',
    'submit',
    'pending',
    'prepare',
  ],
  ...['faucet', 'models', 'tokenise', 'readInput', 'execute', 'loadModel'],
  ...['converse', 'generation', 'generate', 'generated', 'stopGenerating', 'textBytes'],
  ...['providers', 'distrusted', 'openChannel', 'channels', 'askPrepaid', 'stopAsking'],
  ...['closeChannel', 'answers', 'verifyAnswer', 'shareAnswer', 'readAnswer'],
  ...['storage', 'fetchModel', 'stopModel', 'freeModel'],
  ...['startMining', 'throttleMining', 'pauseMining', 'finishMining', 'takeIntent', 'worked'],
  ...['provide', 'provided'],
] as readonly (keyof ClientApi)[];
