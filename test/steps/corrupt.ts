/** Blocks and states in which one thing is not as it should be. */
import { unitShape } from '../../src/core/manifest.ts';
import type { Random } from '../sim/random.ts';
import type { Judge, Judgement, Lists } from './judge.ts';
import { aliveAt, answerOf, stateHashOf, type Parts, type State } from './run-step.ts';

/** One corruption, and what a judge says of it. */
export interface Corruption {
  readonly what: string;
  readonly judgement: () => Judgement;
  readonly wanted: Judgement;
}

interface Case {
  readonly model: Parts;
  readonly judge: Judge;
  readonly lists: Lists;
  readonly states: readonly State[];
  readonly random: Random;
}

/** A value other than `x` within the bounds, one away. */
const beside = (x: number, high: number): number => (x < high ? x + 1 : x - 1);

type Change = readonly [what: string, State];

/** The state of a linear with one entry changed: of A, and of each carry alive. Out of bounds where `isFar`. */
function changed({ model, states, random }: Case, linear: number, isFar: boolean): Change[] {
  const { a, carries } = states[linear - 1]!;
  const { high } = model.manifest.linears[linear - 1]!;
  const other = (x: number, most: number): number => (isFar ? most + 1 : beside(x, most));
  const at = random.int(0, a.length - 1);
  const operand = a.with(at, other(a[at]!, high));
  const alive = aliveAt(unitShape(model.manifest), linear).map(({ name, high: most }): Change => {
    const values = carries.get(name)!;
    const i = random.int(0, values.length - 1);
    const spoiled = values.with(i, other(values[i]!, most));
    return [`'${name}' of linear ${linear}`, { a, carries: new Map(carries).set(name, spoiled) }];
  });
  return [[`A of linear ${linear}`, { a: operand, carries }], ...alive];
}

/** Lists of a block whose miner had another state at a linear. */
const withState = ({ model, lists }: Case, linear: number, state: State): Lists => ({
  ...lists,
  x: lists.x.with(linear - 1, stateHashOf(unitShape(model.manifest), linear, state)),
});

/** x_1 of a miner whose table has another entry in the row of one of the unit's tokens. */
function withTable({ model, lists, random }: Case, index: number): Lists {
  const { width, wide, high } = model.manifest.tables[index]!;
  // Rounding may hide a change of one entry: a whole row is not hidden.
  const table = model.tables[index]!.slice();
  const view = new DataView(table.buffer);
  const start = random.pick([...lists.tokens]) * width * wide;
  for (let j = 0; j < width; j++)
    if (wide === 1) view.setInt8(start + j, beside(view.getInt8(start + j), high) >> 1);
    else view.setInt16(start + 2 * j, beside(view.getInt16(start + 2 * j, true), high) >> 1, true);
  const tables = model.tables.with(index, table);
  const x1 = answerOf({ ...model, tables }, { number: 1, tokens: lists.tokens });
  return { ...lists, x: lists.x.with(0, x1) };
}

const flipped = (bytes: Uint8Array, random: Random): Uint8Array => {
  const at = random.int(0, bytes.length - 1);
  return bytes.with(at, bytes[at]! ^ (1 << random.int(0, 7)));
};

/** Everything of step ℓ that can be wrong: what its miner committed to, and what its accuser gave. */
export function corruptionsOf(given: Case, number: number): Corruption[] {
  const { model, judge, lists, states, random } = given;
  const before = states[number - 2];
  const own = states[number - 1]!;
  const judged = (block: Lists, from: State | undefined = before) =>
    judge.state(number, block, from);
  const list: Corruption[] = [];
  const add = (what: string, judgement: () => Judgement, wanted: Judgement): void =>
    void list.push({ what: `step ${number}: ${what}`, judgement, wanted });

  for (const [what, state] of changed(given, number, false))
    add(`${what} is another`, () => judged(withState(given, number, state)), 'false');
  if (!before)
    for (const i of model.tables.keys())
      add(`a row of table ${i} is another`, () => judged(withTable(given, i)), 'false');
  else {
    for (const [what, state] of changed(given, number - 1, false))
      add(`${what} is given as another`, () => judged(lists, state), 'unproven');
    for (const [what, state] of changed(given, number - 1, true))
      add(
        `${what} is over its bound`,
        () => judged(withState(given, number - 1, state), state),
        'false',
      );
  }
  const t = lists.t.with(number - 1, flipped(lists.t[number - 1]!, random));
  add('its transcript is another', () => judge.transcript(number, { ...lists, t }, own), 'false');
  const [, other] = changed(given, number, false)[0]!;
  add('its operands are given as others', () => judge.transcript(number, lists, other), 'unproven');
  return list;
}
