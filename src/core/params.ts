/** Constants of the protocol and the networks (docs/protocol.md §3), each with its unit and reason. */
import type { Rules } from './rules.ts';

export type NetworkName = 'main' | 'test' | 'local' | 'e2e';

/** What screens, wallets and tools need to know of a network. */
export interface NetworkParams {
  readonly network: NetworkName;
  readonly chainId: number;
  /** Human-readable part of the network's addresses. */
  readonly prefix: string;
  /** Mean time between blocks, ms. */
  readonly blockTimeMs: number;
  /** ASERT half-life, ms: 60 blocks keeps a lucky fork from moving the target (notes on FlyClient). */
  readonly halfLifeMs: number;
  /** Blocks until a coinbase can be spent. */
  readonly maturityBlocks: number;
  /** A longer gap than this, ms, makes the block the new ASERT anchor; 0 = never. */
  readonly reanchorGapMs: number;
  /** Easiest target. */
  readonly targetMax: bigint;
  /** Ids of admitted models, hex. */
  readonly models: readonly string[];
  /** Its coins are worth nothing, and its users are told so. */
  readonly isTrial: boolean;
  /** Whether anybody gets coins on request; local networks only. */
  readonly faucet: boolean;
}

/** What a chain needs to know of its network (chain-params.ts). */
export interface Params extends NetworkParams {
  /** Rules of consensus in force. */
  readonly rules: Rules;
}

export const PROTOCOL_VERSION = 1;
/** nV in a VLT. */
export const NANOVOLTS = 1_000_000_000n;
/** nV paid per block before the first halving. */
export const SUBSIDY = 50n * NANOVOLTS;
/** Blocks between halvings: four years of minutes. */
export const HALVING_BLOCKS = 2_102_400;
/** ms a block's time may lie ahead of the receiver's clock. */
export const FUTURE_MS_MAX = 120_000;
export const BODY_BYTES_MAX = 65_536;
/** Of the format alone: BODY_BYTES_MAX hold 414 of the shortest. */
export const BODY_TXS_MAX = 1000;
/** Blocks a transaction may stay valid: bounds what a mempool must remember. */
export const EXPIRY_BLOCKS_MAX = 1440;
/** Blocks that a channel lives at least: an hour of minutes, in which a close finds its block when fees are high. */
export const CHANNEL_LIFETIME_MIN = 60;
/** Blocks that it lives at most: two weeks of minutes, for which an asker's coins lie when a provider vanishes. */
export const CHANNEL_LIFETIME_MAX = 20_160;
/** nV in a channel at least: ten thousand least fees. A leaf of 140 bytes that stays for weeks must cost something. */
export const CHANNEL_LIMIT_MIN = NANOVOLTS / 100n;
/**
 * Refunds of one block. Whoever fills a height pays for 256 channels; the next height is as good to everybody, and
 * none of those within two weeks can be filled without locking up 50,000 VLT.
 */
export const CHANNELS_PER_EXPIRY_MAX = 256;
/** A pass wins at most once in this many passes, so that no pass is almost sure to win. */
export const PASSES_PER_BLOCK_MIN = 16n;
/** Proofs that a light client keeps of the newest blocks. */
export const PROOFS_KEPT = 100;

/**
 * nV that networks with a faucet hold at genesis, for a key that everybody knows: coins to try things
 * with. Secret = H_genesis("faucet").
 */
export const FAUCET_SUPPLY = 10_000_000n * NANOVOLTS;
export const FAUCET_SECRET = 'ccfc0523e2776f8833ca07a95677b01e3a4296cc0a7f4e8912714916eb35648b';
export const FAUCET_ADDRESS = '53c4cbac4cb5dd9e27840981678263d70c29e22b94d5f58ffad80b2ea420aff3';

const timing = (blockTimeMs: number, localClock: boolean) => ({
  blockTimeMs,
  halfLifeMs: 60 * blockTimeMs,
  reanchorGapMs: localClock ? 20 * blockTimeMs : 0,
});

/** W of `tiny` and of `lingua`, MACs per unit: fixed by their shapes. */
const TINY_MACS = 32n * (128n * 384n + 128n * 128n + 2n * 128n * 512n);
const easiest = (macs: bigint): bigint => (1n << 256n) / (PASSES_PER_BLOCK_MIN * macs);

const common = {
  maturityBlocks: 100,
  targetMax: easiest(TINY_MACS),
  isTrial: true,
  faucet: false,
  models: [] as readonly string[],
};

const NETWORKS: Record<NetworkName, NetworkParams> = {
  main: {
    ...common,
    network: 'main',
    chainId: 1,
    prefix: 'pila',
    ...timing(60_000, false),
    isTrial: false,
  },
  test: { ...common, network: 'test', chainId: 2, prefix: 'tpila', ...timing(60_000, false) },
  local: {
    ...common,
    network: 'local',
    chainId: 3,
    prefix: 'rpila',
    ...timing(5_000, true),
    maturityBlocks: 3,
    faucet: true,
  },
  e2e: {
    ...common,
    network: 'e2e',
    chainId: 4,
    prefix: 'rpila',
    ...timing(2_000, true),
    maturityBlocks: 3,
    faucet: true,
  },
};

export const NETWORK_NAMES = Object.keys(NETWORKS) as NetworkName[];
/** Human-readable parts of addresses over all networks, each once. */
export const ADDRESS_PREFIXES: readonly string[] = [
  ...new Set(NETWORK_NAMES.map((name) => NETWORKS[name].prefix)),
];

/** Parameters of a network with the models it admits (their ids come from the packaged manifests). */
export const createParams = (network: NetworkName, models: readonly string[]): NetworkParams => ({
  ...NETWORKS[network],
  models,
});
