/**
 * The best dishonest pay ÷ the honest pay, over all prices of resources.
 *
 * Why corners suffice. A play's pay per cost ÷ the whole pass's is (pay_s/pay_w)·(p·u_w)/(p·u_s): a ratio of two linear
 * functions of the prices p ≥ 0. {p : ratio ≤ t} is a half-space for every t, so the ratio is quasi-convex and is
 * largest at an extreme ray of the cone of prices: one resource alone. (Where a plain product may replace a peel, costs
 * are linear between the prices at which it does, and these are rays too: see `rays`.)
 * Why mixtures do not help. If every play uses at least its pay ÷ ρ of each resource, so does every sum of plays; a
 * cost that grows with what is used and scales with it (a sum, the slowest of several that overlap, a pipeline,
 * anything between) is then at least pay ÷ ρ of the whole pass's. So ρ = max over plays and resources bounds them all, and a
 * batch of units, whose pay and usage both scale, changes no ratio: every unit has noise of its own.
 */
import {
  peelOf,
  plays,
  RESOURCES,
  whole,
  workOf,
  type Peel,
  type Play,
  type Resource,
  type Usage,
  type World,
} from './plays.ts';
import { randomBytes } from '../oracle/random.ts';
import type { Game } from './game.ts';
import type { Formula } from './pay.ts';

export type Prices = Readonly<Record<Resource, number>>;
export type Cost = 'sum' | 'max';

export const pricesFrom = (price: (r: Resource) => number): Prices =>
  Object.fromEntries(RESOURCES.map((r) => [r, price(r)])) as Prices;

/** ns of one core by the product's own engine, as stops.ts measures them: where the box of prices has its middle. */
export const MEASURED: Prices = {
  noisy: 0.036,
  peel: 0.06,
  hashed: 0.6,
  noise: 0.5,
  tickets: 120,
  messages: 0.9,
  products: 0.06,
  arithmetic: 0.45,
  'look-ups': 1,
  movement: 0.5,
  reductions: 1.7,
};
/** Each price of the box is up to so many times less, and more. */
export const FACTOR = 100;

/** ns of a processor whose own kernel multiplies at a rate, GMAC/s, and whose hashes and noise are as much faster. */
export function nativePrices(rate: number): Prices {
  const faster = 1 / rate / MEASURED.noisy;
  const isFaster = (r: Resource): boolean =>
    ['noisy', 'peel', 'hashed', 'noise', 'tickets', 'messages'].includes(r);
  return pricesFrom((r) => MEASURED[r] * (isFaster(r) ? faster : 1));
}

export interface Best {
  readonly ratio: number;
  readonly name: string;
}
export const NONE: Best = { ratio: 0, name: '-' };
export const better = (a: Best, b: Best): Best => (b.ratio > a.ratio ? b : a);

/** Plays with their usage in the order of RESOURCES: costs are summed millions of times. */
export interface Table {
  readonly honest: Row;
  readonly dishonest: readonly Row[];
}
export interface Row {
  readonly name: string;
  readonly pay: number;
  readonly usage: Float64Array;
  readonly peels: readonly Peel[];
}
const rowOf = ({ name, pay, usage, peels }: Play): Row => ({
  name,
  pay,
  usage: vectorOf(usage),
  peels,
});
export const vectorOf = (of: Usage | Prices): Float64Array =>
  Float64Array.from(RESOURCES, (r) => of[r]);

/** Either world's plays, each against the whole passes of its own. */
export const WORLDS = ['plain', 'table'] as const;
export interface Tables {
  readonly game: Game;
  readonly of: Readonly<Record<World, Table>>;
}
export function tablesOf(game: Game, formula: Formula): Tables {
  const of = (world: World): Table => ({
    honest: rowOf(whole(game, world, formula)),
    dishonest: plays(game, world, formula).map(rowOf),
  });
  return { game, of: { plain: of('plain'), table: of('table') } };
}

const NOISY = RESOURCES.indexOf('noisy');
const PEEL = RESOURCES.indexOf('peel');

/** Resources' costs summed, or the largest of them: of a device whose parts all work at once. */
export function costOf({ usage, peels }: Row, prices: Float64Array, cost: Cost): number {
  const price = prices[PEEL]!;
  let [noisy, peel] = [usage[NOISY]! * prices[NOISY]!, 0];
  for (const { amount, most } of peels) {
    const plain = most === undefined ? Infinity : most * prices[NOISY]!;
    if (price <= plain) peel += amount * price;
    else noisy += amount * plain;
  }
  let [sum, max] = [noisy + peel, Math.max(noisy, peel)];
  for (let i = PEEL + 1; i < usage.length; i++) {
    const part = usage[i]! * prices[i]!;
    sum += part;
    if (part > max) max = part;
  }
  return cost === 'sum' ? sum : max;
}

/**
 * The best dishonest pay ÷ the best honest pay at one vector of prices, over all plays of some models: a miner takes
 * the model that pays most, and so does an honest one. Where whole passes cost nothing there is no reason to stop.
 */
export function bestAt(tables: readonly Table[], at: Prices, cost: Cost): Best {
  const prices = vectorOf(at);
  let honest = 0;
  for (const { honest: each } of tables) {
    const price = costOf(each, prices, cost);
    if (!price) return NONE;
    honest = Math.max(honest, each.pay / price);
  }
  let best = NONE;
  for (const { dishonest } of tables)
    for (const each of dishonest) {
      if (!each.pay) continue;
      const ratio = each.pay / costOf(each, prices, cost) / honest;
      if (ratio > best.ratio) best = { ratio, name: each.name };
    }
  return best;
}

/**
 * Extreme rays of prices: each resource alone. Where a plain product may replace a peel (plays.ts) a cost is linear
 * between the prices at which it does, so that noisy multiplications with a peel of each such price are rays too.
 */
export function rays(g: Game, world: World): [string, Prices][] {
  const alone = RESOURCES.map((r): [string, Prices] => [r, pricesFrom((x) => Number(x === r))]);
  if (world === 'plain') return alone;
  return [
    ...alone,
    ...peelsAtMost(g).map((price): [string, Prices] => [
      'noisy and peel',
      pricesFrom((r) => (r === 'noisy' ? 1 : r === 'peel' ? price : 0)),
    ]),
  ];
}

/** Prices of a peel, in those of a noisy multiplication, from which a plain product replaces it: of each linear. */
function peelsAtMost(g: Game): number[] {
  const peel = peelOf(g);
  return [...new Set(workOf(g).map((w, i) => w / peel[i]!))];
}

/** The best in either world, over some models. */
export function bestOfWorlds(all: readonly Tables[], at: Prices, cost: Cost = 'sum'): Best {
  const bests = WORLDS.map((world) =>
    bestAt(
      all.map(({ of }) => of[world]),
      at,
      cost,
    ),
  );
  return bests.reduce(better);
}

/**
 * The best over every price there is. Whoever draws nonces is left out here: it costs 2^88 hashes, or of a causal model
 * thousands, and where a hash costs nothing there is no proof of work. The box has its price.
 */
export function bestOfRays({ game, of }: Tables): Best {
  let best = NONE;
  for (const world of WORLDS) {
    const { honest, dishonest } = of[world];
    const kept = { honest, dishonest: dishonest.filter(({ name }) => !name.startsWith('drawn')) };
    for (const [resource, prices] of rays(game, world)) {
      const { ratio, name } = bestAt([kept], prices, 'sum');
      best = better(best, { ratio, name: `${name}, ${resource}` });
    }
  }
  return best;
}

/** Prices anywhere in the box, each drawn by the logarithm. */
export function randomPrices(seed: string): Prices {
  const drawn = new Uint32Array(randomBytes(`prices ${seed}`, 4 * RESOURCES.length).buffer);
  return pricesFrom((r) => {
    const part = drawn[RESOURCES.indexOf(r)]! / 2 ** 32;
    return MEASURED[r] * FACTOR ** (2 * part - 1);
  });
}

const isInBox = (price: number, r: Resource): boolean =>
  price >= MEASURED[r] / FACTOR && price <= MEASURED[r] * FACTOR;

/**
 * The best over the corners of the box, and over what lies on its edges where costs are linear only in parts: a figure
 * where some ray has none, and what drawing nonces pays.
 */
export function bestOfBox(tables: Tables): Best {
  const most = peelsAtMost(tables.game);
  let best = NONE;
  for (let corner = 0; corner < 2 ** RESOURCES.length; corner++) {
    const isHigh = (r: Resource): boolean => ((corner >> RESOURCES.indexOf(r)) & 1) === 1;
    const prices = pricesFrom((r) => MEASURED[r] * (isHigh(r) ? FACTOR : 1 / FACTOR));
    best = better(best, bestOfWorlds([tables], prices));
    for (const share of most)
      for (const at of [
        { ...prices, peel: share * prices.noisy },
        { ...prices, noisy: prices.peel / share },
      ])
        if (isInBox(at.peel, 'peel') && isInBox(at.noisy, 'noisy'))
          best = better(best, bestOfWorlds([tables], at));
  }
  return best;
}
