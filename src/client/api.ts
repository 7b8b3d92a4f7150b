/**
 * The client API: one running peer, the same in a browser and in Node. Screens, the seed process and
 * developers' programs talk to it alone. Everything it returns is structured-clonable.
 */
import type { NetworkName } from '../core/params.ts';
import type { HistoryEntry } from '../core/messages.ts';
import type { Header } from '../core/formats.ts';
import type { BackendChoice, MinerStatus } from '../miner/miner-api.ts';
import type { PeerInfo } from '../net/transport.ts';

export { MINER_OFF } from '../miner/miner-api.ts';
export type { BackendChoice, MinerState, MinerStatus } from '../miner/miner-api.ts';
export type { PeerInfo } from '../net/transport.ts';

/** What a page is told by the place that serves it (`config.json`), or a program gives itself. */
export interface ClientConfig {
  readonly network: NetworkName;
  /** Multiaddrs of seeds. */
  readonly bootstrap: readonly string[];
  /** Encoded genesis header in hex, for networks whose genesis is made at first start. */
  readonly genesis: string | undefined;
  /** Mine also on a software adapter: tests only. */
  readonly forceFallback?: boolean;
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
  readonly mempool: number;
}

export interface Balance {
  readonly address: Uint8Array;
  /** nV, proven against `provenAt`. */
  readonly spendable: bigint;
  /** nV in coinbases that have not matured, proven. */
  readonly immature: bigint;
  readonly nonce: number;
  readonly txCount: number;
  /** Block whose following state the proof was checked against; its own proof of work was checked. */
  readonly provenAt: { readonly height: number; readonly id: Uint8Array; readonly timeMs: number };
  readonly proofBytes: number;
}

export type ClientEvent =
  | { readonly type: 'chain'; readonly status: ChainStatus }
  | { readonly type: 'miner'; readonly status: MinerStatus }
  | { readonly type: 'balance'; readonly balance: Balance }
  | { readonly type: 'reorganised'; readonly depth: number }
  | { readonly type: 'problem'; readonly code: string; readonly message: string };

export interface PendingTx {
  readonly id: Uint8Array;
  readonly bytes: Uint8Array;
  readonly state: 'pending' | 'confirmed' | 'expired' | 'refused';
  readonly height: number | undefined;
}

export type ClientApi = {
  status(): Promise<{ chain: ChainStatus; miner: MinerStatus }>;
  /** Follow the proven balance of this address, and pay mining to it. */
  watch(address: Uint8Array): Promise<void>;
  /** The last proven balance (also offline), or undefined before the first. */
  balance(address: Uint8Array): Promise<Balance | undefined>;
  /** Newest first; each entry's transaction checked against its block's bodyRoot. */
  history(address: Uint8Array, max: number): Promise<HistoryEntry[]>;
  header(height: number): Promise<Header | undefined>;
  /** Encoded SignedTx; it is kept until it is confirmed or expired. @throws TX_REFUSED with the fault's code as message */
  submit(tx: Uint8Array): Promise<PendingTx>;
  pending(): Promise<PendingTx[]>;
  /** Fields a new transaction of this sender needs. @throws NOT_PROVEN before a balance is */
  prepare(
    address: Uint8Array,
  ): Promise<{ chainId: number; nonce: number; expiry: number; fee: bigint; spendable: bigint }>;
  startMining(options: { model?: string; backend?: BackendChoice }): Promise<void>;
  pauseMining(): Promise<void>;
  /** Ends after the unit in work. */
  finishMining(): Promise<void>;
  /** Coins from the seed's faucet, on networks that have one. @throws FAUCET_OFF, FAUCET_LATER */
  faucet(address: Uint8Array): Promise<void>;
};
