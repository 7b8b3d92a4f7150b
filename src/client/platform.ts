/** What differs between a browser, Node and a test. createClient is given such a value. */
import type { Store } from '../chain/store/store.ts';
import type { Log } from '../lib/log.ts';
import type { RpcClient } from '../lib/rpc.ts';
import type { MinerApi, MinerEvents } from '../miner/engine/miner-api.ts';
import type { Gift } from './api.ts';
import type { StartedTokens } from './models/token-thread.ts';
import type { PartStore } from '../miner/package/part-store.ts';
import type { Transport } from '../net/transport.ts';
import type { UnattendedApi } from '../wallet/vault/vault-api.ts';

export interface Platform {
  /** `chain` can be rebuilt from peers; `outbox` holds transactions sent from here, and is kept apart. */
  openStore(name: 'chain' | 'outbox'): Promise<Store>;
  createTransport(options: {
    chainId: number;
    version: number;
    bootstrap: readonly string[];
  }): Promise<Transport>;
  /** Starts the miner worker; undefined where there is none. */
  createMiner: (() => Promise<RpcClient<MinerApi, MinerEvents>>) | undefined;
  /** Starts a thread for tokenisers; undefined: they run in this one, without a deadline (simulations). */
  readonly startTokens?: () => StartedTokens;
  /** Where packages are stored and fetched from; without it the miner has its own (simulations). */
  readonly packages?: {
    openStore(): Promise<PartStore>;
    /** Base address of parts at the page's own server. */
    readonly origin: string | undefined;
    estimate?(): Promise<{ usage?: number; quota?: number }>;
  };
  /** Keys that sign with nobody there: what asks and answers over channels needs; undefined: nothing does here. */
  readonly signers?: UnattendedApi | undefined;
  /** Where is written what happens with nobody there; undefined: nowhere. */
  readonly log?: Log | undefined;
  /** Asks the seed for coins; undefined where there is no faucet to ask. */
  faucet: ((address: string) => Promise<Gift>) | undefined;
  nowMs(): number;
  /** ms since some moment: a clock that nobody sets. */
  steadyMs(): number;
  /** Uniform in [0, 1). */
  random(): number;
}
