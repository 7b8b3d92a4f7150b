/** Which products of a pass read nothing of later tokens: what the plan of the pass may leave out, a step may lack. */
import type { SegmentFacts } from '../../checker/admission.ts';
import type { OnnxNode, OnnxValue } from '../../package/onnx.ts';
import { findCausal, type Causal } from '../plan/causal.ts';
import { storeOf, Uncovered, type Store } from '../plan/stores.ts';
import { Tensors } from '../plan/tensors.ts';

/** Stores of what a segment gets or gives, where nobody asks where they lie. */
const anywhere = (values: readonly OnnxValue[]): Map<string, Store> =>
  new Map(values.map(({ name, dims }) => [name, storeOf({ kind: 'temporary' }, 'f32', dims)]));

/**
 * What the pass may leave out of a segment's products, by their nodes; `undefined` of a product that may read later
 * tokens.
 */
export function causalProducts({
  graph,
  values,
}: SegmentFacts): (node: OnnxNode) => Causal | undefined {
  const given = {
    inputs: anywhere(graph.inputs),
    outputs: anywhere(graph.outputs),
    positions: undefined,
  };
  try {
    const found = findCausal(new Tensors(graph, values, given).items);
    const byValue = new Map([...found].map(([product, causal]) => [product.value, causal]));
    return ({ outputs }) => byValue.get(values.get(outputs[0]!)!);
  } catch (e) {
    if (e instanceof Uncovered) return () => undefined;
    throw e;
  }
}
