/**
 * The condition of admission of a model that is to be mined: whoever stops after some linear, or plays any mixture
 * of stops, earns at most 33/32 of what whole passes earn him, whatever each resource costs on his device
 * (docs/models.md). In whole numbers: 32·E_ℓ ≤ 33·share_R(ℓ) for every linear ℓ < L and every resource R, where
 * share_R(ℓ) is the part of a pass's R that nobody can do without whose last linear is ℓ.
 */
import {
  carryBytes,
  earned,
  linearMacs,
  minedProblem,
  unitLinears,
  unitShape,
  type Manifest,
} from '../../core/manifest.ts';
import type { OnnxGraph, OnnxNode } from '../package/onnx.ts';
import { productReach, reachOf, tokenReach, TokenSets, type Reach } from './reach.ts';
import { demand, sizeOf, type Value } from './value.ts';

/** A segment and what is proven about its tensors. */
export interface SegmentFacts {
  readonly graph: OnnxGraph;
  readonly values: ReadonlyMap<string, Value>;
}

/** What a pass costs, each kind apart. Nobody knows what one costs on another's device. */
export const RESOURCES = [
  'noisy multiplications',
  'multiplications of the peel',
  'bytes hashed',
  'products of matrices',
  'entries of arithmetic',
  'entries looked up',
  'entries moved',
  'entries reduced',
] as const;
export type Resource = (typeof RESOURCES)[number];
type Amounts = Record<Resource, bigint>;

/** A stop that is compared with whole passes: pays E ÷ share of what they pay. */
export interface Stop {
  readonly linear: number;
  readonly resource: Resource;
  /** E_ℓ and share_R(ℓ). */
  readonly earned: number;
  readonly share: number;
}

const SLACK = { earned: 32n, share: 33n };

const nothing = (): Amounts => Object.fromEntries(RESOURCES.map((r) => [r, 0n])) as Amounts;

/** Names of tensors on which an output depends. */
function neededFor({ nodes, outputs }: OnnxGraph): Set<string> {
  const needed = new Set(outputs.map(({ name }) => name));
  for (const node of nodes.toReversed())
    if (node.outputs.some((name) => needed.has(name))) node.inputs.forEach((x) => needed.add(x));
  return needed;
}

/** Resource and amount of one node; undefined where nothing is computed or copied. */
function takenBy(node: OnnxNode, x: readonly Value[], made: Value): [Resource, number] | undefined {
  const written = sizeOf(made.dims);
  switch (node.op) {
    case 'MatMul':
      return ['products of matrices', written * x[0]!.dims.at(-1)!];
    case 'ReduceSum':
    case 'ReduceMax':
      return ['entries reduced', sizeOf(x[0]!.dims)];
    case 'GatherElements':
      return ['entries looked up', written];
    case 'Gather':
      return [x[1]!.perSequence ? 'entries looked up' : 'entries moved', written];
    case 'Transpose':
    case 'Slice':
    case 'Concat':
      return ['entries moved', written];
    case 'Reshape':
      return undefined;
    default:
      return ['entries of arithmetic', written];
  }
}

/** What a segment takes: of what depends on the unit and what an output depends on. */
function segmentAmounts({ graph, values }: SegmentFacts): Amounts {
  const amounts = nothing();
  const needed = neededFor(graph);
  for (const node of graph.nodes) {
    const [name] = node.outputs as [string];
    const made = values.get(name)!;
    if (!needed.has(name) || !made.perSequence) continue;
    const x = node.inputs.map((input) => values.get(input)!);
    const [resource, amount] = takenBy(node, x, made) ?? [];
    if (resource) amounts[resource] += BigInt(amount!);
  }
  return amounts;
}

/** Whether what a segment gives to the next linear needs the product before it. */
function needsProduct({ graph }: SegmentFacts, segment: number): boolean {
  const reached = new Set([`c${segment}`]);
  for (const node of graph.nodes)
    if (node.inputs.some((x) => reached.has(x))) node.outputs.forEach((x) => reached.add(x));
  return reached.has(`a${segment + 1}`);
}

/**
 * Which segments a table can't replace. Segment 0 is none of them.
 * @throws Refused where a linear could be computed without the one before it, and none that counts lies before both
 */
function countedSegments(m: Manifest, segments: readonly SegmentFacts[]): boolean[] {
  const { sequences, tokens } = unitShape(m);
  const sets = new TokenSets(m.vocabulary);
  const known = new Map<string, Reach>([['tokens', tokenReach(sets, tokens)]]);
  for (const [i, { width }] of m.tables.entries())
    known.set(`e${i}`, tokenReach(sets, tokens, width));
  let isMixed = false;
  return segments.map((facts, i) => {
    const { reach, isTable } = reachOf(facts.graph, facts.values, known, { sets, sequences });
    for (const { name } of facts.graph.outputs) known.set(name, reach.get(name)!);
    const linear = m.linears[i];
    if (linear) known.set(`c${i + 1}`, productReach(sets, reach.get(`a${i + 1}`)!, linear.n));
    if (i === 0) return false;
    const follows = !linear || needsProduct(facts, i);
    demand(
      follows || isMixed,
      'admission',
      `linear ${i + 1} does not need the product of linear ${i}, ` +
        'and no tokens were mixed before: products of one operand are one linear',
    );
    isMixed ||= follows && !isTable;
    return !isTable;
  });
}

/** Amounts of linears 1..ℓ and segments 1..ℓ−1, for ℓ = 1..L. */
function amountsUpTo(m: Manifest, segments: readonly SegmentFacts[]): Amounts[] {
  const counted = countedSegments(m, segments);
  const { sequences, carries } = unitShape(m);
  let before = nothing();
  return unitLinears(m).map((l, i) => {
    const sum = { ...before };
    const previous = unitLinears(m)[i - 1];
    if (previous) sum['multiplications of the peel'] += peelOf(previous);
    if (counted[i])
      for (const [r, amount] of Object.entries(segmentAmounts(segments[i]!)))
        sum[r as Resource] += amount;
    sum['noisy multiplications'] += linearMacs(l);
    sum['bytes hashed'] += BigInt(l.m * l.k);
    for (const c of carries)
      if (c.made === i) sum['bytes hashed'] += BigInt(sequences * c.size * carryBytes(c));
    return (before = sum);
  });
}

/** (A·F_L)·F_R and E_L·(E_R·B'); the factors E_R and F_L only add. */
const peelOf = ({ m, n, r }: { m: number; n: number; r: number }): bigint => 2n * BigInt(m * n * r);

/** A ratio of whole numbers of any size. */
const ratio = (a: bigint, b: bigint): number => Number((a * 2n ** 40n) / b) / 2 ** 40;

/**
 * The stop that pays best of all linears and resources. @throws Refused with linear, resource and both numbers where
 * one pays too much, and with the first problem of the manifest's numbers
 */
export function bestStop(m: Manifest, segments: readonly SegmentFacts[]): Stop {
  const problem = minedProblem(m);
  demand(problem === undefined, 'admission', problem ?? '');
  const E = earned(m);
  const D = E.at(-1)!;
  const upTo = amountsUpTo(m, segments);
  const whole = upTo.at(-1)!;
  let best: { readonly stop: Stop; readonly pay: readonly [bigint, bigint] } | undefined;
  for (const [i, amounts] of upTo.slice(0, -1).entries())
    for (const resource of RESOURCES) {
      const [part, all] = [amounts[resource], whole[resource]];
      if (!all) continue;
      const stop = { linear: i + 1, resource, earned: ratio(E[i]!, D), share: ratio(part, all) };
      const pay = [E[i]! * all, part * D] as const;
      demand(
        SLACK.earned * pay[0] <= SLACK.share * pay[1],
        'admission',
        `who stops after linear ${stop.linear} earns ${stop.earned.toFixed(6)} of a pass for ` +
          `${stop.share.toFixed(6)} of its ${resource}: more than 33/32`,
      );
      if (pay[1] && (!best || pay[0] * best.pay[1] > best.pay[0] * pay[1])) best = { stop, pay };
    }
  return best!.stop;
}
