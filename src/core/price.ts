/** What a provider asks for an answer, and what answers come to: both ends of a channel count the same. */
import { struct, u64, union, type Value } from './codec.ts';
import {
  isGenerator,
  shapeOfInput,
  tokensRead,
  type InputForm,
  type Manifest,
} from './manifest.ts';

/** nV for a sequence of the first shape, or for a thousand tokens. */
export const Price = union({
  sequence: [0, struct({ amount: u64 })],
  tokens: [1, struct({ amount: u64 })],
});
export type Price = Value<typeof Price>;

/**
 * `per`: units that the amount buys. `step`: units that may be unpaid at first; what one step costs is at risk. A second
 * of a model that speaks quickly: an asker who vouches for nothing gets no more, and vouchers are no burden.
 */
const UNITS: Readonly<Record<Price['type'], { readonly per: bigint; readonly step: number }>> = {
  sequence: { per: 1n, step: 1 },
  tokens: { per: 1000n, step: 32 },
};
/** Tokens of an input that cost as much as one of the answer: a pass over them takes so much less time. */
export const READ_PER_UNIT = 4;

/** What an answer's cost follows from: both ends of a channel take it from the question. */
export interface Priced {
  readonly price: Price;
  /** Tokens of the input that are paid for apart; 0 where sequences are. */
  readonly read: number;
}

/** Units that the first unit of an answer costs beside itself. */
const unitsRead = ({ read }: Priced): number => Math.ceil(read / READ_PER_UNIT);

/** nV for the first `units` of an answer, rounded up once for all of them; nothing is owed for none. */
export function costOf(priced: Priced, units: number): bigint {
  if (!units) return 0n;
  const { price } = priced;
  const { per } = UNITS[price.type];
  return (price.amount * BigInt(units + unitsRead(priced)) + per - 1n) / per;
}
/** Units of a step: an answer of one sequence, or 32 tokens. */
export const stepOf = (price: Price): number => UNITS[price.type].step;
/** The most that one step adds to a cost, nV: the first does. */
export const stepCost = (priced: Priced): bigint => costOf(priced, stepOf(priced.price));
/** How many units of an answer `amount` nV buy. */
export const unitsFor = (priced: Priced, amount: bigint): number => {
  const { price } = priced;
  const { per } = UNITS[price.type];
  const units = price.amount ? (amount * per) / price.amount : 0xffff_ffffn;
  const left = units - BigInt(unitsRead(priced));
  return left < 0n ? 0 : Number(left > 0xffff_ffffn ? 0xffff_ffffn : left);
};

const AMOUNT_MAX = (1n << 64n) - 1n;
/**
 * What a question about `input` names where `price` is offered, and what its answer costs by. A sequence costs by the
 * products of the shape in which the input's longest one runs; all cost alike, so that whoever stops after the long ones
 * has paid for them. Where tokens are paid for, those of the input are too.
 */
export function pricedInput(price: Price, m: InputForm, input: Uint8Array): Priced {
  if (price.type === 'tokens') return { price, read: tokensRead(m, input) };
  const [own, mined] = [shapeOfInput(m, input), m.shapes[0]!].map(({ tokens }) => BigInt(tokens));
  const amount = (price.amount * own! + mined! - 1n) / mined!;
  return {
    price: { type: 'sequence', amount: amount < AMOUNT_MAX ? amount : AMOUNT_MAX },
    read: 0,
  };
}

/** What a price of a model's answers counts. */
export const priceTypeOf = (m: Pick<Manifest, 'kind'>): Price['type'] =>
  isGenerator(m) ? 'tokens' : 'sequence';
