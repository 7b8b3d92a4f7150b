/** What answers cost now, for callers over HTTP. */
import type { FullChain } from '../../chain/full/full-chain.ts';
import type { PrepaidApi } from '../../client/api.ts';
import type { ChainNetwork } from '../../client/models/networks.ts';
import type { PackageStore } from '../../client/models/package-store.ts';
import { miningNow, fairPrice } from '../../client/providing/prices.ts';
import type { Price } from '../../core/price.ts';
import { toHex } from '../../lib/bytes.ts';
import type { PriceOf } from '../http/infer-routes.ts';

/**
 * So many times what mining would earn for the multiplications: difficulty and other models may move it meanwhile.
 * Providers ask for the time that they have measured, and the step of one token has fewer multiplications in it than
 * mining has (docs/performance.md, decode), the fewer, the longer the text is: none is to be left out for being slow.
 */
const ROOM: Readonly<Record<Price['type'], bigint>> = { sequence: 2n, tokens: 4n };

export interface PriceDeps {
  readonly chain: FullChain;
  readonly network: ChainNetwork;
  readonly packages: Pick<PackageStore, 'isWhole'>;
  readonly prepaid: Pick<PrepaidApi, 'providers'>;
}

export function createPriceOf({ chain, network, packages, prepaid }: PriceDeps): PriceOf {
  return async ({ id, manifest }) => {
    const fair = fairPrice(manifest, miningNow(chain.params, chain.head().header, network.models));
    const [best] = await prepaid.providers(id);
    return {
      isHere: packages.isWhole(toHex(id)),
      asked: best?.price.amount,
      most: ROOM[fair.type] * fair.amount,
    };
  };
}
