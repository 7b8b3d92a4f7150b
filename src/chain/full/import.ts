/**
 * Importing blocks into a full chain: one at a time, checked from cheap to costly, written in one
 * batch. Branches are stored unexecuted until one has the most work; a block whose execution or
 * replay fails is remembered, with all that builds on it.
 */
import { decode } from '../../core/codec.ts';
import { verifyBody } from '../../core/tx/body.ts';
import { blames, fault, type Fault, type FaultCode } from '../../core/faults.ts';
import { Body, Proof, type Header, type SignedTx } from '../../core/formats.ts';
import { blockId, extendPoint, verifyHeader, type ChainPoint } from '../../core/header/header.ts';
import type { Block } from '../../core/messages.ts';
import { txId } from '../../core/tx/tx.ts';
import { toHex } from '../../lib/bytes.ts';
import { assert } from '../../lib/errors.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { Batch, connect, deleteBlock, disconnect, prune, putBlock } from './commit.ts';
import { connectBranch, type Checks, type Joined } from './connect.ts';
import { keepTree, pruneTrees, readUndo, type FullState } from './state.ts';
import { pruneBlocks } from './prune.ts';
import { recordKey } from './records.ts';
import type { HeadChange } from '../shared/mempool.ts';
import type { VerifyProof } from '../shared/verify-proof.ts';

/** Ids of invalid blocks remembered. Each cost a proof of work or a peer its standing. */
const INVALID_MAX = 4096;
/**
 * Blocks stored at one height. Far below the head a proof of work can be cheap, for a branch that
 * starts late is an easy one: those with the least work make room.
 */
export const BLOCKS_PER_HEIGHT_MAX = 8;

export type ImportStatus =
  | 'extended'
  | 'side'
  | 'reorganised'
  | 'known'
  /** Its parent is not here: what lies between is to be asked for. */
  | 'orphan'
  /** Its height has as many blocks as are stored, all with more work: it is dropped. */
  | 'crowded';

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
  readonly #foreseen = new WeakMap<Block, { readonly wrong: Fault | undefined }>();

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
    if (!parent || !body.length || index.get(blockId(header)) || !roomAt(this.#state, header))
      return;
    const wrong = checkAlone(this.#state, this.#deps, parent, block);
    this.#foreseen.set(block, { wrong });
    if (!wrong) {
      void this.#deps.checks.signatures.begin(header.bodyRoot, body);
    }
  }

  /** One at a time. @throws AppError of the store; the chain is then as before */
  async importBlock(block: Block): Promise<Imported | Fault> {
    const state = this.#state;
    const { header } = block;
    const id = blockId(header);
    const foreseen = this.#foreseen.get(block);
    // Only for this turn: the clock goes on.
    this.#foreseen.delete(block);
    if (await isKnown(state, id)) return { status: 'known', reverted: 0 };
    const cause = this.#invalid.get(toHex(id)) ?? this.#invalid.get(toHex(header.prevHash));
    if (cause) {
      this.#invalid.set(toHex(id), cause);
      return fault('header.known-invalid', { id: toHex(id), cause });
    }

    const parent = state.index.get(header.prevHash);
    if (!parent) return { status: 'orphan', reverted: 0 };
    const hasRoom = roomAt(state, header);
    if (!hasRoom) return { status: 'crowded', reverted: 0 };
    const wrong = foreseen ? foreseen.wrong : checkAlone(state, this.#deps, parent, block);
    if (wrong) return wrong;
    if (hasRoom !== true) await remove(state, [hasRoom]);

    const point = extendPoint(state.params, parent, header);
    if (header.totalWork > state.head.header.totalWork) return this.#adopt(point, block);
    await storeSide(state, point, block);
    return { status: 'side', reverted: 0 };
  }

  /** Executes a branch that has the most work now, up to its new end. */
  async #adopt(point: ChainPoint, block: Block): Promise<Imported | Fault> {
    const state = this.#state;
    const parent = state.index.get(point.header.prevHash)!;
    const branch = [...state.index.branchTo(parent), point];
    const parts = (at: ChainPoint) =>
      at === point ? Promise.resolve(block) : readParts(state, at);

    const batch = new Batch();
    putBlock(batch, point, block.body, block.proof);
    const reverted = await revertTo(batch, state, branch[0]!.header.height - 1);
    const { joined, invalid } = await connectBranch(
      state,
      this.#deps.checks,
      { points: branch, parts },
      (connected) => connect(batch, connected),
    );
    if (!invalid) return this.#commit(batch, reverted, joined);

    const { point: bad, fault: why } = invalid;
    if (blames(why) !== 'block') return why;
    const gone = await remove(state, branch.slice(branch.indexOf(bad)));
    for (const id of gone) this.#invalid.set(id, why.fault);
    return bad === point ? why : fault('header.known-invalid', { cause: why.fault });
  }

  /** Makes a branch the end of the main chain: in the store, in memory, and to who listens. */
  async #commit(
    batch: Batch,
    reverted: readonly Reverted[],
    joined: readonly Joined[],
  ): Promise<Imported> {
    const state = this.#state;
    const { point, totals } = joined.at(-1)!;
    const { height } = point.header;
    const old = prune(batch, state, height);
    const pruned = await pruneBlocks(batch, state, height);
    await state.store.batch(batch.puts());

    // From here on nothing waits: readers see the old head or the new one.
    const adopted = joined.map((one) => one.point);
    state.index.add(point);
    state.index.setMain(adopted);
    for (const one of old) state.index.remove(one);
    state.moveTo({ head: point, totals, pruned });
    for (const one of joined) keepTree(state, one.point, one.tree);
    pruneTrees(state);

    const left = reverted.map((r) => r.point);
    const event: HeadEvent = { type: 'head', point, reverted: left, adopted };
    this.#deps.onHead(event, headChange(batch, reverted));
    return { status: left.length ? 'reorganised' : 'extended', reverted: left.length };
  }
}

const isKnown = async (state: FullState, id: Uint8Array): Promise<boolean> =>
  state.index.get(id) !== undefined || (await state.store.get(recordKey.header(id))) !== undefined;

/** Whether a block may be stored at its height, or the one that makes room for it. */
function roomAt(state: FullState, { height, totalWork }: Header): boolean | ChainPoint {
  const here = state.index.at(height);
  if (here.length < BLOCKS_PER_HEIGHT_MAX) return true;
  const others = here.filter((point) => !state.index.isMain(point));
  const least = others.reduce((a, b) => (b.header.totalWork < a.header.totalWork ? b : a));
  return least.header.totalWork < totalWork && least;
}

/** Checks that need no state: header rules, light check, body. A failure here marks no id invalid. */
function checkAlone(
  state: FullState,
  { now, verifyProof }: ImportDeps,
  parent: ChainPoint,
  { header, body, proof }: Block,
): Fault | undefined {
  const wrongHeader = verifyHeader(state.params, parent, header, now());
  if (wrongHeader) return wrongHeader;
  const manifest = state.models.get(toHex(header.modelId));
  assert(manifest, 'the manifest of an admitted model is known');
  return (
    verifyProof(state.params, header, proof, manifest) ??
    verifyBody(state.params.rules, { header, body })
  );
}

async function storeSide(
  state: FullState,
  point: ChainPoint,
  { body, proof }: Block,
): Promise<void> {
  const batch = new Batch();
  putBlock(batch, point, body, proof);
  await state.store.batch(batch.puts());
  state.index.add(point);
}

async function readParts(
  state: FullState,
  { id }: ChainPoint,
): Promise<{ body: Body; proof: Proof }> {
  const [body, proof] = await Promise.all([
    state.store.get(recordKey.body(id)),
    state.store.get(recordKey.proof(id)),
  ]);
  assert(body && proof, `block ${toHex(id)} of the window is stored whole`);
  return { body: decode(Body, body), proof: decode(Proof, proof) };
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
  for (const point of gone.values()) if (state.index.get(point.id)) state.index.remove(point);
  return [...gone.keys()];
}

interface Reverted {
  readonly point: ChainPoint;
  readonly body: Body;
}

/** Takes the main chain's blocks above that height out of it. @returns them, the head first */
async function revertTo(batch: Batch, state: FullState, height: number): Promise<Reverted[]> {
  const reverted: Reverted[] = [];
  for (let at = state.head.header.height; at > height; at--) {
    const point = state.index.mainAt(at);
    const undo = point && (await readUndo(state, point.id));
    assert(point && undo, 'a main-chain block of the window can be undone');
    const { body } = await readParts(state, point);
    disconnect(batch, point, body, undo);
    reverted.push({ point, body });
  }
  return reverted;
}

/**
 * The batch holds what it asks for: places of transactions, and leaves. A long reorganisation has too many to list
 * them again.
 */
function headChange(batch: Batch, reverted: readonly Reverted[]): HeadChange {
  const confirmed = { has: (id: string) => batch.get(recordKey.tx(id)) !== undefined };
  const changed = { has: (key: string) => batch.has(recordKey.leaf(key)) };
  const back: SignedTx[] = reverted
    .toReversed()
    .flatMap((r) => r.body)
    .filter((signed) => !confirmed.has(toHex(txId(signed.tx))));
  return { reverted: back, confirmed, changed };
}
