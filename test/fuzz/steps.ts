/** Steps of random graphs (generate.ts): each takes a tensor and gives one, or nothing where none fits. */
import type { Graph } from '../../models/graph.ts';
import type { Random } from '../sim/random.ts';

/** A float32 tensor of whole numbers, and what the generator believes of it. */
export interface Made {
  readonly name: string;
  readonly dims: readonly number[];
  readonly lo: number;
  readonly hi: number;
}
/** Where a step works: the graph, its luck, and the tensors so far. */
export interface Site {
  readonly g: Graph;
  readonly r: Random;
  readonly pool: readonly Made[];
  readonly sequences: number;
}

export const LIMIT = 2 ** 24;

export const sizeOf = (dims: readonly number[]): number => dims.reduce((p, d) => p * d, 1);

/** Whole numbers from lo to hi; the first two are the ends. */
export const numbersIn = (r: Random, size: number, lo: number, hi: number): number[] =>
  Array.from({ length: size }, (_, i) =>
    i === 0 ? hi : i === 1 ? lo : r.chance(0.3) ? r.pick([lo, hi]) : r.int(lo, hi),
  );

type Step = (site: Site, x: Made) => Made | undefined;

const ELEMENTS_MAX = 768;
const OVER = 0.06;

export const reachOf = (x: Made): number => Math.max(Math.abs(x.lo), Math.abs(x.hi));
/** `most` as a rule, sometimes less, and rarely one or two more than is right. */
export const aim = (r: Random, most: number): number =>
  r.chance(OVER) ? most + r.int(1, 2) : r.chance(0.6) ? most : r.int(1, Math.max(1, most));
export const fresh = (site: Site, word: string): string =>
  site.g.named(`${word}_${site.g.graph().nodes.length}`);

export function made(name: string, dims: readonly number[], ...ends: number[]): Made {
  return { name, dims, lo: Math.min(...ends), hi: Math.max(...ends) };
}
const corners = (a: Made, b: Made): number[] => [a.lo, a.hi].flatMap((x) => [x * b.lo, x * b.hi]);

/** Clipped, where it could be over `reach`. */
export function within({ g, r }: Site, x: Made, lo: number, hi: number): Made {
  if (x.lo >= lo && x.hi <= hi && r.chance(0.8)) return x;
  const clamp = (v: number): number => Math.min(Math.max(v, lo), hi);
  const clipped = (r.chance(0.5) ? g.clip : g.clipLast)(x.name, lo, hi);
  return made(clipped, x.dims, clamp(x.lo), clamp(x.hi));
}

/** A constant that broadcasts into x: a number, along its last axes, or over whole sequences. */
function constant(site: Site, x: Made, lo: number, hi: number): Made {
  const { g, r } = site;
  const tail = x.dims.slice(r.int(1, x.dims.length)).map((d) => (r.chance(0.2) ? 1 : d));
  const dims = r.chance(0.2) ? [...x.dims.map((d, i) => (i ? d : 1))] : tail;
  const values = numbersIn(r, sizeOf(dims), lo, hi);
  const name = g.floats(fresh(site, 'constant'), dims, values);
  return made(name, dims, ...values);
}

/** A tensor of the unit that broadcasts with x, x itself among them. */
function partner({ r, pool }: Site, x: Made): Made {
  const fits = (t: Made): boolean =>
    t.dims.length === x.dims.length &&
    t.dims[0] === x.dims[0] &&
    t.dims.every((d, i) => d === x.dims[i] || d === 1 || x.dims[i] === 1);
  return r.pick([x, ...pool.filter(fits)]);
}
const joint = (a: Made, b: Made): number[] => {
  const rank = Math.max(a.dims.length, b.dims.length);
  const at = (t: Made, d: number): number => t.dims[d - rank + t.dims.length] ?? 1;
  return Array.from({ length: rank }, (_, d) => Math.max(at(a, d), at(b, d)));
};

const add: Step = (site, x) => {
  const { g, r } = site;
  const room = aim(r, LIMIT - 1 - reachOf(x));
  if (r.chance(0.5)) {
    const c = constant(site, x, -room, room);
    return made(g.add(c.name, x.name), joint(c, x), x.lo + c.lo, x.hi + c.hi);
  }
  const y = partner(site, x);
  const small = y.name === x.name ? y : within(site, y, -room, room);
  if (reachOf(x) + reachOf(small) >= LIMIT) return undefined;
  return r.chance(0.5)
    ? made(g.add(x.name, small.name), joint(x, small), x.lo + small.lo, x.hi + small.hi)
    : made(g.sub(x.name, small.name), joint(x, small), x.lo - small.hi, x.hi - small.lo);
};

const mul: Step = (site, x) => {
  const { g, r } = site;
  const room = aim(r, Math.floor((LIMIT - 1) / Math.max(1, reachOf(x))));
  if (r.chance(0.6)) {
    const c = constant(site, x, r.pick([-room, 0, 1, room]), room);
    return made(g.mul(x.name, c.name), joint(x, c), ...corners(x, c));
  }
  const y = r.chance(0.4) ? partner(site, x) : x;
  const small = y.name === x.name && reachOf(x) <= room ? x : within(site, y, -room, room);
  return made(g.mul(x.name, small.name), joint(x, small), ...corners(x, small));
};

const square: Step = (site, x) => {
  const y = within(site, x, -4095, aim(site.r, 4095));
  return made(site.g.mul(y.name, y.name), x.dims, ...corners(y, y), 0);
};

const shift: Step = (site, x) => {
  const { g, r } = site;
  const bits = r.int(1, 24);
  const ends = (s: number): number[] => [Math.floor(x.lo / 2 ** s), Math.floor(x.hi / 2 ** s)];
  if (r.chance(0.6)) return made(g.shift(x.name, bits), x.dims, ...ends(bits));
  const last = x.dims.at(-1)!;
  if (x.dims.length < 2) return undefined;
  const powers = Array.from({ length: last }, (_, i) => 2 ** -(i === 0 ? bits : r.int(0, 24)));
  const scale = g.floats(fresh(site, 'shift'), [last], powers);
  return made(g.op('Floor', [g.mul(scale, x.name)]), x.dims, ...ends(0), ...ends(24));
};

const clip: Step = (site, x) => {
  const [a, b] = [site.r.int(x.lo, x.hi), site.r.pick([x.hi, x.lo, 0, 127, LIMIT - 1])];
  return within(site, x, Math.min(a, b), Math.max(a, b));
};

/** Largest x and y of which ⌊x/y⌋ is right, with a rest that is divided again or without. */
const DIVIDEND_MAX = Math.ceil(2 ** 23 / 2.5 / 2) - 1;
const dividendMax = (y: number, isLarge: boolean): number =>
  isLarge ? Math.min(2 ** 22 * y - 1, 2 ** 23 - 2 * y - 1) : DIVIDEND_MAX;

/** A divisor of any size; rarely one that is too large for its rest to be divided again. */
function divisor(r: Random, isLarge: boolean): number {
  const highest = isLarge ? Math.floor(DIVIDEND_MAX / 2) : 2 ** 23;
  if (isLarge && r.chance(OVER)) return r.int(highest, 4 * highest);
  return aim(r, Math.min(r.pick([1, 2, 3, 4, 5, 7, 127, 4095, 2 ** 20, 2 ** 23]), highest));
}

/** Dividends just below where a quotient's floor could miss, or be refused; divisors of all sizes. */
const divide: Step = (site, x) => {
  const { g, r } = site;
  const isLarge = r.chance(0.6);
  const isRounded = r.chance(0.4);
  const y = divisor(r, isLarge);
  const most = aim(r, Math.max(1, dividendMax(y, isLarge) - (isRounded ? y : 1)));
  // One below a multiple of the divisor is nearest to where a floor turns.
  const limit = most > y && r.chance(0.5) ? most - (most % y) - 1 : most;
  const top = reachOf(x) < limit ? mul({ ...site, pool: [] }, x)! : x;
  const n = within(site, top, -limit, limit);
  const quotient = (by: Made): string => {
    // A whole dividend may be a multiple of its divisor, where a floor misses.
    if (r.chance(OVER)) return g.op('Floor', [g.op('Div', [n.name, by.name])]);
    // What is told decides the form, and is not always true.
    const told = isLarge ? 2 ** 23 : 0;
    return isRounded ? g.divideRounded(n.name, by.name, told, 0) : g.divide(n.name, by.name, told);
  };
  const ends = (by: Made): number[] =>
    corners(n, { ...by, lo: 1 / by.hi, hi: 1 / by.lo }).flatMap((q) => [
      Math.floor(q),
      Math.floor(q + 0.5),
    ]);
  if (r.chance(0.4)) {
    const by = r.chance(0.5) ? made(g.number(y), [], y) : constant(site, n, y, y);
    return made(quotient(by), joint(n, by), ...ends(by));
  }
  const by = within(site, partner(site, n), r.int(1, y), y);
  if (by.lo < 1) return undefined;
  return made(quotient(by), joint(n, by), ...ends(by));
};

/** Parts of one as fine as there is room for, made whole by a Floor after some steps. */
const fraction: Step = (site, x) => {
  const { g, r } = site;
  const bits = r.int(1, 24);
  const room = Math.floor((LIMIT - 1) / Math.max(1, reachOf(x)));
  const factor = aim(r, Math.max(1, r.chance(0.5) ? room : Math.min(room, 255)));
  const tail = x.dims.slice(r.int(1, x.dims.length));
  const factors = numbersIn(r, sizeOf(tail), -factor, factor);
  const parts = g.floats(
    fresh(site, 'parts'),
    tail,
    factors.map((c) => c * 2 ** -bits),
  );
  const left = aim(r, Math.max(1, LIMIT - 1 - factor * reachOf(x)));
  const offset = (): string => g.number(r.pick([left, -left, 1, 2 ** (bits - 1)]) * 2 ** -bits);
  let y = g.mul(x.name, parts);
  if (r.chance(0.5)) y = r.chance(0.5) ? g.add(y, offset()) : g.sub(offset(), y);
  if (r.chance(0.3)) y = g.op(r.pick(['Max', 'Min']), [y, r.chance(0.5) ? offset() : x.name]);
  if (r.chance(0.2)) y = g.mul(y, g.number(2 ** -r.int(1, 12)));
  const reach = Math.ceil((factor * reachOf(x) + left) * 2 ** -bits) + reachOf(x);
  return made(g.op('Floor', [y]), x.dims, -reach, reach);
};

const root: Step = (site, x) => {
  const wide = reachOf(x) < 2 ** 20 ? mul({ ...site, pool: [] }, x)! : x;
  const v = within(site, wide, 1, aim(site.r, 4094 ** 2));
  return made(site.g.squareRoot(v.name), v.dims, Math.sqrt(v.lo) | 0, Math.sqrt(v.hi) | 0);
};

const table: Step = (site, x) => {
  const { g, r } = site;
  const [size, width] = [r.int(1, 40), r.pick([[], [], [1], [3], [2, 2]])];
  if (sizeOf(x.dims) * sizeOf(width) > ELEMENTS_MAX || x.dims.length + width.length > 6)
    return undefined;
  const reach = r.pick([1, 127, 4095, LIMIT - 1]);
  const values = numbersIn(r, size * sizeOf(width), -reach, reach);
  const index = within(site, x, r.chance(OVER) ? -1 : 0, aim(r, size - 1)).name;
  const name = g.floats(fresh(site, 'table'), [size, ...width], values);
  const found =
    width.length || r.chance(0.3)
      ? g.gather(name, g.toInt(index))
      : g.lookup(name, index, [...x.dims]);
  return made(found, [...x.dims, ...width], ...values);
};

/** Entries along an axis in any order, some more than once. */
const choose: Step = (site, x) => {
  const { g, r } = site;
  if (x.dims.length < 2) return undefined;
  const axis = r.int(1, x.dims.length - 1);
  const size = x.dims[axis]!;
  const most = Math.floor((ELEMENTS_MAX * size) / sizeOf(x.dims));
  const places = Array.from({ length: r.int(1, Math.min(most, 2 * size)) }, () =>
    r.int(0, size - 1),
  );
  const name = g.ints(fresh(site, 'places'), places);
  const from = r.chance(0.3) ? axis - x.dims.length : axis;
  return { ...x, name: g.gather(x.name, name, from), dims: x.dims.with(axis, places.length) };
};

const COMPARE = ['Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual'] as const;
/** 0 or 1, as it is or as a mask. */
const compare: Step = (site, x) => {
  const { g, r } = site;
  const y = r.chance(0.5) ? partner(site, x) : constant(site, x, x.lo, x.hi);
  const flag = g.toFloat(
    g.op(r.pick(COMPARE), r.chance(0.5) ? [x.name, y.name] : [y.name, x.name]),
  );
  const dims = joint(x, y);
  if (r.chance(0.5)) return made(flag, dims, 0, 1);
  return made(g.mul(flag, x.name), dims, 0, x.lo, x.hi);
};

const head: Step = (site, x) => {
  const { g, r } = site;
  if (x.dims.length < 2) return undefined;
  const top = r.pick([127, 255]);
  // So many products of two of the largest stay below 2^24, one more does not.
  const long = Math.floor((LIMIT - 1) / top ** 2);
  const isLong = r.chance(0.3) && (sizeOf(x.dims) / x.dims.at(-1)!) * long <= 2 ** 15;
  const k = isLong ? long + (r.chance(0.2) ? 1 : 0) : x.dims.at(-1)!;
  const repeated = Array.from({ length: k }, (_, i) => i % x.dims.at(-1)!);
  const row = isLong
    ? g.gather(x.name, g.ints(fresh(site, 'repeat'), repeated), x.dims.length - 1)
    : x.name;
  const reach = isLong ? top : aim(r, top);
  // One-sided: the sum of magnitudes is then far above the sum.
  const low = r.chance(0.5) ? 0 : -reach;
  const a = within(site, { ...x, name: row, dims: x.dims.with(-1, k) }, low, reach);
  const n = r.int(1, isLong ? 2 : 9);
  const weight = isLong ? top : aim(r, top);
  const values = Array.from({ length: k * n }, () =>
    r.pick([weight, -weight, isLong ? weight : r.int(0, weight)]),
  );
  const b = g.floats(fresh(site, 'head'), [k, n], values);
  const bound = k * weight * reachOf(a);
  return made(g.matmul(a.name, b), a.dims.with(-1, n), -bound, bound);
};

/** Scores of every row with every other, a table in place of the exponential, the weighted mean. */
const attend: Step = (site, x) => {
  const { g, r } = site;
  const rank = x.dims.length;
  if (rank < 3 || (sizeOf(x.dims) / x.dims.at(-1)!) * x.dims.at(-2)! > ELEMENTS_MAX)
    return undefined;
  const top = r.pick([127, 255]);
  const q = within(site, x, -top, top);
  const perm = x.dims.map((_, d) => (d < rank - 2 ? d : 2 * rank - 3 - d));
  const scores = g.matmul(q.name, g.transpose(q.name, perm));
  // At times of another axis, whose maxima are above nobody else.
  const best = g.max(scores, r.chance(0.1) ? -2 : -1);
  const away = g.atMost(g.shift(g.sub(best, scores), r.int(0, 12)), 15);
  const values = Array.from({ length: 16 }, (_, i) => Math.ceil(127 * Math.exp(-i / 3)));
  const size = x.dims.with(-1, x.dims.at(-2)!);
  const shares = g.lookup(g.floats(fresh(site, 'exp'), [16], values), away, size);
  const reach = 127 * top * size.at(-1)!;
  const mean = g.divide(g.matmul(shares, q.name), g.sum(shares, -1), reach);
  const room = Math.ceil(127 * top * x.dims.at(-2)!);
  return made(mean, x.dims, -room, room);
};

const AXES = (r: Random, x: Made): number[] => {
  const all = x.dims.map((_, d) => d).slice(1);
  const some = r.shuffle(all).slice(0, r.int(1, all.length));
  return some.map((d) => (r.chance(0.3) ? d - x.dims.length : d));
};
/** A sum whose magnitudes reach 2^24, or a maximum, over some axes. */
const reduce: Step = (site, x) => {
  const { g, r } = site;
  if (x.dims.length < 2) return undefined;
  const axes = AXES(r, x);
  const over = axes.map((d) => (d + x.dims.length) % x.dims.length);
  const keepdims = r.int(0, 1);
  const dims = x.dims.map((d, i) => (over.includes(i) ? 1 : d));
  const left = keepdims ? dims : dims.filter((_, i) => !over.includes(i));
  const shape = g.shape(axes);
  if (r.chance(0.4))
    return { ...x, name: g.op('ReduceMax', [x.name, shape], { keepdims }), dims: left };
  const count = sizeOf(over.map((d) => x.dims[d]!));
  const reach = aim(r, Math.floor((LIMIT - 1) / count));
  const y = within(site, x, -reach, reach);
  return made(g.op('ReduceSum', [y.name, shape], { keepdims }), left, count * y.lo, count * y.hi);
};

const reshape: Step = (site, x) => {
  const { g, r, sequences } = site;
  const dims = [sequences];
  let rest = sizeOf(x.dims) / sequences;
  while (rest > 1 && dims.length < 6) {
    const sizes = [1, 2, 3, 4, 5, 7, 8, rest].filter((d) => rest % d === 0);
    const size = dims.length === 5 ? rest : r.pick(sizes);
    if (dims.length === 1 && r.chance(0.4)) dims[0]! *= size;
    else dims.push(size);
    rest /= size;
  }
  if (rest > 1) return undefined;
  return { ...x, name: g.reshape(x.name, dims), dims };
};

/** Moves of whole axes and parts, on int32 too. */
const transpose: Step = ({ g, r }, x) => {
  const perm = [0, ...r.shuffle(x.dims.map((_, d) => d).slice(1))];
  const isInt = r.chance(0.3);
  const moved = g.transpose(isInt ? g.toInt(x.name) : x.name, perm);
  return { ...x, name: isInt ? g.toFloat(moved) : moved, dims: perm.map((d) => x.dims[d]!) };
};

const slice: Step = ({ g, r }, x) => {
  if (x.dims.length < 2) return undefined;
  const axes = r.shuffle(x.dims.map((_, d) => d).slice(1)).slice(0, r.int(1, 2));
  const from = axes.map((d) => r.int(0, x.dims[d]! - 1));
  const to = axes.map((d, i) => r.int(from[i]! + 1, x.dims[d]!));
  const name = g.op('Slice', [x.name, ...[from, to, axes].map((list) => g.shape(list))]);
  return { ...x, name, dims: axes.reduce((d, a, i) => d.with(a, to[i]! - from[i]!), [...x.dims]) };
};

const concat: Step = ({ g, r, pool }, x) => {
  if (x.dims.length < 2) return undefined;
  const axis = r.int(1, x.dims.length - 1);
  const fits = (t: Made): boolean =>
    t.dims.length === x.dims.length && t.dims.every((d, i) => i === axis || d === x.dims[i]);
  const parts = Array.from({ length: r.int(1, 3) }, () => r.pick([x, ...pool.filter(fits)]));
  const length = parts.reduce((sum, t) => sum + t.dims[axis]!, 0);
  const dims = x.dims.with(axis, length);
  if (sizeOf(dims) > ELEMENTS_MAX) return undefined;
  const name = g.op(
    'Concat',
    parts.map((t) => t.name),
    { axis },
  );
  return made(name, dims, ...parts.flatMap((t) => [t.lo, t.hi]));
};

/** Steps in which bounds meet come more often. */
export const STEPS: readonly Step[] = [
  ...[add, mul, square, shift, fraction, clip, divide, divide, root, table, choose, compare],
  ...[head, attend, reduce, reduce, reshape, transpose, slice, concat],
];
