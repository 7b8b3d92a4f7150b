/**
 * Work that is not the model's inference: invented, borrowed or skipped operands, seeds made new at little cost,
 * the wrong ticket. Every proof here passes the light check unless its comment says otherwise.
 */
import { plainHash } from '../../src/core/hash.ts';
import { noisyRows } from '../../src/core/pow/noise.ts';
import { tileCount, tileMessage, tileOrigin } from '../../src/core/pow/transcript.ts';
import type { HeaderCore } from '../../src/core/formats.ts';
import { concat, equal } from '../../src/lib/bytes.ts';
import { randomOperand } from '../oracle/random.ts';
import { MINER, THIEF, type Arena } from './arena.ts';
import type { Attack } from './attack-type.ts';
import type { Forger, OperandOf, Unit, Win, Won } from './forger.ts';

/** Counter from which each try draws numbers of its own. */
let draws = 0;
const randomOf = (forger: Forger, linear: number): Int8Array => {
  const { m, k } = forger.model.manifest.linears[linear - 1]!;
  return randomOperand(`attack ${draws++}`, m * k);
};

/** Announces the thief's win as a block with an empty body. */
const announce = async (arena: Arena, won: Won) => [
  await arena.announceBlock({ ...won, body: [] }),
];

const withOperands =
  (operandOf: (forger: Forger) => OperandOf, pick?: (wins: readonly Win[]) => Win | undefined) =>
  async (arena: Arena) =>
    announce(arena, await arena.forger.win(arena.core(THIEF), operandOf(arena.forger), pick));

const random: (forger: Forger) => OperandOf = (forger) => async (linear) =>
  randomOf(forger, linear);

const firstOnly: (forger: Forger) => OperandOf = (forger) => (linear, honest) =>
  linear === 1 ? honest() : Promise.resolve(randomOf(forger, linear));

/** Activations of one pass, used for every header. */
async function cached(arena: Arena) {
  const { forger } = arena;
  const stored = await forger.unit(arena.core(MINER));
  const won = await forger.win(arena.core(THIEF), async (linear) => stored.operands[linear - 1]!);
  return announce(arena, won);
}

async function otherWeights(arena: Arena) {
  const { weights } = arena.forger.model;
  const forger = arena.forger.withWeights(weights.map((w) => w.toReversed()));
  return announce(arena, await forger.win(arena.core(THIEF)));
}

/** The other model's activations, but the tickets of the right model's columns. */
async function otherModel(arena: Arena) {
  const { weights } = arena.forger.model;
  const other = arena.forger.withWeights(weights.map((w) => w.toReversed()));
  for (;;) {
    const core = arena.core(THIEF);
    const { operands } = await other.unit(core);
    const unit = await arena.forger.unit(core, async (linear) => operands[linear - 1]!);
    const winner = unit.wins.find((win) => win.linear > 1);
    if (winner) return announce(arena, arena.forger.block(core, unit, winner));
  }
}

/** Messages of all tiles of one linear: the leaves of t. */
function leavesOf(forger: Forger, unit: Unit, linear: number): Uint8Array[] {
  const l = forger.model.manifest.linears[linear - 1]!;
  const sigma = unit.sigmas[linear - 1]!;
  const a = noisyRows(sigma, 'a', 0, unit.operands[linear - 1]!, l.k, l.r);
  const b = noisyRows(sigma, 'b', 0, forger.model.weights[linear - 1]!, l.k, l.r);
  return Array.from({ length: tileCount(l) }, (_, tile) => {
    const { row, column } = tileOrigin(l, tile);
    const rows = a.subarray(row * l.k, (row + 16) * l.k);
    return tileMessage(rows, b.subarray(column * l.k, (column + 16) * l.k), l.k, l.r);
  });
}

/** A change of the last linear's inputs, one for each bit: a new ticket for the price of that linear alone. */
type Grind = (unit: Unit, bit: number) => { transcript: Uint8Array; operand: Int8Array };

async function grindLast(arena: Arena, core: HeaderCore, make: (unit: Unit) => Grind) {
  const { forger } = arena;
  const last = forger.model.manifest.linears.length;
  const unit = await forger.unit(core);
  const grind = make(unit);
  const before = unit.sigmas[last - 2]!;
  for (let bit = 0; bit < 2000; bit++) {
    const { transcript, operand } = grind(unit, bit);
    const { a, wins } = await forger.lottery(core, last, { before, transcript, operand });
    if (!wins[0]) continue;
    const forged = {
      a: unit.a.with(last - 1, a),
      t: unit.t.with(last - 2, transcript),
      operands: unit.operands.with(last - 1, operand),
    };
    return announce(arena, forger.block(core, forged, wins[0]));
  }
  throw new Error('2000 changes won nothing');
}

const flippedLeaf = (arena: Arena) =>
  grindLast(arena, arena.core(THIEF), (first) => {
    const leaves = leavesOf(arena.forger, first, first.t.length - 1);
    if (!equal(plainHash(concat(...leaves)), first.t.at(-2)!))
      throw new Error('not the leaves of t');
    return (unit, bit) => {
      const leaf = leaves[bit >> 9]!.slice();
      leaf[(bit >> 3) % 64]! ^= 1 << (bit & 7);
      const transcript = plainHash(concat(...leaves.with(bit >> 9, leaf)));
      return { transcript, operand: unit.operands.at(-1)! };
    };
  });

const groundLast = (arena: Arena) =>
  grindLast(arena, arena.core(THIEF), () => (unit, bit) => {
    const operand = unit.operands.at(-1)!.slice();
    operand[bit]! += operand[bit]! > 0 ? -1 : 1;
    return { transcript: unit.t.at(-2)!, operand };
  });

const later = withOperands(
  () => (_, honest) => honest(),
  (wins) => wins[1],
);

/** Somebody's winning block with another name on it. */
async function relabelled(arena: Arena) {
  const { header, proof } = await arena.once('somebody’s block', () =>
    arena.forger.win(arena.core(MINER)),
  );
  const nonce = header.nonce ^ BigInt(draws++);
  return announce(arena, { header: { ...header, miner: THIEF.address, nonce }, proof });
}

/** A claim to a win that never was: the hashes and rows are true, the ticket is not. */
async function noTicket(arena: Arena) {
  for (;;) {
    const core = arena.core(THIEF);
    const unit = await arena.forger.unit(core);
    const linear = unit.t.length;
    if (!unit.wins.length)
      return announce(arena, arena.forger.block(core, unit, { linear, tile: 0 }));
  }
}

const FULL = ['proof.activations', 'proof.transcript', 'proof.earlier-winner'] as const;
const REPLAY = { rule: 'proof.activations', off: FULL } as const;

export const PROOF_ATTACKS: readonly Attack[] = [
  { name: 'random A', ...REPLAY, runs: 4, run: withOperands(random) },
  { name: "another model's activations", ...REPLAY, runs: 3, run: otherModel },
  {
    name: 'first linear only',
    ...REPLAY,
    runs: 4,
    run: withOperands(firstOnly, (wins) => (wins[0]?.linear === 1 ? undefined : wins[0])),
  },
  { name: 'cached activations', ...REPLAY, runs: 3, run: cached },
  {
    name: "another model's weights",
    rule: 'proof.columns',
    off: ['proof.columns', ...FULL],
    runs: 3,
    run: otherWeights,
  },
  {
    name: 'flipped leaf of t',
    rule: 'proof.transcript',
    off: ['proof.transcript', 'proof.earlier-winner'],
    runs: 5,
    run: flippedLeaf,
  },
  {
    name: 'ground a_L',
    rule: 'proof.activations',
    off: ['proof.activations', 'proof.earlier-winner'],
    runs: 5,
    run: groundLast,
  },
  {
    name: 'later tile, an earlier one won',
    rule: 'proof.earlier-winner',
    off: ['proof.earlier-winner'],
    runs: 2,
    run: later,
  },
  {
    name: "somebody's block relabelled",
    rule: 'proof.target',
    off: ['proof.target', ...FULL],
    runs: 5,
    run: relabelled,
  },
  {
    name: 'ticket that did not win',
    rule: 'proof.target',
    off: ['proof.target', 'proof.earlier-winner'],
    runs: 5,
    run: noTicket,
  },
];
