/**
 * Headers: ids, the rules that need one parent only, and the fields of the next one
 * (docs/protocol.md §4, §6). A `ChainPoint` is all that a child's rules need to know of its parent.
 */
import { equal, fromHex, toHex } from '../../lib/bytes.ts';
import { asertTarget } from './asert.ts';
import { bodyRoot } from '../tx/body.ts';
import { encode, hash32, list, struct, u256, u32, u48, type Value } from '../codec.ts';
import type { Fault } from '../faults.ts';
import { Account, Header, HeaderCore } from '../formats.ts';
import { hash, ZERO_HASH } from '../hash.ts';
import { stateKey } from '../tree/keys.ts';
import { EMPTY_MMR, mmrAppend, mmrLeaf, mmrRoot } from './mmr.ts';
import {
  FAUCET_ADDRESS,
  FAUCET_SUPPLY,
  FUTURE_MS_MAX,
  PROTOCOL_VERSION,
  type NetworkParams,
  type Params,
} from '../params.ts';
import { rule, type Rule } from '../rules.ts';
import { bitsFromTarget, targetFromBits, workOf } from './target.ts';
import { EMPTY_TREE, treeRoot, treeSet, type Tree } from '../tree/tree.ts';

/** Where ASERT counts from. Its target is always the network's easiest. */
export const Anchor = struct({
  height: u32,
  /** Time of the anchor's parent, ms. */
  parentTime: u48,
});
export type Anchor = Value<typeof Anchor>;

/** A block as its children see it; `mmr` is over blocks 0..height. */
export const ChainPointRecord = struct({
  header: Header,
  id: hash32,
  mmr: struct({ count: u32, peaks: list(struct({ hash: hash32, work: u256 }), 32) }),
  anchor: Anchor,
});
export type ChainPoint = Value<typeof ChainPointRecord>;

/** h: the hash that the work is bound to. */
export const headerHash = (core: HeaderCore): Uint8Array =>
  hash('header', encode(HeaderCore, core));

export const blockId = (header: Header): Uint8Array =>
  hash('block', headerHash(header), header.proofDigest);

/** Compact form of the easiest target. */
const easiestBits = (params: NetworkParams): number => bitsFromTarget(params.targetMax);

const easiestTarget = (params: NetworkParams): bigint => targetFromBits(easiestBits(params))!;

/** Work that a header's bits stand for; 0 for bits that are no target. */
export function headerWork(header: Pick<HeaderCore, 'bits'>): bigint {
  const target = targetFromBits(header.bits);
  return target === undefined ? 0n : workOf(target);
}

/** How far a block's total work may be below the head's and still be kept and relayed, in blocks of the head's work. */
const BEHIND_MAX = 16n;

/** Whether an announced block is too far below the head: work is cheap there, and such blocks would never end. */
export const isFarBehind = (header: HeaderCore, head: HeaderCore): boolean =>
  header.totalWork + BEHIND_MAX * headerWork(head) < head.totalWork;

/** The state before the first block: empty, or a faucet's account where the network has one. */
export function genesisTree(params: NetworkParams): Tree {
  if (!params.faucet) return EMPTY_TREE;
  const account = { balance: FAUCET_SUPPLY, nonce: 0, txCount: 0, lastTx: { height: 0, index: 0 } };
  const key = stateKey.account(fromHex(FAUCET_ADDRESS, 32)!);
  return treeSet(EMPTY_TREE, key, encode(Account, account));
}

/** The first block of a network: no proof, no work, an empty body, `genesisTree`. */
export function genesisPoint(params: NetworkParams, timeMs: number): ChainPoint {
  const header: Header = {
    version: PROTOCOL_VERSION,
    height: 0,
    prevHash: hash('genesis', encode(u32, params.chainId), encode(u48, timeMs)),
    mmrRoot: ZERO_HASH,
    bodyRoot: bodyRoot([]),
    stateRoot: treeRoot(genesisTree(params)),
    sharesRoot: ZERO_HASH,
    miner: ZERO_HASH,
    time: timeMs,
    bits: easiestBits(params),
    totalWork: 0n,
    nonce: 0n,
    modelId: ZERO_HASH,
    proofDigest: ZERO_HASH,
  };
  const id = blockId(header);
  const mmr = toRecord(mmrAppend(EMPTY_MMR, mmrLeaf(id, 0n)));
  return { header, id, mmr, anchor: { height: 1, parentTime: timeMs } };
}

// A record's arrays are mutable types; the MMR's are not.
const toRecord = (mmr: ReturnType<typeof mmrAppend>): ChainPoint['mmr'] => ({
  count: mmr.count,
  peaks: mmr.peaks.map((peak) => ({ ...peak })),
});

const reanchors = (params: NetworkParams, parent: ChainPoint, timeMs: number): boolean =>
  params.reanchorGapMs > 0 && timeMs - parent.header.time > params.reanchorGapMs;

/** Bits that a child with that time must have; the time matters only where a network re-anchors. */
export function expectedBits(params: NetworkParams, parent: ChainPoint, timeMs: number): number {
  if (reanchors(params, parent, timeMs)) return easiestBits(params);
  const { header, anchor } = parent;
  const timeDeltaMs = header.time - anchor.parentTime;
  const heightDelta = header.height - anchor.height;
  const anchorTarget = easiestTarget(params);
  return bitsFromTarget(asertTarget({ anchorTarget, timeDeltaMs, heightDelta }, params));
}

/** A header with what its rules need to know. */
export interface HeaderInput {
  readonly params: NetworkParams;
  readonly parent: ChainPoint;
  readonly header: Header;
  /** The receiver's clock, ms since 1970. */
  readonly nowMs: number;
}

/** Every rule of a header that needs only its parent; the rule of its state root needs the state. */
export const HEADER_RULES: readonly Rule<HeaderInput>[] = [
  rule('header.version', '4', ({ header: { version } }) =>
    version === PROTOCOL_VERSION ? undefined : { version },
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
  rule('header.shares-root', '4', ({ header }) =>
    equal(header.sharesRoot, ZERO_HASH) ? undefined : { height: header.height },
  ),
  rule('header.time-order', '4', ({ header: { height, time }, parent }) =>
    time > parent.header.time ? undefined : { height, time },
  ),
  rule('header.time-future', '4', ({ header: { height, time }, nowMs }) =>
    time <= nowMs + FUTURE_MS_MAX ? undefined : { height, time },
  ),
  rule('header.bits', '6', ({ params, header: { height, time, bits }, parent }) => {
    const expected = expectedBits(params, parent, time);
    return bits === expected ? undefined : { height, bits, expected };
  }),
  rule('header.total-work', '4', ({ header, parent }) =>
    header.totalWork === parent.header.totalWork + headerWork(header)
      ? undefined
      : { height: header.height },
  ),
  rule('header.model', '4', ({ params, header }) => {
    const modelId = toHex(header.modelId);
    return params.models.includes(modelId) ? undefined : { height: header.height, modelId };
  }),
];

export const verifyHeader = (
  params: Params,
  parent: ChainPoint,
  header: Header,
  nowMs: number,
): Fault | undefined => params.rules.judge(HEADER_RULES, { params, parent, header, nowMs });

/** The ChainPoint of a child whose header was verified. */
export function extendPoint(params: NetworkParams, parent: ChainPoint, header: Header): ChainPoint {
  const id = blockId(header);
  const mmr = toRecord(mmrAppend(parent.mmr, mmrLeaf(id, headerWork(header))));
  const anchor = reanchors(params, parent, header.time)
    ? // One block time earlier, so that the next block is expected after a whole block time.
      { height: header.height, parentTime: header.time - params.blockTimeMs }
    : parent.anchor;
  return { header, id, mmr, anchor };
}

/** The fields that a block's producer chooses. */
export interface TemplateFields {
  /** Later than the parent's time, at most two minutes ahead of the clock; ms since 1970. */
  readonly timeMs: number;
  readonly miner: Uint8Array;
  readonly modelId: Uint8Array;
  readonly bodyRoot: Uint8Array;
  /** Root of the state after the parent. */
  readonly stateRoot: Uint8Array;
  readonly nonce?: bigint;
}

/** The header to work on: every field that follows from the parent is filled in. */
export function templateCore(
  params: NetworkParams,
  parent: ChainPoint,
  fields: TemplateFields,
): HeaderCore {
  const bits = expectedBits(params, parent, fields.timeMs);
  return {
    version: PROTOCOL_VERSION,
    height: parent.header.height + 1,
    prevHash: parent.id,
    mmrRoot: mmrRoot(parent.mmr),
    bodyRoot: fields.bodyRoot,
    stateRoot: fields.stateRoot,
    sharesRoot: ZERO_HASH,
    miner: fields.miner,
    time: fields.timeMs,
    bits,
    totalWork: parent.header.totalWork + headerWork({ bits }),
    nonce: fields.nonce ?? 0n,
    modelId: fields.modelId,
  };
}
