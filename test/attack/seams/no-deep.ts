/** Fork choice for which a deep fork is as any other. In place of src/core/header/fork-choice.ts. */
import {
  replaces as whole,
  type HeadTip,
  type Rival,
} from '../../../src/core/header/fork-choice.ts';

export * from '../../../src/core/header/fork-choice.ts';

export const replaces = (head: HeadTip, { tip, depth }: Rival): boolean =>
  whole(head, { tip, depth: Math.min(depth, 1) });

export function chooseRival<R extends Rival>(head: HeadTip, rivals: Iterable<R>): R | undefined {
  let best: R | undefined;
  for (const rival of rivals)
    if (!(best && rival.tip.totalWork <= best.tip.totalWork) && replaces(head, rival)) best = rival;
  return best;
}
