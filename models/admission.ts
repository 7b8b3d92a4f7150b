/** What the checker says about mining with a model, as one sentence. */
import type { Admission } from '../src/miner/checker/checker.ts';

/** The stop that pays best, or what forbids mining. */
export function admissionText(found: Admission): string {
  if ('rule' in found) return `can't be mined: ${found.sentence}`;
  const { linear, resource, earned, share } = found;
  return (
    `can be mined: who stops after linear ${linear} earns ${earned.toFixed(4)} of a pass for ` +
    `${share.toFixed(4)} of its ${resource}, ${(earned / share).toFixed(4)} of what whole passes pay; no stop pays more`
  );
}
