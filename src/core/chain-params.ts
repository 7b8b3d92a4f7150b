/** The one place where production says which rules of consensus are in force: all of them. */
import { createParams, type NetworkName, type Params } from './params.ts';
import { Rules } from './rules.ts';

/** @param models ids of the admitted models, hex */
export const chainParams = (network: NetworkName, models: readonly string[]): Params => ({
  ...createParams(network, models),
  rules: Rules.all,
});
