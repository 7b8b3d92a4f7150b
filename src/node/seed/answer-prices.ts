/** What answers cost now, for callers over HTTP. */
import type { FullChain } from '../../chain/full/full-chain.ts';
import type { PrepaidApi } from '../../client/api.ts';
import type { ChainNetwork } from '../../client/models/networks.ts';
import { miningNow, fairPrice } from '../../client/providing/prices.ts';
import type { PriceOf } from '../http/infer-routes.ts';
import type { Options } from './options.ts';

/** So many times what a provider asks that names no price: difficulty and other models may move it meanwhile. */
const ROOM = 2n;

export interface PriceDeps {
  readonly chain: FullChain;
  readonly network: ChainNetwork;
  readonly options: Pick<Options, 'mine' | 'model'>;
  readonly prepaid: Pick<PrepaidApi, 'providers'>;
}

export function createPriceOf({ chain, network, options, prepaid }: PriceDeps): PriceOf {
  async function askedFor(name: string, id: Uint8Array): Promise<bigint | undefined> {
    if (options.mine && name === options.model) return 0n;
    const [best] = await prepaid.providers(id);
    return best?.price.amount;
  }
  return async ({ name, id, manifest }) => {
    const fair = fairPrice(manifest, miningNow(chain.params, chain.head().header, network.models));
    return { asked: await askedFor(name, id), most: ROOM * fair.amount };
  };
}
