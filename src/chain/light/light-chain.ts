/**
 * The chain of a light client: all headers, the newest proofs of work and a random sample of the
 * older ones, state in proven parts. It exists only with a genesis (light-store.ts) and has four
 * facets: headers, proofs, state, blocks.
 */
import { bodyRoot } from '../../core/tx/body.ts';
import { encode } from '../../core/codec.ts';
import { fault, isFault, type Fault } from '../../core/faults.ts';
import { Proof, type Body, type Header, type Position, type SignedTx } from '../../core/formats.ts';
import type { ChainPoint } from '../../core/header/header.ts';
import { stateKey } from '../../core/tree/keys.ts';
import type { BlockParts, HistoryEntry } from '../../core/messages.ts';
import { treeRoot, type Tree } from '../../core/tree/tree.ts';
import { equal, fromHex, toHex } from '../../lib/bytes.ts';
import { locatorOf } from '../shared/locator.ts';
import {
  createTemplates,
  type MakeTemplate,
  type Template,
  type TemplateOptions,
} from '../shared/template.ts';
import type { VerifyProof } from '../shared/verify-proof.ts';
import { entryAt } from './headers.ts';
import {
  auditDeep,
  dropBranch,
  forkOf,
  importHeaders,
  invalidate,
  selectHead,
  type HeadersImported,
  type LightHeadEvent,
} from './import.ts';
import type { LightState } from './open.ts';
import { unproven } from './memory/paths.ts';
import { Checked, lightKey, Sample } from './records.ts';
import { sampleHeights } from './sample.ts';
import { bodyOf, bodyPuts, heightOf, proofOf } from './blocks.ts';
import { executeAndKeep, executeKept, blocksToExecute, blocksToKeep } from './execute.ts';
import * as queries from './queries.ts';
import {
  holdsState,
  learnState,
  newestExecuted,
  rootAfter,
  stateAfter,
  verifyStateProof,
  wantedState,
} from './state.ts';
import type { SyncSource } from '../shared/answer.ts';

export interface WantedProof {
  readonly id: Uint8Array;
  readonly height: number;
}

export interface LightTemplateOptions extends TemplateOptions {
  /**
   * Candidates in order; those that the known part of the state refuses or can't judge are left out.
   * The same array again gives the same body: a miner asks before each unit.
   */
  readonly txs: readonly SignedTx[];
  readonly signatureKnown?: (signed: SignedTx) => boolean;
}

export interface LightHeaders {
  readonly genesis: ChainPoint;
  /** Of the branch whose last proofs were checked. */
  head(): ChainPoint;
  /** Newest header of the branch with the most work, proven or not. */
  best(): ChainPoint;
  /** Contiguous, lowest first, at most 512. @throws AppError CHAIN_BUSY, STORE_CORRUPT, and the store's */
  import(headers: readonly Header[]): Promise<HeadersImported | Fault>;
  /** Header of the head's chain; undefined above the head. */
  at(height: number): Promise<Header | undefined>;
  /** Height of a block of the head's chain. */
  heightOf(id: Uint8Array): Promise<number | undefined>;
  /** Headers of the head's chain after the first id of a locator that is on it, or after genesis. */
  after(locator: readonly Uint8Array[], max: number): Promise<Header[]>;
  /** Of the branch with the most work. While headers come, put the last one's id before it: the peer may be on another. */
  locator(): Promise<Uint8Array[]>;
  /** A block that only its model shows to be forged leaves the chain, as one that fails execution does. */
  refuse(id: Uint8Array, height: number): Promise<void>;
  /** Gives up a branch, by its tip, that nobody can prove. */
  dropBranch(tipId: Uint8Array): Promise<void>;
}

export interface LightProofs {
  /** `body` is kept with it, so that both can be given to others. */
  import(id: Uint8Array, proof: Proof, body?: Body): Promise<Fault | undefined>;
  /** Proofs to ask for: of branches with more work than the head, then of the sample. */
  wanted(): WantedProof[];
  /** Chooses the older blocks to check: numbers in [0, 1), drawn after the headers were synced. */
  chooseSample(random: readonly number[]): Promise<number>;
  of(id: Uint8Array): Promise<Proof | undefined>;
  /** Proofs that passed and are remembered. */
  readonly checked: number;
}

export interface LightStates {
  /** What is known of the state after a block: leaves that nobody opened yet are behind stubs. */
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
  /** A kept body. */
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
   * many to be had. Their proofs and bodies go to `proofs.import`, then `executeKept` goes on.
   */
  toExecute(max: number): Promise<WantedProof[]>;
  /** Executes kept blocks above the newest whole state. @returns how many, at most 16 */
  executeKept(): Promise<number>;
  /** The newest blocks that are not kept whole, newest first: others will ask for them. */
  toKeep(max: number): Promise<WantedProof[]>;
  /** Bodies and proofs of those that are kept whole. */
  parts(ids: readonly Uint8Array[]): Promise<BlockParts[]>;
  /** An address's transactions in kept blocks, newest first, from one of them on. */
  history(address: Uint8Array, from: Position, max: number): Promise<HistoryEntry[]>;
  /** Places of a transaction, and of claims and results that name it, in kept blocks. */
  find(id: Uint8Array): Promise<Position[]>;
  /** Keys that every template reads after the head, but for what its lists lead to. */
  templateKeys(): Promise<Uint8Array[]>;
  /** undefined while the state after the head is not known. */
  template(options: LightTemplateOptions): Template | undefined;
}

export interface LightChain {
  readonly headers: LightHeaders;
  readonly proofs: LightProofs;
  readonly state: LightStates;
  readonly blocks: LightBlocks;
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

export interface LightChainDeps {
  /** ms since 1970. */
  readonly now: () => number;
  readonly verifyProof: VerifyProof;
  /** What changes the chain runs one at a time. */
  readonly enqueue: <T>(task: () => Promise<T>) => Promise<T>;
  readonly onHead: (event: LightHeadEvent) => void;
}

export function createLightChain(s: LightState, deps: LightChainDeps): LightChain {
  return {
    headers: headersOf(s, deps),
    proofs: proofsOf(s, deps),
    state: statesOf(s, deps),
    blocks: blocksOf(s, deps),
  };
}

const headersOf = (s: LightState, { now, enqueue, onHead }: LightChainDeps): LightHeaders => ({
  genesis: s.genesis,
  head: () => s.head,
  best: () => bestPath(s).tip,
  import: (headers) => enqueue(() => importHeaders(s, headers, now(), onHead)),
  at: (height) => headerAt(s, height),
  heightOf: (id) => heightOf(s, id),
  after: (ids, max) => queries.headersAfter(s, ids, max),
  locator: () => locator(s),
  refuse: (id, height) => enqueue(() => invalidate(s, id, height, onHead)),
  dropBranch: (id) => enqueue(() => dropBranch(s, id)),
});

const proofsOf = (
  s: LightState,
  { verifyProof, enqueue, onHead }: LightChainDeps,
): LightProofs => ({
  import: (id, proof, body) =>
    enqueue(() => importProof(s, verifyProof, { id, proof, body }, onHead)),
  wanted: () => wantedProofs(s),
  chooseSample: (numbers) =>
    enqueue(async () => {
      await auditDeep(s);
      return chooseSample(s, numbers);
    }),
  of: (id) => proofOf(s, id),
  get checked() {
    return s.checked.size;
  },
});

const statesOf = (s: LightState, { enqueue }: LightChainDeps): LightStates => ({
  after: (id) => stateAfter(s, id),
  rootAfter: (id) => rootAfter(s, id),
  isExecuted: (id) => s.states.get(toHex(id))?.executed !== undefined,
  newestExecuted: () => newestExecuted(s),
  get isWhole() {
    return holdsState(s);
  },
  wanted: () => wantedState(s),
  learn: (id, proof) => enqueue(async () => learnState(s, id, proof)),
  verify: (id, keys, proof) => verifyStateProof(s, id, keys, proof),
  prove: async (id, keys) => queries.proveState(s, id, keys),
  part: async (id, from) => queries.statePart(s, id, from),
  witness: async (id) => queries.witness(s, id),
});

function blocksOf(s: LightState, { enqueue, onHead }: LightChainDeps): LightBlocks {
  const makeTemplate = createTemplates(s.params);
  return {
    body: (id) => bodyOf(s, id),
    execute: (block, witness) =>
      enqueue(async () => {
        const done = await executeAndKeep(s, block, witness, onHead);
        return isFault(done) ? done : undefined;
      }),
    toExecute: (max) => blocksToExecute(s, max),
    executeKept: () => enqueue(() => executeKept(s, onHead)),
    toKeep: (max) => blocksToKeep(s, max),
    parts: (ids) => queries.parts(s, ids),
    history: (address, from, max) => queries.history(s, address, from, max),
    find: (id) => queries.find(s, id),
    templateKeys: () => templateKeys(s),
    template: (wanted) => template(s, makeTemplate, wanted),
  };
}

const bestPath = (s: LightState) =>
  s.paths.reduce((a, b) => (b.tip.header.totalWork > a.tip.header.totalWork ? b : a));

async function importProof(
  s: LightState,
  verifyProof: VerifyProof,
  { id, proof, body }: { id: Uint8Array; proof: Proof; body: Body | undefined },
  onHead: (event: LightHeadEvent) => void,
): Promise<Fault | undefined> {
  const hex = toHex(id);
  if (s.checked.has(hex) && (!body || s.bodies.has(hex))) return undefined;
  const header = await findHeader(s, id);
  if (!header) return fault('wire.unasked', { id: hex });
  if (body && !equal(bodyRoot(body), header.bodyRoot))
    return fault('body.root', { height: header.height });
  const puts = body && !s.bodies.has(hex) ? bodyPuts(id, header.height, body) : [];
  if (!s.checked.has(hex)) {
    const manifest = s.models.get(toHex(header.modelId));
    if (!manifest) return fault('header.model', { modelId: toHex(header.modelId) });
    const wrong = verifyProof(s.params, header, proof, manifest);
    if (wrong) {
      await dropLone(s, id);
      return wrong;
    }
    const checked = { height: header.height, linear: proof.linear };
    puts.push({ key: lightKey.proof(id), value: encode(Proof, proof) });
    puts.push({ key: lightKey.checked(id), value: encode(Checked, checked) });
    await s.store.batch(puts);
    s.checked.set(hex, checked);
  } else await s.store.batch(puts);
  if (body) s.bodies.set(hex, header.height);
  await selectHead(s, onHead);
  return undefined;
}

/** A header that came alone and proved nothing makes room: it cost nothing to make. */
async function dropLone(s: LightState, id: Uint8Array): Promise<void> {
  const path = s.paths.find(({ tip }) => equal(tip.id, id));
  if (path && path.tip.header.height === forkOf(s, path) + 1) await dropBranch(s, id);
}

/** Header of a block whose proof can matter: near a tip, in an audit, or on the head's chain. */
async function findHeader(s: LightState, id: Uint8Array): Promise<Header | undefined> {
  for (const path of s.paths)
    for (const point of path.recent.values()) if (equal(point.id, id)) return point.header;
  for (const path of s.paths) {
    const audited = path.audit?.blocks.find((one) => one.id === toHex(id));
    if (audited) return (await entryAt(s.store, path, audited.height)).header;
  }
  // Of the sample, or one to be kept for others.
  const height = await heightOf(s, id);
  return height === undefined ? undefined : (await entryAt(s.store, s.headPath, height)).header;
}

function wantedProofs(s: LightState): WantedProof[] {
  const wanted = new Map<string, WantedProof>();
  const isChecked = (id: string) => s.checked.has(id);
  const byWork = s.paths
    .filter((path) => path.tip.header.totalWork > s.head.header.totalWork)
    .sort((a, b) => (b.tip.header.totalWork > a.tip.header.totalWork ? 1 : -1))
    .map((path) => unproven(path, forkOf(s, path), isChecked));
  // In turns: a branch that nobody can prove must not keep the others' from being asked for.
  for (let i = 0; byWork.some((list) => i < list.length); i++)
    for (const { id, height } of byWork.flatMap((list) => list[i] ?? []))
      wanted.set(id, { id: fromHex(id, 32)!, height });
  for (const one of s.sample) if (!isChecked(toHex(one.id))) wanted.set(toHex(one.id), one);
  return [...wanted.values()];
}

/** @returns how many blocks are in the sample */
async function chooseSample(s: LightState, random: readonly number[]): Promise<number> {
  const heights = sampleHeights(s.head.header.height, random);
  const sample: Sample = [];
  for (const height of heights)
    sample.push({ height, id: (await entryAt(s.store, s.headPath, height)).id });
  await s.store.batch([{ key: lightKey.sample, value: encode(Sample, sample) }]);
  s.sample = sample;
  return sample.length;
}

/** Ids of the branch with the most work. */
function locator(s: LightState): Promise<Uint8Array[]> {
  const path = bestPath(s);
  return locatorOf(
    path.tip.header.height,
    async (height) => (await entryAt(s.store, path, height)).id,
  );
}

const headerAt = async (s: LightState, height: number): Promise<Header | undefined> =>
  height >= 0 && height <= s.head.header.height
    ? (await entryAt(s.store, s.headPath, height)).header
    : undefined;

async function templateKeys(s: LightState): Promise<Uint8Array[]> {
  const next = s.head.header.height + 1;
  const maturing = await headerAt(s, next - s.params.maturityBlocks);
  return [
    stateKey.coinbase(next - s.params.maturityBlocks > 0 ? next - s.params.maturityBlocks : 0),
    stateKey.settle(next),
    stateKey.expiry(next),
    ...(maturing ? [stateKey.account(maturing.miner)] : []),
  ];
}

function template(
  s: LightState,
  make: MakeTemplate,
  { txs, signatureKnown, ...wanted }: LightTemplateOptions,
): Template | undefined {
  const parent = s.head;
  const tree = stateAfter(s, parent.id);
  const stateRoot = tree ? treeRoot(tree) : rootAfter(s, parent.id);
  if (!stateRoot) return undefined;
  const context = { models: s.models, ...(signatureKnown && { signatureKnown }) };
  return make({ parent, tree, stateRoot, context }, { revision: txs, list: () => txs }, wanted);
}
