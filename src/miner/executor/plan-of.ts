/** The plan of a package: what the checker proves of it, then its plan. Apart, since who has a proof needs no checker. */
import { unitShape } from '../../core/manifest.ts';
import { analyseModel, isRefusal, type Analysis, type Refusal } from '../checker/checker.ts';
import type { ModelPackage } from '../engine/backend.ts';
import { planModel } from './plan.ts';
import type { Plan } from './types.ts';

/** Plan of the shape that is mined; undefined of a model that the checker refuses. */
export function planOf(
  model: ModelPackage,
  analysis: Analysis | Refusal = analyseModel(model),
): Plan | undefined {
  if (isRefusal(analysis)) return undefined;

  const { manifest } = model;
  return planModel({ manifest, shape: unitShape(manifest), facts: analysis.shapes[0]! });
}
