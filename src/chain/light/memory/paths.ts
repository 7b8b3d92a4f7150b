/** Branches of a light client as values: which segments hold them, where two part, what one proves. */
import type { ChainPoint } from '../../../core/header/header.ts';
import { PROOFS_KEPT } from '../../../core/params.ts';
import { toHex } from '../../../lib/bytes.ts';
import type { Segment } from '../records.ts';

/** Newest points of a path kept in memory: the proofs that can matter, and some forks. */
export const PATH_WINDOW = 512;

export interface AuditedBlock {
  /** In hex. */
  readonly id: string;
  readonly height: number;
}

/** Blocks of a deep branch that were drawn at random and must be proven too (audit.ts). */
export interface Audit {
  /** It speaks of the blocks above `from`, up to `upTo`. */
  readonly from: number;
  readonly upTo: number;
  readonly blocks: readonly AuditedBlock[];
}

/** A branch that grew this far past its audit is audited again. */
export const AUDIT_AGAIN = 2 * PROOFS_KEPT;

/** Whether a branch that reaches up to that height needs another audit than the one that it has. */
export const outgrowsAudit = ({ audit }: Path, height: number): boolean =>
  audit !== undefined && height - audit.upTo > AUDIT_AGAIN;

/** A chain from genesis to `tip`. */
export interface Path {
  readonly audit?: Audit | undefined;
  /** Height up to which headers were probed for proofs while they came (audit.ts). */
  readonly probed?: number | undefined;
  readonly segments: readonly Segment[];
  readonly tip: ChainPoint;
  /** Points by height, the newest of the path. */
  readonly recent: ReadonlyMap<number, ChainPoint>;
}

/** Number of the segment that holds the header of that height. */
export const segmentAt = (segments: readonly Segment[], height: number): number =>
  segments.findLast(({ from }) => from <= height)!.number;

/** Height of the last block that both have, one path up to `heightA`, the other up to `heightB`. */
export function commonHeight(
  a: readonly Segment[],
  heightA: number,
  b: readonly Segment[],
  heightB: number,
): number {
  const last = Math.min(heightA, heightB);
  for (let i = 0; ; i++) {
    const [x, y] = [a[i], b[i]];
    if (x?.number === y?.number && x?.from === y?.from) {
      if (!x) return last;
      continue;
    }
    // They part where the first of the two leaves the segment that both were in.
    return Math.min(last, Math.min(x?.from ?? Infinity, y?.from ?? Infinity) - 1);
  }
}

/** Segments of the chain up to that height. */
export const cutSegments = (segments: readonly Segment[], height: number): Segment[] =>
  segments.filter(({ from }) => from <= height);

export function extendedPath(path: Path, segments: readonly Segment[], points: ChainPoint[]): Path {
  const tip = points.at(-1)!;
  const lowest = tip.header.height - PATH_WINDOW;
  const all = [...path.recent.values(), ...points];
  const kept = all.filter(({ header }) => header.height > lowest);
  const recent = new Map(kept.map((point) => [point.header.height, point]));
  const { audit, probed = 0 } = path;
  const parent = points[0]!.header.height - 1;
  const isAudited = audit && audit.upTo <= parent;
  return {
    segments,
    tip,
    recent,
    audit: isAudited ? audit : undefined,
    probed: Math.min(probed, parent),
  };
}

/** Points above one height and up to another, lowest first, as far as they are in memory. */
export const pointsBetween = ({ recent }: Path, above: number, upTo: number): ChainPoint[] =>
  [...recent.values()].filter(({ header: { height } }) => height > above && height <= upTo);

/** The path up to that height, if its point there is in memory. */
export function cutPath(path: Path, height: number): Path | undefined {
  const tip = path.recent.get(height);
  if (!tip) return undefined;
  const recent = new Map([...path.recent].filter(([h]) => h <= height));
  return { segments: cutSegments(path.segments, height), tip, recent };
}

/** Height above which all proofs of a branch are needed: its fork, or where its audit ends. */
export const believedFrom = ({ audit }: Path, fork: number): number =>
  audit && audit.from <= fork ? Math.max(fork, audit.upTo) : fork;

/** Blocks of a branch's audit; none when it has none for that fork. */
export const auditedBlocks = ({ audit }: Path, fork: number): Audit['blocks'] =>
  audit && audit.from <= fork ? audit.blocks : [];

/**
 * The highest point of a path that its proofs reach: those of all its blocks above the fork, or, of
 * a deep branch, those of its audit and of all above, which must be enough. undefined: none above the fork.
 */
export function provenTip(
  path: Path,
  fork: number,
  isChecked: (idHex: string) => boolean,
): ChainPoint | undefined {
  const from = believedFrom(path, fork);
  if (from > fork && auditedBlocks(path, fork).every(({ id }) => isChecked(id))) {
    const reached = unbrokenTip(path, from, isChecked);
    // The draws are dense where these end: without them the blocks just below would hardly be looked at.
    if (reached && reached.header.height >= from + PROOFS_KEPT) return reached;
  }
  return unbrokenTip(path, fork, isChecked);
}

/** The highest point up to which the proofs of all blocks above that height are here. */
function unbrokenTip(
  path: Path,
  from: number,
  isChecked: (idHex: string) => boolean,
): ChainPoint | undefined {
  const tip = path.tip.header.height;
  let best: ChainPoint | undefined;
  for (let height = from + 1; height <= tip; height++) {
    const point = path.recent.get(height);
    if (!point || !isChecked(toHex(point.id))) break;
    best = point;
  }
  return best;
}

/** Blocks whose proofs would make the path's tip provable, newest first, those of its audit last. */
export function unproven(
  path: Path,
  fork: number,
  isChecked: (idHex: string) => boolean,
): { id: string; height: number }[] {
  const tip = path.tip.header.height;
  const from = Math.max(believedFrom(path, fork), tip - PATH_WINDOW);
  const wanted: { id: string; height: number }[] = [];
  for (let height = tip; height > from; height--) {
    const point = path.recent.get(height);
    if (point) wanted.push({ id: toHex(point.id), height });
  }
  return [...wanted, ...auditedBlocks(path, fork)].filter(({ id }) => !isChecked(id));
}
