import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { credits } from '../../src/core/manifest.ts';
import { tokensOf } from '../../src/core/pow/seed.ts';
import { ticketLimits } from '../../src/core/pow/transcript.ts';
import { encodeOnnx, type OnnxNode } from '../../src/miner/package/onnx.ts';
import { admissionOf } from '../../src/miner/checker/checker.ts';
import { createCpuBackend } from '../../src/miner/cpu/cpu.ts';
import { inventedManifest } from '../oracle/manifests.ts';
import { readModel } from '../oracle/models.ts';
import { randomBytes } from '../oracle/random.ts';
import { CASES_BITS, gameOf, rowsOf, type Game } from './game.ts';
import { creditsOf, macsOf, paysOf, tilesOf } from './pay.ts';
import { cachedTokens, grinding, plays, RESOURCES, stepsOf, usageOf } from './plays.ts';
import {
  bestAt,
  bestOfBox,
  bestOfRays,
  bestOfWorlds,
  costOf,
  FACTOR,
  MEASURED,
  nativePrices,
  pricesFrom,
  randomPrices,
  rays,
  tablesOf,
  vectorOf,
  type Prices,
  type Row,
} from './prices.ts';
import { games } from './random-game.ts';
import { encoder, SHAPES } from './shapes.ts';
import { fit } from './stops.ts';
import { TokenSets, trace } from './trace.ts';

const MAX = 33 / 32;
const NAMES = ['tiny', 'lingua', 'polyglot'] as const;
const packages = await Promise.all(NAMES.map((name) => readModel(name)));
const packaged = packages.map(gameOf);
const sum = (values: readonly number[]): number => values.reduce((x, y) => x + y, 0);
const tiny = { model: packages[0]!, game: packaged[0]! };

describe('what a segment costs', () => {
  /** One token for each of four rows of two columns. */
  function traced(nodes: readonly OnnxNode[], output: string, dims: readonly number[]) {
    const sets = new TokenSets();
    const rows = Int32Array.from({ length: 8 }, (_, i) => sets.of(1n << BigInt(i >> 1)));
    const graph = encodeOnnx({
      nodes,
      constants: [
        { name: 'column', type: 'float32', dims: [2, 3], data: new Float32Array(6) },
        { name: 'shape', type: 'int64', dims: [1], data: BigInt64Array.of(8n) },
        { name: 'axis', type: 'int64', dims: [1], data: BigInt64Array.of(1n) },
        { name: 'from', type: 'int64', dims: [1], data: BigInt64Array.of(1n) },
        { name: 'to', type: 'int64', dims: [1], data: BigInt64Array.of(3n) },
        { name: 'zero', type: 'int64', dims: [1], data: BigInt64Array.of(0n) },
        { name: 'table', type: 'float32', dims: [5], data: new Float32Array(5) },
      ],
      inputs: [{ name: 'x', type: 'float32', dims: [4, 2] }],
      outputs: [{ name: output, type: 'float32', dims }],
    });
    const { costs, outputs } = trace(
      graph,
      new Map([['x', { dims: [4, 2], sets: rows }]]),
      sets,
      (tokens) => tokens < 2,
    );
    const made = outputs.get(output)!;
    return { costs, dims: made.dims, seen: Array.from(made.sets, (set) => sets.tokens(set)) };
  }
  const node = (
    op: string,
    inputs: readonly string[],
    output: string,
    attributes: OnnxNode['attributes'] = {},
  ): OnnxNode => ({ name: output, op, inputs, outputs: [output], attributes });
  const kinds = { products: 0, arithmetic: 0, 'look-ups': 0, movement: 0, reductions: 0 };

  test('is counted by what each operator writes, multiplies, and reads', () => {
    const { costs } = traced(
      [
        node('MatMul', ['x', 'column'], 'y'),
        node('Floor', ['y'], 'z'),
        node('ReduceSum', ['z', 'axis'], 'w', { keepdims: 0 }),
      ],
      'w',
      [4],
    );
    expect(costs.all).toEqual({ ...kinds, products: 4 * 3 * 2, arithmetic: 12, reductions: 12 });
    expect(costs.listed).toEqual(costs.all);
  });

  test('rows mix in a product of two of them, and in a sum over rows', () => {
    const turned = [
      node('Transpose', ['x'], 'y', { perm: [1, 0] }),
      node('MatMul', ['x', 'y'], 'z'),
    ];
    const { costs, seen } = traced(turned, 'z', [4, 4]);
    expect(seen.slice(0, 5)).toEqual([1n, 3n, 5n, 9n, 3n]);
    // A product of a row with itself is of one token.
    expect(costs.listed).toEqual({ ...kinds, movement: 8, products: 4 * 2 });
    const summed = traced([node('ReduceSum', ['x', 'zero'], 'y', { keepdims: 1 })], 'y', [1, 2]);
    expect(summed.seen).toEqual([15n, 15n]);
    expect(summed.costs.listed.reductions).toBe(0);
  });

  test('entries that are moved keep their tokens', () => {
    const sliced = [
      node('Slice', ['x', 'from', 'to', 'zero'], 'y'),
      node('Concat', ['y', 'x'], 'z', { axis: 0 }),
      node('Transpose', ['z'], 'w', { perm: [1, 0] }),
    ];
    const { seen, dims, costs } = traced(sliced, 'w', [2, 6]);
    expect(dims).toEqual([2, 6]);
    expect(seen.slice(0, 6)).toEqual([2n, 4n, 1n, 2n, 4n, 8n]);
    expect(costs.all).toEqual({ ...kinds, movement: 4 + 12 + 12 });
  });

  test('a look-up depends on its index', () => {
    const { seen, costs } = traced(
      [
        node('Reshape', ['x', 'shape'], 'y'),
        node('Cast', ['y'], 'i', { to: 6 }),
        node('GatherElements', ['table', 'i'], 'z', { axis: 0 }),
      ],
      'z',
      [8],
    );
    expect(seen).toEqual([1n, 1n, 2n, 2n, 4n, 4n, 8n, 8n]);
    expect(costs.all['look-ups']).toBe(8);
  });
});

describe('fresh tokens', () => {
  test('only what lies before the first attention can be in a table', () => {
    for (const g of packaged) {
      const sizes = g.seen.map((rows) =>
        rows.map((set) => set.toString(2).replaceAll('0', '').length),
      );
      for (const size of sizes.slice(1).flat()) expect(size).toBe(g.tokens);
      expect(Math.max(...sizes[0]!)).toBeLessThan(g.tokens / 2);
      expect(g.listedRows.slice(1).every((part) => part === 0)).toBe(true);
      // Later segments know only which places are padding.
      for (const { all, listed } of g.segments.slice(2))
        expect(sum(Object.values(listed))).toBeLessThan(sum(Object.values(all)) / 100);
    }
  });

  test('rows of the engine change where the trace says, and nowhere else', async () => {
    const { model, game } = tiny;
    const backend = await createCpuBackend(model);
    const operand = async (tokens: Uint32Array, capture: number): Promise<Int8Array> => {
      const input = { tokens, sigma0: undefined, limits: [], stopAfter: capture, capture };
      return (await backend.pass(input)).captured!;
    };
    /** Distances from a changed token to the rows that it changes, and changes that were not said. */
    const distances = [new Set<number>(), new Set<number>()];
    const unsaid: string[] = [];
    for (let i = 0; i < 24; i++) {
      const tokens = tokensOf(randomBytes(`fresh ${i}`, 32), model.manifest);
      const place = i % tokens.length;
      const other = tokens.with(place, (tokens[place]! % 256) + 1);
      for (const linear of [1, 2]) {
        const [a, b] = [await operand(tokens, linear), await operand(other, linear)];
        const { k } = game.linears[linear - 1]!;
        for (const [row, seen] of game.seen[linear - 1]!.entries()) {
          if (a.subarray(row * k, (row + 1) * k).every((x, c) => x === b[row * k + c])) continue;
          if (!(seen & (1n << BigInt(place)))) unsaid.push(`linear ${linear}: ${place}, ${row}`);
          distances[linear - 1]!.add(row - place);
        }
      }
    }
    await backend.close();
    expect(unsaid).toEqual([]);
    expect(distances[0]!.size).toBe(2);
    expect(distances[1]!.size).toBeGreaterThan(game.tokens);
  });

  test('a cache of prefixes holds one token of a causal model, and none of another', () => {
    const causal = SHAPES.filter((g) => g.isCausal);
    expect(causal.length).toBeGreaterThan(3);
    expect(causal.map(cachedTokens)).toEqual(causal.map(() => 1));
    for (const g of packaged) {
      expect(cachedTokens(g)).toBe(0);
      // Who waits for a sequence that it knows, even of 2^40, hashes until the end of time.
      expect(grinding(g).tries).toBeGreaterThan(2 ** 87);
    }
    expect(2 ** CASES_BITS).toBeLessThan(2 ** 87);
  });
});

describe('pay', () => {
  const shape = fc.record({
    k: fc.integer({ min: 2, max: 16 }).map((x) => 64 * x),
    n: fc.integer({ min: 1, max: 16 }).map((x) => 16 * x),
  });

  test('of every linear is what the credit in the consensus says, and W in all', () => {
    for (const [i, g] of packaged.entries())
      expect(creditsOf(g)).toEqual(credits(packages[i]!.manifest));
    fc.assert(
      fc.property(fc.array(shape, { minLength: 2, maxLength: 8 }), (shapes) => {
        const linears = shapes.map(({ k, n }) => ({ k, n, r: 16 }));
        const manifest = inventedManifest({ linears, sequences: 2, tokens: 16 });
        const game = { ...tiny.game, linears };
        expect(creditsOf(game)).toEqual(credits(manifest));
        const all = sum(paysOf(game, 2));
        const W = Number(macsOf(game).reduce((x, y) => x + y));
        expect(Math.abs(all / W - 1)).toBeLessThan(0.001);
      }),
    );
  });

  test('by the limits of the engine is the same, and a unit is won where it says', async () => {
    const { model, game } = tiny;
    const limits = ticketLimits(2n ** 256n - 1n, model.manifest).map((limit) => 8n * limit);
    const pays = paysOf(game, 2);
    const tiles = tilesOf(game);
    // Credits are rounded down, to whole numbers.
    for (const [i, limit] of limits.entries()) {
      const expected = (tiles[i]! * Number(limit >> 200n)) / 2 ** 56;
      expect(expected).toBeCloseTo((0.5 * pays[i]!) / sum(pays), 5);
    }
    expect(limits[0]).toBe(0n);
    const backend = await createCpuBackend(model);
    const [units, stop] = [300, 3];
    let [won, early] = [0, 0];
    for (let i = 0; i < units; i++) {
      const sigma0 = randomBytes(`earn ${i}`, 32);
      const tokens = tokensOf(sigma0, model.manifest);
      const whole = (await backend.pass({ tokens, sigma0, limits })).winner;
      if (i < 40) {
        const stopped = (await backend.pass({ tokens, sigma0, limits, stopAfter: stop })).winner;
        expect(stopped).toEqual(whole && whole.linear <= stop ? whole : undefined);
      }
      if (whole) won++;
      if (whole && whole.linear <= stop) early++;
    }
    await backend.close();
    // Four standard deviations.
    const near = (count: number, of: number, part: number): void =>
      expect(Math.abs(count / of - part)).toBeLessThan(4 * Math.sqrt((part * (1 - part)) / of));
    near(won, units, -Math.expm1(-0.5));
    const E = sum(pays.slice(0, stop)) / sum(pays);
    near(early, won, Math.expm1(-0.5 * E) / Math.expm1(-0.5));
  });
});

describe('stopping, caching and choosing', () => {
  test('never pay more than 33/32 of whole passes, at any price, of any model', () => {
    for (const g of [...packaged, ...SHAPES]) {
      const tables = tablesOf(g, 2);
      expect(bestOfRays(tables).ratio, g.name).toBeLessThanOrEqual(MAX);
      for (const rate of [103, 162])
        expect(bestOfWorlds([tables], nativePrices(rate)).ratio).toBeLessThan(1.02);
    }
    for (const g of [packaged[0]!, SHAPES[0]!])
      expect(bestOfBox(tablesOf(g, 2)).ratio).toBeLessThanOrEqual(MAX);
    expect(bestOfRays(tablesOf(SHAPES[0]!, 2)).ratio).toBeCloseTo(1.0266, 3);
  });

  test('keep to it in whole numbers for every linear and resource of a packaged model', () => {
    for (const g of packaged) {
      const L = g.linears.length;
      const work = macsOf(g);
      const ramp = work.map((w, i) => w * work.slice(0, i).reduce((x, y) => x + y, 0n));
      const steps = stepsOf(g, 'plain', 2);
      const all = usageOf(steps, L);
      for (let stop = 1; stop < L; stop++) {
        const E = ramp.slice(0, stop).reduce((x, y) => x + y, 0n);
        const D = ramp.reduce((x, y) => x + y, 0n);
        const used = usageOf(steps, stop);
        for (const r of RESOURCES)
          if (all[r])
            expect(
              32n * E * BigInt(all[r]) <= 33n * BigInt(used[r]) * D,
              `${g.name} ${stop} ${r}`,
            ).toBe(true);
      }
    }
  });

  test('are judged alike by the checker, which was written apart', () => {
    for (const [i, g] of packaged.entries()) {
      const found = admissionOf(packages[i]!);
      if ('rule' in found) throw new Error(found.sentence);
      const { honest, dishonest } = tablesOf(g, 2).of.plain;
      const plain = { honest, dishonest: dishonest.filter(({ name }) => /^stop/.test(name)) };
      // What only this game counts: none of it is the worst.
      const own: readonly string[] = ['noise', 'tickets', 'messages'];
      const ratios = rays(g, 'plain')
        .filter(([name]) => !own.includes(name))
        .map(([, prices]) => bestAt([plain], prices, 'sum').ratio);
      expect(found.earned / found.share).toBeCloseTo(Math.max(...ratios), 4);
    }
  });

  test('paid by the credit of version 1, on a native kernel and without limit', () => {
    for (const g of packaged) {
      const tables = tablesOf(g, 1);
      const best = bestOfWorlds([tables], nativePrices(162));
      expect(best.name).toBe('stop 1');
      expect(best.ratio).toBeGreaterThan(1.4);
      expect(bestOfRays(tables).ratio).toBe(Infinity);
    }
  });

  test('the first linear alone earns nothing, whatever is in a table', () => {
    for (const g of packaged)
      for (const world of ['plain', 'table'] as const)
        for (const play of plays(g, world, 2)) if (/ 1$/.test(play.name)) expect(play.pay).toBe(0);
  });

  test('would pay at the second linear if a peel could be dear where products are cheap', () => {
    // With a table of the first product, as of `tiny`, nothing is peeled before the second linear.
    const { honest, dishonest } = tablesOf(tiny.game, 2).of.table;
    const bare = (row: Row): Row => ({
      ...row,
      peels: row.peels.map(({ amount }) => ({ amount, most: undefined })),
    });
    const cruel = pricesFrom((r) => MEASURED[r] * (r === 'peel' ? FACTOR : 1 / FACTOR));
    const unreplaced = { honest: bare(honest), dishonest: dishonest.map(bare) };
    expect(bestAt([unreplaced], cruel, 'sum').ratio).toBeGreaterThan(10);
    expect(bestAt([{ honest, dishonest }], cruel, 'sum').ratio).toBeLessThan(1);
  });

  test('refused rightly: all attention at the end, and a wide first linear', () => {
    const even = encoder('even', { layers: 6, d: 384, ff: 1536, heads: 12, tokens: 128 });
    expect(bestOfRays(tablesOf(even, 2)).ratio).toBeLessThan(MAX);
    const segments = even.segments.map((s, i) =>
      i < 16 ? { ...s, all: { ...s.all, products: 0 } } : s,
    );
    expect(bestOfRays(tablesOf({ ...even, segments }, 2)).ratio).toBe(Infinity);
    const linears = even.linears.with(0, { k: 4096, n: 4096, r: 64 });
    expect(bestOfRays(tablesOf({ ...even, linears }, 2)).ratio).toBeGreaterThan(MAX);
  });
});

describe('of small models with any costs', () => {
  const RUNS = { numRuns: 60 };
  const mixing = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 40, maxLength: 40 });
  const drawn = fc.integer().map((seed) => randomPrices(String(seed)));
  /** Stops and parts of stops; who draws nonces is not priced by rays. */
  const rowsOfGame = (g: Game) => {
    const { of } = tablesOf(g, 2);
    return (['plain', 'table'] as const).map((world) => ({
      honest: of[world].honest,
      dishonest: of[world].dishonest.filter(({ name }) => !name.startsWith('drawn')),
    }));
  };
  const mixed = (rows: readonly Row[], counts: readonly number[]): Row => ({
    name: 'mixed',
    pay: sum(rows.map((row, i) => counts[i]! * row.pay)),
    usage: RESOURCES.reduce((to, _, r) => {
      to[r] = sum(rows.map((row, i) => counts[i]! * row.usage[r]!));
      return to;
    }, new Float64Array(RESOURCES.length)),
    peels: rows.flatMap(({ peels }, i) =>
      peels.map(({ amount, most }) => ({ amount: amount * counts[i]!, most })),
    ),
  });

  test('no mixture of plays pays more than the best ray, summed or overlapping', () => {
    fc.assert(
      fc.property(games, mixing, drawn, (g, counts, prices) => {
        const best = bestOfRays(tablesOf(g, 2)).ratio;
        if (!Number.isFinite(best)) return;
        for (const { honest, dishonest } of rowsOfGame(g))
          for (const cost of ['sum', 'max'] as const) {
            const play = mixed(dishonest, counts);
            const at = vectorOf(prices);
            const pay = play.pay / costOf(play, at, cost) / (honest.pay / costOf(honest, at, cost));
            if (play.pay) expect(pay).toBeLessThanOrEqual(best * (1 + 1e-9));
          }
      }),
      RUNS,
    );
  });

  /** Here the box is at its best where a plain product begins to replace a peel, between its corners. */
  const free = { products: 0, arithmetic: 0, 'look-ups': 0, movement: 0, reductions: 0 };
  const betweenCorners: Game = {
    name: 'between corners',
    vocabulary: 257,
    sequences: 1,
    tokens: 32,
    isCausal: false,
    linears: [128, 128, 256].map((k) => ({ k, n: 16, r: 16 })),
    seen: [],
    listedRows: [1, 0, 0],
    segments: Array.from({ length: 4 }, () => ({ all: free, listed: free })),
    hashed: Array.from({ length: 3 }, () => ({ all: 1, listed: 0 })),
  };
  const peelOfMiddlePrice: Prices = {
    noisy: 0.424,
    peel: 4.957,
    hashed: 48.05,
    noise: 3.757,
    tickets: 6782,
    messages: 11.58,
    products: 0.0006,
    arithmetic: 1.837,
    'look-ups': 4.769,
    movement: 1.912,
    reductions: 0.067,
  };

  test('some single stop reaches the best ray, and no price in the box beats its corners', () => {
    fc.assert(
      fc.property(games, drawn, (g, prices) => {
        const tables = tablesOf(g, 2);
        const best = bestOfRays(tables);
        expect(best.name).toMatch(/^(stop|half of) \d|^-$/);
        const box = bestOfBox(tables).ratio;
        expect(bestOfWorlds([tables], prices).ratio).toBeLessThanOrEqual(box * (1 + 1e-9));
      }),
      { numRuns: 20, examples: [[betweenCorners, peelOfMiddlePrice]] },
    );
  });

  test('a part of a linear’s tiles is never worth more than none or all of them', () => {
    fc.assert(
      fc.property(
        games,
        drawn,
        fc.double({ min: 0.1, max: 0.9, noNaN: true }),
        (g, prices, part) => {
          const pays = paysOf(g, 2);
          const at = vectorOf(prices);
          const steps = stepsOf(g, 'plain', 2);
          const cost = (stop: number, part: number): number => {
            const usage = usageOf(steps, stop, part);
            const peels = [{ amount: usage.peel, most: undefined }];
            return costOf({ name: '', pay: 0, usage: vectorOf(usage), peels }, at, 'sum');
          };
          for (let stop = 2; stop <= g.linears.length; stop++) {
            const before = sum(pays.slice(0, stop - 1));
            const parted = (before + part * pays[stop - 1]!) / cost(stop, part);
            const ends = [before / cost(stop - 1, 1), (before + pays[stop - 1]!) / cost(stop, 1)];
            expect(parted).toBeLessThanOrEqual(Math.max(...ends) * (1 + 1e-9));
          }
        },
      ),
      RUNS,
    );
  });

  test('a batch changes no ratio, and the choice of models is no better than the best of them', () => {
    fc.assert(
      fc.property(games, games, drawn, (one, other, prices) => {
        const both = [tablesOf(one, 2), tablesOf(other, 2)];
        for (const cost of ['sum', 'max'] as const) {
          const alone = both.map((tables) => bestOfWorlds([tables], prices, cost).ratio);
          expect(bestOfWorlds(both, prices, cost).ratio).toBeLessThanOrEqual(
            Math.max(...alone) * (1 + 1e-9),
          );
        }
        const batch = { ...one, sequences: 4 * one.sequences };
        const part = (g: Game): number[] => {
          const pays = paysOf(g, 2);
          return pays.map((_, i) => sum(pays.slice(0, i + 1)) / sum(pays));
        };
        expect(rowsOf(batch)).toBe(4 * rowsOf(one));
        for (const [i, E] of part(batch).entries()) expect(E).toBeCloseTo(part(one)[i]!, 9);
      }),
      RUNS,
    );
  });
});

test('prices come back from times that they made', () => {
  const rows = [
    { a: 3, b: 1 },
    { a: 1, b: 4 },
    { a: 2, b: 2 },
  ];
  const prices = fit(
    rows,
    rows.map(({ a, b }) => 5 * a + 7 * b),
  );
  expect(prices.a).toBeCloseTo(5, 6);
  expect(prices.b).toBeCloseTo(7, 6);
});
