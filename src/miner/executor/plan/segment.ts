/** A segment's steps, in the order in which they run: row programs, products, pools and leftovers. */
import type { LeftoverStep, Step } from '../types.ts';
import { isDraft, slotsOf } from './assignment.ts';
import { findCausal } from './causal.ts';
import type { Item, Leftover } from './items.ts';
import { touch, type Pools } from './loops.ts';
import { poolStep, productStep } from './products.ts';
import { Builder } from './programs.ts';
import { cover } from './stores.ts';
import { sizeOf } from './views.ts';

/** Addresses of all turns of a segment: 4 MB; attention of 32 heads of 512 rows that is turned needs 2^16 a step. */
const ADDRESSES_MAX = 2 ** 20;

/** Steps of a segment. @throws Uncovered */
export function stepsOf(items: readonly Item[], sequences: number, pools: Pools): Step[] {
  const causal = findCausal(items);
  const built = slotsOf(items).map((slot) =>
    isDraft(slot)
      ? new Builder(slot, sequences, pools)
      : slot.kind === 'product'
        ? productStep(slot, { sequences, pools, causal: causal.get(slot) })
        : slot.kind === 'pool'
          ? poolStep(slot, sequences, pools)
          : leftoverStep(slot, pools),
  );
  // Only now it is known which points somebody reads.
  const steps = built.flatMap((each) => (each instanceof Builder ? (each.step() ?? []) : each));
  const addresses = steps.reduce((sum, step) => sum + addressesOf(step), 0);
  cover(addresses <= ADDRESSES_MAX, 'rows in too many short turns');
  return steps;
}

/** Addresses that a step keeps for a sequence: one for each operand in each turn of the loops between. */
function addressesOf(step: Step): number {
  if (step.kind === 'leftover') return 0;
  const between = sizeOf(step.loops.slice(1, step.kind === 'rows' ? -1 : undefined));
  return between * (step.kind === 'rows' ? step.inputs.length + step.outputs.length : 3);
}

function leftoverStep({ node, constants, inputs, out }: Leftover, pools: Pools): LeftoverStep {
  const type = 'float32';
  return {
    kind: 'leftover',
    nodes: [node],
    constants,
    inputs: inputs.map(({ name, point }) => {
      touch(point.store!);
      return {
        name,
        dims: point.dims,
        type: point.value.type === 'int32' ? 'int32' : type,
        buffer: pools.bufferOf(point.store!),
      };
    }),
    outputs: [{ name: node.outputs[0]!, dims: out.dims, type, buffer: pools.bufferOf(out) }],
  };
}
