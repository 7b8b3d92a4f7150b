/**
 * Changing to a branch whose blocks are not at hand, or that forks below the window: it is asked for piece by piece and
 * executed from this chain's own state at the fork, while the chain goes on as it is. What it writes meanwhile lies under
 * ids that nothing of the chain names; one batch at the end makes it the chain. Of a deep branch the newest blocks are
 * replayed with their models, and of those below as many as a secret draws, the nearer the denser.
 */
import { isFault, type Fault } from '../../core/faults.ts';
import type { Header } from '../../core/formats.ts';
import { drawDistances } from '../../core/header/draws.ts';
import { chooseRival, DEEP_FORK } from '../../core/header/fork-choice.ts';
import {
  blockId,
  ChainPointRecord,
  extendPoint,
  verifyHeader,
  type ChainPoint,
} from '../../core/header/header.ts';
import { BLOCKS_MAX, HEADERS_MAX, type Block, type BlockParts } from '../../core/messages.ts';
import { PROOFS_KEPT } from '../../core/params.ts';
import { treeRoot, type Tree } from '../../core/tree/tree.ts';
import { decode, encode, u48 as timeMs } from '../../core/codec.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import { tipOf } from '../shared/branch-tip.ts';
import { Patience } from '../shared/patience.ts';
import { MainEntry, POINT_EVERY } from '../store/records.ts';
import { Batch, connect, deleteBlock, putBlock } from './commit.ts';
import { connectBlock, type Checks, type Joined } from './connect.ts';
import { recordKey, UNDO_KEPT, WINDOW, type Totals } from './records.ts';
import { headTree, isMainAt, readUndo, TREES_KEPT, undoTree, type FullState } from './state.ts';
import { genesisTotals, nextTotals } from './totals.ts';

/** Blocks of a deep branch below the newest WINDOW that are replayed. */
const REPLAYED_BELOW = 128;
/** Headers of a branch: it may be twice as long as what is undone for it. */
const LENGTH_MAX = 2 * UNDO_KEPT;
/** ms from one change to a deep branch to the next. */
export const DEEP_CHANGE_MS = 2 * 60 * 60_000;

/**
 * Bytes of the batch that makes a branch the chain, which is held in memory to the end: 40,320 blocks of twenty
 * payments each, or two thousand full ones. Who would change to a larger branch begins its chain anew.
 */
export const JOINING_BYTES_MAX = 256 * 2 ** 20;

/** Whoever has the branch. */
export interface BranchSource {
  /**
   * Headers after that block, lowest first; after the last that this chain shares where none is named. Fewer than
   * HEADERS_MAX are the last ones.
   */
  headersAfter(id: Uint8Array | undefined): Promise<readonly Header[]>;
  parts(ids: readonly Uint8Array[]): Promise<readonly BlockParts[]>;
}

/** Why a branch is not followed. */
export type Unfollowed =
  /** It would not be the head. */
  | 'light'
  /** It forks where nothing is undone to. */
  | 'deep'
  /** The last change to a deep branch was less than DEEP_CHANGE_MS ago. */
  | 'soon'
  /** Nobody gave its blocks. */
  | 'lacking'
  /** What it changes is more than JOINING_BYTES_MAX. */
  | 'large'
  /** Another is being followed, or the chain changed meanwhile. */
  | 'busy';

/** A branch that was executed to its end. */
export interface Followed {
  /** The last block that both have. */
  readonly fork: ChainPoint;
  /** Points of the chain up to the fork that the window of the branch's tip holds, lowest first. */
  readonly below: readonly ChainPoint[];
  /** Its newest points, as many as the window holds, lowest first. */
  readonly newest: readonly ChainPoint[];
  /** The last of them, with the trees after them. */
  readonly joined: readonly Joined[];
  /** What joining it writes. */
  readonly batch: Batch;
  /** All of its blocks: what was written of them lies under their ids. */
  readonly written: readonly MainEntry[];
}

export interface FollowDeps {
  readonly state: FullState;
  readonly checks: Checks;
  readonly now: () => number;
  /** JOINING_BYTES_MAX, but in tests. */
  readonly joiningBytesMax: number;
  /** Checks of a block that need no state. */
  readonly checkAlone: (parent: ChainPoint, block: Block) => Fault | 'early' | undefined;
  readonly isInvalid: (id: Uint8Array) => boolean;
  readonly noteInvalid: (id: Uint8Array, why: Fault) => void;
  /** Whether the last change to a deep branch was long enough ago. */
  readonly isRested: boolean;
  /** Runs it while no block is imported. */
  readonly alone: (task: () => Promise<void>) => Promise<void>;
}

interface Branch {
  readonly fork: ChainPoint;
  readonly headers: readonly Header[];
  readonly ids: readonly Uint8Array[];
  /** The parent of the first of its newest blocks. */
  readonly parent: ChainPoint;
}

/** Executes the source's branch; nothing of the chain has changed when this ends. @throws the source's, the store's */
export async function executeBranch(
  deps: FollowDeps,
  source: BranchSource,
): Promise<Followed | Unfollowed | Fault> {
  const branch = await fetchHeaders(deps, source);
  if (typeof branch === 'string' || isFault(branch)) return branch;

  // Headers are free to make: the newest proofs come before anything is undone or executed.
  const newest = await fetchNewest(deps, source, branch);
  if (newest) return newest;
  const start = await stateAt(deps.state, branch.fork);
  if (!start) return 'busy';
  const written: MainEntry[] = [];
  try {
    const done = await executeAll(deps, source, { branch, start, written });
    if (typeof done !== 'string' && !isFault(done)) return done;
    await deps.alone(() => forget(deps.state, written));
    return done;
  } catch (e) {
    await deps.alone(() => forget(deps.state, written));
    throw e;
  }
}

async function fetchHeaders(
  deps: FollowDeps,
  source: BranchSource,
): Promise<Branch | Unfollowed | Fault> {
  const branch: Growing = { headers: [], ids: [], newest: [] };
  let last: Header | undefined;
  for (;;) {
    const more = await source.headersAfter(last && blockId(last));
    const wrong = await grow(deps, branch, more);
    if (wrong) return wrong;
    // Who gives a few at a time, or the same again, could do so for ever.
    const end = more.at(-1);
    if (!end || more.length < HEADERS_MAX || end.height <= (last?.height ?? -1)) break;
    if (branch.headers.length > LENGTH_MAX) break;
    last = end;
  }
  const { fork, headers, ids, newest } = branch;
  if (!fork) return 'light';
  return stand(deps, fork, headers.at(-1)!) ?? { fork, headers, ids, parent: newest[0]! };
}

/** Why a branch from that fork to that tip is not followed, by its headers alone. */
function stand(
  { state, isRested }: FollowDeps,
  fork: ChainPoint,
  tip: Header,
): Unfollowed | undefined {
  const depth = state.head.header.height - fork.header.height;
  if (depth > UNDO_KEPT || !state.canUndoTo(fork.header.height)) return 'deep';
  const rival = { tip: tipOf(state.params, tip), depth };
  if (!chooseRival(state.measure.tip, [rival])) return 'light';
  return depth > DEEP_FORK && !isRested ? 'soon' : undefined;
}

interface Growing {
  fork?: ChainPoint;
  readonly headers: Header[];
  readonly ids: Uint8Array[];
  /** As many as have their proofs checked first, and the one below them. */
  readonly newest: ChainPoint[];
}

/** Puts headers on a branch. @returns what stands against it */
async function grow(
  { state, now, isInvalid }: FollowDeps,
  branch: Growing,
  more: readonly Header[],
): Promise<Unfollowed | Fault | undefined> {
  const { headers, ids, newest } = branch;
  for (const header of more) {
    const { height, prevHash } = header;
    // What it shares with this chain comes first: a locator names few blocks.
    if (!branch.fork && (await isMainAt(state, height, blockId(header)))) continue;
    if (!branch.fork) {
      const fork = await mainPoint(state, height - 1, prevHash);
      if (!fork) return 'busy';
      newest.push((branch.fork = fork));
    }
    const wrong = verifyHeader(state.params, newest.at(-1)!, header, now());
    if (wrong) return wrong;
    const point = extendPoint(state.params, newest.at(-1)!, header);
    if (isInvalid(point.id)) return 'light';
    headers.push(header);
    ids.push(point.id);
    newest.push(point);
    if (newest.length > PROOFS_KEPT + 1) newest.shift();
  }
  return undefined;
}

/** The main chain's point of that height; undefined where it has another id. */
async function mainPoint(
  state: FullState,
  height: number,
  id: Uint8Array,
): Promise<ChainPoint | undefined> {
  const [point] = height < 0 ? [] : await mainPoints(state, height, height);
  return point && equal(point.id, id) ? point : undefined;
}

/** The main chain's points of these heights, replayed from the nearest stored one. */
async function mainPoints(
  { store, params }: FullState,
  from: number,
  to: number,
): Promise<ChainPoint[]> {
  const start = from - (from % POINT_EVERY);
  const data = await store.get(recordKey.point(start));
  let point = data && decode(ChainPointRecord, data);
  const points = point ? [point] : [];
  const rows = await store.range(recordKey.main(start + 1), recordKey.main(to + 1));
  for (const { value } of rows)
    if (point) points.push((point = extendPoint(params, point, decode(MainEntry, value).header)));
  return points.filter(({ header }) => header.height >= from);
}

interface Start {
  readonly tree: Tree;
  readonly totals: Totals;
}

/** The state after a main-chain block, however deep; undefined where the chain changed while it was undone. */
async function stateAt(state: FullState, { header }: ChainPoint): Promise<Start | undefined> {
  let tree = headTree(state);
  let { totals } = state;
  let above: MainEntry | undefined;
  for (let at = state.head.header.height; at >= header.height; at--) {
    const data = await state.store.get(recordKey.main(at));
    const entry = data && decode(MainEntry, data);
    const undo = entry && at > 0 ? await readUndo(state, entry.id) : undefined;
    if (!entry || (at > 0 && !undo)) return undefined;
    if (at === header.height) {
      totals = undo?.totals ?? genesisTotals(state.params);
      break;
    }
    tree = undoTree(tree, undo!);
    above = entry;
  }
  const isRight = !above || equal(treeRoot(tree), above.header.stateRoot);
  return isRight ? { tree, totals } : undefined;
}

/** Has the newest proofs checked. @returns what stands against the branch */
async function fetchNewest(
  { state, checkAlone, now }: FollowDeps,
  source: BranchSource,
  branch: Branch,
): Promise<Unfollowed | Fault | undefined> {
  const { headers } = branch;
  let { parent } = branch;
  const first = Math.max(0, headers.length - PROOFS_KEPT);
  const patience = new Patience(headers.length - first, now);
  for (let at = first; at < headers.length; at += BLOCKS_MAX) {
    const blocks = await fetchBlocks(source, branch, at, patience);
    if (!blocks) return 'lacking';
    for (const block of blocks) {
      const wrong = checkAlone(parent, block);
      if (wrong) return wrong === 'early' ? 'light' : wrong;
      parent = extendPoint(state.params, parent, block.header);
    }
  }
  return undefined;
}

/** Some blocks of a branch from one on; undefined where not all were given while there was patience. */
async function fetchBlocks(
  source: BranchSource,
  { headers, ids }: Branch,
  from: number,
  patience: Patience,
): Promise<Block[] | undefined> {
  const wanted = ids.slice(from, from + BLOCKS_MAX);
  const got = new Map<string, BlockParts>();
  for (let open: readonly Uint8Array[] = wanted; open.length;) {
    if (patience.isOver) return undefined;
    const given = await patience.wait(() => source.parts(open));
    for (const part of given) got.set(toHex(part.id), part);
    const left = open.filter((id) => !got.has(toHex(id)));
    if (left.length === open.length) return undefined;
    open = left;
  }
  const blocks: Block[] = [];
  for (const [i, id] of wanted.entries()) {
    const { body, proof } = got.get(toHex(id))!;
    if (!proof) return undefined;
    blocks.push({ header: headers[from + i]!, body, proof });
  }
  return blocks;
}

/** Heights of a branch whose units are run again. */
function replayed({ headers, ids, fork }: Branch, isDeep: boolean): (height: number) => boolean {
  const tip = headers.at(-1)!.height;
  if (!isDeep || headers.length <= WINDOW) return () => true;
  // Told to nobody, so that nobody knows before which blocks will be looked at.
  const secret = crypto.getRandomValues(new Uint8Array(32));
  const far = BigInt(tip - fork.header.height);
  const distances = drawDistances(BigInt(WINDOW), far, REPLAYED_BELOW, {
    secret,
    headId: ids.at(-1)!,
  });
  const drawn = new Set(distances.map((distance) => tip - Number(distance) + 1));
  return (height) => height > tip - WINDOW || drawn.has(height);
}

async function executeAll(
  { state, checks, checkAlone, noteInvalid, now, joiningBytesMax }: FollowDeps,
  source: BranchSource,
  { branch, start, written }: { branch: Branch; start: Start; written: MainEntry[] },
): Promise<Followed | Unfollowed | Fault> {
  const { fork, headers } = branch;
  const tip = headers.at(-1)!.height;
  const isDeep = state.head.header.height - fork.header.height > DEEP_FORK;
  const isReplayed = replayed(branch, isDeep);
  const batch = new Batch();
  const newest: ChainPoint[] = [];
  const joined: Joined[] = [];
  let [parent, tree, totals] = [fork, start.tree, start.totals];
  const patience = new Patience(headers.length, now);
  for (let at = 0; at < headers.length; at += BLOCKS_MAX) {
    const blocks = await fetchBlocks(source, branch, at, patience);
    if (!blocks) return 'lacking';
    if (batch.bytes > joiningBytesMax) return 'large';
    const own = new Batch();
    for (const block of blocks) {
      const { header, body, proof } = block;
      const point = extendPoint(state.params, parent, header);
      const wrong = checkAlone(parent, block);
      if (wrong) return wrong === 'early' ? 'light' : wrong;
      const used = isReplayed(header.height) ? checks : { ...checks, checkProof: undefined };
      const executed = await connectBlock(state, used, tree, block);
      if (isFault(executed)) {
        noteInvalid(point.id, executed);
        return executed;
      }
      totals = nextTotals(executed, totals);
      putBlock(own, point, body, proof);
      if (header.height < tip - WINDOW && !state.index.get(point.id))
        own.set(recordKey.recent(header.height, point.id), undefined);
      connect(batch, state.params.genesis.id, { point, body, executed, totals }, own);
      written.push({ id: point.id, header });
      ({ tree } = executed);
      parent = point;
      if (header.height >= tip - WINDOW) newest.push(point);
      if (header.height > tip - TREES_KEPT) joined.push({ point, tree, totals });
    }
    await state.store.batch(own.puts());
  }
  const lowest = Math.max(0, tip - WINDOW);
  const from = fork.header.height;
  const below = lowest <= from ? await mainPoints(state, lowest, from) : [];
  return { fork, below, newest, joined, batch, written };
}

/** When the last change to a deep branch was, ms since 1970; -Infinity where there was none. */
export async function readDeepChange(store: FullState['store']): Promise<number> {
  const data = await store.get(recordKey.deepChange);
  return data ? decode(timeMs, data) : -Infinity;
}

export const noteDeepChange = (batch: Batch, nowMs: number): void =>
  batch.set(recordKey.deepChange, encode(timeMs, nowMs));

/** Deletes what was written of a branch that is not followed, but for what stands beside the chain, or in it, anyway. */
export async function forget(state: FullState, written: readonly MainEntry[]): Promise<void> {
  const { store, index } = state;
  const batch = new Batch();
  for (const { id, header } of written) {
    if (await isMainAt(state, header.height, id)) continue;
    for (const key of [recordKey.undo, recordKey.links]) batch.set(key(id), undefined);
    if (!index.get(id)) deleteBlock(batch, { id, header });
  }
  await store.batch(batch.puts());
}
