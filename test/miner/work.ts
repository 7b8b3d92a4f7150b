/** Work for a miner, on a chain of nothing but its genesis. */
import { genesisPoint, templateCore } from '../../src/core/header/header.ts';
import { ZERO_HASH } from '../../src/core/hash.ts';
import type { Work } from '../../src/miner/engine/miner-api.ts';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { paramsFor } from '../core/header/params-for.ts';

const params = paramsFor('e2e', [], 1000);

/** The block after genesis; `target`: the easiest that there is, 0 or 1 to win nothing. */
export const workWith = ({ id }: Pick<ModelPackage, 'id'>, target = params.targetMax): Work => ({
  core: templateCore(params, genesisPoint(params, 1000), {
    timeMs: 2000,
    miner: ZERO_HASH,
    bodyRoot: ZERO_HASH,
    stateRoot: ZERO_HASH,
    model: 0,
  }),
  modelId: id,
  target,
});
