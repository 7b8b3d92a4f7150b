/**
 * Audits of deep branches. The last proofs of a branch say nothing about the blocks below them: an
 * attacker, for whom headers cost nothing, can raise their difficulty fast and then let it fall until the
 * last blocks are cheap to prove. So blocks are drawn at random, in proportion to the work that they
 * claim, after the headers were given: where half of that work was never done, 64 draws all miss it with
 * probability 2^−64.
 */
import { PROOFS_KEPT } from '../../core/params.ts';
import { toHex } from '../../lib/bytes.ts';
import { entryAt } from './headers.ts';
import type { LightMemory } from './memory/memory.ts';
import { believedFrom, type Audit, type Path } from './memory/paths.ts';

const DRAWS = 64;
/** Uniform numbers in [0, 1) have this many bits. */
const RANDOM_BITS = 52;
/** A branch that grew this far past its audit is audited again. */
const AUDIT_AGAIN = 2 * PROOFS_KEPT;

/** Draws the audits of branches with more work than the head that need one. @throws AppError STORE_CORRUPT */
export async function auditDeep(memory: LightMemory): Promise<void> {
  const { branches } = memory;
  for (const path of branches.paths) {
    const fork = branches.forkOf(path);
    if (!branches.claimsMore(path) || !needsAudit(path, fork)) continue;
    branches.setAudit(path, await drawAudit(memory, path, fork));
  }
}

/** Whether the branch above `fork` is too deep for its proofs alone. */
function needsAudit(path: Path, fork: number): boolean {
  const above = path.tip.header.height - believedFrom(path, fork);
  return above > (path.audit && path.audit.from <= fork ? AUDIT_AGAIN : PROOFS_KEPT);
}

/** Draws blocks above `fork`, up to where the newest proofs begin. @throws AppError STORE_CORRUPT */
async function drawAudit({ store, random }: LightMemory, path: Path, fork: number): Promise<Audit> {
  const upTo = path.tip.header.height - PROOFS_KEPT;
  const seen = new Map<number, bigint>();
  const workAt = async (height: number): Promise<bigint> => {
    const work = seen.get(height) ?? (await entryAt(store, path, height)).header.totalWork;
    seen.set(height, work);
    return work;
  };
  const [least, most] = [await workAt(fork), await workAt(upTo)];
  const heights = new Set<number>();
  for (let i = 0; i < DRAWS; i++) {
    const share = BigInt(Math.floor(random() * 2 ** RANDOM_BITS));
    const work = least + (((most - least) * share) >> BigInt(RANDOM_BITS));
    heights.add(await firstOver(workAt, work, { low: fork, high: upTo }));
  }
  const blocks: Audit['blocks'][number][] = [];
  for (const height of heights)
    blocks.push({ height, id: toHex((await entryAt(store, path, height)).id) });
  return { from: fork, upTo, blocks };
}

/** Lowest height above `low` whose chain has more work than that; `high`'s has. */
async function firstOver(
  workAt: (height: number) => Promise<bigint>,
  work: bigint,
  { low, high }: { low: number; high: number },
): Promise<number> {
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if ((await workAt(middle)) > work) high = middle;
    else low = middle;
  }
  return high;
}
