/** Constants of the protocol and the networks (docs/protocol.md §3), each with its unit and reason. */
import type { Rule, Rules } from './rules.ts';

export type NetworkName = 'main' | 'test' | 'local' | 'e2e';

/** A model that may be mined. Its place in the table is its index in headers, and is never used again. */
export interface ModelRow {
  /** Hex. */
  readonly id: string;
  /** Heights for which it holds: from ≤ height < to. */
  readonly from: number;
  readonly to?: number;
}

/** A version of the rules, and the height from which it holds. */
export interface VersionRow {
  readonly version: number;
  readonly from: number;
  /** Rules of headers (HEADER_RULES) that it adds to those of the version before. */
  readonly rules?: readonly Rule<never>[];
}

/** What screens, wallets and tools need to know of a network. */
export interface NetworkParams {
  readonly network: NetworkName;
  readonly chainId: number;
  /** Human-readable part of the network's addresses. */
  readonly prefix: string;
  /** Mean time between blocks, ms. */
  readonly blockTimeMs: number;
  /** ms of lateness that double a target. */
  readonly halfLifeMs: number;
  /** ms of lateness at which a target is the easiest; what goes beyond is forgiven. */
  readonly lagMs: number;
  /** Blocks until a coinbase can be spent. */
  readonly maturityBlocks: number;
  /** Easiest target. */
  readonly targetMax: bigint;
  /** Target of a block that is neither early nor late. */
  readonly targetStart: bigint;
  /** Table of mined models. It only grows. */
  readonly models: readonly ModelRow[];
  /** Table of versions, rising in both columns; the first from height 0. */
  readonly versions: readonly VersionRow[];
  /** Height from which this program does not know which version holds; undefined: none is foreseen. */
  readonly rulesEnd?: number;
  /** Its genesis is made at its first start, and learnt from peers. */
  readonly startsAnew: boolean;
  /** Its coins are worth nothing, and its users are told so. */
  readonly isTrial: boolean;
  /** Whether anybody gets coins on request; local networks only. */
  readonly faucet: boolean;
}

/** A network with its rules of consensus in force: what is known before its genesis is. */
export interface NetworkRules extends NetworkParams {
  readonly rules: Rules;
}

/** What a chain needs to know, once its genesis is known (chain-params.ts). */
export interface Params extends NetworkRules {
  readonly genesis: { readonly id: Uint8Array; readonly timeMs: number };
}

/** The version that every network begins with. */
export const PROTOCOL_VERSION = 2;
/** nV in a VLT. */
export const NANOVOLTS = 1_000_000_000n;
/** nV paid per block before the first halving. */
export const SUBSIDY = 50n * NANOVOLTS;
/** Blocks between halvings: four years of minutes. */
export const HALVING_BLOCKS = 2_102_400;
export const BODY_BYTES_MAX = 65_536;
/** Of the format alone: BODY_BYTES_MAX hold 414 of the shortest. */
export const BODY_TXS_MAX = 1000;
/** Shares that one block lists at most, and records of votes that it holds: of the format alone while both lists are empty. */
export const SHARES_MAX = 32;
export const VOTES_MAX = 64;
/** Blocks a transaction may stay valid: bounds what a mempool must remember. */
export const EXPIRY_BLOCKS_MAX = 1440;
/** Blocks that a channel lives at least: an hour of minutes, in which a close finds its block when fees are high. */
export const CHANNEL_LIFETIME_MIN = 60;
/** Blocks that it lives at most: two weeks of minutes, for which an asker's coins lie when a provider vanishes. */
export const CHANNEL_LIFETIME_MAX = 20_160;
/**
 * nV that an account holds at least, and a channel: a leaf that every full node keeps for good must cost something. A
 * hundred million leaves, twenty gigabytes, lock up a million VLT.
 */
export const ACCOUNT_MIN = NANOVOLTS / 100n;
/**
 * Refunds of one block. Whoever fills a height pays for 256 channels; the next height is as good to everybody, and
 * none of those within two weeks can be filled without locking up 50,000 VLT.
 */
export const CHANNELS_PER_EXPIRY_MAX = 256;
/** A pass wins at most once in this many passes, so that no pass is almost sure to win. */
export const PASSES_PER_BLOCK_MIN = 16n;
/** Proofs that a light client keeps of the newest blocks; of a branch that it tries, it asks for as many first. */
export const PROOFS_KEPT = 128;

/**
 * nV that networks with a faucet hold at genesis, for a key that everybody knows: coins to try things
 * with. Secret = H_genesis("faucet").
 */
export const FAUCET_SUPPLY = 10_000_000n * NANOVOLTS;
export const FAUCET_SECRET = '0c601c6055e68026b1af902fe6fb55301f84373e9ca74020e1b4f5094ddde3b8';
export const FAUCET_ADDRESS = '18b2ca227378189c9db62983928ca0bc8823b2bc0a8705ccb90961ad54e9dbb0';

/**
 * ms that a block's time may lie ahead of the receiver's clock. A later date makes a target easier: by 0.24 % where
 * blocks take a minute, 5.9 % where they take 2 s. Less than 10 s would shut out clocks that nobody notices.
 */
export const futureMsMax = ({ blockTimeMs }: Pick<NetworkParams, 'blockTimeMs'>): number =>
  Math.max(10_000, Math.min(30_000, blockTimeMs / 2));

/** Half-lives of lateness that count: a block so late has 64 times the target of one on time. */
const LAG = 6;

/**
 * @param halfLife in blocks: long enough that miners who come and go with the target gain little, short enough that
 * a loss of power heals. With 144, 2–4 % instead of 5–7 with 60; 60 where a person waits for blocks.
 */
const timing = (blockTimeMs: number, halfLife: number) => ({
  blockTimeMs,
  halfLifeMs: halfLife * blockTimeMs,
  lagMs: LAG * halfLife * blockTimeMs,
});

const HASHES = 1n << 256n;
/** W of `tiny`, the smallest model that anybody mines, MACs of a pass. */
const TINY_MACS = 6_291_456n;
/** With this target a pass of `tiny` wins once in 16. */
const EASIEST = HASHES / (PASSES_PER_BLOCK_MIN * TINY_MACS);
/** One computer meets it: a local network begins in step, or behind it by less than lag. */
const START_AT_HOME = EASIEST >> BigInt(LAG);
/**
 * The expected start of a public network: a hundred processors of 10 GMAC/s, a laptop's in the browser, for a minute.
 * Wrong by a factor of 64 either way, the first blocks come a few half-lives early, or late by less than lag.
 */
const START_IN_PUBLIC = HASHES / (100n * 10n ** 10n * 60n);

const common = {
  maturityBlocks: 100,
  targetMax: EASIEST,
  targetStart: START_IN_PUBLIC,
  startsAnew: false,
  isTrial: true,
  faucet: false,
  models: [] as readonly ModelRow[],
  versions: [{ version: PROTOCOL_VERSION, from: 0 }] as readonly VersionRow[],
};

const NETWORKS: Record<NetworkName, NetworkParams> = {
  main: {
    ...common,
    network: 'main',
    chainId: 1,
    prefix: 'pila',
    ...timing(60_000, 144),
    isTrial: false,
  },
  test: {
    ...common,
    network: 'test',
    chainId: 2,
    prefix: 'tpila',
    ...timing(60_000, 144),
  },
  local: {
    ...common,
    network: 'local',
    chainId: 3,
    prefix: 'rpila',
    ...timing(5_000, 60),
    targetStart: START_AT_HOME,
    maturityBlocks: 3,
    startsAnew: true,
    faucet: true,
  },
  e2e: {
    ...common,
    network: 'e2e',
    chainId: 4,
    prefix: 'rpila',
    ...timing(2_000, 60),
    targetStart: START_AT_HOME,
    maturityBlocks: 3,
    startsAnew: true,
    faucet: true,
  },
};

/** The highest version of the rules in any table of this program. */
export const VERSION_KNOWN = /* @__PURE__ */ (() =>
  Math.max(...Object.values(NETWORKS).map(({ versions }) => versions.at(-1)!.version)))();

export const NETWORK_NAMES = Object.keys(NETWORKS) as NetworkName[];
/** Human-readable parts of addresses over all networks, each once. */
export const ADDRESS_PREFIXES: readonly string[] = [
  ...new Set(NETWORK_NAMES.map((name) => NETWORKS[name].prefix)),
];

/** Parameters of a network with its table of mined models (their ids come from the packaged manifests). */
export const createParams = (
  network: NetworkName,
  models: readonly ModelRow[] = [],
): NetworkParams => ({ ...NETWORKS[network], models });
