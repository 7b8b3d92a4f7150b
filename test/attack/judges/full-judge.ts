/** A full node as a judge, in this process: a seed's chain, handlers and sync, with a wire in place of libp2p. */
import { createFullChain, type FullChain } from '../../../src/chain/full/full-chain.ts';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import type { ChainNetwork } from '../../../src/client/models/networks.ts';
import type { Header } from '../../../src/core/formats.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { silentLog } from '../../../src/lib/log.ts';
import type { MinerThread } from '../../../src/node/contributor/miner-thread.ts';
import { createFullSync, type FullSync } from '../../../src/node/seed/full-sync.ts';
import { createHandlers } from '../../../src/node/seed/serve-peers.ts';
import { heardOf, type Judge } from './judge.ts';
import { Wire, type AnswerOf } from './wire.ts';

export interface FullJudgeOptions {
  readonly network: ChainNetwork;
  readonly genesis: Header;
  readonly answer: AnswerOf;
  /** Replays units; without it none is. */
  readonly thread?: MinerThread;
}

export interface FullJudge extends Judge {
  readonly chain: FullChain;
  readonly wire: Wire;
}

/** A full chain of that genesis in memory. */
export async function openChain({
  network,
  genesis,
  thread,
}: Omit<FullJudgeOptions, 'answer'>): Promise<FullChain> {
  let opened = false;
  const chain = await createFullChain({
    store: createMemoryStore(),
    params: network.params,
    models: network.models,
    now: () => (opened ? Date.now() : genesis.time),
    ...(network.verifyProof && { verifyProof: network.verifyProof }),
    ...(thread && {
      async checkProof(header, proof) {
        await thread.ensure(header.modelId);
        return network.params.rules.first(await thread.miner.check(header, proof));
      },
    }),
  });
  opened = true;
  return chain;
}

export async function openFullJudge(options: FullJudgeOptions): Promise<FullJudge> {
  const wire = new Wire(options.answer);
  const chain = await openChain(options);
  let sync: FullSync | undefined;
  const fullSync = (): FullSync => (sync ??= createFullSync(chain, wire, silentLog));
  const handlers = createHandlers(chain, fullSync, silentLog);
  await wire.start({
    ...handlers,
    onOffer: async () => 'ignore',
    onPeers: (peers) => fullSync().meet(peers),
  });
  wire.join('honest');
  return {
    name: 'seed',
    chain,
    wire,
    tell: async (peer, block) => heardOf(await wire.tell(peer, block)),
    tellTx: async (peer, tx) => heardOf(await wire.tellTx(peer, tx)),
    head: async () => toHex(chain.head().id),
    points: async (peer) => wire.points(peer),
    meet: async (peer) => wire.join(peer),
    leave: async (peer) => wire.leave(peer),
    async stop() {
      await wire.stop();
      await chain.close();
    },
  };
}
