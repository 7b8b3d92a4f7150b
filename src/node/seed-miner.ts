/** Mining on the seed's own CPU: templates from its full chain, wins into it. */
import { createTemplateFeed, type TemplateFeed } from '../client/template-feed.ts';
import { modelNamed } from '../client/models.ts';
import { isFault } from '../core/faults.ts';
import { AppError } from '../lib/errors.ts';
import type { FoundBlock } from '../miner/miner-api.ts';
import type { SeedParts } from './seed.ts';

export interface SeedMiner {
  start(): Promise<void>;
  stop(): void;
}

export function createSeedMiner(parts: SeedParts, payout: Uint8Array): SeedMiner {
  const { chain, thread, network, options, log, announce } = parts;
  const { id: modelId } = modelNamed(network, options.model)!;
  let feed: TemplateFeed | undefined;
  let unsubscribe: (() => void) | undefined;

  async function take(found: FoundBlock): Promise<void> {
    const block = feed?.complete(found);
    if (!block) return;
    const result = await chain.importBlock(block);
    if (isFault(result))
      return log.warn('mine.refused', { fault: result.fault, height: block.header.height });
    log.info('mine.block', { height: block.header.height, status: result.status });
    await announce(block);
  }

  return {
    async start() {
      await thread.miner.start(options.model, 'cpu');
      feed = createTemplateFeed(
        () => chain.template({ miner: payout, modelId, nowMs: Date.now() }),
        (template) => void thread.miner.work(template),
        network.params.blockTimeMs / 2,
      );
      const offBlock = thread.miner.on('block', (found) =>
        take(found).catch((e: unknown) => log.error('mine', { error: AppError.from(e).message })),
      );
      const offChain = chain.subscribe(() => feed?.refresh());
      unsubscribe = () => [offBlock, offChain].forEach((off) => off());
      feed.refresh();
    },
    stop() {
      unsubscribe?.();
      feed?.stop();
      void thread.miner.pause();
    },
  };
}
