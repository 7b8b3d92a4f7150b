/** The one place where production says which rules of consensus are in force: all of them. */
import { genesisPoint } from './header/header.ts';
import {
  createParams,
  type ModelRow,
  type NetworkName,
  type NetworkRules,
  type Params,
} from './params.ts';
import { Rules } from './rules.ts';

export const networkRules = (network: NetworkName, models: readonly ModelRow[]): NetworkRules => ({
  ...createParams(network, models),
  rules: Rules.all,
});

/** What a chain needs to know whose genesis has this time, ms since 1970. */
export const chainParams = (network: NetworkRules, genesisTimeMs: number): Params => ({
  ...network,
  genesis: { id: genesisPoint(network, genesisTimeMs).id, timeMs: genesisTimeMs },
});
