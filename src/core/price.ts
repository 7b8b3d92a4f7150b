/** What a provider asks for an answer, and what answers come to: both ends of a channel count the same. */
import { struct, u64, union, type Value } from './codec.ts';
import { shapeOfInput, type InputForm } from './manifest.ts';

/** nV for a sequence of the first shape, or for a thousand tokens of the answer. */
export const Price = union({
  sequence: [0, struct({ amount: u64 })],
  tokens: [1, struct({ amount: u64 })],
});
export type Price = Value<typeof Price>;

/** `per`: units that the amount buys. `step`: units that may be unpaid at first; what one step costs is at risk. */
const UNITS: Readonly<Record<Price['type'], { readonly per: bigint; readonly step: number }>> = {
  sequence: { per: 1n, step: 1 },
  tokens: { per: 1000n, step: 256 },
};

/** nV for the first `units` of an answer, rounded up once for all of them: both ends count the same. */
export const costOf = (price: Price, units: number): bigint => {
  const { per } = UNITS[price.type];
  return (price.amount * BigInt(units) + per - 1n) / per;
};
/** Units of a step: an answer of one sequence, or 256 tokens. */
export const stepOf = (price: Price): number => UNITS[price.type].step;
/** The most that one step adds to a cost, nV. */
export const stepCost = (price: Price): bigint => costOf(price, stepOf(price));
/** How many units `amount` nV buy at least. */
export const unitsFor = (price: Price, amount: bigint): number => {
  const { per } = UNITS[price.type];
  const units = price.amount ? (amount * per) / price.amount : 0xffff_ffffn;
  return Number(units > 0xffff_ffffn ? 0xffff_ffffn : units);
};

const AMOUNT_MAX = (1n << 64n) - 1n;
/**
 * What a question about `input` names where `price` is offered: a sequence costs by the products of the shape in which
 * the input's longest one runs. All cost alike, so that whoever stops after the long ones has paid for them.
 */
export function priceOfInput(price: Price, m: InputForm, input: Uint8Array): Price {
  if (price.type !== 'sequence') return price;
  const [own, mined] = [shapeOfInput(m, input), m.shapes[0]!].map(({ tokens }) => BigInt(tokens));
  const amount = (price.amount * own! + mined! - 1n) / mined!;
  return { type: 'sequence', amount: amount < AMOUNT_MAX ? amount : AMOUNT_MAX };
}
