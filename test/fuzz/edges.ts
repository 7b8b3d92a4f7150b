/**
 * Forms at the bounds of what an executor leaves out: limits of whole numbers that are quickly converted, constants
 * that are multiplied in the plan, quotients that are rounded once. Random numbers of forms.ts seldom come there.
 */
import type { FormSite, Form } from './forms.ts';
import { fresh, made, numbersIn, reachOf, type Made, type Site } from './steps.ts';

const EXACT = 2 ** 24 - 1;
const widthOf = (x: Made): number => x.dims[1]!;

function limited({ g }: Site, x: Made, lo: number, hi: number): Made {
  const clamp = (v: number): number => Math.min(Math.max(v, lo), hi);
  return made(g.clipLast(x.name, lo, hi), x.dims, clamp(x.lo), clamp(x.hi));
}

/** x, stretched or limited so that it comes as far as `reach` on both sides, or nearly. */
function reaching(site: Site, x: Made, reach: number): Made {
  const { g } = site;
  const own = Math.max(1, reachOf(x));
  const most = Math.ceil(reach / own);
  const times = most * own <= EXACT ? most : Math.floor(EXACT / own);
  const name = times > 1 ? g.mul(x.name, g.number(times)) : x.name;
  return limited(site, made(name, x.dims, times * x.lo, times * x.hi), -reach, reach);
}

const LEASTS = [-(2 ** 23), -(2 ** 17), -32_769, -32_768, -32_767, -129, -128, -127, -1, 0, 5];
const MOSTS = [5, 126, 127, 128, 32_766, 32_767, 32_768, 2 ** 17, 2 ** 17, 2 ** 23];
/** Whole numbers about as large as are quickly converted, limited at the ends of int8 and int16. */
const limits: Form = (site, x) => {
  const { g, r, aside } = site;
  const reach = r.pick([2 ** 15, 2 ** 22 - 1, 2 ** 22, 2 ** 22 + 1, 2 ** 23, EXACT]);
  const by = r.pick([-9, 9]);
  const y = reaching(site, x, reach - 9);
  const moved = made(g.add(y.name, g.number(by)), x.dims, y.lo + by, y.hi + by);
  const one = (): Made => limited(site, moved, r.pick(LEASTS), r.pick(MOSTS));
  // Handed on as it is stored, in 16 bits or 32.
  aside.push(one());
  return one();
};

/** A constant: one number, or one for each column, or for each token. */
function spread(site: FormSite, width: number, draw: () => number): string {
  const { g, r, tokens } = site;
  const of = [[], [1], [1, 1], [width], [1, width], [1, 1, width], [tokens, 1], [tokens, width]];
  const dims = r.pick(of);
  const size = dims.reduce((p, d) => p * d, 1);
  return g.floats(fresh(site, 'line'), dims, Float32Array.from({ length: size }, draw));
}

/** (x·a + b)·c, where a and b are fractions, and c powers of two, or at times others. */
const lines: Form = (site, x) => {
  const { g, r, sequences, tokens } = site;
  const width = widthOf(x);
  const [bits, most] = [r.int(0, 12), r.pick([1, 3, 127, 4095])];
  const isShift = r.chance(0.8);
  const room = isShift ? EXACT : EXACT >> 5;
  const plus = r.pick([0, 1, room >> 2]);
  const reach = Math.floor((room - plus) / most);
  const y = r.chance(0.8) ? reaching(site, x, reach) : limited(site, x, -reach, reach);
  const part = 2 ** -bits;
  const drawn = (end: number) => () => part * r.pick([-end, end, r.int(-end, end)]);
  const deepest = r.pick([0, 3, 24]);
  const scale = () => (isShift ? 2 ** -r.int(0, deepest) : r.pick([0.75, 3, -0.5, 2]));
  const by = (op: string, one: string, draw: () => number): string => {
    const pair = [one, spread(site, width, draw)];
    return g.op(op, r.chance(0.5) ? pair : pair.toReversed());
  };
  const all = g.reshape(y.name, [sequences, tokens, width]);
  const sum = by('Add', by('Mul', all, drawn(most)), drawn(plus));
  const whole = g.op('Floor', [by('Mul', sum, scale)]);
  const end = Math.ceil(4 * room * part);
  const rows = made(g.reshape(whole, [...x.dims]), x.dims, -end, end);
  return r.chance(0.5) ? limited(site, rows, r.pick(LEASTS), r.pick(MOSTS)) : rows;
};

/** ⌊(q·y + k)/y⌋ for k beside 0, as large as it may be: quotients as near to whole numbers as halves come. */
const quotients: Form = (site, x) => {
  const { g, r, pool, rows } = site;
  const width = widthOf(x);
  const most = r.pick([2, 3, 7, 100, 2047, 40_000]);
  const reach = r.pick([2 ** 22 - 2, 2 ** 22 + 2, 2 ** 23 - 2 * most - 4, 2 ** 23 - 2 * most - 4]);
  const times = Math.min(2 ** 22 - 3, Math.floor(reach / most));
  const q = limited(site, reaching(site, x, times), r.pick([-times, times >> 1]), times);
  const from = r.pick(pool.filter((t) => t.dims.length === 2));
  const at = r.int(0, widthOf(from) - 1);
  const column = made(g.slice(from.name, 1, at, at + 1), [rows, 1], from.lo, from.hi);
  const y = limited(site, reaching(site, r.chance(0.8) ? column : x, most), most >> 1, most);
  const near = g.floats(fresh(site, 'near'), [width], numbersIn(r, width, -1, 0));
  const all = reachOf(q) * most + 1;
  const found = g.divide(g.add(g.mul(q.name, y.name), near), y.name, all);
  return made(found, x.dims, -reachOf(q) - 2, reachOf(q) + 2);
};

/** ⌊x/y⌋ + ⌊(x' − ⌊x/y⌋·y')/y''⌋, which corrects nothing unless all x and all y are one. */
const corrections: Form = (site, x) => {
  const { g, r, rows } = site;
  const odd = (name: string): string => g.add(name, g.number(0.5));
  const shrunk = limited(site, x, -2000, 2000);
  const xs = [odd(shrunk.name), odd(g.sub(g.number(7), shrunk.name))] as const;
  const at = r.int(0, widthOf(x) - 1);
  const column = made(g.slice(x.name, 1, at, at + 1), [rows, 1], x.lo, x.hi);
  const ys = [g.number(3), limited(site, column, 1, 100).name] as const;
  const some = (of: readonly [string, string]): string => of[r.chance(0.7) ? 1 : 0];
  const floorOf = (a: string, b: string): string => g.op('Floor', [g.op('Div', [a, b])]);
  const q = floorOf(some(xs), some(ys));
  const rest = floorOf(g.sub(some(xs), g.mul(q, some(ys))), some(ys));
  return made(g.add(q, rest), x.dims, -250_000, 250_000);
};

/** What a model begins with, in turn. */
export const EDGES: readonly Form[] = [limits, lines, quotients, corrections];
