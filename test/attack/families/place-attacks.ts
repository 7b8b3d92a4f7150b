/**
 * Branches whose every winner lies in the last linear, where forging without the model pays best: a page without the
 * model sees no more of them than the places of their winners.
 */
import { isFault } from '../../../src/core/faults.ts';
import type { HeaderCore } from '../../../src/core/formats.ts';
import { plainHash, ZERO_HASH } from '../../../src/core/hash.ts';
import { blockId } from '../../../src/core/header/header.ts';
import { SAFETY_BLOCKS_MIN } from '../../../src/core/light-safety.ts';
import { layerSeed, seedOf } from '../../../src/core/pow/seed.ts';
import { bodyOf } from '../../../src/core/tx/body.ts';
import { toHex, utf8 } from '../../../src/lib/bytes.ts';
import { randomBytes } from '../../oracle/random.ts';
import { MINER, THIEF, type Arena } from '../arena.ts';
import type { Attack } from '../attack-type.ts';
import type { Verdict } from '../verdict.ts';
import type { Forger, Won } from '../forger.ts';
import { openChain } from '../judges/full-judge.ts';

let draws = 0;
const invented = (): Uint8Array => plainHash(utf8(`invented ${draws++}`));

/** A win of the last linear alone: what comes before it is invented, not computed. */
async function lastAlone(forger: Forger, core: HeaderCore): Promise<Won> {
  const last = forger.linears.length;
  const { m, k, low, high } = forger.linears[last - 1]!;
  const x = Array.from({ length: last - 1 }, invented);
  const t = Array.from({ length: last - 1 }, invented);
  const before = x.reduce(
    (sigma, one, i) =>
      layerSeed(sigma, t[i - 1] ?? ZERO_HASH, one, forger.linears[i]!.weights, i + 1),
    seedOf(core),
  );
  for (;;) {
    const bytes = randomBytes(`late ${draws++}`, m * k);
    const operand = Int8Array.from(bytes, (b) => low + (b % (high - low + 1)));
    const given = { before, transcript: t.at(-1)!, operand, y: ZERO_HASH };
    const { a, x: own, wins } = await forger.lottery(core, last, given);
    const winner = wins[0];
    if (!winner) continue;
    const atLast = <T>(value: T): T[] => Array.from({ length: last }, () => value);
    const unit = { x: [...x, own], a: atLast(a), y: atLast(ZERO_HASH), t: [...t, ZERO_HASH] };
    return forger.block(core, { ...unit, operands: atLast(operand) }, winner);
  }
}

/**
 * A branch beside the honest one, block by block with as much work, that takes the lead in the end. Who has the model
 * finds its first block forged by then; who has none must see where its winners lie.
 */
async function lateWinners(arena: Arena): Promise<Verdict[]> {
  const { chain, network, forger } = arena;
  const genesis = (await chain.header(0))!;
  // It knows no model, and so follows the forged blocks.
  const branch = await openChain({ network, genesis });
  try {
    for (let height = 1; height <= chain.head().header.height; height++)
      await branch.importBlock((await chain.block(blockId((await chain.header(height))!)))!);
    const forge = async (core: HeaderCore): Promise<string[]> => {
      const { model, time } = core;
      const modelId = arena.modelId;
      const made = branch.template({ miner: THIEF.address, modelId, nowMs: time });
      if (made.core.model !== model) throw new Error('another model');
      const block = { ...(await lastAlone(forger, arena.fresh(made.core))), body: bodyOf() };
      const imported = await branch.importBlock(block);
      if (isFault(imported)) throw new Error(imported.fault);
      // Another peer each time: while units are forged a seed hangs up on one that is silent.
      const peer = arena.thief();
      const heard = await Promise.all(arena.judges.map((judge) => judge.tell(peer, block)));
      await Promise.all(arena.judges.map((judge) => judge.leave(peer)));
      return heard.map(({ verdict }) => verdict);
    };
    const differences: string[] = [];
    for (let i = 0; i < SAFETY_BLOCKS_MIN; i++) {
      const core = arena.core(MINER);
      await arena.tellHonest({ ...(await forger.win(core)), body: bodyOf() });
      const said = await forge(core);
      if (said.some((one) => one !== 'accept')) differences.push(said.join(', '));
    }
    await forge(arena.core(MINER));
    const heads = await arena.heads();
    const own = toHex(chain.head().id);
    const accepted = heads.some((head) => head !== own);
    return [{ accepted, fault: 'light.place', differences }];
  } finally {
    await branch.close();
  }
}

export const PLACE_ATTACKS: readonly Attack[] = [
  {
    name: 'branch of late winners',
    rule: 'light.place',
    off: [],
    seam: 'any-place',
    isLong: true,
    runs: 1,
    run: lateWinners,
  },
];
