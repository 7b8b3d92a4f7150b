/** Chooses the plain product of all kernels of this process: a backend chooses its own, the quicker. */
import { Kernel } from '../../src/miner/cpu/kernel/kernel.ts';
import type { Way } from '../../src/miner/cpu/kernel/plain.ts';

let chosen: Way | undefined;

const { multiply } = Kernel.prototype;
Kernel.prototype.multiply = function (l, weights, yieldToLoop, way = chosen) {
  return multiply.call(this, l, weights, yieldToLoop, way);
};

/** Runs with that product; undefined: the quicker one. */
export async function withWay<T>(way: Way | undefined, run: () => Promise<T>): Promise<T> {
  chosen = way;
  try {
    return await run();
  } finally {
    chosen = undefined;
  }
}
