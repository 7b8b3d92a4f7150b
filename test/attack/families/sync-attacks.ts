/**
 * Liars in answers of sync: peers that claim the most work, and give what is nothing. What each costs a judge is counted
 * in questions, since nobody may be kept busy by lies that cost nothing.
 */
import { answer, unavailable } from '../../../src/chain/shared/answer.ts';
import { encode } from '../../../src/core/codec.ts';
import type { FaultCode } from '../../../src/core/faults.ts';
import { Header } from '../../../src/core/formats.ts';
import {
  blockId,
  extendPoint,
  templateCore,
  type ChainPoint,
} from '../../../src/core/header/header.ts';
import { plainHash, ZERO_HASH } from '../../../src/core/hash.ts';
import { HEADERS_MAX, type Block } from '../../../src/core/messages.ts';
import { NANOVOLTS } from '../../../src/core/params.ts';
import { bodyOf, bodyRoot } from '../../../src/core/tx/body.ts';
import { equal, toHex, utf8 } from '../../../src/lib/bytes.ts';
import { MINER, THIEF, type Arena, type Met } from '../arena.ts';
import type { Attack } from '../attack-type.ts';
import type { Verdict } from '../verdict.ts';
import { openClientJudge } from '../judges/client-judge.ts';
import type { Source } from '../judges/judge.ts';
import { until } from '../judges/seed-judge.ts';

/** Headers that follow all rules and that nobody worked for, on the head. */
function emptyHeaders(arena: Arena, count: number): Header[] {
  const { chain } = arena;
  const points: ChainPoint[] = [];
  // Of the first the judges know the root of the state.
  let { stateRoot } = arena.core(THIEF);
  for (let at = chain.head(); points.length < count; points.push(at), stateRoot = ZERO_HASH) {
    const fields = { model: 0, miner: THIEF.address, stateRoot };
    const timeMs = at.header.time + 1;
    const core = templateCore(chain.params, at, {
      ...fields,
      timeMs,
      bodyRoot: bodyRoot(bodyOf()),
    });
    at = extendPoint(chain.params, at, { ...core, proofDigest: ZERO_HASH });
  }
  return points.map(({ header }) => header);
}

/** A source that has these headers above the judges' head, and answers for their blocks what `partsOf` says. */
function sourceOf(
  genesis: Header,
  headers: readonly Header[],
  partsOf: (id: Uint8Array) => Pick<Block, 'body' | 'proof'> | undefined,
): Source {
  const tip = headers.at(-1)!;
  const after = (locator: readonly Uint8Array[]): number => {
    const at = headers.findLastIndex((h) => locator.some((id) => equal(id, blockId(h))));
    return at + 1;
  };
  return async (request) => {
    const { type } = request;
    if (type === 'status') {
      const { height, totalWork } = tip;
      return { type, genesis, head: blockId(tip), height, totalWork, agent: 'liar' };
    }
    if (type === 'headers') {
      const from = after(request.locator);
      return { type, headers: headers.slice(from, from + request.max) };
    }
    if (type !== 'blocks') return { type: 'unavailable', reason: 'it has nothing' };
    const blocks = request.ids.flatMap((id) => {
      const parts = partsOf(id);
      return parts ? [{ id, ...parts }] : [];
    });
    return { type, blocks };
  };
}

const isSeed = (judge: string): boolean => judge === 'seed';

/** Questions that a liar may be asked by one judge: its status, its headers, some of its blocks, and what it is polled. */
const CALLS_MAX = 12;

/** A liar wins where a judge changes its head, or asks it on and on. @param owed points that each judge charges it */
function verdictOf(
  arena: Arena,
  { points, heads, calls }: Met,
  { rule, owed }: { readonly rule: string; readonly owed: (judge: string) => number },
): Verdict {
  const own = toHex(arena.chain.head().id);
  // Whoever asks again meanwhile charges again.
  const isRight = (charged: number, once: number): boolean =>
    once ? charged > 0 && charged % once === 0 : charged === 0;
  const wrong = arena.judges.flatMap(({ name }, i) =>
    isRight(points[i]!, owed(name)) ? [] : [`${name} charged ${points[i]}, not ${owed(name)}`],
  );
  const accepted = heads.some((head) => head !== own) || calls.some((n) => n > CALLS_MAX);
  return { accepted, fault: rule, differences: accepted ? [] : wrong };
}

/** Headers with more work than all others, and not one proof: whoever asked on would never end. */
const unprovenHeaders =
  (count: number, owed: (judge: string) => number) =>
  async (arena: Arena): Promise<Verdict[]> => {
    const headers = emptyHeaders(arena, count);
    const source = sourceOf((await arena.chain.header(0))!, headers, () => undefined);
    return [verdictOf(arena, await arena.meetLiar(source), { rule: 'wire.unproven', owed })];
  };

/** A block that its teller did not tell, but gives when it is asked for it. */
async function given(
  arena: Arena,
  block: Block,
  expected: { readonly rule: FaultCode; readonly owed: (judge: string) => number },
): Promise<Verdict[]> {
  const source = sourceOf((await arena.chain.header(0))!, [block.header], () => block);
  const verdict = verdictOf(arena, await arena.meetLiar(source), expected);
  if (verdict.accepted) await arena.chain.importBlock(block);
  return [verdict];
}

/** The work of an honest block once more, under a header of the thief's. */
async function borrowedWork(arena: Arena): Promise<Verdict[]> {
  const { header, proof } = await arena.once('an honest block', () => arena.honest());
  const core = { ...arena.core(THIEF), proofDigest: header.proofDigest };
  const block = { header: core, body: bodyOf(), proof };
  return given(arena, block, { rule: 'proof.target', owed: () => 100 });
}

/** A true block, given with a body that it does not commit to: to a client that is a proof withheld, too. */
async function otherBody(arena: Arena): Promise<Verdict[]> {
  await arena.coins();
  const won = await arena.forger.win(arena.core(THIEF));
  const body = bodyOf([arena.pay(MINER, THIEF.address, NANOVOLTS)]);
  const owed = (judge: string): number => (isSeed(judge) ? 50 : 100);
  return given(arena, { ...won, body }, { rule: 'body.root', owed });
}

const LIAR = 'a liar';
/** Blocks that a newcomer executes from the first on; above them it needs a witness. */
const EXECUTED_MAX = 64;
/** Questions about the state that a newcomer puts to one liar before it is banned, side by side ones included. */
const STATE_CALLS_MAX = 4;

/**
 * Who has just come believes nobody for the state: one peer claims to be far ahead of all, so that it is asked first,
 * and what it gives of the state opens to no root. Seeds execute from the first block, and ask nobody for it.
 */
async function falseState(arena: Arena): Promise<Verdict[]> {
  const { chain } = arena;
  while (chain.head().header.height <= EXECUTED_MAX) await arena.honest([], 1000);
  const honest: Source = (request) => answer(chain, request, () => []);
  let calls = 0;
  const lie: Source = async (request) => {
    const { type } = request;
    if (type === 'witness' || type === 'proof' || type === 'state') {
      calls++;
      return { type, proof: plainHash(utf8(type)) };
    }
    const told = await honest(request);
    return told.type === 'status' ? { ...told, height: told.height + 1000 } : told;
  };
  const judge = await openClientJudge({
    name: 'lightPage',
    network: arena.network,
    genesis: toHex(encode(Header, (await chain.header(0))!)),
    model: undefined,
    async answer(peer, request) {
      if (peer === LIAR) return await lie(request);
      // It says nothing of itself until the liar was believed in all else.
      const isSilent = request.type === 'status' && calls === 0;
      return isSilent ? unavailable('not yet') : await honest(request);
    },
  });
  try {
    await judge.meet(LIAR);
    const own = toHex(chain.head().id);
    const isThere = async () => (await judge.head()) === own || undefined;
    await until('the newcomer came to the honest head', isThere);
    const { spendable } = await judge.api.account(MINER.address);
    const points = await judge.points(LIAR);
    const wrong = points > 0 ? [] : ['nobody charged the liar'];
    const accepted = spendable !== arena.balanceOf(MINER) || calls > STATE_CALLS_MAX;
    return [{ accepted, fault: 'state.witness', differences: wrong }];
  } finally {
    await judge.stop();
  }
}
export const SYNC_ATTACKS: readonly Attack[] = [
  {
    name: 'headers without a proof',
    rule: 'wire.unproven',
    off: [],
    needed: 'headers alone are no head',
    runs: 1,
    // A seed stops at the first blocks that are not given, and knows nothing against who has none.
    run: unprovenHeaders(100, (judge) => (isSeed(judge) ? 0 : 50)),
  },
  {
    name: 'headers of a deep branch without a proof',
    rule: 'wire.unproven',
    off: [],
    needed: 'headers alone are no head',
    runs: 1,
    // The newest are owed of a deep branch too.
    run: unprovenHeaders(HEADERS_MAX + 88, (judge) => (isSeed(judge) ? 0 : 50)),
  },
  {
    name: 'work of another block in an answer',
    rule: 'proof.target',
    off: ['proof.target', 'proof.activations', 'proof.transcript', 'proof.earlier-winner'],
    runs: 1,
    run: borrowedWork,
  },
  {
    name: 'body of another block in an answer',
    rule: 'body.root',
    off: ['body.root'],
    runs: 1,
    run: otherBody,
  },
  {
    name: 'state of no block in an answer',
    rule: 'state.witness',
    off: [],
    needed: 'what opens to another root is no state',
    runs: 1,
    run: falseState,
  },
];
