/**
 * Branches: blocks withheld, dated, or told in an order that parts the network. All judges hear them in one order, and
 * must end at one head.
 */
import { isFault } from '../../../src/core/faults.ts';
import { ZERO_HASH } from '../../../src/core/hash.ts';
import {
  blockId,
  extendPoint,
  templateCore,
  type ChainPoint,
} from '../../../src/core/header/header.ts';
import { targetOf } from '../../../src/core/header/target.ts';
import type { Block } from '../../../src/core/messages.ts';
import { PROTOCOL_VERSION } from '../../../src/core/params.ts';
import { bodyOf } from '../../../src/core/tx/body.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { MINER, THIEF, type Arena } from '../arena.ts';
import type { Attack } from '../attack-type.ts';
import type { Verdict } from '../verdict.ts';

/** Siblings at one height: a full node that has room for eight refuses the ninth. */
const SIBLINGS = 9;

const empty = async (arena: Arena, core: ReturnType<Arena['core']>): Promise<Block> => ({
  ...(await arena.forger.win(core)),
  body: bodyOf(),
});

/**
 * A block that was withheld, and dated as early as may be: it has a little more work than the one that everybody had
 * first. Were any lead enough, it would win every race, and withholding would pay from the first per cent.
 */
async function withheld(arena: Arena): Promise<Verdict[]> {
  const early = await empty(arena, arena.core(THIEF, [], 1));
  const late = await empty(arena, arena.core(MINER, [], 4000));
  if (early.header.totalWork <= late.header.totalWork) throw new Error('the early one has no lead');
  await arena.tellHonest(late);
  return [await arena.announceBlock(early)];
}

/** Nine siblings, then a branch on the last: a node without room for it would stay on the first for ever. */
async function crowded(arena: Arena): Promise<Verdict[]> {
  const cores = Array.from({ length: SIBLINGS }, () => arena.core(THIEF));
  const siblings: Block[] = [];
  for (const core of cores) siblings.push(await empty(arena, core));
  const first = toHex(blockId(siblings[0]!.header));
  const differences: string[] = [];
  for (const block of siblings) {
    const { said, heads } = await arena.tell(block);
    if (new Set(said).size > 1) differences.push(said.join(', '));
    if (heads.some((head) => head !== first)) differences.push('not all stay with the first');
  }
  // The copy is where the last was heard first, and goes on from there.
  const imported = await arena.chain.importBlock(siblings.at(-1)!);
  if (isFault(imported)) throw new Error(imported.fault);
  const child = await empty(arena, arena.core(MINER));
  await arena.tellHonest(child);
  return [{ accepted: false, fault: 'fork.room', differences }];
}

/** A block whose state is false, beside the head: nothing is executed before its turn, and no judge says a word. */
async function falseBeside(arena: Arena): Promise<Verdict[]> {
  const core = arena.core(THIEF);
  await arena.honest();
  const won = await arena.forger.win({ ...core, stateRoot: ZERO_HASH });
  return [await arena.announceBlock({ ...won, body: bodyOf() })];
}

/** On a block that all have found false: whoever looked for its parent would ask for it again and again. */
async function onAFalseOne(arena: Arena): Promise<Verdict[]> {
  const { params } = arena.chain;
  const won = await arena.forger.win({ ...arena.core(THIEF), stateRoot: ZERO_HASH });
  await arena.tell({ ...won, body: bodyOf() });
  const child = await childOf(arena, extendPoint(params, arena.chain.head(), won.header));
  return [await arena.announceBlock(child)];
}

/**
 * A block whose state is false, beside the head, and then its child, with which their branch leads. A seed executes the
 * branch before it takes it, and finds the lower one false. A client passes the child on, since it may have to ask for a
 * witness, and then finds the same: it leaves the branch, and charges nobody.
 */
async function falseBranchLeads(arena: Arena): Promise<Verdict[]> {
  const core = arena.core(THIEF);
  const { params } = arena.chain;
  const fork = arena.chain.head();
  await arena.honest();
  const own = toHex(arena.chain.head().id);
  const lower = await arena.forger.win({ ...core, stateRoot: ZERO_HASH });
  await arena.tell({ ...lower, body: bodyOf() });
  const child = await childOf(arena, extendPoint(params, fork, lower.header));
  const { said, heads } = await arena.tell(child);
  const accepted = heads.some((head) => head !== own);
  const [seed, ...clients] = said;
  const differences: string[] = [];
  if (seed !== 'header.known-invalid (10)') differences.push(`the seed says ${seed}`);
  if (clients.some((one) => one !== 'accept'))
    differences.push(`clients say ${clients.join(', ')}`);
  return [{ accepted, fault: 'header.known-invalid', differences: accepted ? [] : differences }];
}

/** The thief's next block on a branch whose state nobody has. */
async function childOf(arena: Arena, parent: ChainPoint): Promise<Block> {
  const { time, model, bodyRoot } = parent.header;
  const fields = { timeMs: time + 2000, miner: THIEF.address, stateRoot: ZERO_HASH };
  const core = templateCore(arena.chain.params, parent, { ...fields, model, bodyRoot });
  return { ...(await arena.forger.win(arena.fresh(core))), body: bodyOf() };
}

/**
 * A pause of a half-life: the next block has half of the head's work, and must be taken all the same, or the chain
 * stands still for ever.
 */
async function afterAPause(arena: Arena): Promise<Verdict[]> {
  const { params } = arena.chain;
  // Sooner than on schedule, until the target is well below the easiest.
  while (2n * targetOf(params, arena.core(MINER)) > params.targetMax) await arena.honest([], 1);
  const block = await empty(arena, arena.core(MINER, [], params.halfLifeMs + 2000));
  await arena.chain.importBlock(block);
  const { heads } = await arena.tell(block);
  const id = toHex(blockId(block.header));
  return [{ accepted: heads.some((head) => head !== id), fault: 'fork.pause', differences: [] }];
}

/** A block of a newer program: its teller is honest, and must not be cut off for it. */
async function newer(arena: Arena): Promise<Verdict[]> {
  const version = PROTOCOL_VERSION + 1;
  const block = await empty(arena, { ...arena.core(MINER), version, knows: version });
  const { said } = await arena.tell(block);
  const differences = said.some((one) => one !== said[0]) ? [said.join(', ')] : [];
  const accepted = said.some((one) => one.includes('('));
  return [{ accepted, fault: said[0], differences }];
}

export const FORK_ATTACKS: readonly Attack[] = [
  {
    name: 'false state beside the head',
    rule: 'fork.turn',
    says: 'accept',
    off: [],
    needed: 'it is judged when its turn comes',
    runs: 2,
    run: falseBeside,
  },
  {
    name: 'child of a false block',
    rule: 'header.known-invalid',
    off: [],
    needed: 'without a parent nothing else can be judged',
    runs: 2,
    run: onAFalseOne,
  },
  {
    name: 'child with which a false branch leads',
    rule: 'header.known-invalid',
    off: ['header.state-root'],
    runs: 2,
    run: falseBranchLeads,
  },
  {
    name: 'honest teller of newer rules',
    rule: 'wire.newer',
    says: 'ignore',
    off: [],
    charged: ['wire.newer'],
    runs: 1,
    run: newer,
  },
  {
    name: 'first block after a pause',
    rule: 'fork.pause',
    off: [],
    seam: 'half-of-head',
    isLong: true,
    runs: 1,
    run: afterAPause,
  },
  {
    name: 'withheld block, dated early',
    rule: 'fork.half',
    says: 'accept',
    off: [],
    seam: 'any-lead',
    runs: 2,
    run: withheld,
  },
  {
    name: 'ninth sibling and its branch',
    rule: 'fork.room',
    off: [],
    needed: 'there is no room to take away',
    runs: 1,
    run: crowded,
  },
];
