/**
 * Branches that fork far below the head, told to a full node and a client of this process. Nobody worked for their
 * blocks: four thousand real ones would take ten minutes, and what is attacked here is which branch is followed. All
 * other rules, and how blocks are fetched, executed and changed to, are the program's own.
 */
import type { FullChain } from '../../../src/chain/full/full-chain.ts';
import { answer } from '../../../src/chain/shared/answer.ts';
import { DEEP_FORK } from '../../../src/core/header/fork-choice.ts';
import { blockId } from '../../../src/core/header/header.ts';
import { encode } from '../../../src/core/codec.ts';
import { Header } from '../../../src/core/formats.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { Arena, MINER, THIEF, type Met } from '../arena.ts';
import type { Attack } from '../attack-type.ts';
import { openClientJudge } from '../judges/client-judge.ts';
import { openChain, openFullJudge } from '../judges/full-judge.ts';
import type { Source } from '../judges/judge.ts';
import { grow, withoutWork } from '../no-work.ts';
import type { Verdict } from '../verdict.ts';
import { without } from '../without.ts';

/** Blocks that all branches share, and those of the honest chain above: a few more than make a fork deep. */
const SHARED = 3;
const OWN = DEEP_FORK + 12;
/** Blocks by which a branch leads: more than siblings need, and less or more than a deep fork does. */
const [SMALL_LEAD, LEAD] = [30, 90];
/** Height of a false block of a branch, as far below its end as may be. */
const FALSE_AT = SHARED + 8;

interface Deep {
  /** Two judges at the end of the honest chain, and their copy. */
  readonly arena: Arena;
  /** A branch from SHARED on, longer than the honest chain by so many blocks. */
  readonly branch: (lead: number, falseAt?: number) => Promise<FullChain>;
}

const sourceOf =
  (chain: FullChain): Source =>
  (request) =>
    answer(chain, request, () => []);

/** The honest chain of 2,060 blocks, with judges that have it. */
async function deepOf(arena: Arena): Promise<Deep> {
  const network = withoutWork(arena.network);
  const genesis = (await arena.chain.header(0))!;
  const hex = toHex(encode(Header, genesis));
  const deep = await Arena.open(
    {
      network,
      genesis,
      forger: arena.forger,
      open: async (answers) => [
        await openFullJudge({ network, genesis, answer: answers }),
        await openClientJudge({
          name: 'lightPage',
          network,
          genesis: hex,
          answer: answers,
          model: undefined,
        }),
      ],
    },
    [],
  );
  await deep.tellHonest(await grow(deep, deep.chain, { miner: MINER, upTo: SHARED + OWN }));
  return {
    arena: deep,
    async branch(lead, falseAt) {
      const rules = without(network.params, falseAt === undefined ? [] : ['header.state-root']);
      const chain = await openChain({ network: { ...network, params: rules }, genesis });
      for (let height = 1; height <= SHARED; height++)
        await chain.importBlock(
          (await deep.chain.block(blockId((await deep.chain.header(height))!)))!,
        );
      const upTo = SHARED + OWN + lead;
      const wanted = { miner: THIEF, upTo, ...(falseAt !== undefined && { falseAt }) };
      await chain.importBlock(await grow(deep, chain, wanted));
      return chain;
    },
  };
}

/** Runs on judges of its own, which end with it. */
async function withDeep(arena: Arena, run: (deep: Deep) => Promise<Verdict>): Promise<Verdict[]> {
  const { forger } = arena;
  const { params } = forger;
  const deep = await deepOf(arena);
  try {
    return [await run(deep)];
  } finally {
    await deep.arena.close();
    forger.params = params;
  }
}

const changed = ({ heads }: Met, own: string): boolean => heads.some((head) => head !== own);

/** A branch that forks below the window with thirty blocks more: enough for siblings, and an hour's work of whoever waits. */
const smallLead = (arena: Arena): Promise<Verdict[]> =>
  withDeep(arena, async (deep) => {
    const own = toHex(deep.arena.chain.head().id);
    const branch = await deep.branch(SMALL_LEAD);
    const met = await deep.arena.meetLiar(sourceOf(branch));
    const differences = met.points.some((n) => n > 0) ? ['its teller was charged'] : [];
    return { accepted: changed(met, own), fault: 'fork.deep', differences };
  });

/**
 * A branch with all the lead that is asked for, and one false state far below. A light client can't see that; a full
 * node changes to no deep branch that it has not executed.
 */
const falseBelow = (arena: Arena): Promise<Verdict[]> =>
  withDeep(arena, async (deep) => {
    const own = toHex(deep.arena.chain.head().id);
    const branch = await deep.branch(LEAD, FALSE_AT);
    const met = await deep.arena.meetLiar(sourceOf(branch));
    const [seed] = met.heads;
    const differences = met.points[0] === 10 ? [] : [`a seed charged ${met.points[0]}, not 10`];
    const accepted = seed !== own;
    return { accepted, fault: 'header.state-root', differences: accepted ? [] : differences };
  });

/** Who could make a full node change between deep branches as often as it likes would keep it from all else. */
const thereAndBack = (arena: Arena): Promise<Verdict[]> =>
  withDeep(arena, async (deep) => {
    const { chain } = deep.arena;
    const branch = await deep.branch(LEAD);
    const there = await deep.arena.meetLiar(sourceOf(branch));
    const theirs = toHex(branch.head().id);
    if (there.heads[0] !== theirs) throw new Error('a seed did not follow a branch that it must');
    await chain.importBlock(
      await grow(deep.arena, chain, { miner: MINER, upTo: SHARED + OWN + 2 * LEAD }),
    );
    const back = await deep.arena.meetLiar(sourceOf(chain));
    return { accepted: back.heads[0] !== theirs, fault: 'fork.rest', differences: [] };
  });

export const DEEP_ATTACKS: readonly Attack[] = [
  {
    name: 'deep branch with a small lead',
    rule: 'fork.deep',
    off: [],
    seam: 'no-deep',
    isLong: true,
    runs: 1,
    run: smallLead,
  },
  {
    name: 'deep branch on a false state',
    rule: 'header.state-root',
    off: ['header.state-root'],
    isLong: true,
    runs: 1,
    run: falseBelow,
  },
  {
    name: 'from one deep branch to another',
    rule: 'fork.rest',
    off: [],
    seam: 'no-rest',
    isLong: true,
    runs: 1,
    run: thereAndBack,
  },
];
