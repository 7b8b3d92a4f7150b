/**
 * Work that is not the model's inference: invented, borrowed or skipped operands, seeds made new at little cost,
 * the wrong ticket. Every proof here passes the light check unless its comment says otherwise.
 */
import { plainHash } from '../../../src/core/hash.ts';
import { noisyRows } from '../../../src/core/pow/noise.ts';
import { tileCount, tileMessage, tileOrigin } from '../../../src/core/pow/transcript.ts';
import type { HeaderCore, Proof } from '../../../src/core/formats.ts';
import { bodyOf } from '../../../src/core/tx/body.ts';
import { concat, equal, utf8 } from '../../../src/lib/bytes.ts';
import { randomBytes } from '../../oracle/random.ts';
import { MINER, THIEF, type Arena } from '../arena.ts';
import type { Attack } from '../attack-type.ts';
import type { Forger, OperandOf, Unit, Win, Won } from '../forger.ts';
import type { Knows, Verdict } from '../verdict.ts';

/** Counter from which each try draws numbers of its own. */
let draws = 0;
const randomOf = (forger: Forger, linear: number): Int8Array => {
  const { m, k, low, high } = forger.linears[linear - 1]!;
  const bytes = randomBytes(`attack ${draws++}`, m * k);
  return Int8Array.from(bytes, (b) => low + (b % (high - low + 1)));
};

/** Announces the thief's win as a block with an empty body. */
const announce = async (arena: Arena, won: Won, knows: Knows = 'model') => [
  await arena.announceBlock({ ...won, body: bodyOf() }, knows),
];

const withOperands =
  (operandOf: (forger: Forger) => OperandOf, pick?: (wins: readonly Win[]) => Win | undefined) =>
  async (arena: Arena) =>
    announce(
      arena,
      await arena.forger.win(arena.core(THIEF), { operandOf: operandOf(arena.forger) }, pick),
    );

const random: (forger: Forger) => OperandOf = (forger) => async (linear) =>
  randomOf(forger, linear);

const firstOnly: (forger: Forger) => OperandOf = (forger) => (linear, honest) =>
  linear === 1 ? honest() : Promise.resolve(randomOf(forger, linear));

/** Activations of one pass, used for every header. */
async function cached(arena: Arena) {
  const { forger } = arena;
  const stored = await forger.unit(arena.core(MINER));
  const operandOf: OperandOf = async (linear) => stored.operands[linear - 1]!;
  const won = await forger.win(arena.core(THIEF), { operandOf });
  return announce(arena, won);
}

async function otherWeights(arena: Arena) {
  const { weights } = arena.forger.model;
  const forger = arena.forger.withWeights(weights.map((w) => w.toReversed()));
  return announce(arena, await forger.win(arena.core(THIEF)), 'bytes');
}

/** The other model's activations, but the tickets of the right model's columns. */
async function otherModel(arena: Arena) {
  const { weights } = arena.forger.model;
  const other = arena.forger.withWeights(weights.map((w) => w.toReversed()));
  for (;;) {
    const core = arena.core(THIEF);
    const { operands } = await other.unit(core);
    const operandOf: OperandOf = async (linear) => operands[linear - 1]!;
    const unit = await arena.forger.unit(core, { operandOf });
    const winner = unit.wins.find((win) => win.linear > 1);
    if (winner) return announce(arena, arena.forger.block(core, unit, winner));
  }
}

/** Messages of all tiles of one linear: the leaves of t. */
function leavesOf(forger: Forger, unit: Unit, linear: number): Uint8Array[] {
  const l = forger.linears[linear - 1]!;
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
  const last = forger.linears.length;
  const unit = await forger.unit(core);
  const grind = make(unit);
  const before = unit.sigmas[last - 2]!;
  for (let bit = 0; bit < 2000; bit++) {
    const { transcript, operand } = grind(unit, bit);
    const y = unit.y[last - 1]!;
    const { a, x, wins } = await forger.lottery(core, last, { before, transcript, operand, y });
    if (!wins[0]) continue;
    const forged = {
      x: unit.x.with(last - 1, x),
      a: unit.a.with(last - 1, a),
      y: unit.y,
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
    const { low, high } = arena.forger.linears.at(-1)!;
    const operand = unit.operands.at(-1)!.slice();
    const middle = (low + high) / 2;
    operand[bit]! += operand[bit]! > middle ? -1 : 1;
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
  return announce(arena, { header: { ...header, miner: THIEF.address, nonce }, proof }, 'bytes');
}

/** A claim to a win that never was: the hashes and rows are true, the ticket is not. */
async function noTicket(arena: Arena) {
  for (;;) {
    const core = arena.core(THIEF);
    const unit = await arena.forger.unit(core);
    const linear = unit.t.length;
    if (!unit.wins.length)
      return announce(arena, arena.forger.block(core, unit, { linear, tile: 0 }), 'bytes');
  }
}

/** True activations, but carries that nobody made: a new seed for the price of the linears behind them. */
const inventedCarries = async (arena: Arena) => {
  const carriesOf = (linear: number, honest: () => Uint8Array): Uint8Array =>
    linear === 1 ? honest() : plainHash(utf8(`carries ${draws++}`));
  return announce(arena, await arena.forger.win(arena.core(THIEF), { carriesOf }));
};

/** An honest win whose proof is then changed; who tells it is to blame, and the block is none the worse. */
const changed =
  (change: (proof: Proof, forger: Forger) => Partial<Proof>) =>
  async (arena: Arena): Promise<Verdict[]> => {
    const { header, proof } = await arena.forger.win(arena.core(THIEF));
    const forged = { ...proof, ...change(proof, arena.forger) };
    return announce(arena, { header, proof: forged }, 'bytes');
  };

const flipped = (bytes: Uint8Array): Uint8Array => bytes.with(0, bytes[0]! ^ 1);

/** The digest leaves the block's id to whoever tells it: a second id for the same work. */
async function freeDigest(arena: Arena) {
  const { header, proof } = await arena.forger.win(arena.core(THIEF));
  const proofDigest = plainHash(utf8(`digest ${draws++}`));
  return announce(arena, { header: { ...header, proofDigest }, proof }, 'bytes');
}

/** Activations beyond what the model can give: noise no longer hides them. */
async function outOfBounds(arena: Arena) {
  const operandOf: OperandOf = async (linear, honest) => {
    const { k, high } = arena.forger.linears[linear - 1]!;
    const operand = await honest();
    return linear === 1 ? operand : operand.map((x, i) => (i % k ? x : high + 1));
  };
  return announce(arena, await arena.forger.win(arena.core(THIEF), { operandOf }), 'bytes');
}

/** The first linear has no credit: a table of embeddings would win there without a model. */
async function winOfLinearOne(arena: Arena) {
  const core = arena.core(THIEF);
  const unit = await arena.forger.unit(core);
  return announce(arena, arena.forger.block(core, unit, { linear: 1, tile: 0 }), 'bytes');
}

const FULL = ['proof.activations', 'proof.transcript', 'proof.earlier-winner'] as const;
const REPLAY = { rule: 'proof.activations', off: FULL } as const;

export const PROOF_ATTACKS: readonly Attack[] = [
  { name: 'random A', ...REPLAY, runs: 4, run: withOperands(random) },
  { name: 'invented carries', ...REPLAY, runs: 3, run: inventedCarries },
  {
    name: 'win of the first linear',
    rule: 'proof.shape',
    off: ['proof.shape', ...FULL],
    runs: 2,
    run: winOfLinearOne,
  },
  {
    name: 'hash too many in a proof',
    rule: 'proof.shape',
    off: ['proof.shape', ...FULL],
    runs: 2,
    run: changed(({ t }) => ({ t: [...t, t[0]!] })),
  },
  { name: 'free digest', rule: 'proof.digest', off: ['proof.digest'], runs: 2, run: freeDigest },
  {
    name: 'wrong y in a proof',
    rule: 'proof.digest',
    off: ['proof.digest', 'proof.target', ...FULL],
    runs: 2,
    run: changed(({ y }) => ({ y: flipped(y) })),
  },
  {
    name: 'another x in a proof',
    rule: 'proof.digest',
    off: ['proof.digest', 'proof.target', ...FULL],
    runs: 2,
    run: changed(({ x }) => ({ x: x.with(0, flipped(x[0]!)) })),
  },
  {
    name: 'activations out of bounds',
    rule: 'proof.range',
    off: ['proof.range', ...FULL],
    runs: 2,
    run: outOfBounds,
  },
  {
    name: 'rows of another matrix',
    rule: 'proof.rows',
    off: ['proof.rows', 'proof.target'],
    runs: 2,
    run: changed(({ rows }) => ({ rows: rows.with(0, rows[0]! ? 0 : 1) })),
  },
  {
    name: 'columns of another matrix',
    rule: 'proof.columns',
    off: ['proof.columns', 'proof.target'],
    runs: 2,
    run: changed(({ columns }) => ({ columns: columns.with(0, columns[0]! ? 0 : 1) })),
  },
  { name: "another model's activations", ...REPLAY, runs: 3, run: otherModel },
  {
    name: 'first linear only',
    ...REPLAY,
    runs: 4,
    run: withOperands(firstOnly),
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
