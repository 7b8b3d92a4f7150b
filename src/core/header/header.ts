/**
 * Headers: ids, the rules that need one parent only, and the fields of the next one
 * (docs/protocol.md §4, §6, §10.3). A `ChainPoint` is all that a child's rules need to know of its parent.
 */
import { equal, fromHex } from '../../lib/bytes.ts';
import { assert } from '../../lib/errors.ts';
import { bodyOf, bodyRoot } from '../tx/body.ts';
import { encode, hash32, list, struct, u256, u32, u48, type Value } from '../codec.ts';
import { fault, type Fault } from '../faults.ts';
import { Account, Header, HeaderCore } from '../formats.ts';
import { hash, ZERO_HASH } from '../hash.ts';
import { stateKey } from '../tree/keys.ts';
import { EMPTY_MMR, mmrAppend, mmrLeaf, mmrRoot } from './mmr.ts';
import {
  FAUCET_ADDRESS,
  FAUCET_SUPPLY,
  futureMsMax,
  PROTOCOL_VERSION,
  type NetworkParams,
  type Params,
} from '../params.ts';
import { rule, type Rule } from '../rules.ts';
import { modelAt, versionAt, versionKnown } from './tables.ts';
import { headerWork, isHopeless, slipOf, targetOf, type Dated } from './target.ts';
import { EMPTY_TREE, treeRoot, treeSet, type Tree } from '../tree/tree.ts';

/** A block as its children see it; `mmr` is over blocks 0..height. */
export const ChainPointRecord = struct({
  header: Header,
  id: hash32,
  mmr: struct({ count: u32, peaks: list(struct({ hash: hash32, work: u256 }), 32) }),
});
export type ChainPoint = Value<typeof ChainPointRecord>;

/** h: the hash that the work is bound to. */
export const headerHash = (core: HeaderCore): Uint8Array =>
  hash('header', encode(HeaderCore, core));

export const blockId = (header: Header): Uint8Array =>
  hash('block', headerHash(header), header.proofDigest);

/** What a header asks of its unit, and does not say itself. */
export interface Task {
  /** Of the model that its index stands for. */
  readonly modelId: Uint8Array;
  readonly target: bigint;
}

/** The task of a header whose model holds at its height. */
export function taskOf(params: Params, header: Dated & Pick<HeaderCore, 'model'>): Task {
  const id = modelAt(params, header.model, header.height);
  assert(id !== undefined, 'the model of the header was judged before');
  return { modelId: fromHex(id, 32)!, target: targetOf(params, header) };
}

/** A header whose unit is to be run again. */
export interface Claim extends Task {
  readonly header: Header;
}

export const claimOf = (params: Params, header: Header): Claim => ({
  header,
  ...taskOf(params, header),
});

/** ms that a header's time may lie ahead of the clock for it to wait until it may be judged; else it is dropped. */
export const WAIT_MS_MAX = 10 * 60_000;

/**
 * ms from now until a header's time is no longer in the future: 0 for most, undefined for one that is too early to
 * wait for.
 */
export function msUntilTimely(
  params: NetworkParams,
  { time }: Pick<HeaderCore, 'time'>,
  nowMs: number,
): number | undefined {
  const early = time - nowMs;
  if (early > WAIT_MS_MAX) return undefined;
  return Math.max(0, early - futureMsMax(params));
}

/** The state before the first block: empty, or a faucet's account where the network has one. */
export function genesisTree(params: NetworkParams): Tree {
  if (!params.faucet) return EMPTY_TREE;
  const account = {
    balance: FAUCET_SUPPLY,
    nonce: 0n,
    txCount: 0,
    lastTx: { height: 0, index: 0 },
  };
  const key = stateKey.account(fromHex(FAUCET_ADDRESS, 32)!);
  return treeSet(EMPTY_TREE, key, encode(Account, account));
}

/** The first block of a network: no proof, no work, an empty body, `genesisTree`. */
export function genesisPoint(params: NetworkParams, timeMs: number): ChainPoint {
  const header: Header = {
    version: PROTOCOL_VERSION,
    knows: PROTOCOL_VERSION,
    height: 0,
    prevHash: hash('genesis', encode(u32, params.chainId), encode(u48, timeMs)),
    mmrRoot: ZERO_HASH,
    bodyRoot: bodyRoot(bodyOf()),
    stateRoot: treeRoot(genesisTree(params)),
    miner: ZERO_HASH,
    time: timeMs,
    slip: 0,
    totalWork: 0n,
    nonce: 0n,
    model: 0,
    proofDigest: ZERO_HASH,
  };
  const id = blockId(header);
  const mmr = toRecord(mmrAppend(EMPTY_MMR, mmrLeaf(id, 0n)));
  return { header, id, mmr };
}

// A record's arrays are mutable types; the MMR's are not.
const toRecord = (mmr: ReturnType<typeof mmrAppend>): ChainPoint['mmr'] => ({
  count: mmr.count,
  peaks: mmr.peaks.map((peak) => ({ ...peak })),
});

/** A header with what its rules need to know. */
export interface HeaderInput {
  readonly params: Params;
  readonly parent: ChainPoint;
  readonly header: Header;
  /** The receiver's clock, ms since 1970. */
  readonly nowMs: number;
}

/** Every rule of a header that needs only its parent; the rule of its state root needs the state. */
export const HEADER_RULES: readonly Rule<HeaderInput>[] = [
  rule('header.version', '4', ({ params, header: { height, version } }) =>
    version === versionAt(params, height) ? undefined : { height, version },
  ),
  rule('header.knows', '4', ({ header: { version, knows } }) =>
    knows >= version ? undefined : { version, knows },
  ),
  rule('header.parent-unknown', '4', ({ header, parent }) =>
    equal(header.prevHash, parent.id) ? undefined : { height: header.height },
  ),
  rule('header.height', '4', ({ header: { height }, parent }) =>
    height === parent.header.height + 1 ? undefined : { height },
  ),
  rule('header.mmr-root', '7', ({ header, parent }) =>
    equal(header.mmrRoot, mmrRoot(parent.mmr)) ? undefined : { height: header.height },
  ),
  rule('header.time-order', '4', ({ header: { height, time }, parent }) =>
    time > parent.header.time ? undefined : { height, time },
  ),
  rule('header.time-future', '4', ({ params, header: { height, time }, nowMs }) =>
    time <= nowMs + futureMsMax(params) ? undefined : { height, time },
  ),
  rule('header.slip', '6', ({ params, header: { height, time, slip }, parent }) => {
    const expected = slipOf(params, parent.header, height, time);
    return slip === expected ? undefined : { height, slip, expected };
  }),
  rule('header.too-soon', '6', ({ params, header }) =>
    isHopeless(params, header) ? { height: header.height, time: header.time } : undefined,
  ),
  rule('header.total-work', '4', ({ params, header, parent }) =>
    header.totalWork === parent.header.totalWork + headerWork(params, header)
      ? undefined
      : { height: header.height },
  ),
  rule('header.model', '4', ({ params, header: { height, model } }) =>
    modelAt(params, model, height) === undefined ? { height, model } : undefined,
  ),
];

/** A header of a version that this program doesn't know breaks no rule of its: it is put aside. */
export function verifyHeader(
  params: Params,
  parent: ChainPoint,
  header: Header,
  nowMs: number,
): Fault | undefined {
  const { version } = header;
  if (version > versionKnown(params)) return fault('wire.newer', { version });
  const added = params.versions.flatMap((row) => (row.version <= version ? (row.rules ?? []) : []));
  const rules = [...HEADER_RULES, ...(added as readonly unknown[] as readonly Rule<HeaderInput>[])];
  return params.rules.judge(rules, { params, parent, header, nowMs });
}

/** The ChainPoint of a child whose header was verified. */
export function extendPoint(params: Params, parent: ChainPoint, header: Header): ChainPoint {
  const id = blockId(header);
  const mmr = toRecord(mmrAppend(parent.mmr, mmrLeaf(id, headerWork(params, header))));
  return { header, id, mmr };
}

/** The fields that a block's producer chooses. */
export interface TemplateFields {
  /** Later than the parent's time, and not ahead of the clock; ms since 1970. */
  readonly timeMs: number;
  readonly miner: Uint8Array;
  /** Index in the table of mined models. */
  readonly model: number;
  readonly bodyRoot: Uint8Array;
  /** Root of the state after the parent. */
  readonly stateRoot: Uint8Array;
  readonly nonce?: bigint;
}

/** The header to work on: every field that follows from the parent is filled in. */
export function templateCore(
  params: Params,
  parent: ChainPoint,
  fields: TemplateFields,
): HeaderCore {
  const height = parent.header.height + 1;
  const dated = {
    height,
    time: fields.timeMs,
    slip: slipOf(params, parent.header, height, fields.timeMs),
  };
  return {
    ...dated,
    version: versionAt(params, height),
    knows: versionKnown(params),
    prevHash: parent.id,
    mmrRoot: mmrRoot(parent.mmr),
    bodyRoot: fields.bodyRoot,
    stateRoot: fields.stateRoot,
    miner: fields.miner,
    totalWork: parent.header.totalWork + headerWork(params, dated),
    nonce: fields.nonce ?? 0n,
    model: fields.model,
  };
}
