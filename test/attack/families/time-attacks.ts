/**
 * Blocks that are dated ahead of the clock. They end the run, since the chain is then as old as the clock says: until
 * then it is hours behind, so that its blocks are easy.
 */
import { blockId } from '../../../src/core/header/header.ts';
import { bodyOf } from '../../../src/core/tx/body.ts';
import { futureMsMax } from '../../../src/core/params.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { MINER, THIEF, type Arena } from '../arena.ts';
import type { Attack } from '../attack-type.ts';
import type { Verdict } from '../verdict.ts';

/** ms that its maker's clock is ahead beyond what clocks may differ by: longer than it takes to make and tell it. */
const BEYOND_MS = 25_000;

/**
 * A block of a clock that is ahead within the limit is taken at once. One from beyond it is put aside, at nobody's cost,
 * and taken by all once its time has come, though nobody tells it again: an honest clock must not cost a block, and a
 * false one must win nothing by its date.
 */
async function tooEarly(arena: Arena): Promise<Verdict[]> {
  const limitMs = futureMsMax(arena.chain.params);
  const near = await arena.forger.win(arena.coreAt(MINER, Date.now() + limitMs));
  await arena.tellHonest({ ...near, body: bodyOf() });

  const time = Date.now() + limitMs + BEYOND_MS;
  const block = { ...(await arena.forger.win(arena.coreAt(THIEF, time))), body: bodyOf() };
  const { said, heads } = await arena.tell(block);
  const id = toHex(blockId(block.header));
  if (Date.now() > time - limitMs) throw new Error('its time came before it was judged');
  const differences = said.some((one) => one !== said[0]) ? [said.join(', ')] : [];
  if (heads.includes(id)) {
    return [{ accepted: true, fault: undefined, differences }];
  }
  await arena.untilClock(time - limitMs);
  await arena.copy(block);
  await arena.agree();
  return [{ accepted: false, fault: said[0], differences }];
}

export const TIME_ATTACKS: readonly Attack[] = [
  {
    name: 'block ahead of its time',
    rule: 'header.time-future',
    says: 'ignore',
    off: ['header.time-future'],
    seam: 'no-wait',
    runs: 1,
    run: tooEarly,
  },
];
