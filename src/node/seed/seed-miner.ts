/** Mining on the seed's own CPU: templates come from its full chain, and found blocks go into it. */
import { isStoreFailure } from '../../chain/store/store-watch.ts';
import { createTemplateFeed, type TemplateFeed } from '../../client/mining/template-feed.ts';
import { modelNamed } from '../../client/models/networks.ts';
import { isFault } from '../../core/faults.ts';
import { modelIndex, modelsFrom } from '../../core/header/tables.ts';
import { fromHex, toHex } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import type { FoundBlock } from '../../miner/engine/miner-api.ts';
import type { SeedDeps } from './seed-deps.ts';

export interface SeedMiner {
  start(): Promise<void>;
  /** Resolves when what was found last is in the chain and announced, or refused. */
  stop(): Promise<void>;
}

export function createSeedMiner(deps: SeedDeps, payout: Uint8Array): SeedMiner {
  const { chain, thread, network, options, stores, mined, log, announce } = deps;
  let feed: TemplateFeed | undefined;
  let unsubscribe: (() => void) | undefined;
  /** Blocks on their way into the chain and to peers: few, as the chain takes in a bounded number at once. */
  const taking = new Set<Promise<void>>();

  async function take(found: FoundBlock): Promise<void> {
    const block = feed?.complete(found);
    if (!block) return;
    const result = await chain.importBlock(block);
    if (isFault(result))
      return log.warn('mine.refused', { fault: result.fault, height: block.header.height });
    mined.add(block);
    log.info('mine.block', { height: block.header.height, status: result.status });
    await announce(block);
  }

  /** Nothing to work on while a block could not be kept, or where the model does not hold. */
  function makeTemplate() {
    // A network may admit none: then nothing is started.
    const { id: modelId } = modelNamed(network, options.model)!;
    const height = chain.head().header.height + 1;
    if (stores.problem() || modelIndex(chain.params, toHex(modelId), height) < 0) return undefined;
    return chain.template({ miner: payout, modelId, nowMs: Date.now() });
  }

  return {
    async start() {
      // Who mines holds every mined model: it builds on no block that it can't check.
      for (const id of modelsFrom(chain.params, chain.head().header.height + 1))
        await thread.ensure(fromHex(id)!);
      await thread.miner.start(options.model, 'cpu');
      feed = createTemplateFeed(
        makeTemplate,
        (template) => void thread.miner.work(template),
        network.params.blockTimeMs / 2,
      );
      const offBlock = thread.miner.on('block', (found) => {
        const taken = take(found)
          .catch((e: unknown) => {
            if (!isStoreFailure(e)) log.error('mine', { error: AppError.from(e).message });
          })
          .finally(() => taking.delete(taken));
        taking.add(taken);
      });
      const offStore = stores.onChange(() => feed?.refresh());
      const offChain = chain.subscribe(({ type }) => {
        if (type === 'tx') feed?.refreshSoon();
        else feed?.refresh();
      });
      unsubscribe = () => [offBlock, offStore, offChain].forEach((off) => off());
    },
    async stop() {
      // Nothing is found after it; the thread may have ended by itself.
      await thread.miner.pause().catch(() => undefined);
      unsubscribe?.();
      feed?.stop();
      await Promise.all(taking);
    },
  };
}
