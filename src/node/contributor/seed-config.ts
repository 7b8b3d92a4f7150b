/** What a contributor learns from the page of the seed that it was given, which anybody may run. */
import type { ClientConfig } from '../../client/api.ts';
import { configOfSeed } from '../../client/seed-config.ts';
import { isPage, wrongFlag, type MinerOptions } from './miner-options.ts';

/**
 * The configuration from the seed's page. With a multiaddr instead, the genesis of the first peer is believed.
 * @throws AppError SEED_SILENT, CONFIG_MALFORMED, WRONG_FLAG (it is of another network)
 */
export async function configOf({ seed, networks }: MinerOptions): Promise<ClientConfig> {
  if (!isPage(seed)) return { network: networks[0]!, bootstrap: [seed], genesis: undefined };
  const { network, bootstrap, genesis } = await configOfSeed(
    seed,
    ': npm start runs one here, --seed names another',
  );
  if (!networks.includes(network))
    throw wrongFlag(`the seed is of '${network}', not of ${networks.join(' or ')}`);
  return { network, bootstrap, genesis };
}
