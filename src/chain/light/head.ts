/**
 * Which branch is the head of a light client. A branch becomes the head by the fork choice (core's
 * header/fork-choice.ts) once the proofs of its blocks above the fork were checked; of a deep one those of its audit and
 * of its newest PROOFS_KEPT blocks at least.
 */
import { encode } from '../../core/codec.ts';
import type { ChainPoint } from '../../core/header/header.ts';
import { chooseRival, type Rival } from '../../core/header/fork-choice.ts';
import { modelAt } from '../../core/header/tables.ts';
import { looksForged, type Winner } from '../../core/light-safety.ts';
import { equal, fromHex, toHex } from '../../lib/bytes.ts';
import { tipOf } from '../shared/branch-tip.ts';
import type { Put } from '../store/store.ts';
import { dropBodies } from './blocks.ts';
import { clearSegment, entryAt, headEntry, measureAt, pathUpTo } from './headers.ts';
import type { BranchesNow } from './memory/branches.ts';
import type { LightMemory } from './memory/memory.ts';
import { auditedBlocks, pointsBetween, provenTip, type Path } from './memory/paths.ts';
import { lightKey, PathsRecord, Sample, SAMPLE_MAX } from './records.ts';

export interface LightHeadEvent {
  readonly type: 'head';
  readonly point: ChainPoint;
  /** Blocks that left the chain. */
  readonly reverted: number;
  /** Those of them whose headers are in memory, lowest first. */
  readonly left: readonly ChainPoint[];
  /** Those from this height on are false, or were built on what is. */
  readonly falseFrom?: number;
  /** Blocks that joined it. */
  readonly adopted: number;
}

/** What a change to the chain gave, and the new head if it moved. */
export interface Changed<T> {
  readonly result: T;
  readonly moved: LightHeadEvent | undefined;
}

export const unmoved = <T>(result: T): Changed<T> => ({ result, moved: undefined });

/** Where the head was. */
type Before = Pick<LightMemory['branches'], 'headPath' | 'headHeight'>;

const beforeNow = ({ branches: { headPath, headHeight } }: LightMemory): Before => ({
  headPath,
  headHeight,
});

/**
 * Moves the head to the proven block that the fork choice says.
 * @param before where the head was, if blocks of it were cut off since @returns undefined when it stays
 */
export async function selectHead(
  memory: LightMemory,
  before: Before = beforeNow(memory),
): Promise<LightHeadEvent | undefined> {
  const { branches, store } = memory;
  const { headPath: from, headHeight: height } = before;
  let fork = Math.min(height, branches.headHeight);
  let reverted = fork < height;
  for (let best = bestProven(memory); best; best = bestProven(memory)) {
    fork = Math.min(fork, best.fork);
    reverted ||= branches.headHeight > best.fork;
    await changeBranches(memory, { headPath: best.path, head: best.point });
    const puts = endAudit(memory, best);
    if (puts.length) await store.batch(puts);
  }
  if (branches.headPath === from && branches.headHeight === height) return undefined;

  if (reverted) await leaveReverted(memory);
  const puts = await prunePuts(memory);
  if (puts.length) await store.batch(puts);
  const left = pointsBetween(from, fork, height);
  const adopted = branches.headHeight - fork;
  return { type: 'head', point: branches.head, reverted: height - fork, left, adopted };
}

/** A block that a branch proves, and where the branch leaves the head's chain. */
interface Proven extends Rival {
  readonly path: Path;
  readonly point: ChainPoint;
  readonly fork: number;
}

/** Of the blocks that branches prove the one that becomes the head. */
function bestProven(memory: LightMemory): Proven | undefined {
  const { branches } = memory;
  const rivals = new Set(provenRivals(memory));
  for (;;) {
    const best = chooseRival(branches.measure.tip, rivals);
    if (!best || !isForged(memory, best)) return best;
    rivals.delete(best);
  }
}

function* provenRivals({ branches, kept, params }: LightMemory): Generator<Proven, void> {
  for (const path of branches.paths) {
    const fork = branches.forkOf(path);
    const point = provenTip(path, fork, kept.isChecked);
    if (!point) continue;
    const tip = tipOf(params, point.header);
    yield { path, point, fork, tip, depth: branches.headHeight - fork };
  }
}

/**
 * Whether a branch that would replace blocks of the head's chain is forged: its winning tiles lie too
 * late in their passes (core's light-safety.ts).
 */
function isForged(
  { branches, kept, models, params }: LightMemory,
  { path, point, fork }: Proven,
): boolean {
  if (fork >= branches.headHeight) return false;
  // Those of its newest blocks, and those that were drawn below them.
  const newest = pointsBetween(path, fork, point.header.height).map(({ id }) => toHex(id));
  const drawn = auditedBlocks(path, fork).map(({ id }) => id);
  const winners: Winner[] = [];
  for (const id of new Set([...newest, ...drawn])) {
    const proof = kept.checked.get(id);
    const manifest = proof && models.get(modelAt(params, proof.model, proof.height) ?? '');
    if (manifest) winners.push({ manifest, linear: proof.linear, tile: proof.tile });
  }
  return looksForged(winners);
}

/** Once the head has passed all that a branch's audit speaks of, its draws are the sample: their proofs are kept. */
function endAudit({ branches, kept }: LightMemory, { path, point }: Proven): Put[] {
  const { audit } = path;
  if (!audit || audit.upTo > point.header.height) return [];
  branches.replacePath(path, { ...path, audit: undefined });
  const sample = audit.blocks
    .map(({ id, height }) => ({ id: fromHex(id, 32)!, height }))
    .slice(0, SAMPLE_MAX);
  kept.setSample(sample);
  return [{ key: lightKey.sample, value: encode(Sample, sample) }];
}

/** Drops from the sample the blocks that left the head's chain. */
async function leaveReverted(memory: LightMemory): Promise<void> {
  const { branches, kept } = memory;
  const isOn = await Promise.all(
    kept.sample.map(
      async ({ height, id }) =>
        height <= branches.headHeight && equal((await headEntry(memory, height)).id, id),
    ),
  );
  kept.setSample(kept.sample.filter((_, i) => isOn[i]));
}

/** Deletes proofs and bodies below the newest blocks, except those that were drawn at random. */
async function prunePuts(memory: LightMemory): Promise<Put[]> {
  const { branches, kept, blocksKept } = memory;
  const audited = branches.paths.flatMap(({ audit }) => audit?.blocks ?? []).map(({ id }) => id);
  const drawn = new Set([...kept.sample.map(({ id }) => toHex(id)), ...audited]);
  const puts = await dropBodies(memory, drawn);

  for (const [hex, { height }] of kept.checked)
    if (height <= branches.headHeight - blocksKept && !drawn.has(hex)) {
      kept.dropChecked(hex);
      for (const kind of ['p', 'k']) puts.push({ key: `${kind}/${hex}`, value: undefined });
    }
  return puts;
}

/** Cuts a block that failed execution from every path; the head may fall back below it. */
export async function invalidate(
  memory: LightMemory,
  id: Uint8Array,
  height: number,
): Promise<LightHeadEvent | undefined> {
  const { branches, store } = memory;
  const before = beforeNow(memory);
  branches.markInvalid(id);
  for (const path of [...branches.paths]) {
    if (height > path.tip.header.height) continue;
    if (equal((await entryAt(store, path, height)).id, id)) await cutAt(memory, path, height);
  }
  const moved = await selectHead(memory, before);
  return moved && { ...moved, falseFrom: height };
}

/**
 * Drops a branch whose proofs no peer gives. Of the head's own branch, only what is above the head goes.
 * @returns false where none ends with this block: it is the head, or others have put headers on it
 */
export async function dropBranch(memory: LightMemory, tipId: Uint8Array): Promise<boolean> {
  const { branches, kept } = memory;
  const path = branches.endingAt(tipId);
  if (!path || equal(branches.head.id, tipId)) return false;
  branches.addOwed(path.audit?.blocks.filter((block) => !kept.isChecked(block.id)) ?? []);
  if (path === branches.headPath) await cutAt(memory, path, branches.headHeight + 1);
  else await changeBranches(memory, { paths: branches.paths.filter((p) => p !== path) });
  return true;
}

/**
 * A branch that ends with this block, made where there is none because others have put headers on it: those prove
 * nothing, and the block could not be proven below them. None where it would not be the head.
 */
export async function branchAt(memory: LightMemory, id: Uint8Array, height: number): Promise<void> {
  const { branches, store } = memory;
  if (branches.endingAt(id)) return;
  for (const path of branches.paths) {
    if (height > path.tip.header.height) continue;
    const entry = await entryAt(store, path, height);
    if (!equal(entry.id, id)) continue;
    const branch = await pathUpTo(memory, path, height);
    if (!branches.claimsHead(branch)) return;
    return changeBranches(memory, { paths: [...branches.paths, branch] });
  }
}

/** Ends a path below that height. */
async function cutAt(memory: LightMemory, path: Path, height: number): Promise<void> {
  const { branches } = memory;
  const cut = await pathUpTo(memory, path, height - 1);
  const paths = branches.paths.with(branches.paths.indexOf(path), cut);
  if (path !== branches.headPath) return changeBranches(memory, { paths });

  const head = branches.headHeight >= height ? cut.tip : branches.head;
  await changeBranches(memory, { paths, headPath: cut, head });
}

/** Writes a change of the branches to the store, with records of new headers, then makes it in memory. */
export async function changeBranches(
  { branches, store, params }: LightMemory,
  change: Partial<Omit<BranchesNow, 'measure'>>,
  headerPuts: readonly Put[] = [],
): Promise<void> {
  const { head, headPath = branches.headPath } = change;
  const measure = head && (await measureAt({ store, params }, headPath, head));
  const next = branches.after(measure ? { ...change, measure } : change);
  await store.batch([...headerPuts, pathsPut(next)]);
  for (const segment of branches.moveTo(next)) await clearSegment(store, segment);
}

export function pathsPut({ paths, headPath, head, nextSegment }: BranchesNow): Put {
  const record: PathsRecord = {
    nextSegment,
    headPath: paths.indexOf(headPath),
    headHeight: head.header.height,
    paths: paths.map(({ segments, tip }) => ({
      segments: [...segments],
      tip: tip.header.height,
    })),
  };
  return { key: lightKey.paths, value: encode(PathsRecord, record) };
}
