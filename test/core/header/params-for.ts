/** Parameters of a chain for tests. */
import { chainParams, networkRules } from '../../../src/core/chain-params.ts';
import type { NetworkName, Params } from '../../../src/core/params.ts';

/** Of a network whose models, by their ids in hex, hold from its genesis on. */
export const paramsFor = (
  network: NetworkName,
  models: readonly string[] = [],
  genesisTimeMs = 0,
): Params => {
  const rows = models.map((id) => ({ id, from: 0 }));
  return chainParams(networkRules(network, rows), genesisTimeMs);
};

/** The same with one target for every block that is not early. */
export const withTarget = (params: Params, target: bigint): Params => ({
  ...params,
  targetStart: target,
  targetMax: target,
});
