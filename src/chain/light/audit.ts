/**
 * Audits of deep branches. The last proofs of a branch say nothing about the blocks below them: an
 * attacker, for whom headers cost nothing, can raise their difficulty fast and then let it fall until the
 * last blocks are cheap to prove. So blocks are drawn after the headers were given, the nearer to the head the
 * denser (core's header/draws.ts), and the branch is adopted only with all their proofs. And headers without end
 * are free: of each piece of a download some blocks are proven before it goes on.
 */
import { drawEvenly, drawWorks } from '../../core/header/draws.ts';
import { PROOFS_KEPT } from '../../core/params.ts';
import { fromHex, toHex } from '../../lib/bytes.ts';
import type { WantedProof } from './blocks.ts';
import { dropBranch } from './head.ts';
import { entryAt } from './headers.ts';
import type { LightMemory } from './memory/memory.ts';
import {
  AUDIT_AGAIN,
  believedFrom,
  pointsBetween,
  type Audit,
  type AuditedBlock,
  type Path,
} from './memory/paths.ts';

/** Headers of a branch that are taken without a proof among them. */
export const PROBE_EVERY = 8192;
/** Blocks of each such piece that are proven: its newest, and as many drawn from the rest. */
const PROBE_BLOCKS = 8;

/**
 * Draws the audits of branches that claim to be the head and need one; a branch whose draws would be too many
 * is dropped. @throws AppError STORE_CORRUPT
 */
export async function auditDeep(memory: LightMemory): Promise<void> {
  const { branches } = memory;
  for (const path of branches.paths) {
    const fork = branches.forkOf(path);
    if (!branches.claimsHead(path) || !needsAudit(path, fork)) continue;
    const audit = await drawAudit(memory, path, fork);
    if (audit) branches.replacePath(path, { ...path, audit });
    else await dropBranch(memory, path.tip.id);
  }
}

/** Whether the branch above `fork` is too deep for its proofs alone. */
export function needsAudit(path: Path, fork: number): boolean {
  const above = path.tip.header.height - believedFrom(path, fork);
  return above > (path.audit && path.audit.from <= fork ? AUDIT_AGAIN : PROOFS_KEPT);
}

/** Draws blocks above `fork`, up to where the newest proofs begin. @throws AppError STORE_CORRUPT */
async function drawAudit(
  memory: LightMemory,
  path: Path,
  fork: number,
): Promise<Audit | undefined> {
  const { tip } = path;
  const upTo = tip.header.height - PROOFS_KEPT;
  const workAt = worksOf(memory, path);
  const work = { head: tip.header.totalWork, fork: await workAt(fork), tail: await workAt(upTo) };
  const works = drawWorks(work, { secret: memory.secret, headId: tip.id });
  if (!works) return undefined;

  const drawn = await drawnBlocks(memory, path, works, { low: fork, high: upTo });
  // A branch that failed and has another head since owes what it owed.
  const owed = await owedBy(memory, path, { low: fork, high: upTo });
  const blocks = new Map([...owed, ...drawn].map((block) => [block.id, block]));
  return { from: fork, upTo, blocks: [...blocks.values()] };
}

/** Blocks of the path in that range that were drawn before, of a branch which did not prove them. */
async function owedBy(
  { store, branches }: LightMemory,
  path: Path,
  { low, high }: Range,
): Promise<AuditedBlock[]> {
  const owed: AuditedBlock[] = [];
  for (const block of branches.owed) {
    const { height, id } = block;
    if (height <= low || height > high) continue;
    if (toHex((await entryAt(store, path, height)).id) === id) owed.push(block);
  }
  return owed;
}

/**
 * Proofs to ask for before more headers of the branch are: none while fewer than PROBE_EVERY headers of it lie above
 * the last probe, or once all that the probe wants are checked.
 * @throws AppError STORE_CORRUPT
 */
export async function probe(memory: LightMemory, id: Uint8Array): Promise<WantedProof[]> {
  const { branches, kept, secret } = memory;
  const path = branches.holding(id);
  const height = path && branches.heightOn(path, id);
  if (!path || height === undefined) return [];
  const from = Math.max(branches.forkOf(path), path.probed ?? 0);
  if (height - from < PROBE_EVERY) return [];

  const workAt = worksOf(memory, path);
  const newest = height - PROBE_BLOCKS;
  const [low, high] = [await workAt(from), await workAt(newest)];
  const works = drawEvenly(low, high, PROBE_BLOCKS, { secret, headId: id });
  const wanted = await drawnBlocks(memory, path, works, { low: from, high: newest });
  for (const point of pointsBetween(path, newest, height))
    wanted.push({ id: toHex(point.id), height: point.header.height });

  const missing = wanted.filter((one) => !kept.isChecked(one.id));
  if (!missing.length) branches.replacePath(path, { ...path, probed: height });
  return missing.map((one) => ({ id: fromHex(one.id, 32)!, height: one.height }));
}

type WorkAt = (height: number) => Promise<bigint>;

/** Total work by height, read once each. */
function worksOf({ store }: LightMemory, path: Path): WorkAt {
  const seen = new Map<number, bigint>();
  return async (height) => {
    const work = seen.get(height) ?? (await entryAt(store, path, height)).header.totalWork;
    seen.set(height, work);
    return work;
  };
}

interface Range {
  readonly low: number;
  readonly high: number;
}

/** The blocks above `low`, up to `high`, that these works draw, each once. */
async function drawnBlocks(
  memory: LightMemory,
  path: Path,
  works: readonly bigint[],
  range: Range,
): Promise<AuditedBlock[]> {
  const workAt = worksOf(memory, path);
  const heights = new Set<number>();
  for (const work of works) heights.add(await firstOver(workAt, work, range));
  const blocks: AuditedBlock[] = [];
  for (const height of heights)
    blocks.push({ height, id: toHex((await entryAt(memory.store, path, height)).id) });
  return blocks;
}

/** Lowest height above `low` whose chain has more work than that; `high`'s has. */
async function firstOver(workAt: WorkAt, work: bigint, { low, high }: Range): Promise<number> {
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if ((await workAt(middle)) > work) high = middle;
    else low = middle;
  }
  return high;
}
