/**
 * Linears of a step that have the same weights, one right after the other, where the second operand does not wait for
 * the first product: both rows are made before it and multiplied at once, so that the weights are read once. What is
 * left of the segment between goes to the one behind. (A decoder's `down` is such a pair: the two limbs of one number.)
 */
import type { Linear } from '../../../core/manifest.ts';
import { toHex } from '../../../lib/bytes.ts';
import type { OnnxNode, OnnxValue } from '../../package/onnx.ts';
import type { StepFacts, StepModel } from './restrict.ts';

/** A step whose products may be of two linears. Its segments are those before each product, and the last. */
export interface SharedModel extends StepModel {
  /** The linears (from 0) of each product; a sequence's rows of them lie side by side, in A and in C. */
  readonly products: readonly (readonly number[])[];
}

export function shareWeights(
  { shape, facts }: StepModel,
  linears: readonly Pick<Linear, 'weights'>[],
): SharedModel {
  const carries = new Set(shape.carries.map(({ name }) => name));
  const weights = linears.map((l) => toHex(l.weights));
  const products: number[][] = [];
  const segments: StepFacts[] = [];
  /** Where each segment went, as far as something behind it reads what it makes. */
  const places = [0];
  const isReadAfter = (segment: number, name: string): boolean =>
    !carries.has(name) || facts.slice(segment + 1).some((f) => isInput(f, name));
  let current = facts[0]!;
  for (let i = 0; i < linears.length;) {
    const next = facts[i + 1]!;
    const behind = facts[i + 2];
    // Segment 0 has names of its own: tokens, tables.
    const isSame = i > 0 && weights[i] === weights[i + 1];
    const cut = behind && isSame ? cutOperand(next, carries) : undefined;
    if (!behind || !cut) {
      segments.push(current);
      products.push([i]);
      current = next;
      i += 1;
    } else {
      const [early, late] = cut;
      const isNeeded = (name: string): boolean => isInput(late, name) || isReadAfter(i + 1, name);
      segments.push(withOutputs(merged(current, early, carries), isNeeded));
      products.push([i, i + 1]);
      current = withOutputs(merged(late, behind, carries), (name) => isReadAfter(i + 2, name));
      places.push(segments.length);
      i += 2;
    }
    places.push(segments.length);
  }
  segments.push(current);
  const moved = shape.carries.map((c) => ({
    ...c,
    made: places[c.made]!,
    last: places[c.last]!,
  }));
  return { shape: { ...shape, carries: moved }, facts: segments, products };
}

const isInput = ({ graph }: StepFacts, name: string): boolean =>
  graph.inputs.some((input) => input.name === name);

const withOutputs = (facts: StepFacts, isKept: (name: string) => boolean): StepFacts => ({
  ...facts,
  graph: { ...facts.graph, outputs: facts.graph.outputs.filter(({ name }) => isKept(name)) },
});

/** What makes a segment's operand, and what makes all else; undefined where the operand waits for the product. */
function cutOperand(
  facts: StepFacts,
  carries: ReadonlySet<string>,
): [early: StepFacts, late: StepFacts] | undefined {
  const { graph, byPosition } = facts;
  const isOperand = ({ name }: OnnxValue): boolean => !carries.has(name);
  const early = partOf(facts, graph.outputs.filter(isOperand));
  const waits = early.graph.inputs.some(({ name }) => !carries.has(name) && !byPosition.has(name));
  return waits
    ? undefined
    : [
        early,
        partOf(
          facts,
          graph.outputs.filter((o) => !isOperand(o)),
        ),
      ];
}

/** As much of a segment as makes these outputs. */
function partOf(facts: StepFacts, outputs: readonly OnnxValue[]): StepFacts {
  const { graph } = facts;
  const needed = new Set(outputs.map(({ name }) => name));
  const nodes: OnnxNode[] = [];
  for (const node of graph.nodes.toReversed()) {
    if (!node.outputs.some((name) => needed.has(name))) continue;
    nodes.unshift(node);
    for (const name of node.inputs) needed.add(name);
  }
  const inputs = graph.inputs.filter(({ name }) => needed.has(name));
  return { ...facts, graph: { ...graph, nodes, inputs, outputs } };
}

/** Two segments in one, the second after the first; only carries have the same names in both. */
function merged(first: StepFacts, second: StepFacts, carries: ReadonlySet<string>): StepFacts {
  const taken = namesOf(first);
  let prefix = 'behind.';
  while (taken.some((name) => name.startsWith(prefix))) prefix += '.';
  const to = (name: string): string => (carries.has(name) ? name : prefix + name);
  const value = <T extends { readonly name: string }>(v: T): T => ({ ...v, name: to(v.name) });
  const nodes = second.graph.nodes.map((node) => ({
    ...value(node),
    inputs: node.inputs.map(to),
    outputs: node.outputs.map(to),
  }));
  const keyed = <T>(map: ReadonlyMap<string, T>): [string, T][] =>
    Array.from(map, ([name, x]) => [to(name), x]);
  const known = new Set(taken);
  return {
    graph: {
      nodes: [...first.graph.nodes, ...nodes],
      constants: [...first.graph.constants, ...second.graph.constants.map(value)],
      inputs: [
        ...first.graph.inputs,
        ...second.graph.inputs.map(value).filter(({ name }) => !known.has(name)),
      ],
      outputs: [...first.graph.outputs, ...second.graph.outputs.map(value)],
    },
    values: new Map([...keyed(second.values), ...first.values]),
    byPosition: new Map([...first.byPosition, ...keyed(second.byPosition)]),
  };
}

/** Names of all that a segment's nodes read or make. */
const namesOf = ({ graph }: StepFacts): string[] =>
  [graph.inputs, graph.constants]
    .flatMap((all) => all.map(({ name }) => name))
    .concat(graph.nodes.flatMap(({ outputs }) => outputs));
