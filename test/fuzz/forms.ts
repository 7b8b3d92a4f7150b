/**
 * Forms that real models are made of, at odd sizes: norms, attention, tables, gates, pools, limbs. Each takes rows
 * [B·S, width] and gives rows, or puts a tensor of one row per sequence aside. What an executor plans are these;
 * steps.ts has what nobody would write.
 */
import { scaled } from '../../models/import/exact-graph.ts';
import { fresh, made, numbersIn, reachOf, type Made, type Site } from './steps.ts';

export interface FormSite extends Site {
  readonly tokens: number;
  /** B·S. */
  readonly rows: number;
  /** 1 where a token counts, [B, S], if the model has it. */
  readonly used: string | undefined;
  /** Of one row per sequence: nothing goes on from them. */
  readonly aside: Made[];
}
export type Form = (site: FormSite, x: Made) => Made | undefined;

const SCORES_MAX = 4096;
const ROOT_MAX = 4094;
const widthOf = (x: Made): number => x.dims[1]!;

function between({ g, r }: Site, x: Made, lo: number, hi: number): Made {
  if (x.lo >= lo && x.hi <= hi) return x;
  const clamp = (v: number): number => Math.min(Math.max(v, lo), hi);
  const name = r.chance(0.8) ? g.clip(x.name, lo, hi) : g.clipLast(x.name, lo, hi);
  return made(name, x.dims, clamp(x.lo), clamp(x.hi));
}
const limited = (site: Site, x: Made, reach: number): Made => between(site, x, -reach, reach);

/** ⌊x/2^bits⌋ with as many bits as bring it within reach, then limited to it. */
function shrunk(site: Site, x: Made, reach: number): Made {
  const bits = Math.max(
    0,
    Math.ceil(Math.log2(Math.max(1, reachOf(x)) / reach)) - site.r.int(0, 1),
  );
  const down = (v: number): number => Math.floor(v / 2 ** bits);
  return limited(site, made(site.g.shift(x.name, bits), x.dims, down(x.lo), down(x.hi)), reach);
}

const rowsOf = (name: string, site: FormSite, width: number, reach: number): Made =>
  made(name, [site.rows, width], -reach, reach);
const constantOf = (site: Site, word: string, dims: number[], values: ArrayLike<number>): string =>
  site.g.floats(fresh(site, word), dims, values);

/** x·factor + offset per column, as importers write it. */
const requantised: Form = (site, x) => {
  const { g, r } = site;
  const reach = r.pick([63, 127, 508, 2047, 4095, 8191, 2 ** 15]);
  const usual = Math.min(200, reach / Math.max(1, reachOf(x)));
  const factors = Array.from({ length: widthOf(x) }, () => r.pick([-1, 1, 1]) * usual * r.next());
  const offsets = r.chance(0.7) ? numbersIn(r, widthOf(x), -(reach >> 2), reach >> 2) : undefined;
  const scaling = { bound: reachOf(x), factors, ...(offsets ? { offsets } : {}) };
  const name = scaled(g, x.name, scaling);
  return limited(site, made(name, x.dims, -(2 ** 23), 2 ** 23), reach);
};

const GROUPS = [2, 3, 4, 5, 6, 8, 9, 16, 18, 32];
const groupsOf = (width: number): number[] => GROUPS.filter((n) => width % n === 0 && width > n);

/** Σx² of rows |x| ≤ 4095, in groups or at once, as a number below 4094². */
function squares(site: FormSite, x: string, width: number): string {
  const { g, r, rows } = site;
  const rounded = (y: string): string => g.shift(g.add(y, g.number(16)), 5);
  const sizes = groupsOf(width);
  let sum: string;
  if (sizes.length && r.chance(0.7)) {
    const n = r.pick(sizes);
    const parts = g.reshape(rounded(g.mul(x, x)), [rows, width / n, n]);
    sum = g.sum(g.reshape(rounded(g.sum(parts, 2)), [rows, width / n]), 1);
  } else sum = g.sum(g.shift(g.mul(x, x), 12), 1);
  return g.squareRoot(g.clip(sum, 4, ROOT_MAX ** 2));
}

const layerNorm: Form = (site, x) => {
  const { g, r } = site;
  const width = widthOf(x);
  if (width < 2) return undefined;
  const h = shrunk(site, x, 8191);
  const total = g.add(g.sum(h.name, 1), g.number(width >> 1));
  const mean = g.divide(total, g.number(width), 8192 * width);
  const d = g.clip(g.sub(h.name, mean), -4095, 4095);
  const root = squares(site, d, width);
  const bits = r.pick([2, 6, 10]);
  const numerator = g.mul(d, g.number(2 ** bits));
  const reach = 4095 * 2 ** bits;
  const z = r.chance(0.7)
    ? g.divideRounded(numerator, root, reach, ROOT_MAX)
    : g.divide(numerator, root, reach);
  return limited(site, rowsOf(z, site, width, 2 ** 22), r.pick([8191, 2047, 127]));
};

/** With a power of two for each row, which a table gives. */
const rmsNorm: Form = (site, x) => {
  const { g, rows } = site;
  const width = widthOf(x);
  const h = limited(site, x, 2 ** 17 - 1);
  const bits = 6;
  const peak = g.max(g.op('Max', [h.name, g.sub(g.number(0), h.name)]), 1);
  const steps = Array.from({ length: bits }, (_, j) => 2047.5 * 2 ** j);
  const over = g.op('GreaterOrEqual', [peak, constantOf(site, 'steps', [bits], steps)]);
  const e = g.sum(g.toFloat(over), 1);
  const lookedUp = (word: string, of: (bits: number) => number): string => {
    const entries = Array.from({ length: bits + 1 }, (_, i) => of(i));
    return g.lookup(constantOf(site, word, [bits + 1], entries), e, [rows, 1]);
  };
  const isFine = site.r.chance(0.5);
  const power = lookedUp('powers', (i) => 2 ** -i);
  const half = isFine ? lookedUp('halves', (i) => (i ? 2 ** (i - 1) : 0)) : '';
  const moved = isFine
    ? g.op('Floor', [g.mul(g.add(h.name, half), power)])
    : g.op('Floor', [g.add(g.mul(h.name, power), g.number(0.5))]);
  const v = g.clip(moved, -2047, 2047);
  const root = squares(site, v, width);
  const gain = site.r.int(1, 60);
  const top = g.add(g.mul(v, g.number(gain)), root);
  const a = g.divide(top, g.mul(root, g.number(2)), gain * 2047 + ROOT_MAX);
  const means = constantOf(site, 'means', [width], numbersIn(site.r, width, -3, 3));
  return limited(site, rowsOf(g.sub(a, means), site, width, 2 ** 21), 63);
};

/** f(x) by a table. */
const curve: Form = (site, x) => {
  const { g, r } = site;
  const n = r.pick([2, 17, 256, 1000]);
  const small = shrunk(site, x, n);
  const index = between(
    site,
    { ...small, name: g.add(small.name, g.number(n >> 1)), lo: -n, hi: 2 * n },
    0,
    n - 1,
  );
  const reach = r.pick([63, 127, 4095, 2 ** 15, 2 ** 20]);
  const table = constantOf(site, 'curve', [n], numbersIn(r, n, r.pick([-reach, 0]), reach));
  const found = r.chance(0.85)
    ? g.lookup(table, index.name, [...x.dims])
    : g.gather(table, g.toInt(index.name));
  return rowsOf(found, site, widthOf(x), reach);
};

/** Half of the columns by a table, times the others. */
const gated: Form = (site, x) => {
  const { g } = site;
  const half = widthOf(x) >> 1;
  if (!half) return undefined;
  const part = (from: number): Made => ({
    ...x,
    name: g.slice(x.name, 1, from, from + half),
    dims: [site.rows, half],
  });
  const gate = limited(site, curve(site, part(0))!, 2047);
  const up = shrunk(site, part(half), 2047);
  return rowsOf(g.shift(g.mul(gate.name, up.name), 9), site, half, 2047 * 4);
};

const fitting = ({ pool }: FormSite, x: Made): Made[] =>
  pool.filter((t) => t.name !== x.name && t.dims.length === 2 && t.dims[1] === x.dims[1]);

/** Two streams of one width, as numbers of any size. */
const residual: Form = (site, x) => {
  const { g, r } = site;
  const others = fitting(site, x);
  if (!others.length) return undefined;
  const reach = r.pick([8191, 2 ** 17 - 1, 2 ** 23 - 1]);
  const [a, b] = [limited(site, x, reach), limited(site, r.pick(others), reach)];
  const sum = r.chance(0.7) ? g.add(a.name, b.name) : g.sub(b.name, a.name);
  return limited(site, rowsOf(sum, site, widthOf(x), 2 * reach), reach);
};

/** One column of any tensor, times a row of constants. */
const outlier: Form = (site, x) => {
  const { g, r, pool } = site;
  const from = r.pick(pool.filter((t) => t.dims.length === 2));
  const at = r.int(0, widthOf(from) - 1);
  const name = g.slice(from.name, 1, at, at + 1);
  const column = shrunk(site, { ...from, name, dims: [site.rows, 1] }, 127);
  const row = constantOf(site, 'row', [widthOf(x)], numbersIn(r, widthOf(x), -255, 255));
  const y = limited(site, x, 2 ** 22);
  return rowsOf(g.add(y.name, g.mul(column.name, row)), site, widthOf(x), reachOf(y) + 255 * 127);
};

/** Less the largest of its group, or with its group's sum. */
const grouped: Form = (site, x) => {
  const { g, r, rows } = site;
  const width = widthOf(x);
  const sizes = groupsOf(width);
  if (!sizes.length) return undefined;
  const n = r.pick(sizes);
  const y = limited(site, x, 2 ** 17);
  const parts = g.reshape(y.name, [rows, width / n, n]);
  const isSum = r.chance(0.5);
  const some = isSum
    ? g.add(parts, g.shift(g.sum(parts, 2), r.int(0, 3)))
    : g.sub(parts, g.max(parts, 2));
  return rowsOf(g.reshape(some, [rows, width]), site, width, (isSum ? n + 1 : 2) * 2 ** 17);
};

/** Sums of a row beside maxima of its groups. */
const groupedNorm: Form = (site, x) => {
  const y = grouped(site, x);
  return y && layerNorm(site, y);
};

/** 13 bits in two limbs, and what two products would give of them; the lower one as a place in a table, at times. */
const limbs: Form = (site, x) => {
  const { g, r } = site;
  const v = shrunk(site, x, r.pick([4031, 2 ** 20]));
  const bits = r.int(1, 7);
  const half = r.pick([0, 1, 2 ** (bits - 1), 2 ** (bits - 1)]);
  const high = g.shift(half ? g.add(v.name, g.number(half)) : v.name, bits);
  let low = g.sub(v.name, g.mul(high, g.number(2 ** bits)));
  if (r.chance(0.5)) {
    const entries = numbersIn(r, 2 ** bits, -64, 64);
    low = g.lookup(constantOf(site, 'low', [2 ** bits], entries), g.add(low, g.number(half)), [
      ...x.dims,
    ]);
  }
  const weights = numbersIn(r, widthOf(x), -7, 7);
  const both = g.add(g.mul(high, constantOf(site, 'weights', [widthOf(x)], weights)), low);
  return rowsOf(both, site, widthOf(x), 7 * 2 ** 20 + 128);
};

/** Some columns, or columns of two tensors side by side. */
const columns: Form = (site, x) => {
  const { g, r, pool } = site;
  const width = widthOf(x);
  if (r.chance(0.6)) {
    const from = r.int(0, width - 1);
    const to = r.int(from + 1, width);
    return { ...x, name: g.slice(x.name, 1, from, to), dims: [site.rows, to - from] };
  }
  const y = r.pick(pool.filter((t) => t.dims.length === 2));
  if (width + widthOf(y) > 80) return undefined;
  const name = g.op('Concat', [x.name, y.name], { axis: 1 });
  return made(name, [site.rows, width + widthOf(y)], x.lo, x.hi, y.lo, y.hi);
};

/** Heads aside, each with a factor of its own; at times in eighths, and of numbers at the ends of int16. */
const perHead: Form = (site, x) => {
  const { g, r, rows, sequences, tokens } = site;
  const width = widthOf(x);
  const heads = r.pick([1, 2, 3, 4, 6].filter((n) => width % n === 0));
  const times = r.chance(0.8) ? Math.ceil(60_000 / Math.max(1, reachOf(x))) : 1;
  const wide = times > 1 ? g.mul(x.name, g.number(times)) : x.name;
  const large = made(wide, x.dims, times * x.lo, times * x.hi);
  const reach = (): number => r.pick([2047, 2 ** 15, 60_000, 60_000]);
  const y = between(site, large, -reach(), reach());
  const [bits, isFine] = [3, r.chance(0.5)];
  const given = isFine ? g.mul(y.name, g.number(2 ** -bits)) : y.name;
  const turned = g.transpose(
    g.reshape(given, [sequences, tokens, heads, width / heads]),
    [0, 2, 1, 3],
  );
  const factors = constantOf(site, 'factors', [heads, 1, 1], numbersIn(r, heads, -31, 31));
  const scaledHeads = g.mul(turned, factors);
  const whole = isFine ? g.op('Floor', [scaledHeads]) : scaledHeads;
  const back = g.transpose(whole, [0, 2, 1, 3]);
  return rowsOf(g.reshape(back, [rows, width]), site, width, reachOf(y) * 31);
};

/** Over a sequence's tokens: the sum of those that count, the largest, or the last. */
const pooled: Form = (site, x) => {
  const { g, r, sequences, tokens, used, aside } = site;
  const width = widthOf(x);
  const y = limited(site, x, Math.floor(2 ** 22 / tokens));
  const all = g.reshape(y.name, [sequences, tokens, width]);
  const kind = r.pick(['sum', 'most', 'last'] as const);
  const counted =
    kind === 'sum' && used ? g.mul(all, g.reshape(used, [sequences, tokens, 1])) : all;
  const found = {
    sum: () => g.divide(g.sum(counted, 1), g.number(tokens), 2 ** 22),
    most: () => g.max(all, 1),
    last: () => g.slice(all, 1, tokens - 1, tokens),
  }[kind]();
  const reach = reachOf(y) + 1;
  aside.push(made(g.reshape(found, [sequences, width]), [sequences, width], -reach, reach));
  return undefined;
};

/** x·cos + x̃·sin of [.., S, d]. */
function turned(site: FormSite, x: string, d: number, reach: number): string {
  const { g, r, tokens } = site;
  const angles = (): string =>
    constantOf(site, 'turn', [1, 1, tokens, d], numbersIn(r, tokens * d, -255, 255));
  const swapped = g.op(
    'Concat',
    [g.sub(g.number(0), g.slice(x, 3, d / 2, d)), g.slice(x, 3, 0, d / 2)],
    { axis: 3 },
  );
  const both = g.add(g.mul(x, angles()), g.mul(swapped, angles()));
  return g.clip(g.shift(g.add(both, g.number(64)), 7), -reach, reach);
}

function maskOf(site: FormSite, scores: string): string {
  const { g, r, used, tokens: S, sequences } = site;
  const kind = r.pick(['causal', 'causal', 'causal', 'used', 'none']);
  if (kind === 'used' && used) {
    const free = g.mul(g.sub(used, g.number(1)), g.number(2 ** 21));
    return g.add(scores, g.reshape(free, [sequences, 1, 1, S]));
  }
  if (kind !== 'causal') return scores;
  // At times less deep than scores are apart, so that what comes later is seen a little.
  const depth = r.pick([2 ** 21, 2 ** 21, 8192, 8192]);
  if (r.chance(0.5)) {
    const places = (word: string, dims: number[]): string =>
      constantOf(
        site,
        word,
        dims,
        Array.from({ length: S }, (_, i) => i),
      );
    const pair = [places('keys', [1, 1, 1, S]), places('rows', [1, 1, S, 1])];
    const isLess = r.chance(0.3);
    const later = g.op(isLess ? 'Less' : 'Greater', isLess ? pair.toReversed() : pair);
    return g.add(scores, g.mul(g.toFloat(later), g.number(-depth)));
  }
  const later = Array.from({ length: S * S }, (_, i) => (i % S > Math.floor(i / S) ? -depth : 0));
  return g.add(scores, constantOf(site, 'mask', [1, 1, S, S], later));
}

/** Grouped heads over columns of x, in any order of its parts. */
const attention: Form = (site, x) => {
  const { g, r, rows, sequences: B, tokens: S } = site;
  const width = widthOf(x);
  const sizes = [1, 2, 3, 4, 5, 6, 8, 12, 16, 18].flatMap((d) =>
    [1, 2, 3].flatMap((heads) =>
      [1, 2, 3].map((group): [number, number, number] => [d, heads, group]),
    ),
  );
  const fits = sizes.filter(
    ([d, heads, group]) =>
      d * heads * (group + 2) <= width && B * heads * group * S * S <= SCORES_MAX,
  );
  if (!fits.length) return undefined;
  const [d, heads, group] = r.pick(fits);
  const reach = (d + heads + group) % 2 ? 127 : 255;
  const y = shrunk(site, x, reach);
  const part = (from: number, count: number): string => {
    const some = g.slice(y.name, 1, from * d, (from + count) * d);
    return g.transpose(g.reshape(some, [B, S, count, d]), [0, 2, 1, 3]);
  };
  const isTurned = d % 2 === 0 && r.chance(0.3);
  const of = (t: string): string => (isTurned ? turned(site, t, d, reach) : t);
  const q = g.reshape(of(part(0, heads * group)), [B, heads, group * S, d]);
  const k = g.transpose(of(part(heads * group, heads)), [0, 1, 3, 2]);
  const v = part(heads * (group + 1), heads);

  const scores = g.reshape(g.matmul(q, k), [B, heads * group, S, S]);
  const masked = maskOf(site, scores);
  const away = g.shift(g.sub(g.max(masked, 3), masked), r.int(0, 8));
  const n = r.pick([16, 100, 1000]);
  const end = r.pick([0, 0, 0, 1]);
  const exps = Array.from({ length: n }, (_, i) =>
    i === n - 1 ? end : Math.round(127 * Math.exp((-6 * i) / n)),
  );
  const dims = [B, heads * group, S, S];
  const weights = g.lookup(constantOf(site, 'exp', [n], exps), g.atMost(away, n - 1), dims);
  const total = g.atLeast(g.sum(weights, 3), 127);
  const sums = g.matmul(g.reshape(weights, [B, heads, group * S, S]), v);
  const four = g.mul(g.reshape(sums, [B, heads * group, S, d]), g.number(4));
  const mixed = r.chance(0.7)
    ? g.divideRounded(four, total, 4 * reach * 127 * S, 127 * S)
    : g.divide(four, total, 4 * reach * 127 * S);
  const isEarly = r.chance(0.7);
  const context = isEarly ? g.clip(mixed, -4 * reach, 4 * reach) : mixed;
  const back = g.reshape(g.transpose(context, [0, 2, 1, 3]), [rows, heads * group * d]);
  const name = isEarly ? back : g.clip(back, -4 * reach, 4 * reach);
  return rowsOf(name, site, heads * group * d, 4 * reach);
};

/** What a model may begin with, in turn. */
export const OPENINGS: readonly Form[] = [
  ...[perHead, attention, layerNorm, requantised, groupedNorm, attention, rmsNorm, gated],
  ...[perHead, attention, curve, residual, outlier, grouped, limbs, columns, pooled],
];
/** What follows, the more important more often. */
export const FORMS: readonly Form[] = [...OPENINGS, attention, attention, layerNorm, requantised];
