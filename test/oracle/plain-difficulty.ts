/**
 * Slip and target as the text says them (docs/protocol.md §6), in fractions and without shifts; it shares nothing with
 * the code but the numbers of the formula.
 */
export interface PlainRules {
  readonly blockTime: bigint;
  readonly halfLife: bigint;
  readonly lag: bigint;
  readonly start: bigint;
  readonly max: bigint;
  readonly genesisTime: bigint;
}

interface PlainDate {
  readonly height: bigint;
  readonly time: bigint;
}

const absolute = (n: bigint): bigint => (n < 0n ? -n : n);

/** The whole number at or below `over` ÷ `under`; under > 0. */
function floorOf(over: bigint, under: bigint): bigint {
  const rest = over % under;
  return (over - (rest < 0n ? rest + under : rest)) / under;
}

/** When a block of that height would be on time. */
const dueAt = (rules: PlainRules, height: bigint): bigint =>
  rules.genesisTime + rules.blockTime * height;

export function plainSlip(rules: PlainRules, parentSlip: bigint, at: PlainDate): bigint {
  const forgotten = at.time - dueAt(rules, at.height) - rules.lag;
  return forgotten > parentSlip ? forgotten : parentSlip;
}

/** e: half-lives of lateness in 65536ths, towards zero. */
export function plainExponent(rules: PlainRules, at: PlainDate, slip: bigint): bigint {
  const late = at.time - dueAt(rules, at.height) - slip;
  const whole = floorOf(absolute(late) * 65_536n, rules.halfLife);
  return late < 0n ? -whole : whole;
}

export function plainTarget(rules: PlainRules, at: PlainDate, slip: bigint): bigint {
  const e = plainExponent(rules, at, slip);
  const doublings = floorOf(e, 65_536n);
  const f = e - doublings * 65_536n;
  const cubic =
    195_766_423_245_049n * f + 971_821_376n * f * f + 5127n * f * f * f + 140_737_488_355_328n;
  const factor = cubic / 281_474_976_710_656n + 65_536n;
  // More doublings or halvings than a target has bits end at its bounds.
  if (doublings > 300n) return rules.max;
  if (doublings < -300n) return 1n;
  let [over, under] = [rules.start * factor, 65_536n];
  for (let n = 0n; n < absolute(doublings); n++)
    if (doublings > 0n) over *= 2n;
    else under *= 2n;
  const target = over / under;
  if (target > rules.max) return rules.max;
  return target < 1n ? 1n : target;
}
