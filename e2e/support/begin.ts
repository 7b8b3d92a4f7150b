/** Begins a seed's chain before the seed does, so that its blocks are late and thus easy. */
import { join } from 'node:path';
import { createFullChain } from '../../src/chain/full/full-chain.ts';
import { createLevelStore } from '../../src/chain/store/level-store.ts';
import type { ChainNetwork } from '../../src/client/models/networks.ts';
import type { Header } from '../../src/core/formats.ts';

/** @param data folder of a seed that has no chain yet. @returns the genesis, which has that time */
export async function beginChain(
  { params, models }: ChainNetwork,
  data: string,
  timeMs: number,
): Promise<Header> {
  const store = await createLevelStore(join(data, 'chain'));
  const chain = await createFullChain({ store, params, models, now: () => timeMs });
  const genesis = (await chain.header(0))!;
  await chain.close();
  return genesis;
}
