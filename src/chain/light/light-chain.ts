/**
 * The chain of a light client: all headers, the newest proofs of work and a random sample of the
 * older ones, state in proven parts. Parts: light-open, light-import (light-headers, light-paths),
 * light-sample, light-state.
 */
import { bodyRoot } from '../../core/tx/body.ts';
import { encode } from '../../core/codec.ts';
import { fault, isFault, type Fault } from '../../core/faults.ts';
import { Header, Proof, type Body, type SignedTx } from '../../core/formats.ts';
import { ZERO_HASH } from '../../core/hash.ts';
import {
  expectedBits,
  genesisPoint,
  templateCore,
  type ChainPoint,
} from '../../core/header/header.ts';
import { stateKey } from '../../core/tree/keys.ts';
import { LOCATOR_MAX } from '../../core/messages.ts';
import { FUTURE_MS_MAX, type Params } from '../../core/params.ts';
import { verifyLight } from '../../core/pow/proof.ts';
import { verifyJob } from '../../core/state.ts';
import { treeRoot, type Tree } from '../../core/tree/tree.ts';
import type { Models } from '../../core/tx/tx.ts';
import { equal, fromHex, toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { SerialQueue } from '../../lib/queue.ts';
import { createListeners } from '../../lib/listeners.ts';
import { chooseBody } from '../shared/choose-body.ts';
import type { Template } from '../full/full-chain.ts';
import type { VerifyProof } from '../full/import.ts';
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
import { beginLight, openLight, type LightState } from './open.ts';
import { unproven } from './paths.ts';
import { Checked, lightKey, Sample } from './records.ts';
import { sampleHeights } from './sample.ts';
import { BLOCKS_KEPT, bodyOf, bodyPuts, heightOf, proofOf } from './blocks.ts';
import { executeAndKeep, executeKept, blocksToExecute, blocksToKeep } from './execute.ts';
import { SEGMENTS_LEFT } from './compact.ts';
import * as queries from './queries.ts';
import {
  holdsState,
  learnState,
  newestExecuted,
  rootAfter,
  STATE_LEAVES_MAX,
  stateAfter,
  verifyStateProof,
  wantedState,
} from './state.ts';
import type { SyncSource } from '../shared/answer.ts';
import type { Store } from '../store/store.ts';

/** Batches and proofs that wait for the one before them. */
const QUEUE_MAX = 512;

export interface LightChainOptions {
  readonly store: Store;
  readonly params: Params;
  /** Manifests of the admitted models by id in hex. */
  readonly models: Models;
  /** ms since 1970. */
  readonly now: () => number;
  /** The light check, core's by default. */
  readonly verifyProof?: VerifyProof;
  /** Uniform in [0, 1), for audits: nobody may know it beforehand. The platform's by default. */
  readonly random?: () => number;
  /** Leaves of a state that is held as a whole. */
  readonly stateLeavesMax?: number;
  /** Newest blocks kept with body and proof. */
  readonly blocksKept?: number;
  /** Pieces in which branches may leave the chain on disk until a start joins them. */
  readonly segmentsLeft?: number;
}

const randomNumber = (): number => crypto.getRandomValues(new Uint32Array(1))[0]! / 2 ** 32;

export interface WantedProof {
  readonly id: Uint8Array;
  readonly height: number;
}

export interface LightTemplateOptions {
  /** Address that is paid. */
  readonly miner: Uint8Array;
  readonly modelId: Uint8Array;
  readonly jobId?: Uint8Array;
  readonly nowMs: number;
  /**
   * Candidates in order; those that the known part of the state refuses or can't judge are left out.
   * The same array again gives the same body: a miner asks before each unit.
   */
  readonly txs: readonly SignedTx[];
  readonly signatureKnown?: (signed: SignedTx) => boolean;
}

export interface LightChain extends SyncSource {
  /** Whether a damaged store was wiped when it was opened. */
  readonly rebuilt: boolean;
  /** undefined until a peer has told of it. */
  genesis(): ChainPoint | undefined;
  /** Goes on from this genesis; another one wipes the store. @returns a fault if it is none of this network */
  openOrReset(genesis: Header): Promise<{ rebuilt: boolean } | Fault>;
  /** Of the branch whose last proofs were checked. undefined before a genesis. */
  head(): ChainPoint | undefined;
  /** Newest header of the branch with the most work, proven or not. */
  bestHeader(): ChainPoint | undefined;
  /** Contiguous, lowest first, at most 512. @throws AppError CHAIN_BUSY, STORE_CORRUPT, and the store's */
  importHeaders(headers: readonly Header[]): Promise<HeadersImported | Fault>;
  /** `body` is kept with it, so that both can be given to others. */
  importProof(id: Uint8Array, proof: Proof, body?: Body): Promise<Fault | undefined>;
  /**
   * Blocks above the newest whole state whose bodies are missing, lowest first; none when they are too
   * many to be had. Their proofs and bodies go to `importProof`, then `executeKept` goes on.
   */
  blocksToExecute(max: number): Promise<WantedProof[]>;
  /** The newest blocks that are not kept whole, newest first: others will ask for them. */
  blocksToKeep(max: number): Promise<WantedProof[]>;
  /** Executes kept blocks above the newest whole state. @returns how many, at most 16 */
  executeKept(): Promise<number>;
  /** Proofs to ask for: of branches with more work than the head, then of the sample. */
  wantedProofs(): WantedProof[];
  /** Chooses the older blocks to check: numbers in [0, 1), drawn after the headers were synced. */
  chooseSample(random: readonly number[]): Promise<number>;
  /** A block that only its model shows to be forged leaves the chain, as one that fails execution does. */
  refuse(id: Uint8Array, height: number): Promise<void>;
  /** Gives up a branch, by its tip, that nobody can prove. */
  dropBranch(tipId: Uint8Array): Promise<void>;
  /** Of the branch with the most work. While headers come, put the last one's id before it: the peer may be on another. */
  locator(): Promise<Uint8Array[]>;
  proof(id: Uint8Array): Promise<Proof | undefined>;
  /** A kept body. */
  body(id: Uint8Array): Promise<Body | undefined>;
  /** Height of a block of the head's chain. */
  heightOf(id: Uint8Array): Promise<number | undefined>;
  readonly proofsChecked: number;
  /**
   * Executes a block on what is known of the state before it and on its witness, if one is given; the
   * state after it is then known. A block that fails leaves the chain.
   */
  executeOn(
    block: { header: Header; body: Body },
    witness: Uint8Array | undefined,
  ): Promise<Fault | undefined>;
  /** Whether the state after a block follows from executing it here. */
  isExecuted(id: Uint8Array): boolean;
  /** What is known of the state after a block: leaves that nobody opened yet are behind stubs. */
  stateAfter(id: Uint8Array): Tree | undefined;
  /** The whole state after the head is here. */
  readonly holdsState: boolean;
  /** Part of the state to ask for next; undefined when it is whole, or too much to hold. */
  wantedState(): { readonly block: Uint8Array; readonly from: Uint8Array } | undefined;
  /** Joins a part or any proof to what is known after that block. @throws AppError ROOT_UNKNOWN */
  learnState(id: Uint8Array, proof: Uint8Array): Promise<Fault | undefined>;
  /** Newest block of the head's chain that was executed here; undefined when none of the newest was. */
  newestExecuted(): Header | undefined;
  /** Root of the state after a block, if it is known. */
  rootAfter(id: Uint8Array): Uint8Array | undefined;
  /** @throws AppError ROOT_UNKNOWN */
  verifyStateProof(
    id: Uint8Array,
    keys: readonly Uint8Array[],
    proof: Uint8Array,
  ): (Uint8Array | undefined)[] | Fault;
  /** Keys that every template reads after the head, but for what its lists lead to. */
  templateKeys(): Promise<Uint8Array[]>;
  /** undefined while the state after the head is not known. */
  template(options: LightTemplateOptions): Template | undefined;
  subscribe(listener: (event: LightHeadEvent) => void): () => void;
  close(): Promise<void>;
}

/** @throws AppError STORE_FOREIGN, and the store's */
export async function createLightChain(options: LightChainOptions): Promise<LightChain> {
  const { store, params, models, now, random = randomNumber } = options;
  const verifyProof = options.verifyProof ?? verifyLight;
  const { emit, subscribe } = createListeners<LightHeadEvent>();
  const queue = new SerialQueue(QUEUE_MAX, 'CHAIN_BUSY');
  const enqueue = <T>(task: () => Promise<T>): Promise<T> => queue.run(task);
  const { stateLeavesMax = STATE_LEAVES_MAX, blocksKept = BLOCKS_KEPT } = options;
  const { segmentsLeft = SEGMENTS_LEFT } = options;
  const tools = { store, params, models, random, stateLeavesMax, blocksKept, segmentsLeft };
  const opened = await openLight(tools);
  const bodies: Bodies = new WeakMap();
  let s = opened.state;
  // A kill may have come between the last proof and the head that it proved.
  if (s) await selectHead(s, emit);
  const need = (): LightState => {
    if (!s) throw new AppError('NO_GENESIS', 'No peer has told of this network’s first block yet.');
    return s;
  };

  return {
    rebuilt: opened.rebuilt,
    genesis: () => s?.genesis,
    openOrReset: (header) =>
      enqueue(async () => {
        const genesis = genesisPoint(params, header.time);
        if (!equal(encode(Header, genesis.header), encode(Header, header)))
          return fault('header.version', { problem: 'not a genesis of this network' });
        if (header.time > now() + FUTURE_MS_MAX) return fault('header.time-future');
        if (s && equal(s.genesis.id, genesis.id)) return { rebuilt: false };
        const rebuilt = s !== undefined;
        s = await beginLight(tools, genesis);
        return { rebuilt };
      }),
    head: () => s?.head,
    bestHeader: () => s && bestPath(s).tip,
    importHeaders: (headers) => enqueue(() => importHeaders(need(), headers, now(), emit)),
    importProof: (id, proof, body) =>
      enqueue(() => importProof(need(), verifyProof, { id, proof, body }, emit)),
    blocksToExecute: async (max) => (s ? blocksToExecute(s, max) : []),
    blocksToKeep: async (max) => (s ? blocksToKeep(s, max) : []),
    executeKept: () => enqueue(() => executeKept(need(), emit)),
    wantedProofs: () => (s ? wantedProofs(s) : []),
    chooseSample: (numbers) =>
      enqueue(async () => {
        await auditDeep(need());
        return chooseSample(need(), numbers);
      }),
    refuse: (id, height) => enqueue(() => invalidate(need(), id, height, emit)),
    dropBranch: (id) => enqueue(() => dropBranch(need(), id)),
    locator: async () => (s ? locator(s) : []),
    header: async (height) => (s ? headerAt(s, height) : undefined),
    proof: async (id) => s && proofOf(s, id),
    body: async (id) => s && bodyOf(s, id),
    heightOf: async (id) => s && heightOf(s, id),
    headersAfter: async (ids, max) => (s ? queries.headersAfter(s, ids, max) : []),
    parts: async (ids) => (s ? queries.parts(s, ids) : []),
    proveState: async (id, keys) => s && queries.proveState(s, id, keys),
    statePart: async (id, from) => s && queries.statePart(s, id, from),
    witness: async (id) => s && queries.witness(s, id),
    history: async (address, from, max) => (s ? queries.history(s, address, from, max) : []),
    find: async (id) => (s ? queries.find(s, id) : []),
    get proofsChecked() {
      return s?.checked.size ?? 0;
    },
    executeOn: (block, witness) =>
      enqueue(async () => {
        const done = await executeAndKeep(need(), block, witness, emit);
        return isFault(done) ? done : undefined;
      }),
    isExecuted: (id) => s?.states.get(toHex(id))?.executed !== undefined,
    stateAfter: (id) => s && stateAfter(s, id),
    get holdsState() {
      return s !== undefined && holdsState(s);
    },
    wantedState: () => s && wantedState(s),
    learnState: (id, proof) => enqueue(async () => learnState(need(), id, proof)),
    newestExecuted: () => s && newestExecuted(s),
    rootAfter: (id) => (s ? rootAfter(s, id) : undefined),
    verifyStateProof: (id, keys, proof) => verifyStateProof(need(), id, keys, proof),
    templateKeys: () => templateKeys(need()),
    template: (wanted) => (s ? template(s, bodies, wanted) : undefined),
    subscribe,
    close: () => enqueue(() => store.close()),
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

/** Ids of a branch: the newest ten, then ever wider apart, genesis last. */
async function locator(s: LightState): Promise<Uint8Array[]> {
  const path = bestPath(s);
  const ids: Uint8Array[] = [];
  for (let height = path.tip.header.height, step = 1; height > 0; height -= step) {
    if (ids.length >= 10) step *= 2;
    if (ids.length < LOCATOR_MAX - 1) ids.push((await entryAt(s.store, path, height)).id);
  }
  return [...ids, s.genesis.id];
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

/** The body last chosen of some candidates, by what else it depends on. */
type Bodies = WeakMap<readonly SignedTx[], ReadonlyMap<string, Body>>;

function template(
  s: LightState,
  bodies: Bodies,
  { miner, modelId, jobId: wanted, nowMs, txs, signatureKnown }: LightTemplateOptions,
): Template | undefined {
  const parent = s.head;
  const tree = stateAfter(s, parent.id);
  const stateRoot = tree ? treeRoot(tree) : rootAfter(s, parent.id);
  if (!stateRoot) return undefined;
  const timeMs = Math.max(nowMs, parent.header.time + 1);
  const height = parent.header.height + 1;
  const bits = expectedBits(s.params, parent, timeMs);
  const open = tree && wanted && !verifyJob(tree, { height, modelId, jobId: wanted });
  const jobId = open ? wanted : ZERO_HASH;
  const key = [...[parent.id, modelId, jobId].map(toHex), bits].join();
  let body = tree ? bodies.get(txs)?.get(key) : [];
  if (!body) {
    const context = { models: s.models, ...(signatureKnown && { signatureKnown }) };
    const header = { height, miner, bits, modelId, jobId };
    bodies.set(txs, new Map([[key, (body = chooseBody(s.params, context, tree!, header, txs))]]));
  }
  const fields = { timeMs, miner, modelId, jobId, bodyRoot: bodyRoot(body), stateRoot };
  return { core: templateCore(s.params, parent, fields), body };
}
