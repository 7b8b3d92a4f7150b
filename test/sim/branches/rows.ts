/**
 * What is claimed of time and branches (docs/protocol.md §6, §10), each claim as a row: networks to simulate, and what
 * must come out of them. Rows that are not the protocol's show what a rule is for.
 */
import { chainParams, networkRules } from '../../../src/core/chain-params.ts';
import type { NetworkName, Params } from '../../../src/core/params.ts';
import {
  simulateBranches,
  type BranchesOptions,
  type MinerOptions,
  type Outcome,
  type RULES,
} from './world.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START_MS = 1_790_000_000_000;

/** MACs of a unit of `lingua`, of which a core does 40 a second. */
const LINGUA_MACS = 151_000_000n;

export interface Row {
  readonly name: string;
  /** Of a run and its seed. */
  readonly options: (seed: number) => BranchesOptions;
  /** Runs with seeds 1, 2, …; the quick form does the first alone. */
  readonly seeds: number;
  readonly isQuick: boolean;
  /** What is wrong with an outcome; undefined where it is as claimed. */
  readonly wrong: (outcome: Outcome) => string | undefined;
  /** The same of the mean over the seeds, for what one run leaves to chance. */
  readonly mean?: Row['wrong'];
}

const paramsOf = (network: NetworkName): Params => chainParams(networkRules(network, []), START_MS);
/** Units a second that meet a network's block time at the target of a block on time. */
const unitsOnTime = ({ targetStart, blockTimeMs }: Params): number =>
  Number((1n << 256n) / targetStart / LINGUA_MACS) / (blockTimeMs / 1000);

const equals = (count: number, units: number): MinerOptions[] =>
  Array.from({ length: count }, () => ({ units: units / count }));

const agrees = (outcome: Outcome): string | undefined =>
  outcome.agrees ? undefined : 'miners are apart for good';

const all =
  (...checks: readonly Row['wrong'][]): Row['wrong'] =>
  (outcome) =>
    checks.map((check) => check(outcome)).find((wrong) => wrong !== undefined);

const below =
  (what: string, max: number, of: (outcome: Outcome) => number): Row['wrong'] =>
  (outcome) =>
    of(outcome) <= max ? undefined : `${what}: ${of(outcome).toFixed(2)}, over ${max}`;
const above =
  (what: string, min: number, of: (outcome: Outcome) => number): Row['wrong'] =>
  (outcome) =>
    of(outcome) >= min ? undefined : `${what}: ${of(outcome).toFixed(2)}, under ${min}`;

/** A network that begins at once with far more power than its first target is for. */
const start = (miners: number, units: number, delayMs: number): Row => ({
  name: `start of local: ${miners} miners, ${units} units/s, ${delayMs} ms`,
  options: (seed) => ({
    seed,
    params: paramsOf('local'),
    miners: equals(miners, units),
    phases: [{ ms: 3 * MINUTE, power: 1 }],
    delayMs,
    unitMacs: LINGUA_MACS,
  }),
  seeds: 5,
  isQuick: units === 800 && delayMs === 300,
  wrong: agrees,
});

/** Mining, a night without, mining. */
const night = (hours: number, owesPauses: boolean): Row => ({
  name: `${hours} h of pause on local${owesPauses ? ', owed' : ''}`,
  options: (seed) => ({
    seed,
    params: paramsOf('local'),
    miners: equals(8, 160),
    phases: [
      { ms: 20 * MINUTE, power: 1 },
      { ms: hours * HOUR, power: 0 },
      { ms: 20 * MINUTE, power: 1 },
    ],
    delayMs: 300,
    unitMacs: LINGUA_MACS,
    owesPauses,
  }),
  seeds: 3,
  isQuick: true,
  wrong: owesPauses
    ? // Each T of the pause is a block that the schedule still expects.
      above('blocks after it', 4000, ({ heights: [, before, after] }) => after! - before!)
    : all(
        agrees,
        // From the easiest target to the one that fits this power, 19 times the start's, are ten half-lives of 60
        // blocks, and 20 minutes are 240 more.
        below('blocks after it', 950, ({ heights: [, before, after] }) => after! - before!),
        below('blocks made for each of the chain', 2.5, ({ made, height }) => made / height),
      ),
});

/** Somebody with much power comes, and goes. */
const visitor = (power: number, ms: number, meanGapH: number): Row => ({
  name: `main after ${power} × the power for ${ms / HOUR} h`,
  options: (seed) => {
    const params = paramsOf('main');
    return {
      seed,
      params,
      miners: equals(4, unitsOnTime(params)),
      phases: [
        { ms: 6 * HOUR, power: 1 },
        { ms, power: power + 1 },
        { ms: 40 * HOUR, power: 1 },
      ],
      delayMs: 200,
      unitMacs: LINGUA_MACS,
    };
  },
  seeds: 5,
  isQuick: power === 5000,
  wrong: all(
    agrees,
    // Of the one block that is hard to find: three times its mean is rare, and a parent's time would make it 20 h.
    below('hours until the next block', 3 * meanGapH, ({ longestGapMs }) => longestGapMs / HOUR),
    below('hours until ten in twenty minutes', 30, ({ backAfterMs }) => backAfterMs / HOUR),
  ),
  mean: below(
    'mean hours until the next block',
    meanGapH,
    ({ longestGapMs }) => longestGapMs / HOUR,
  ),
});

/** A pause of half-lives, after which a block is lighter than half of its parent. */
const gap = (rule: keyof typeof RULES): Row => ({
  name: `three half-lives without a miner on local, by the rule '${rule}'`,
  options: (seed) => ({
    seed,
    params: paramsOf('local'),
    miners: equals(4, 160),
    phases: [
      { ms: 30 * MINUTE, power: 1 },
      { ms: 15 * MINUTE, power: 0 },
      { ms: 10 * MINUTE, power: 1 },
    ],
    delayMs: 300,
    unitMacs: LINGUA_MACS,
    rule,
  }),
  seeds: 2,
  isQuick: true,
  wrong:
    rule === 'half of the head'
      ? below('blocks after it', 0, ({ heights: [, before, after] }) => after! - before!)
      : all(
          agrees,
          above('blocks after it', 30, ({ heights: [, before, after] }) => after! - before!),
        ),
});

const settled = (seed: number, miners: readonly MinerOptions[], hours: number): BranchesOptions => {
  const params = paramsOf('main');
  const units = unitsOnTime(params);
  return {
    seed,
    params,
    miners: miners.map((miner) => ({ ...miner, units: miner.units * units })),
    phases: [{ ms: hours * HOUR, power: 1 }],
    delayMs: 10,
    unitMacs: LINGUA_MACS,
  };
};

/** What one miner earns who publishes only where that turns others' blocks away. */
const withholding = (part: number, rule: keyof typeof RULES, check: Row['wrong']): Row => ({
  name: `${part * 100} % of the power withholds, by the rule '${rule}'`,
  options: (seed) => ({
    ...settled(seed, [{ units: part, withholds: true }, { units: 1 - part }], 120),
    rule,
  }),
  seeds: 2,
  isQuick: part === 0.1 || part === 0.3,
  wrong: check,
});
const gainBelow = (max: number) => below('pay ÷ power', max, ({ gains }) => gains[0]!);
const gainAbove = (min: number) => above('pay ÷ power', min, ({ gains }) => gains[0]!);

/** What one miner earns who lies about the time. */
const dates = (part: number, how: MinerOptions['dates'] & {}): Row => ({
  name: `${part * 100} % of the power dates its blocks ${how}`,
  options: (seed) => {
    const others = equals(3, 1 - part);
    return settled(seed, [{ units: part, dates: how }, ...others], 120);
  },
  seeds: 2,
  isQuick: part === 0.3 && how === 'early',
  // 7,200 blocks: the spread of a third of them is 0.016.
  wrong: all(agrees, gainBelow(1.06), gainAbove(0.9)),
});

/** Two parts of a network apart for a while. */
const partition = (hours: number, part: number): Row => ({
  name: `main ${hours} h in two parts, one of ${part * 100} %`,
  options: (seed) => {
    const params = paramsOf('main');
    const units = unitsOnTime(params);
    return {
      seed,
      params,
      miners: [...equals(2, part * units), ...equals(2, (1 - part) * units)],
      phases: [
        { ms: 6 * HOUR, power: 1 },
        { ms: hours * HOUR, power: 1, splitAt: 2 },
        { ms: 3 * HOUR, power: 1 },
      ],
      delayMs: 500,
      unitMacs: LINGUA_MACS,
    };
  },
  seeds: 2,
  isQuick: hours < 10,
  wrong: agrees,
});

export const ROWS: readonly Row[] = [
  start(20, 800, 200),
  start(20, 800, 300),
  start(20, 800, 400),
  start(10, 1000, 300),
  start(60, 2400, 300),
  start(200, 8000, 1000),
  night(12, false),
  night(12, true),
  visitor(5000, 45 * MINUTE, 6),
  visitor(100, 24 * HOUR, 4),
  gap('protocol'),
  gap('half of the head'),
  withholding(0.1, 'protocol', gainBelow(0.6)),
  withholding(0.2, 'protocol', gainBelow(0.8)),
  withholding(0.3, 'protocol', gainBelow(1)),
  withholding(0.4, 'protocol', gainBelow(1.3)),
  withholding(0.45, 'protocol', gainBelow(1.5)),
  withholding(0.1, 'most work', gainAbove(1)),
  withholding(0.3, 'most work', gainAbove(1.2)),
  dates(0.3, 'early'),
  dates(0.3, 'latest'),
  dates(0.3, 'turns'),
  dates(0.45, 'early'),
  partition(6, 0.45),
  partition(40, 0.3),
];

/** The outcome that has the mean of each number that a row may claim the mean of. */
export function meanOf(outcomes: readonly Outcome[]): Outcome {
  const sum = outcomes.reduce((total, { longestGapMs }) => total + longestGapMs, 0);
  return { ...outcomes[0]!, longestGapMs: sum / outcomes.length };
}

export interface RowResult {
  readonly seed: number;
  readonly outcome: Outcome;
  readonly wrong: string | undefined;
}

export function* runRow(row: Row, seeds = row.seeds): Generator<RowResult, void> {
  for (let seed = 1; seed <= seeds; seed++) {
    const outcome = simulateBranches(row.options(seed));
    yield { seed, outcome, wrong: row.wrong(outcome) };
  }
}
