/**
 * Importing blocks into a full chain: one at a time, checked from cheap to costly, written in one
 * batch. Branches are stored unexecuted until the fork choice names one; a block whose execution or
 * replay fails is remembered, with all that builds on it.
 */
import { decode, encode, u32 } from '../../core/codec.ts';
import { verifyBody } from '../../core/tx/body.ts';
import { blames, fault, isFault, type Fault, type FaultCode } from '../../core/faults.ts';
import { Body, Proof, type Header, type SignedTx } from '../../core/formats.ts';
import { chooseRival, type Rival } from '../../core/header/fork-choice.ts';
import {
  blockId,
  extendPoint,
  msUntilTimely,
  verifyHeader,
  type ChainPoint,
} from '../../core/header/header.ts';
import { modelAt } from '../../core/header/tables.ts';
import type { Block } from '../../core/messages.ts';
import { txId } from '../../core/tx/tx.ts';
import { toHex } from '../../lib/bytes.ts';
import { assert } from '../../lib/errors.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import {
  Batch,
  connect,
  deleteBlock,
  disconnect,
  leaveWindow,
  prune,
  putBlock,
  willBeMain,
} from './commit.ts';
import { connectBranch, type Checks, type Joined } from './connect.ts';
import { isMainAt, keepTree, pruneTrees, readUndo, type FullState } from './state.ts';
import { pruneBlocks } from './prune.ts';
import { recordKey, WINDOW } from './records.ts';
import type { Followed, Unfollowed } from './follow.ts';
import { MainEntry } from '../store/records.ts';
import { tipOf } from '../shared/branch-tip.ts';
import type { HeadChange } from '../shared/mempool.ts';
import type { VerifyProof } from '../shared/verify-proof.ts';

/** Ids of invalid blocks remembered. Each cost a proof of work or a peer its standing. */
const INVALID_MAX = 4096;
export type ImportStatus =
  | 'extended'
  | 'side'
  | 'reorganised'
  | 'known'
  /** Its parent is not here: what lies between is to be asked for. */
  | 'orphan'
  /** It is right but for its time, which has not come: it may be tried again then. */
  | 'early';

export interface Imported {
  readonly status: ImportStatus;
  /** Blocks that left the main chain. */
  readonly reverted: number;
}

export interface HeadEvent {
  readonly type: 'head';
  readonly point: ChainPoint;
  /** Highest first. */
  readonly reverted: readonly ChainPoint[];
  /** Lowest first; the last is the head. */
  readonly adopted: readonly ChainPoint[];
}

export interface ImportDeps {
  readonly now: () => number;
  readonly verifyProof: VerifyProof;
  readonly checks: Checks;
  /** Called in the same turn in which the memory moves to the new head; the batch is written then. */
  readonly onHead: (event: HeadEvent, change: HeadChange) => void;
}

export class Importer {
  readonly #state: FullState;
  readonly #deps: ImportDeps;
  /** Why a block is invalid, by its id in hex. */
  readonly #invalid = new BoundedMap<string, FaultCode>(INVALID_MAX);

  /** What the checks that need no state found, until the block's turn comes. */
  readonly #foreseen = new WeakMap<Block, Fault | 'early' | undefined>();

  constructor(state: FullState, deps: ImportDeps) {
    this.#state = state;
    this.#deps = deps;
  }

  /**
   * Begins what needs no turn of its own: the checks that need no state, and on other cores the signatures of a
   * block that passes them. It is a proof of work that pays for these.
   */
  foresee(block: Block): void {
    const { index } = this.#state;
    const { header, body } = block;
    const parent = index.get(header.prevHash);
    if (!parent || !body.transactions.length || index.get(blockId(header))) return;
    const verdict = checkAlone(this.#state, this.#deps, parent, block);
    this.#foreseen.set(block, verdict);
    if (!verdict) {
      void this.#deps.checks.signatures.begin(header.bodyRoot, body);
    }
  }

  /** One at a time. @throws AppError of the store; the chain is then as before */
  async importBlock(block: Block): Promise<Imported | Fault> {
    const state = this.#state;
    const { header } = block;
    const id = blockId(header);
    const isForeseen = this.#foreseen.has(block);
    const foreseen = this.#foreseen.get(block);
    // Only for this turn: the clock goes on.
    this.#foreseen.delete(block);
    if (await isKnown(state, header, id)) return { status: 'known', reverted: 0 };
    const cause = this.#invalid.get(toHex(id)) ?? this.#invalid.get(toHex(header.prevHash));
    if (cause) {
      this.#invalid.set(toHex(id), cause);
      return fault('header.known-invalid', { id: toHex(id), cause });
    }

    const parent = state.index.get(header.prevHash);
    if (!parent || !state.canUndoTo(forkBelow(state, parent)))
      return { status: 'orphan', reverted: 0 };
    const verdict = isForeseen ? foreseen : checkAlone(state, this.#deps, parent, block);
    if (verdict === 'early') return { status: 'early', reverted: 0 };
    if (verdict) return verdict;

    const point = extendPoint(state.params, parent, header);
    const branch = [...state.index.branchTo(parent), point];
    if (!chooseRival(state.measure.tip, [rivalOf(state, branch)])) {
      await storeSide(state, point, block);
      return { status: 'side', reverted: 0 };
    }
    const done = await this.#adopt(branch, block);
    if (isFault(done)) return done;
    // The head may be a lighter one now than the one that others were measured by.
    return (await this.#reconsider()) ?? done;
  }

  /** Changes to what the fork choice names among the branches that are here. @returns undefined where it is the head */
  async #reconsider(): Promise<Imported | undefined> {
    const state = this.#state;
    let last: Imported | undefined;
    for (;;) {
      const { head, index } = state;
      const rivals = [...index.tips()]
        .filter(({ header }) => header.totalWork > head.header.totalWork)
        .map((tip) => rivalOf(state, index.branchTo(tip)));
      const best = chooseRival(state.measure.tip, rivals);
      if (!best) return last;
      const done = await this.#adopt(best.branch, undefined);
      // What was found false has left the index.
      if (isFault(done)) continue;
      last = done;
    }
  }

  /** Executes a branch that is the head's now, up to its end. @param block its last one, where it is not stored yet */
  async #adopt(branch: readonly ChainPoint[], block: Block | undefined): Promise<Imported | Fault> {
    const state = this.#state;
    const point = branch.at(-1)!;
    const parts = (at: ChainPoint) =>
      block && at === point ? Promise.resolve(block) : readParts(state, at);

    const batch = new Batch();
    if (block) putBlock(batch, point, block.body, block.proof);
    const reverted = await revertTo(batch, state, branch[0]!.header.height - 1);
    const { joined, invalid } = await connectBranch(
      state,
      this.#deps.checks,
      { points: branch, parts },
      (connected) => connect(batch, state.params.genesis.id, connected),
    );
    const adopted = branch;
    if (!invalid)
      return this.#commit(batch, reverted, { joined, adopted, strangers: [], below: [] });

    const { point: bad, fault: why } = invalid;
    if (blames(why) !== 'block') return why;
    const gone = await remove(state, branch.slice(branch.indexOf(bad)));
    for (const id of gone) this.#invalid.set(id, why.fault);
    return bad === point ? why : fault('header.known-invalid', { cause: why.fault });
  }

  /** Makes a branch the chain that was executed apart from it; nothing where the chain has changed too far meanwhile. */
  async takeOver(followed: Followed): Promise<Imported | Unfollowed> {
    const { fork, below, newest, joined, batch: joins } = followed;
    const state = this.#state;
    const { id, header } = fork;
    const tip = newest.at(-1)!;
    if (!(await isMainAt(state, header.height, id))) return 'busy';
    const depth = state.head.header.height - header.height;
    const rival = { tip: tipOf(state.params, tip.header), depth };
    if (!chooseRival(state.measure.tip, [rival])) return 'light';

    const batch = new Batch();
    const reverted = await revertTo(batch, state, header.height);
    for (const { key, value } of joins.puts()) batch.set(key, value);
    // Its lower end has become the chain meanwhile: to undo that would take away what lies under its blocks' ids.
    if (reverted.some(({ point }) => willBeMain(batch, state.index, point))) return 'busy';
    // Where the fork lies below the old window or the new one, no branch of the old one starts at the new chain.
    const isApart = !state.index.get(id) || header.height < tip.header.height - WINDOW;
    const strangers = isApart ? state.index.all() : [];
    for (const point of strangers) leaveWindow(batch, state.index, point);
    for (const point of newest)
      batch.set(recordKey.recent(point.header.height, point.id), encode(u32, 0));
    return this.#commit(batch, reverted, { joined, adopted: newest, strangers, below });
  }

  isInvalid = (id: Uint8Array): boolean => this.#invalid.has(toHex(id));

  noteInvalid = (id: Uint8Array, { fault: code }: Fault): void =>
    void this.#invalid.set(toHex(id), code);

  checkAlone = (parent: ChainPoint, block: Block): Fault | 'early' | undefined =>
    checkAlone(this.#state, this.#deps, parent, block);

  /** Makes a branch the end of the main chain: in the store, in memory, and to who listens. */
  async #commit(
    batch: Batch,
    reverted: readonly Reverted[],
    { joined, adopted, strangers, below }: Joining,
  ): Promise<Imported> {
    const state = this.#state;
    const { point, totals } = joined.at(-1)!;
    const { height } = point.header;
    const old = await prune(batch, state, height);
    const pruned = await pruneBlocks(batch, state, height);
    await state.store.batch(batch.puts());

    // From here on nothing waits: readers see the old head or the new one.
    for (const one of strangers) {
      state.index.remove(one);
      state.sides.delete(one);
    }
    for (const one of [...below, ...adopted]) {
      state.index.add(one);
      state.sides.delete(one);
    }
    state.index.setMain([...below, ...adopted]);
    for (const one of reverted)
      if (state.index.get(one.point.id)) state.sides.add(one.point, one.bytes);
    for (const one of old) {
      state.index.remove(one);
      state.sides.delete(one);
    }
    state.moveTo({ head: point, totals, pruned });
    for (const one of joined) keepTree(state, one.point, one.tree);
    pruneTrees(state);

    const left = reverted.map((r) => r.point);
    const event: HeadEvent = { type: 'head', point, reverted: left, adopted };
    this.#deps.onHead(event, headChange(batch, state.params.genesis.id, reverted));
    return { status: left.length ? 'reorganised' : 'extended', reverted: left.length };
  }
}

/** What becomes the end of the main chain. */
interface Joining {
  /** The newest, with the trees after them. */
  readonly joined: readonly Joined[];
  /** All of the window, lowest first. */
  readonly adopted: readonly ChainPoint[];
  /** Points that have no place beside the new chain. */
  readonly strangers: readonly ChainPoint[];
  /** Points of the chain below these that the window has now, and perhaps had not before; lowest first. */
  readonly below: readonly ChainPoint[];
}

/** What else lies in the store is of a branch that is being executed apart, or was when the process ended. */
async function isKnown(state: FullState, { height }: Header, id: Uint8Array): Promise<boolean> {
  return state.index.get(id) !== undefined || (await isMainAt(state, height, id));
}

/** Height of the main chain's block on which the branch stands that ends with this one. */
const forkBelow = ({ index }: FullState, point: ChainPoint): number =>
  (index.branchTo(point)[0]?.header.height ?? point.header.height + 1) - 1;

/** A branch as the fork choice sees it. @param branch lowest first, its parent on the main chain */
const rivalOf = (
  { params, head }: FullState,
  branch: readonly ChainPoint[],
): Rival & { readonly branch: readonly ChainPoint[] } => ({
  branch,
  tip: tipOf(params, branch.at(-1)!.header),
  depth: head.header.height - branch[0]!.header.height + 1,
});

/**
 * Checks that need no state: header rules, light check, body. A failure here marks no id invalid. `early`: nothing is
 * wrong but that its time has not come.
 */
function checkAlone(
  state: FullState,
  { now, verifyProof }: ImportDeps,
  parent: ChainPoint,
  { header, body, proof }: Block,
): Fault | 'early' | undefined {
  const nowMs = now();
  const waitMs = msUntilTimely(state.params, header, nowMs);
  const wrongHeader = verifyHeader(state.params, parent, header, waitMs ? header.time : nowMs);
  if (wrongHeader) return wrongHeader;
  const model = modelAt(state.params, header.model, header.height);
  const manifest = model === undefined ? undefined : state.models.get(model);
  assert(manifest, 'the manifest of an admitted model is known');
  return (
    verifyProof(state.params, header, proof, manifest) ??
    verifyBody(state.params.rules, { header, body }) ??
    (waitMs ? 'early' : undefined)
  );
}

async function storeSide(
  state: FullState,
  point: ChainPoint,
  { body, proof }: Block,
): Promise<void> {
  const { index, sides, store } = state;
  const batch = new Batch();
  const bytes = putBlock(batch, point, body, proof);
  index.add(point);
  sides.add(point, bytes);
  for (const gone of sides.makeRoom(index, point)) deleteBlock(batch, gone);
  await store.batch(batch.puts());
}

async function readParts(
  state: FullState,
  { id }: Pick<ChainPoint, 'id'>,
): Promise<{ body: Body; proof: Proof; bytes: number }> {
  const [body, proof] = await Promise.all([
    state.store.get(recordKey.body(id)),
    state.store.get(recordKey.proof(id)),
  ]);
  assert(body && proof, `block ${toHex(id)} of the window is stored whole`);
  return {
    body: decode(Body, body),
    proof: decode(Proof, proof),
    bytes: body.length + proof.length,
  };
}

/** Forgets blocks and every stored one that builds on them. @returns their ids in hex */
async function remove(state: FullState, branch: readonly ChainPoint[]): Promise<string[]> {
  const gone = new Map(branch.map((point) => [toHex(point.id), point]));
  const lowest = branch[0]!.header.height;
  for (let height = lowest + 1, some = true; some; height++) {
    const here = state.index.at(height);
    for (const point of here)
      if (gone.has(toHex(point.header.prevHash))) gone.set(toHex(point.id), point);
    some = here.length > 0;
  }
  const batch = new Batch();
  for (const point of gone.values()) if (state.index.get(point.id)) deleteBlock(batch, point);
  await state.store.batch(batch.puts());
  for (const point of gone.values()) {
    if (state.index.get(point.id)) state.index.remove(point);
    state.sides.delete(point);
  }
  return [...gone.keys()];
}

interface Reverted {
  readonly point: ChainPoint;
  readonly body: Body;
  /** Of body and proof. */
  readonly bytes: number;
}

/** What is left of a pruned block: its transactions' places went with its body. */
const NO_PARTS = { body: { transactions: [], shares: [], votes: [] }, bytes: 0 };

async function readMain({ store }: FullState, height: number): Promise<MainEntry> {
  const data = await store.get(recordKey.main(height));
  assert(data, 'the main chain has every height');
  return decode(MainEntry, data);
}

/** Takes the main chain's blocks above that height out of it. @returns them, the head first */
async function revertTo(batch: Batch, state: FullState, height: number): Promise<Reverted[]> {
  const reverted: Reverted[] = [];
  for (let at = state.head.header.height; at > height; at--) {
    const point = state.index.mainAt(at);
    const entry = point ?? (await readMain(state, at));
    const undo = await readUndo(state, entry.id);
    assert(undo, 'a main-chain block above the fork can be undone');
    const isWhole = at >= state.pruned;
    const { body, bytes } = isWhole ? await readParts(state, entry) : NO_PARTS;
    disconnect(batch, state.params.genesis.id, { point: entry, body, undo });
    if (point) reverted.push({ point, body, bytes });
    else deleteBlock(batch, entry);
  }
  return reverted;
}

/**
 * The batch holds what it asks for: places of transactions, and leaves. A long reorganisation has too many to list
 * them again.
 */
function headChange(batch: Batch, genesis: Uint8Array, reverted: readonly Reverted[]): HeadChange {
  const confirmed = { has: (id: string) => batch.get(recordKey.tx(id)) !== undefined };
  const changed = { has: (key: string) => batch.has(recordKey.leaf(key)) };
  const back: SignedTx[] = reverted
    .toReversed()
    .flatMap((r) => r.body.transactions)
    .filter((signed) => !confirmed.has(toHex(txId(genesis, signed.tx))));
  return { reverted: back, confirmed, changed };
}
