/**
 * What the parts of a pass that earn nothing cost, and the credit that follows (docs/protocol.md §5).
 *
 * o = time of a noisy pass ÷ time of its noisy GEMMs. A noisy GEMM is what nobody who wants its tickets
 * can leave out, whatever he knows beforehand: noise, product with fold, transcript, tickets. Segments,
 * the hash of A and the peel are not in it: who stops early saves them.
 */
import { credits, linearMacs, type Manifest } from '../src/core/manifest.ts';
import type { Stage } from '../src/miner/engine/stages.ts';

/**
 * The largest median o over the reference backends, as `npm run bench` measures it on a quiet machine,
 * rounded up to a tenth: the CPU backend's 3.07 and 2.92; WebGPU on SwiftShader less. Changing one changes
 * the model's id.
 */
export const OVERHEAD: Record<'tiny' | 'lingua', number> = { tiny: 3.1, lingua: 3.0 };

/** Above it a model's batch is too small for `main`. */
export const OVERHEAD_MAX = 1.8;

/** κ in 64ths. */
export const kappa64Of = (o: number): number => Math.floor((64 * 0.9) / o);

export interface Stretch {
  readonly stage: Stage;
  readonly ms: number;
}

const EARNING: readonly Stage[] = ['noise', 'gemm', 'tickets'];
const sum = (stretches: readonly Stretch[]): number => stretches.reduce((s, x) => s + x.ms, 0);

/** o of one noisy pass. */
export const overheadOf = (pass: readonly Stretch[]): number =>
  sum(pass) / sum(pass.filter((x) => EARNING.includes(x.stage)));

/** Stretches of each linear: all since the linear before, up to its last before the next segment. */
function byLinear(pass: readonly Stretch[]): Stretch[][] {
  const parts: Stretch[][] = [[]];
  for (const x of pass) {
    const linear = parts.at(-1)!;
    // A segment after a product begins the next linear; what follows the last one is its own part.
    if (x.stage === 'segments' && linear.some((y) => y.stage === 'gemm')) parts.push([x]);
    else linear.push(x);
  }
  return parts;
}

/**
 * For each linear ℓ: what a miner earns per time who stops once the tickets of ℓ are known, ÷ what
 * whole passes earn. The last entry is a pass to the last ticket, without the rest. A model is sound
 * when none is above 1. `pass`: stretches of a noisy pass in order.
 */
export function stoppingPays(manifest: Manifest, pass: readonly Stretch[]): number[] {
  const parts = byLinear(pass);
  const whole = sum(pass);
  const worth = credits(manifest).map((c, i) => {
    const l = manifest.linears[i]!;
    return (Number(linearMacs(l)) / l.k) * Number(c);
  });
  const all = worth.reduce((s, x) => s + x, 0);
  let earned = 0;
  let before = 0;
  return worth.map((w, i) => {
    const part = parts[i]!;
    const ended = part.filter((x) => x.stage !== 'peel');
    // The product's conversion for the next segment comes after the last ticket.
    const lastTicket = ended.findLastIndex((x) => x.stage === 'tickets');
    earned += w;
    const pay = earned / (before + sum(ended.slice(0, lastTicket + 1))) / (all / whole);
    before += sum(part);
    return pay;
  });
}
