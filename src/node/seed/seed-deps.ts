/** What the parts of a running seed are made with. */
import type { Registry } from 'prom-client';
import type { FullChain } from '../../chain/full/full-chain.ts';
import type { UnfollowedBranch } from './full-sync.ts';
import type { Outlook } from '../../chain/shared/outlook.ts';
import type { OfferBook } from '../../client/channels/offer-book.ts';
import type { ChainNetwork } from '../../client/models/networks.ts';
import type { PackageStore } from '../../client/models/package-store.ts';
import type { Header } from '../../core/formats.ts';
import type { Block } from '../../core/messages.ts';
import type { Log } from '../../lib/log.ts';
import type { Inexact } from '../../miner/engine/miner-api.ts';
import type { OwnTransport } from '../../net/create-transport.ts';
import type { MinerThread } from '../contributor/miner-thread.ts';
import type { Callers } from '../http/caller.ts';
import type { StoreHealth } from '../http/health.ts';
import type { NodeKeys } from '../keys-file.ts';
import type { MinedBlocks } from '../mined-blocks.ts';
import type { ServedBytes } from '../../client/models/served-bytes.ts';
import type { ServedFolder } from '../served/served-folders.ts';
import type { Options } from './options.ts';
import type { SeedChannels } from './seed-provider.ts';
import type { Sender } from './sender.ts';

export interface SeedDeps {
  readonly options: Options;
  readonly network: ChainNetwork;
  readonly keys: NodeKeys;
  readonly chain: FullChain;
  readonly transport: OwnTransport;
  readonly stores: StoreHealth;
  readonly packages: PackageStore;
  /** Served models that this node holds. */
  readonly served: readonly ServedFolder[];
  /** What others get of them. */
  readonly givenBytes: ServedBytes;
  readonly thread: MinerThread;
  /** Sends with the payout key: one sender for everything it signs, so that no nonce is used twice. */
  readonly sender: Sender;
  readonly genesis: Header;
  /** Of providers that were heard lately. */
  readonly offers: OfferBook;
  /** Keys, chain and answers of payment channels. */
  readonly channels: SeedChannels;
  /** Found by this node. */
  readonly mined: MinedBlocks;
  /** Of all figures for `/metrics`. */
  readonly registry: Registry;
  readonly callers: Callers;
  /** What the newest blocks say about the rules and the power behind the chain. */
  readonly outlook: () => Outlook;
  /** A branch with more work than the head's that this node does not follow. */
  readonly unfollowed: () => UnfollowedBranch | undefined;
  /** Where code of ours was wrong on this computer, mining or checking. */
  readonly inexact: () => Inexact | undefined;
  readonly log: Log;
  /** Announces a block that this node imported by itself. */
  announce(block: Block): Promise<void>;
}
