/**
 * The ways to earn without running the model, and what each uses of every resource.
 *
 * **Honest** is whoever reaches the last ticket: what comes after it (the exact product of the last linear, the last
 * segment) earns nothing for anybody, so nobody is charged for it. **Dishonest** is whoever stops before, or does not
 * compute some rows of what lies between. Savings that are open to a whole pass as well (no tickets where the credit
 * is 0, a table for what depends on few tokens, units side by side in a batch) are taken by both.
 */
import { KINDS, type Kind } from './trace.ts';
import { rowsOf, type Game } from './game.ts';
import { creditsOf, paysOf, tilesOf, type Formula } from './pay.ts';

/**
 * noisy: multiplications of A'·B'. peel: those that make C of C'. hashed: bytes of A and carries. noise: entries of A'
 * and B'. tickets: keyed hashes. messages: hashed for t. The rest are the kinds of segments.
 */
export const RESOURCES = [
  'noisy',
  'peel',
  'hashed',
  'noise',
  'tickets',
  'messages',
  ...KINDS,
] as const;
export type Resource = (typeof RESOURCES)[number];
export type Usage = Readonly<Record<Resource, number>>;

/** Multiplications of peels; `most`: what one may cost, in noisy ones, before a plain product is cheaper. */
export interface Peel {
  readonly amount: number;
  readonly most: number | undefined;
}
export interface Play {
  readonly name: string;
  readonly pay: number;
  readonly usage: Usage;
  /** Of usage.peel. */
  readonly peels: readonly Peel[];
}

/** Whether a miner keeps a table of all that depends on few tokens; segment 0 is in it even else. */
export type World = 'plain' | 'table';

const NOTHING = Object.fromEntries(RESOURCES.map((r) => [r, 0])) as Record<Resource, number>;
/** Of a tile's message. */
const MESSAGE_BYTES = 64;
const sum = (values: readonly number[]): number => values.reduce((x, y) => x + y, 0);
export const scaled = (usage: Usage, by: number): Usage =>
  Object.fromEntries(RESOURCES.map((r) => [r, usage[r] * by])) as Usage;

/** Multiplications of (A·F_L)·F_R and E_L·(E_R·B'); A·F_L and E_R·B' are sums. */
export const peelOf = (g: Game): number[] => g.linears.map(({ n, r }) => 2 * r * rowsOf(g) * n);
/** w of each linear. */
export const workOf = (g: Game): number[] => g.linears.map(({ k, n }) => rowsOf(g) * k * n);

/**
 * Peels before linear `stop`, those of a kind together. With a table the first product is known and needs none, so that
 * a stop at the second linear has no peel to pay: sound only because nobody pays more for a peel than for the plain
 * product that replaces it, w multiplications like those of A'·B'.
 */
function peelsOf(g: Game, stop: number, world: World): Peel[] {
  const isTable = world === 'table';
  const work = workOf(g);
  const amounts = new Map<number | undefined, number>();
  const peels = peelOf(g);
  for (let i = 0; i < stop - 1; i++) {
    const peel = peels[i]!;
    const most = isTable ? work[i]! / peel : undefined;
    const amount = peel * (isTable ? 1 - g.listedRows[i]! : 1);
    amounts.set(most, (amounts.get(most) ?? 0) + amount);
  }
  return [...amounts].map(([most, amount]) => ({ amount, most }));
}

/** What leads to a linear (the exact product before it, its segment, its hash), and what its tiles use. */
export interface Step {
  readonly way: Usage;
  readonly tiles: Usage;
}

export function stepsOf(g: Game, world: World, formula: Formula): Step[] {
  const isTable = world === 'table';
  const [rows, tiles, peel] = [rowsOf(g), tilesOf(g), peelOf(g)];
  const credits = creditsOf(g, formula);
  return g.linears.map(({ k, n }, i): Step => {
    const { all, listed } = g.segments[i]!;
    // Segment 0 is nobody's; a later one is free where all that it gives can be listed.
    const isFree = i === 0 || g.listedRows[i] === 1;
    const kinds = Object.fromEntries(
      KINDS.map((kind) => [kind, isFree ? 0 : all[kind] - (isTable ? listed[kind] : 0)]),
    ) as Record<Kind, number>;
    const hashed = g.hashed[i]!;
    const way: Usage = {
      ...NOTHING,
      ...kinds,
      peel: i > 0 ? peel[i - 1]! * (isTable ? 1 - g.listedRows[i - 1]! : 1) : 0,
      hashed: hashed.all - (isTable ? hashed.listed : 0),
      messages: i > 0 ? tiles[i - 1]! * MESSAGE_BYTES : 0,
    };
    const noisy = { ...NOTHING, noisy: rows * k * n, noise: k * (rows + n) };
    // Nobody hashes tickets that can't win.
    return { way, tiles: { ...noisy, tickets: credits[i] ? tiles[i]! : 0 } };
  });
}

/** What tickets up to linear `stop` use, and of that one a part of its tiles. */
export function usageOf(steps: readonly Step[], stop: number, part = 1): Usage {
  const used = { ...NOTHING };
  for (const [i, { way, tiles }] of steps.slice(0, stop).entries())
    for (const r of RESOURCES) used[r] += way[r] + (i === stop - 1 ? part : 1) * tiles[r];
  return used;
}

export function whole(g: Game, world: World, formula: Formula): Play {
  const L = g.linears.length;
  const usage = usageOf(stepsOf(g, world, formula), L);
  return { name: 'whole', pay: sum(paysOf(g, formula)), usage, peels: peelsOf(g, L, world) };
}

/** The same without a part of the rows, known beforehand: all but their product with fresh noise. */
function withKnownRows({ name, pay, usage, peels }: Play, part: number): Play {
  const { noisy, noise, tickets, messages } = usage;
  return {
    name,
    pay,
    usage: { ...scaled(usage, 1 - part), noisy, noise, tickets, messages },
    peels: peels.map(({ amount, most }) => ({ amount: amount * (1 - part), most })),
  };
}

/**
 * Bytes that a cache may have: a TiB. A cache of prefixes needs the operands and carries of every linear for each of
 * V^n prefixes.
 */
const CACHE_BYTES = 2 ** 40;
/** Tokens at the start of a causal sequence whose rows lie in a cache; of others each row sees the whole sequence. */
export function cachedTokens(g: Game): number {
  if (!g.isCausal) return 0;
  const bytes = sum(g.hashed.map((h) => h.all)) / rowsOf(g);
  let n = 0;
  while (g.vocabulary ** (n + 1) * bytes <= CACHE_BYTES) n++;
  return n;
}

/** Bytes hashed to see the tokens of one nonce: the header, and a block of its stream. */
const NONCE_BYTES = 219 + 64;

/** Whether a miner draws nonces until tokens that it knows come: how many, and the rows that it gets by it. */
export function grinding(g: Game): { readonly tries: number; readonly rows: number } {
  // One token more of one sequence; without causality nothing less than a sequence that came before, of 2^40.
  if (g.isCausal) return { tries: g.vocabulary - 1, rows: 1 };
  const bits = g.tokens * Math.log2(g.vocabulary - 1) - 40;
  return { tries: 2 ** Math.min(bits, 1000), rows: g.tokens };
}

/** Every dishonest way in a world. Mixtures and batches of them are no better: prices.ts says why. */
export function plays(g: Game, world: World, formula: Formula): Play[] {
  const L = g.linears.length;
  const pays = paysOf(g, formula);
  const steps = stepsOf(g, world, formula);
  const all: Play[] = [];
  for (let stop = 1; stop <= L; stop++) {
    const before = sum(pays.slice(0, stop - 1));
    const usage = usageOf(steps, stop);
    const peels = peelsOf(g, stop, world);
    const stopped: Play = { name: `stop ${stop}`, pay: before + pays[stop - 1]!, usage, peels };
    if (stop < L) {
      const half = usageOf(steps, stop, 1 / 2);
      const pay = before + pays[stop - 1]! / 2;
      all.push(stopped, { name: `half of ${stop}`, pay, usage: half, peels });
    }
    const cached = cachedTokens(g);
    if (cached) {
      const known = withKnownRows(stopped, cached / g.tokens);
      all.push({ ...known, name: `cached ${stop}` });
    }
    const { tries, rows } = grinding(g);
    const drawn = withKnownRows(stopped, (cached * g.sequences + rows) / rowsOf(g));
    const hashed = drawn.usage.hashed + tries * NONCE_BYTES;
    all.push({ ...drawn, name: `drawn ${stop}`, usage: { ...drawn.usage, hashed } });
  }
  return all;
}
