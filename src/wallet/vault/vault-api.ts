/** The vault worker's protocol: keys live behind it, nothing secret but shown words crosses it. */
import type { AskPeers, Receipt } from '../../core/channel.ts';
import type { Tx } from '../../core/formats.ts';
import type { UnsignedOffer } from '../../core/offer.ts';
import type { NetworkName } from '../../core/params.ts';
import type { VaultChain } from './unattended.ts';
import type { VaultFile } from './vault-file.ts';

export interface VaultStatus {
  readonly exists: boolean;
  /** Keys are not in memory: spending needs `unlock`. */
  readonly locked: boolean;
  /** Wrapped by a passphrase (scrypt) rather than only by this device's key. */
  readonly protected: boolean;
  /** The words were proven to be written down: sending is allowed. */
  readonly backedUp: boolean;
  /**
   * Of the current account; known also while locked. Undefined with keys and no problem: an older version
   * stored them, and they must be opened once before an address is believed.
   */
  readonly address: Uint8Array | undefined;
  readonly publicKey: Uint8Array | undefined;
  /** All from the same words, in the order of their index; at least one while the vault is readable. */
  readonly accounts: readonly VaultAccount[];
  /** The keys themselves were seen to give these addresses; otherwise this device's MAC says so. */
  readonly verified: boolean;
  /** Index of the one in use. */
  readonly current: number;
  /** Without a use a protected vault locks after so long: 1, 5, 15 or 60. */
  readonly lockMinutes: number;
  /** Opens it beside the passphrase: what to ask the browser for. */
  readonly passkey: { readonly credential: Uint8Array; readonly salt: Uint8Array } | undefined;
  /**
   * Keys are stored but cannot be read, and only `erase` and `restore` help; or somebody else changed what is
   * stored, and `words` still shows them; or VAULT_UNGUARDED: the server of this page sends the keys' worker
   * without its policy, and there are no keys here until it does.
   */
  readonly problem: VaultProblem | undefined;
}

export type VaultProblem = 'VAULT_CORRUPT' | 'VAULT_TAMPERED' | 'VAULT_UNGUARDED' | 'VAULT_VERSION';

export interface VaultAccount {
  /** `account'` of its key's path (docs/protocol.md §2), from 0. */
  readonly index: number;
  /** Chosen by the person; '' until then. */
  readonly name: string;
  readonly address: Uint8Array;
  /** x-only, 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** A WebAuthn credential's id, a salt of 32 bytes, and the 32 that its PRF gives for it. */
export interface NewPasskey {
  readonly credential: Uint8Array;
  readonly salt: Uint8Array;
  readonly output: Uint8Array;
}

/** One-way events of the vault worker. */
export type VaultEvents = {
  /** After every change, and after an auto-lock. */
  status: VaultStatus;
};

/** What the vault read from the bytes it signs: shown before and after. Amounts in nV. */
export interface TxSummary {
  readonly type: Tx['type'];
  readonly chainId: number;
  /** Network of that chain id; undefined when it is none that we know. */
  readonly network: NetworkName | undefined;
  /** Address that signs and pays. */
  readonly from: Uint8Array;
  readonly to: Uint8Array | undefined;
  /** What leaves the sender besides the fee: a transfer's amount, a channel's limit. */
  readonly amount: bigint;
  readonly fee: bigint;
  readonly nonce: bigint;
  readonly expiry: number;
  /** A transfer's; '' for the others. */
  readonly memo: string;
  /** With whom a channel is opened: its limit is the amount. */
  readonly prepays: PrepaidSummary | undefined;
  /** The channel that a close ends, and what it takes of that, nV with the fee. */
  readonly closes: { readonly channel: Uint8Array; readonly amount: bigint } | undefined;
}

export interface PrepaidSummary {
  /** x-only key that may close it. */
  readonly provider: Uint8Array;
  /** Address that a close pays. */
  readonly payee: Uint8Array;
  /** x-only key that can spend the limit. */
  readonly signer: Uint8Array;
  /** Blocks until the rest comes back by itself. */
  readonly lifetime: number;
}

export type VaultApi = {
  /** Says once which chain is signed for; nothing is signed before. @throws CHAIN_REFUSED for another chain later */
  openFor(chain: VaultChain): Promise<void>;
  status(): Promise<VaultStatus>;
  /**
   * New keys from 24 fresh words, sealed by the passphrase, or wrapped by a key of this device where there
   * is none. @throws VAULT_EXISTS, PASSPHRASE_WEAK
   */
  create(passphrase?: string): Promise<VaultStatus>;
  /** @throws WORDS_COUNT, WORDS_UNKNOWN, WORDS_CHECKSUM */
  checkWords(words: string): Promise<void>;
  /** @throws VAULT_EXISTS, PASSPHRASE_WEAK, WORDS_COUNT, WORDS_UNKNOWN, WORDS_CHECKSUM */
  restore(words: string, passphrase?: string): Promise<VaultStatus>;
  /**
   * Wraps the data key by a passphrase instead of the device key, or of the old passphrase, which must
   * then be given. Its strength was judged where it was chosen (wallet/strength.ts); here only its length
   * is, 12 to 256. @throws PASSPHRASE_WEAK, VAULT_LOCKED, PASSPHRASE_WRONG
   */
  protect(passphrase: string, old?: string): Promise<VaultStatus>;
  /** @throws PASSPHRASE_WRONG, VAULT_MISSING, VAULT_CORRUPT, VAULT_TAMPERED */
  unlock(passphrase: string): Promise<VaultStatus>;
  lock(): Promise<VaultStatus>;
  /** A second wrapping of the data key. @throws PASSKEY_UNPROTECTED, VAULT_LOCKED, PASSPHRASE_WRONG */
  addPasskey(passphrase: string, passkey: NewPasskey): Promise<VaultStatus>;
  /** Also while locked: it makes opening harder. */
  removePasskey(): Promise<VaultStatus>;
  /** @param output what the passkey's PRF gives for its salt. @throws PASSKEY_MISSING, PASSKEY_WRONG */
  unlockByPasskey(output: Uint8Array): Promise<VaultStatus>;
  /** @throws VAULT_LOCKED, LOCK_RANGE */
  lockAfter(minutes: number): Promise<VaultStatus>;
  /** Nobody sees the page: a minute of it locks a protected vault. */
  setHidden(hidden: boolean): Promise<void>;
  /** As it is stored, sealed by the passphrase. @throws EXPORT_UNPROTECTED, VAULT_MISSING */
  exportFile(): Promise<VaultFile>;
  /**
   * Sealed anew with the passphrase, at full strength. Other calls are answered meanwhile.
   * @param dear it may ask for more than twice the usual work
   * @throws FILE_MALFORMED, FILE_DEAR, PASSPHRASE_WRONG, VAULT_EXISTS, DERIVING_STOPPED, BUSY
   */
  importFile(file: unknown, passphrase: string, dear?: boolean): Promise<VaultStatus>;
  /** Gives up what is being derived from a passphrase: the call in progress fails with DERIVING_STOPPED. */
  stopDeriving(): Promise<void>;
  /** The 24 words, for display; also of a vault that somebody changed. @throws VAULT_LOCKED, PASSPHRASE_WRONG when protected */
  words(passphrase: string | undefined): Promise<string>;
  /** Three questions: which word stands at this place? Choices hold the right one. */
  backupQuiz(): Promise<{ place: number; choices: string[] }[]>;
  /** @throws BACKUP_WRONG */
  proveBackup(answers: string[]): Promise<VaultStatus>;
  /** Decodes an unsigned Tx and says what it does. @throws TX_MALFORMED */
  describe(tx: Uint8Array): Promise<TxSummary>;
  /**
   * Encoded SignedTx, by the account that is its sender, once a person confirmed it.
   * A channel has a signer of `newSigner`, and all open ones together keep to `channelsLimit`.
   * @throws VAULT_LOCKED, BACKUP_FIRST, TX_MALFORMED, TX_SENDER, CHAIN_REFUSED, CHANNEL_FOREIGN, CHANNELS_OVER,
   * CHANNELS_FULL (64)
   */
  sign(tx: Uint8Array): Promise<Uint8Array>;
  /** x-only key that signs receipts and closes, and holds nothing; undefined before there is one. */
  servingKey(): Promise<Uint8Array | undefined>;
  /** 64 bytes by the serving key. Also while locked, as all that follows says. @throws SERVING_MISSING, CHAIN_REFUSED */
  signReceipt(receipt: Receipt): Promise<Uint8Array>;
  /** 64 bytes by the serving key, for what this wallet's provider offers. @throws SERVING_MISSING, CHAIN_REFUSED */
  signOffer(offer: UnsignedOffer): Promise<Uint8Array>;
  /**
   * Encoded SignedTx by the serving key, also while locked. `tx`: an unsigned close; `opening`: the SignedTx of its
   * channel, whose provider is the serving key and whose payee is an account of this wallet. What its fee burns is
   * bounded (unattended.ts).
   * @throws TX_MALFORMED, TX_SENDER, CHANNEL_UNKNOWN (the opening of another channel), CHANNEL_FOREIGN,
   * CHANNEL_AMOUNT, CHAIN_REFUSED, UNASKED_REFUSED, SERVING_MISSING
   */
  signClose(tx: Uint8Array, opening: Uint8Array): Promise<Uint8Array>;
  /** x-only key that may vouch in the next channel that is signed with it. @throws VAULT_LOCKED, SERVING_MISSING */
  newSigner(): Promise<Uint8Array>;
  /**
   * 64 bytes by the signer of a channel that was signed here, by which a stream between these two peers is about it;
   * also while locked. @throws CHANNEL_UNKNOWN, CHAIN_REFUSED, SERVING_MISSING
   */
  signAsk(channel: Uint8Array, peers: AskPeers): Promise<Uint8Array>;
  /**
   * 64 bytes that vouch for `amount` nV in all, at most the limit of a channel that was signed here; also while
   * locked. @throws CHANNEL_UNKNOWN, CHANNEL_AMOUNT, CHAIN_REFUSED, SERVING_MISSING
   */
  signVoucher(channel: Uint8Array, amount: bigint): Promise<Uint8Array>;
  /** Nothing is vouched for in it any more, and its limit counts no longer. Also while locked. */
  channelEnded(channel: Uint8Array): Promise<void>;
  /** nV that all open channels together may hold. */
  channelsLimit(): Promise<bigint>;
  /** @throws VAULT_LOCKED, AMOUNT_RANGE, SERVING_MISSING */
  setChannelsLimit(limit: bigint): Promise<VaultStatus>;
  /** Addresses of the accounts that `addAccount` would make next, in their order. @throws VAULT_LOCKED */
  accountsAhead(): Promise<Uint8Array[]>;
  /** The next account of the same words, and uses it. @throws VAULT_LOCKED, ACCOUNTS_FULL (16), NAME_MALFORMED */
  addAccount(name: string): Promise<VaultStatus>;
  /** @throws VAULT_LOCKED, ACCOUNT_UNKNOWN, NAME_MALFORMED (not 1 to 32 characters) */
  renameAccount(index: number, name: string): Promise<VaultStatus>;
  /** Also while locked. @throws ACCOUNT_UNKNOWN */
  useAccount(index: number): Promise<VaultStatus>;
  /** Deletes the keys from this device. */
  erase(): Promise<VaultStatus>;
};

/** What is signed with nobody there; a node has it without a vault. */
export type UnattendedApi = Pick<
  VaultApi,
  | 'servingKey'
  | 'signReceipt'
  | 'signOffer'
  | 'signClose'
  | 'signAsk'
  | 'signVoucher'
  | 'channelEnded'
  | 'channelsLimit'
>;
