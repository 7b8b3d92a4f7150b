/**
 * Importing blocks into a full chain: one at a time, checked from cheap to dear, written in one
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
import { connectBranch, type Checks, type Connected } from './connect.ts';
import { keepTree, pruneTrees, readUndo, type FullState } from './state.ts';
import { pruneBlocks } from './prune.ts';
import { recordKey, type Undo } from './records.ts';
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

export interface ImportTools {
  readonly now: () => number;
  readonly verifyProof: VerifyProof;
  readonly checks: Checks;
  /** After the batch is written and the memory is at the new head. */
  readonly onHead: (event: HeadEvent, change: HeadChange) => void;
}

/** @throws AppError of the store; the chain is then as before */
export function createImporter(
  s: FullState,
  tools: ImportTools,
): (block: Block) => Promise<Imported | Fault> {
  const invalid = new BoundedMap<string, FaultCode>(INVALID_MAX);

  return async (block) => {
    const { header } = block;
    const id = blockId(header);
    if (await isKnown(s, id)) return { status: 'known', reverted: 0 };
    const cause = invalid.get(toHex(id)) ?? invalid.get(toHex(header.prevHash));
    if (cause) {
      invalid.set(toHex(id), cause);
      return fault('header.known-invalid', { id: toHex(id), cause });
    }
    const parent = s.index.get(header.prevHash);
    if (!parent) return { status: 'orphan', reverted: 0 };
    const hasRoom = roomAt(s, header);
    if (!hasRoom) return { status: 'crowded', reverted: 0 };
    const wrong = checkAlone(s, tools, parent, block);
    if (wrong) return wrong;
    if (hasRoom !== true) await remove(s, [hasRoom]);
    const point = extendPoint(s.params, parent, header);
    if (header.totalWork <= s.head.header.totalWork) {
      await storeSide(s, point, block);
      return { status: 'side', reverted: 0 };
    }
    return adopt(s, tools, invalid, point, block);
  };
}

const isKnown = async (s: FullState, id: Uint8Array): Promise<boolean> =>
  s.index.get(id) !== undefined || (await s.store.get(recordKey.header(id))) !== undefined;

/** Whether a block may be stored at its height, or the one that makes room for it. */
function roomAt(s: FullState, { height, totalWork }: Header): boolean | ChainPoint {
  const here = s.index.at(height);
  if (here.length < BLOCKS_PER_HEIGHT_MAX) return true;
  const others = here.filter((point) => !s.index.isMain(point));
  const least = others.reduce((a, b) => (b.header.totalWork < a.header.totalWork ? b : a));
  return least.header.totalWork < totalWork && least;
}

/** What needs no state: header rules, light check, body. Whatever fails here marks no id invalid. */
function checkAlone(
  s: FullState,
  { now, verifyProof }: ImportTools,
  parent: ChainPoint,
  { header, body, proof }: Block,
): Fault | undefined {
  const wrongHeader = verifyHeader(s.params, parent, header, now());
  if (wrongHeader) return wrongHeader;
  const manifest = s.models.get(toHex(header.modelId));
  assert(manifest, 'the manifest of an admitted model is known');
  return (
    verifyProof(s.params, header, proof, manifest) ?? verifyBody(s.params.rules, { header, body })
  );
}

async function storeSide(s: FullState, point: ChainPoint, { body, proof }: Block): Promise<void> {
  const batch = new Batch();
  putBlock(batch, point, body, proof);
  await s.store.batch(batch.puts());
  s.index.add(point);
}

async function adopt(
  s: FullState,
  tools: ImportTools,
  invalid: BoundedMap<string, FaultCode>,
  point: ChainPoint,
  block: Block,
): Promise<Imported | Fault> {
  const parent = s.index.get(point.header.prevHash)!;
  const branch = [...s.index.branchTo(parent), point];
  const parts = (at: ChainPoint) => (at === point ? Promise.resolve(block) : readParts(s, at));
  const result = await connectBranch(s, tools.checks, branch, parts);
  if (result.invalid) {
    const { point: bad, fault: why } = result.invalid;
    if (blames(why) !== 'block') return why;
    const gone = await remove(s, branch.slice(branch.indexOf(bad)));
    for (const id of gone) invalid.set(id, why.fault);
    return bad === point ? why : fault('header.known-invalid', { cause: why.fault });
  }
  const reverted = await commit(s, tools, point, block, result.connected);
  return { status: reverted ? 'reorganised' : 'extended', reverted };
}

async function readParts(s: FullState, { id }: ChainPoint): Promise<{ body: Body; proof: Proof }> {
  const [body, proof] = await Promise.all([
    s.store.get(recordKey.body(id)),
    s.store.get(recordKey.proof(id)),
  ]);
  assert(body && proof, `block ${toHex(id)} of the window is stored whole`);
  return { body: decode(Body, body), proof: decode(Proof, proof) };
}

/** Forgets blocks and every stored one that builds on them. @returns their ids in hex */
async function remove(s: FullState, branch: readonly ChainPoint[]): Promise<string[]> {
  const gone = new Map(branch.map((point) => [toHex(point.id), point]));
  const lowest = branch[0]!.header.height;
  for (let height = lowest + 1, some = true; some; height++) {
    const here = s.index.at(height);
    for (const point of here)
      if (gone.has(toHex(point.header.prevHash))) gone.set(toHex(point.id), point);
    some = here.length > 0;
  }
  const batch = new Batch();
  for (const point of gone.values()) if (s.index.get(point.id)) deleteBlock(batch, point);
  await s.store.batch(batch.puts());
  for (const point of gone.values()) if (s.index.get(point.id)) s.index.remove(point);
  return [...gone.keys()];
}

interface Reverted {
  readonly point: ChainPoint;
  readonly body: Body;
  readonly undo: Undo;
}

async function commit(
  s: FullState,
  tools: ImportTools,
  point: ChainPoint,
  block: Block,
  connected: readonly Connected[],
): Promise<number> {
  const batch = new Batch();
  putBlock(batch, point, block.body, block.proof);
  const reverted = await readReverted(s, connected[0]!.point.header.height);
  for (const r of reverted) disconnect(batch, r.point, r.body, r.undo);
  for (const c of connected) connect(batch, c);
  const pruned = prune(batch, s, point.header.height);
  const whole = await pruneBlocks(batch, s, point.header.height);
  await s.store.batch(batch.puts());

  // From here on nothing waits: readers see the old head or the new one.
  s.index.add(point);
  s.index.setMain(connected.map((c) => c.point));
  for (const old of pruned) s.index.remove(old);
  s.head = point;
  s.pruned = whole;
  s.totals = connected.at(-1)!.totals;
  for (const c of connected) keepTree(s, c.point, c.executed.tree);
  pruneTrees(s);
  const event: HeadEvent = {
    type: 'head',
    point,
    reverted: reverted.map((r) => r.point),
    adopted: connected.map((c) => c.point),
  };
  tools.onHead(event, headChange(reverted, connected));
  return reverted.length;
}

/** The main chain's blocks from the head down to that height. */
async function readReverted(s: FullState, lowest: number): Promise<Reverted[]> {
  const reverted: Reverted[] = [];
  for (let height = s.head.header.height; height >= lowest; height--) {
    const point = s.index.mainAt(height);
    const undo = point && (await readUndo(s, point.id));
    assert(point && undo, 'a main-chain block of the window can be undone');
    reverted.push({ point, body: (await readParts(s, point)).body, undo });
  }
  return reverted;
}

function headChange(reverted: readonly Reverted[], connected: readonly Connected[]): HeadChange {
  const confirmed = new Set(
    connected.flatMap((c) => c.body.map((signed) => toHex(txId(signed.tx)))),
  );
  const changed = new Set([
    ...reverted.flatMap((r) => r.undo.changes.map((c) => toHex(c.key))),
    ...connected.flatMap((c) => c.executed.changes.map((x) => toHex(x.key))),
  ]);
  const back: SignedTx[] = reverted
    .toReversed()
    .flatMap((r) => r.body)
    .filter((signed) => !confirmed.has(toHex(txId(signed.tx))));
  return { reverted: back, confirmed, changed };
}
