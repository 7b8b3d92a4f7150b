/**
 * Stops that really run: processor time and tickets of the product's own engine beside what the counts say. Prices are
 * fitted to the stages of whole passes, each from what the stage does at each step; the stops are predicted from them.
 */
import { cpuMs, median } from '../../bench/measure.ts';
import { tokensOf } from '../../src/core/pow/seed.ts';
import { ticketLimits } from '../../src/core/pow/transcript.ts';
import { createCpuBackend } from '../../src/miner/cpu/cpu.ts';
import type { ModelPackage, PassInput } from '../../src/miner/engine/backend.ts';
import type { Stage } from '../../src/miner/engine/stages.ts';
import { randomBytes } from '../oracle/random.ts';
import { rowsOf, type Game } from './game.ts';
import { paysOf, tilesOf } from './pay.ts';
import { peelOf } from './plays.ts';

/** Amounts of what a stage does at one step, by name. */
type Amounts = Readonly<Record<string, number>>;

/** What each stage does at linear `i` (from 0) and at the segment before it, in the product's own way. */
function amountsOf(g: Game, i: number, isLast: boolean): Partial<Record<Stage, Amounts>> {
  const { k, n, r } = g.linears[i]!;
  const rows = rowsOf(g);
  return {
    segments: { ...g.segments[i]!.all, runs: 1 },
    // The last product is handed to nobody.
    convert: { taken: rows * k, given: isLast ? 0 : rows * n },
    hash: { hashed: g.hashed[i]!.all },
    // What the peel projects is made where the noise is laid on.
    noise: {
      noise: k * (rows + n),
      drawn: r * (rows + n),
      projected: isLast ? 0 : k * (rows + n),
    },
    gemm: { noisy: rows * k * n, folds: (rows * k * n) / r },
    tickets: { tickets: tilesOf(g)[i]! },
    // Tickets need no exact product: that of the last one is not made.
    peel: isLast ? {} : { peel: peelOf(g)[i]! },
  };
}

/** Non-negative least squares of y = Σ price·amount, by one price after the other. */
export function fit(rows: readonly Amounts[], y: readonly number[]): Record<string, number> {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const prices = Object.fromEntries(names.map((name) => [name, 0]));
  const error = [...y];
  for (let round = 0; round < 3000; round++)
    for (const name of names) {
      const column = rows.map((row) => row[name] ?? 0);
      const square = column.reduce((sum, x) => sum + x * x, 0);
      if (!square) continue;
      const step = column.reduce((sum, x, i) => sum + x * error[i]!, 0) / square;
      const next = Math.max(0, prices[name]! + step);
      const by = next - prices[name]!;
      prices[name] = next;
      for (const [i, x] of column.entries()) error[i]! -= by * x;
    }
  return prices;
}

/** ms of each stage at each linear, with the segment before it. */
type Split = readonly Partial<Record<Stage, number>>[];

/** Stage by stage, the median over passes: a busy machine interrupts some stretch of nearly every pass. */
function quiet(passes: readonly Split[]): Split {
  return passes[0]!.map((step, i) =>
    Object.fromEntries(
      Object.keys(step).map((stage) => [
        stage,
        median(passes.map((split) => split[i]![stage as Stage] ?? 0)),
      ]),
    ),
  );
}

const total = (split: Split): number =>
  split.flatMap((step) => Object.values(step)).reduce((sum, ms) => sum + ms, 0);

/** Prices of all that stages do, in ms. */
function pricesOf(g: Game, whole: Split): Partial<Record<Stage, Record<string, number>>> {
  const last = g.linears.length - 1;
  const steps = g.linears.map((_, i) => amountsOf(g, i, i === last));
  const stages = Object.keys(steps[0]!) as Stage[];
  return Object.fromEntries(
    stages.map((stage) => [
      stage,
      fit(
        steps.map((step) => step[stage]!),
        // A stage that a step does not have took no time: nothing is converted where the executor runs.
        steps.map((_, i) => whole[i]![stage] ?? 0),
      ),
    ]),
  );
}

/** A backend whose passes are split by step. */
async function createSplitter(model: ModelPackage) {
  let steps: Partial<Record<Stage, number>>[] = [];
  const onStage = (stage: Stage, ms: number): void => {
    if (stage === 'segments') steps.push({});
    // What the last product is turned into belongs to the linear that made it.
    const step = steps.at(-1)!;
    step[stage] = (step[stage] ?? 0) + ms;
  };
  const backend = await createCpuBackend(model, { onStage, clock: cpuMs });
  return {
    async pass(input: PassInput) {
      steps = [];
      const { winner } = await backend.pass(input);
      return { split: steps, winner };
    },
    close: () => backend.close(),
  };
}

export interface Stop {
  readonly linear: number;
  /** Time ÷ that of a pass to the last ticket, measured and as the counts say. */
  readonly time: number;
  readonly timeSaid: number;
  /** Expected tickets at a target ÷ those of all linears, by the engine's limits and as the formula says. */
  readonly pay: number;
  readonly paySaid: number;
  /** Part of the won units that are won up to this linear, counted and as the formula says. */
  readonly won: number;
  readonly wonSaid: number;
}
export interface Stops {
  readonly stops: readonly Stop[];
  /** Time of a pass with its answer ÷ that of one to the last ticket. */
  readonly answered: number;
  readonly rounds: number;
  /** Units whose tickets were looked at, and those with a winner. */
  readonly units: number;
  readonly won: number;
  /** ns of one unit of each resource. */
  readonly prices: Readonly<Record<string, number>>;
}

/** Rounds before the first that counts: the engine is compiled meanwhile. */
const WARM = 20;
/** The easiest target has one winner in 16 units; eased so, every second unit has one, which can be counted. */
const EASED = 8n;
const EXPECTED = Number(EASED) / 16;

/** Three places: before the middle, past it, and just before the end. */
const stopsOf = ({ linears: { length: L } }: Game): number[] =>
  // A model of four linears has them side by side.
  L > 4 ? [Math.ceil(L / 2), Math.ceil((3 * L) / 4), L - 1] : [1, 2, 3];

/** Limits at which a unit has `EXPECTED` tickets on average: the engine's own at the easiest target, eased further. */
function easyLimits(model: ModelPackage): bigint[] {
  const limits = ticketLimits(2n ** 256n - 1n, model.manifest);
  return limits.map((limit) => limit * EASED);
}

/** ms that the prices say for a stop at a linear. */
function said(g: Game, prices: ReturnType<typeof pricesOf>, stop: number): number {
  let ms = 0;
  for (let i = 0; i < stop; i++)
    for (const [stage, amounts] of Object.entries(amountsOf(g, i, i === stop - 1)))
      for (const [name, amount] of Object.entries(amounts))
        ms += amount * prices[stage as Stage]![name]!;
  return ms;
}

/** Runs whole passes and three stops in turn, for so much processor time, and then whole units at an easy target. */
export async function runStops(
  model: ModelPackage,
  g: Game,
  { ms, units }: { readonly ms: number; readonly units: number },
): Promise<Stops> {
  const { manifest } = model;
  const splitter = await createSplitter(model);
  const inputOf = (i: number, limits: readonly bigint[]): PassInput => {
    const sigma0 = randomBytes(`earn ${i}`, 32);
    return { tokens: tokensOf(sigma0, manifest), sigma0, limits };
  };
  const nothing = manifest.linears.map(() => 0n);
  const linears = stopsOf(g);
  const last = g.linears.length;
  // A pass to the last ticket and one with its answer are further places to stop: each has its turn at each place.
  const passes = [...linears, last, undefined].map((stopAfter) => ({
    stopAfter,
    splits: [] as Split[],
  }));
  const started = cpuMs();
  for (let round = -WARM; round < 0 || cpuMs() - started < ms; round++)
    for (let turn = 0; turn < passes.length; turn++) {
      const { stopAfter, splits } = passes[(round + WARM + turn) % passes.length]!;
      const input = inputOf(passes.length * round + turn, nothing);
      const { split } = await splitter.pass(stopAfter ? { ...input, stopAfter } : input);
      if (round >= 0) splits.push(split);
    }
  const quieted = passes.map(({ splits }) => quiet(splits));
  const [whole, answered] = quieted.slice(-2) as [Split, Split];
  const prices = pricesOf(g, whole);

  const limits = easyLimits(model);
  const winners: number[] = [];
  for (let i = 0; i < units; i++) {
    const { winner } = await splitter.pass(inputOf(1000 + i, limits));
    if (winner) winners.push(winner.linear);
  }
  await splitter.close();

  const expected = limits.map((limit, i) => (tilesOf(g)[i]! * Number(limit >> 200n)) / 2 ** 56);
  const pays = paysOf(g, 2);
  const part = (values: readonly number[], l: number): number =>
    sum(values.slice(0, l)) / sum(values);
  return {
    stops: linears.map((linear, i) => ({
      linear,
      time: total(quieted[i]!) / total(whole),
      timeSaid: said(g, prices, linear) / said(g, prices, last),
      pay: part(expected, linear),
      paySaid: part(pays, linear),
      won: winners.filter((l) => l <= linear).length / winners.length,
      wonSaid: Math.expm1(-EXPECTED * part(pays, linear)) / Math.expm1(-EXPECTED),
    })),
    answered: total(answered) / total(whole),
    rounds: passes[0]!.splits.length,
    units,
    won: winners.length,
    prices: Object.fromEntries(
      Object.values(prices).flatMap((each) =>
        Object.entries(each).map(([name, price]) => [name, price * 1e6]),
      ),
    ),
  };
}

const sum = (values: readonly number[]): number => values.reduce((x, y) => x + y, 0);
