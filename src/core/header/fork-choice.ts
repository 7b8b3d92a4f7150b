/**
 * Which branch is followed (docs/protocol.md §10): one rule for full nodes, light clients, pages and miners.
 *
 * A block's work falls with its own date, so that of two siblings the earlier dated has more: were any lead enough,
 * a withheld block would always win, and withholding would pay from the first per cent of the power. Half a block of
 * lead makes siblings tie. It is half of the lighter tip's: of the head's own block alone it would hold out against
 * many lighter blocks after a pause, and whatever extends the head is taken, or the chain would stop at a pause.
 */

/** Blocks below the head from which on a fork is deep, and the lead that it then needs. */
export const DEEP_FORK = 2048;
const DEEP_LEAD_BLOCKS = 60n;
/** Newest blocks over which the mean work is taken that a deep fork's lead is counted in. */
export const MEAN_DEEP = 128;
/** Blocks of the head's chain, newest, whose work a branch may lack and still be kept and passed on. */
export const KEPT_BEHIND = 16;

/** The end of a branch. */
export interface BranchTip {
  readonly totalWork: bigint;
  /** Of its last block alone. */
  readonly work: bigint;
}

/** The head, as a rival is measured by it. */
export interface HeadTip extends BranchTip {
  /** Its newest MEAN_DEEP blocks, or as many as there are: how many, and their work together. */
  readonly newest: { readonly blocks: number; readonly work: bigint };
}

/** A head's tip. @param deepFloor total work of its chain MEAN_DEEP blocks below it; 0 where there are fewer */
export const headTip = (tip: BranchTip, height: number, deepFloor: bigint): HeadTip => ({
  totalWork: tip.totalWork,
  work: tip.work,
  newest: { blocks: Math.min(height, MEAN_DEEP), work: tip.totalWork - deepFloor },
});

export interface Rival {
  readonly tip: BranchTip;
  /** Blocks of the head's chain above the fork; 0: the rival extends the head. */
  readonly depth: number;
}

/** Whether a branch that is not the head's own, or goes on from it, becomes the head in its place. */
export function replaces(head: HeadTip, { tip, depth }: Rival): boolean {
  if (depth === 0) return true;
  const lead = tip.totalWork - head.totalWork;
  const lighter = tip.work < head.work ? tip.work : head.work;
  if (2n * lead <= lighter) return false;
  const { blocks, work } = head.newest;
  return depth <= DEEP_FORK || lead * BigInt(blocks) > DEEP_LEAD_BLOCKS * work;
}

/**
 * The rival that becomes the head: of those that replace it the one with the most work, of equal ones the first. It
 * must be asked again after each change: a rival may replace the new head that did not replace the old one.
 */
export function chooseRival<R extends Rival>(head: HeadTip, rivals: Iterable<R>): R | undefined {
  let best: R | undefined;
  for (const rival of rivals)
    if (!(best && rival.tip.totalWork <= best.tip.totalWork) && replaces(head, rival)) best = rival;
  return best;
}

/**
 * Whether a block's branch is so far behind that it need not be kept, nor passed on: by more than KEPT_BEHIND times
 * the mean work of the head's newest KEPT_BEHIND blocks. That is what the head's chain had that many blocks ago.
 * @param floor total work of the head's chain KEPT_BEHIND blocks below the head; 0 where there are fewer
 */
export const isFarBehind = (totalWork: bigint, floor: bigint): boolean => totalWork < floor;
