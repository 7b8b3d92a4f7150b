/**
 * Fork choice by half of the head's own work, whatever extends it included. In place of src/core/header/fork-choice.ts.
 */
import type { HeadTip, Rival } from '../../../src/core/header/fork-choice.ts';

export * from '../../../src/core/header/fork-choice.ts';

export const replaces = (head: HeadTip, { tip }: Rival): boolean =>
  2n * (tip.totalWork - head.totalWork) > head.work;

export function chooseRival<R extends Rival>(head: HeadTip, rivals: Iterable<R>): R | undefined {
  let best: R | undefined;
  for (const rival of rivals)
    if (!(best && rival.tip.totalWork <= best.tip.totalWork) && replaces(head, rival)) best = rival;
  return best;
}
