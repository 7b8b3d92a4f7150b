/**
 * The branches of a light client, and which one its head is on. A change is made in two steps: `after`
 * says what would be, the caller writes that to the store, and `moveTo` makes it so.
 */
import type { Header } from '../../../core/formats.ts';
import { isFarBehind, replaces } from '../../../core/header/fork-choice.ts';
import type { ChainPoint } from '../../../core/header/header.ts';
import type { Params } from '../../../core/params.ts';
import { BoundedMap } from '../../../lib/bounded.ts';
import { equal, toHex } from '../../../lib/bytes.ts';
import { tipOf, type HeadMeasure } from '../../shared/branch-tip.ts';
import { PATHS_MAX } from '../records.ts';
import { commonHeight, type AuditedBlock, type Path } from './paths.ts';

/** Ids of blocks that failed execution. Each cost a proof of work. */
const INVALID_MAX = 1024;
/** Blocks that were drawn of branches which then were dropped: of the last few. */
const OWED_MAX = 512;

export interface BranchesNow {
  /** Most of them are branches that wait for their proofs. */
  readonly paths: readonly Path[];
  /** The one of `paths` that the head is on. */
  readonly headPath: Path;
  readonly head: ChainPoint;
  readonly measure: HeadMeasure;
  /** Number of the segment that the next new branch gets. */
  readonly nextSegment: number;
}

export class Branches {
  readonly #params: Params;
  #now: BranchesNow;
  readonly #invalid = new BoundedMap<string, true>(INVALID_MAX);
  readonly #owed = new BoundedMap<string, AuditedBlock>(OWED_MAX);

  constructor(params: Params, now: BranchesNow) {
    this.#params = params;
    this.#now = now;
  }

  get paths(): readonly Path[] {
    return this.#now.paths;
  }

  get headPath(): Path {
    return this.#now.headPath;
  }

  get head(): ChainPoint {
    return this.#now.head;
  }

  get headHeight(): number {
    return this.#now.head.header.height;
  }

  get measure(): HeadMeasure {
    return this.#now.measure;
  }

  get nextSegment(): number {
    return this.#now.nextSegment;
  }

  /** The branch with the most claimed work, proven or not. */
  get best(): Path {
    return this.paths.reduce((a, b) => (workOf(b) > workOf(a) ? b : a));
  }

  /** Height of the last block that the head's chain and a path share. */
  forkOf(path: Path): number {
    const { headPath, headHeight } = this;
    return commonHeight(headPath.segments, headHeight, path.segments, path.tip.header.height);
  }

  /** Whether a path would become the head's if it proved what it claims. */
  claimsHead(path: Path): boolean {
    return this.claimsHeadAt(path, path.tip);
  }

  /** The same of the path up to one of its points. */
  claimsHeadAt(path: Path, { header, id }: ChainPoint): boolean {
    const fork = Math.min(this.forkOf(path), header.height);
    if (fork === header.height || equal(id, this.head.id)) return false;
    return this.wouldLead(path, fork, header);
  }

  /** Whether a block would become the head that is put on a path from that height on, and proven. */
  wouldLead(path: Path, from: number, header: Header): boolean {
    const depth = this.headHeight - Math.min(this.forkOf(path), from);
    return replaces(this.measure.tip, { tip: tipOf(this.#params, header), depth });
  }

  /** Whether a block's branch is too far behind to be kept or passed on. */
  isFarBehind({ totalWork }: Pick<Header, 'totalWork'>): boolean {
    return isFarBehind(totalWork, this.measure.floor);
  }

  /**
   * The branches after a change. When there are too many, a path is left out that has at most the head's
   * work, else the one that grew longest ago: claimed work is free, and must not crowd out the next honest
   * block.
   */
  after(change: Partial<BranchesNow>): BranchesNow {
    const next = { ...this.#now, ...change };
    let { paths } = next;
    while (paths.length > PATHS_MAX) {
      const others = paths.filter((path) => path !== next.headPath);
      const beaten = others.find((path) => workOf(path) <= next.head.header.totalWork);
      const left = beaten ?? others[0];
      paths = paths.filter((path) => path !== left);
    }
    return { ...next, paths };
  }

  /** @returns numbers of the segments that no path has any more */
  moveTo(next: BranchesNow): Set<number> {
    const unused = segmentsOf(this.#now).difference(segmentsOf(next));
    this.#now = next;
    return unused;
  }

  /** The branch that ends with this block. */
  endingAt(id: Uint8Array): Path | undefined {
    return this.paths.find(({ tip }) => equal(tip.id, id));
  }

  /** The branch that ends with this block, else one that has grown past it a little. */
  holding(id: Uint8Array): Path | undefined {
    return this.endingAt(id) ?? this.paths.find((path) => this.heightOn(path, id) !== undefined);
  }

  /** Height of one of a path's newest blocks. */
  heightOn({ recent }: Path, id: Uint8Array): number | undefined {
    return [...recent.values()].find((point) => equal(point.id, id))?.header.height;
  }

  /** Changes what is in memory alone. An audit is not stored: after a start it is drawn again, and is the same. */
  replacePath(path: Path, next: Path): void {
    const { paths, headPath } = this.#now;
    this.#now = {
      ...this.#now,
      paths: paths.with(paths.indexOf(path), next),
      headPath: headPath === path ? next : headPath,
    };
  }

  /** Blocks that were drawn of branches which were dropped before they had proven them. */
  get owed(): AuditedBlock[] {
    return [...this.#owed].map(([, block]) => block);
  }

  addOwed(blocks: readonly AuditedBlock[]): void {
    for (const block of blocks) this.#owed.set(block.id, block);
  }

  markInvalid(id: Uint8Array): void {
    this.#invalid.set(toHex(id), true);
  }

  isInvalid(id: Uint8Array): boolean {
    return this.#invalid.has(toHex(id));
  }
}

const workOf = (path: Path): bigint => path.tip.header.totalWork;

const segmentsOf = ({ paths }: BranchesNow): Set<number> =>
  new Set(paths.flatMap((path) => path.segments.map(({ number }) => number)));
