/** The stages of a pass, and a stopwatch that reports to a bench how long each took. */

/**
 * segments: what lies between two linears. convert: of operands, as another product reads them, or for ONNX Runtime.
 * hash: a_ℓ and carries. noise: E, F, A', B'. gemm: the product with its fold. tickets: σ_ℓ, t_ℓ and the tickets.
 * peel: all work that only the exact product needs. readback: the wait for a GPU's results.
 */
export type Stage =
  'segments' | 'convert' | 'hash' | 'noise' | 'gemm' | 'tickets' | 'peel' | 'readback';

/** `ms` of one stretch of a stage; a pass has many, in the order in which they ran. */
export type OnStage = (stage: Stage, ms: number) => void;

/** ms since some fixed moment. */
export type Clock = () => number;

/**
 * Ends a stretch: the time since the last call belongs to `stage`; without a stage it is not reported. `shared`: a
 * second stage that was done in the same loop, and its share of the time.
 */
export type Lap = (stage?: Stage, shared?: readonly [stage: Stage, share: number]) => void;

export function createLap(
  onStage: OnStage | undefined,
  clock: Clock = () => performance.now(),
): Lap {
  if (!onStage) return () => undefined;
  let last = clock();
  return (stage, [other, share] = ['peel', 0]) => {
    const ms = clock() - last;
    if (stage) onStage(stage, ms * (1 - share));
    if (share) onStage(other, ms * share);
    last = clock();
  };
}
