/**
 * The chain of a light client: all headers, the newest proofs of work and a random sample of the
 * older ones, state in proven parts. It exists only with a genesis (light-store.ts) and has four
 * facets: headers, proofs, state, blocks.
 */
import type { Fault } from '../../core/faults.ts';
import type { Body, Header, Position, Proof } from '../../core/formats.ts';
import { blockId, type ChainPoint } from '../../core/header/header.ts';
import type { BlockParts, HistoryEntry } from '../../core/messages.ts';
import type { Params } from '../../core/params.ts';
import type { Tree } from '../../core/tree/tree.ts';
import type { SyncSource } from '../shared/answer.ts';
import { equal } from '../../lib/bytes.ts';
import { locatorOf } from '../shared/locator.ts';
import { createTemplates, type Template } from '../shared/template.ts';
import type { VerifiedSignatures } from '../shared/verified-signatures.ts';
import type { VerifyProof } from '../shared/verify-proof.ts';
import { auditDeep, probe } from './audit.ts';
import { blocksToKeep, bodyOf, proofOf, type WantedProof } from './blocks.ts';
import { blocksToExecute, executeAndKeep, executeKept } from './execute.ts';
import { branchAt, dropBranch, invalidate, selectHead, unmoved, type Changed } from './head.ts';
import { entryAt, headerAt, heightOf } from './headers.ts';
import { importHeaders, judgeHeader, type HeadersImported } from './import.ts';
import type { LightMemory } from './memory/memory.ts';
import { templateFor, templateKeys, type LightTemplateOptions } from './next-block.ts';
import { importProof, wantedProofs } from './proofs.ts';
import * as queries from './queries.ts';
import {
  holdsState,
  isExecuted,
  learnState,
  newestExecuted,
  rootAfter,
  stateAfter,
  verifyStateProof,
  wantedState,
} from './state.ts';

export type { WantedProof } from './blocks.ts';
export type { LightTemplateOptions } from './next-block.ts';

export interface LightHeaders {
  readonly genesis: ChainPoint;
  /** Of the branch whose last proofs were checked. */
  head(): ChainPoint;
  /** Newest header of the branch with the most work, proven or not. */
  best(): ChainPoint;
  /** Contiguous, lowest first, at most 512. @throws AppError CHAIN_BUSY, STORE_CORRUPT, and the store's */
  import(headers: readonly Header[]): Promise<HeadersImported | Fault>;
  /**
   * What `import` would say of this one, at another time if one is given.
   * @throws AppError CHAIN_BUSY, STORE_CORRUPT, and the store's
   */
  judge(header: Header, atMs?: number): Promise<Fault | undefined>;
  /** Header of the head's chain; undefined above the head. */
  at(height: number): Promise<Header | undefined>;
  /** Height of a block of the head's chain. */
  heightOf(id: Uint8Array): Promise<number | undefined>;
  /** Headers of the head's chain after the first id of a locator that is on it, or after genesis. */
  after(locator: readonly Uint8Array[], max: number): Promise<Header[]>;
  /**
   * The tips of all branches, the one with the most work first, and more ids of that one. A caller that fetches
   * headers from a peer puts the last one's id before them, because the peer may be on another branch.
   */
  locator(): Promise<Uint8Array[]>;
  /** Removes a block that the full check found forged, as one that fails execution is removed. */
  refuse(id: Uint8Array, height: number): Promise<void>;
  /**
   * Blocks from where its branch leaves the head's chain up to this header; undefined when no branch that is kept
   * has it among its newest.
   */
  depthOf(header: Header): number | undefined;
  /** Makes a branch that ends with this block where others have put headers on it; it must claim to be the head. */
  branchAt(id: Uint8Array, height: number): Promise<void>;
  /** Whether a block's branch is too far behind the head to be kept or passed on. */
  isFarBehind(header: Header): boolean;
  /** Whether the branch up to this block would be the head if it were proven; so it may where it is not here. */
  claimsHead(id: Uint8Array): boolean;
  /** Gives up a branch, named by its tip, whose proofs no peer gives. */
  dropBranch(tipId: Uint8Array): Promise<boolean>;
}

export interface LightProofs {
  /** @param body is kept with the proof, so that both can be given to other peers */
  import(id: Uint8Array, proof: Proof, body?: Body): Promise<Fault | undefined>;
  /** Proofs to ask for: of branches that claim to be the head, or of the one alone that holds this block. */
  wanted(of?: Uint8Array): WantedProof[];
  /**
   * Draws which older blocks of deep branches must be proven. To be called when a peer has given all its headers:
   * the draw follows from the last one. The head moves where all the proofs are here already.
   */
  audit(): Promise<void>;
  /** Proofs to ask for before more headers are fetched of the branch that ends with this block; mostly none. */
  probe(tipId: Uint8Array): Promise<WantedProof[]>;
  of(id: Uint8Array): Promise<Proof | undefined>;
  /** Proofs that passed and are remembered. */
  readonly checked: number;
}

export interface LightStates {
  /** The known part of the state after a block; leaves that no proof has opened yet are behind stubs. */
  after(id: Uint8Array): Tree | undefined;
  /** Root of the state after a block, if it is known. */
  rootAfter(id: Uint8Array): Uint8Array | undefined;
  /** Whether the state after a block follows from executing it here. */
  isExecuted(id: Uint8Array): boolean;
  /** Newest block of the head's chain that was executed here; undefined when none of the newest was. */
  newestExecuted(): Header | undefined;
  /** The whole state after the head is here. */
  readonly isWhole: boolean;
  /** Part of the state to ask for next; undefined when it is whole, or too much to hold. */
  wanted(): { readonly block: Uint8Array; readonly from: Uint8Array } | undefined;
  /** Joins a part or any proof to what is known after that block. @throws AppError ROOT_UNKNOWN */
  learn(id: Uint8Array, proof: Uint8Array): Promise<Fault | undefined>;
  /** Leaves of the keys after a block. @throws AppError ROOT_UNKNOWN */
  verify(
    id: Uint8Array,
    keys: readonly Uint8Array[],
    proof: Uint8Array,
  ): (Uint8Array | undefined)[] | Fault;
  /** Proof of the keys after a block; undefined when what is known does not open them. */
  prove(id: Uint8Array, keys: readonly Uint8Array[]): Promise<Uint8Array | undefined>;
  /** Leaves after a block, from a key on. */
  part(id: Uint8Array, from: Uint8Array): Promise<Uint8Array | undefined>;
  /** Proof of all leaves that a block's execution touches, against the state before it. */
  witness(id: Uint8Array): Promise<Uint8Array | undefined>;
}

export interface LightBlocks {
  /** The body of a block, if it is kept. */
  body(id: Uint8Array): Promise<Body | undefined>;
  /**
   * Executes a block on what is known of the state before it and on its witness, if one is given; the
   * state after it is then known. A block that fails leaves the chain.
   */
  execute(
    block: { header: Header; body: Body },
    witness: Uint8Array | undefined,
  ): Promise<Fault | undefined>;
  /**
   * Blocks above the newest whole state whose bodies are missing, lowest first; none when they are too
   * many to fetch. Their proofs and bodies go to `proofs.import`, then `executeKept` goes on.
   */
  toExecute(max: number): Promise<WantedProof[]>;
  /** Executes kept blocks above the newest whole state. @returns how many, at most 16 */
  executeKept(): Promise<number>;
  /** The newest blocks whose body or proof is missing, newest first: other peers will ask for them. */
  toKeep(max: number): Promise<WantedProof[]>;
  /** Bodies and proofs of those that are kept whole. */
  parts(ids: readonly Uint8Array[]): Promise<BlockParts[]>;
  /** An address's transactions in kept blocks, newest first, from one of them on. */
  history(address: Uint8Array, from: Position, max: number): Promise<HistoryEntry[]>;
  /** Places of a transaction and, of a channel, of its close, in kept blocks. */
  find(id: Uint8Array): Promise<Position[]>;
  /** State keys that every template reads after the head, except those that its lists name. */
  templateKeys(): Promise<Uint8Array[]>;
  /** undefined while the state after the head is not known. */
  template(options: LightTemplateOptions): Template | undefined;
}

export interface LightChain {
  readonly params: Params;
  readonly headers: LightHeaders;
  readonly proofs: LightProofs;
  readonly state: LightStates;
  readonly blocks: LightBlocks;
  /** Of transactions that were executed here, or wait. */
  readonly signatures: VerifiedSignatures;
}

/** What peers may ask of it. */
export const sourceOf = ({ headers, state, blocks }: LightChain): SyncSource => ({
  head: headers.head,
  header: headers.at,
  headersAfter: headers.after,
  parts: blocks.parts,
  proveState: state.prove,
  statePart: state.part,
  witness: state.witness,
  history: blocks.history,
  find: blocks.find,
});

/** What the chain does its changes with. */
export interface LightChainDeps {
  /** ms since 1970. */
  readonly now: () => number;
  readonly verifyProof: VerifyProof;
  /** Changes run one at a time, and each publishes the head that it moved. */
  readonly change: <T>(make: () => Promise<Changed<T>>) => Promise<T>;
}

export const createLightChain = (memory: LightMemory, deps: LightChainDeps): LightChain => ({
  params: memory.params,
  headers: headersOf(memory, deps),
  proofs: proofsOf(memory, deps),
  state: stateOf(memory, deps),
  blocks: blocksOf(memory, deps),
  signatures: memory.signatures,
});

const headersOf = (memory: LightMemory, { now, change }: LightChainDeps): LightHeaders => ({
  genesis: memory.genesis,
  head: () => memory.branches.head,
  best: () => memory.branches.best.tip,
  import: (headers) => change(() => importHeaders(memory, headers, now())),
  judge: (header, atMs = now()) =>
    change(async () => unmoved(await judgeHeader(memory, header, atMs))),
  at: (height) => headerAt(memory, height),
  heightOf: (id) => heightOf(memory, id),
  after: (ids, max) => queries.headersAfter(memory, ids, max),
  async locator() {
    const { best, paths } = memory.branches;
    const idAt = async (height: number) => (await entryAt(memory.store, best, height)).id;
    const [tip, ...below] = await locatorOf(best.tip.header.height, idAt);
    const others = paths.filter((path) => path !== best).map((path) => path.tip.id);
    return [tip!, ...others, ...below];
  },
  refuse: (id, height) =>
    change(async () => ({ result: undefined, moved: await invalidate(memory, id, height) })),
  depthOf(header) {
    const path = memory.branches.holding(blockId(header));
    return path && header.height - memory.branches.forkOf(path);
  },
  isFarBehind: (header) => memory.branches.isFarBehind(header),
  claimsHead(id) {
    const { branches } = memory;
    const path = branches.holding(id);
    if (!path) return !equal(id, branches.head.id);
    const at = path.recent.get(branches.heightOn(path, id)!);
    return branches.claimsHeadAt(path, at!);
  },
  branchAt: (id, height) => change(async () => unmoved(await branchAt(memory, id, height))),
  dropBranch: (id) => change(async () => unmoved(await dropBranch(memory, id))),
});

const proofsOf = (memory: LightMemory, { verifyProof, change }: LightChainDeps): LightProofs => ({
  import: (id, proof, body) => change(() => importProof(memory, verifyProof, { id, proof, body })),
  wanted: (of) => wantedProofs(memory, of),
  audit: () =>
    change(async () => {
      await auditDeep(memory);
      // A kill may have come between the last proof that was drawn and the head that it proved.
      return { result: undefined, moved: await selectHead(memory) };
    }),
  probe: (tipId) => change(async () => unmoved(await probe(memory, tipId))),
  of: (id) => proofOf(memory.store, id),
  get checked() {
    return memory.kept.checked.size;
  },
});

const stateOf = (memory: LightMemory, { change }: LightChainDeps): LightStates => ({
  after: (id) => stateAfter(memory, id),
  rootAfter: (id) => rootAfter(memory, id),
  isExecuted: (id) => isExecuted(memory, id),
  newestExecuted: () => newestExecuted(memory),
  get isWhole() {
    return holdsState(memory);
  },
  wanted: () => wantedState(memory),
  learn: (id, proof) => change(async () => unmoved(learnState(memory, id, proof))),
  verify: (id, keys, proof) => verifyStateProof(memory, id, keys, proof),
  prove: async (id, keys) => queries.proveState(memory, id, keys),
  part: async (id, from) => queries.statePart(memory, id, from),
  witness: async (id) => queries.witness(memory, id),
});

function blocksOf(memory: LightMemory, { change }: LightChainDeps): LightBlocks {
  const makeTemplate = createTemplates(memory.params);
  return {
    body: (id) => bodyOf(memory.store, id),
    execute: (block, witness) => change(() => executeAndKeep(memory, block, witness)),
    toExecute: (max) => blocksToExecute(memory, max),
    executeKept: () => change(() => executeKept(memory)),
    toKeep: (max) => blocksToKeep(memory, max),
    parts: (ids) => queries.parts(memory, ids),
    history: (address, from, max) => queries.history(memory, address, from, max),
    find: (id) => queries.find(memory, id),
    templateKeys: () => templateKeys(memory),
    template: (wanted) => templateFor(memory, makeTemplate, wanted),
  };
}
