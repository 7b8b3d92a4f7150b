/** Opens the judges: of all four kinds with all rules, and two of this process without some. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beginChain } from '../../../e2e/support/begin.ts';
import { removeData, startSeed, type Seed } from '../../../e2e/support/seed.ts';
import type { ChainNetwork } from '../../../src/client/models/networks.ts';
import { encode } from '../../../src/core/codec.ts';
import { blockId } from '../../../src/core/header/header.ts';
import { Header } from '../../../src/core/formats.ts';
import type { Block } from '../../../src/core/messages.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import type { MinerThread } from '../../../src/node/contributor/miner-thread.ts';
import { Arena } from '../arena.ts';
import type { Forger } from '../forger.ts';
import { openClientJudge } from './client-judge.ts';
import { openFullJudge } from './full-judge.ts';
import type { Judge } from './judge.ts';
import { openPages } from './page-judge.ts';
import { SeedJudge } from './seed-judge.ts';
import type { AnswerOf } from './wire.ts';

/** Model of the blocks: the quickest. */
export const MODEL = 'tiny';

/**
 * The same for a client without some rules: what it takes then may be a head that nobody can execute, and whether the
 * attack won is the full node's to say. Whoever needs its head asks until it has it.
 */
const WEAK_SETTLE_MS = 5_000;

/** A folder of a seed whose chain has begun at that time: blocks that come now are late, and so easy. */
export async function beginData(
  network: ChainNetwork,
  timeMs: number,
): Promise<{ data: string; genesis: Header }> {
  const data = mkdtempSync(join(tmpdir(), 'pila-seed-'));
  return { data, genesis: await beginChain(network, data, timeMs) };
}

export interface Started {
  readonly judges: readonly Judge[];
  /** Ends the programs behind them; the judges are stopped before. */
  stop(): Promise<void>;
}

/** A seed, a page with the model, one without, a headless miner: one process, one Chromium, and this process. */
export async function openFour(
  network: ChainNetwork,
  { data, genesis }: { data: string; genesis: Header },
  answer: AnswerOf,
  marker: (told: Block) => Promise<Block>,
): Promise<Started> {
  const { network: name, chainId } = network.params;
  const [seed, pages] = await Promise.all([startSeed({ network: name, data }), openPages()]);
  const common = { network: name, genesis: toHex(encode(Header, genesis)), answer, url: seed.url };
  const judges = await Promise.all([
    SeedJudge.open({ seed, chainId, genesisId: blockId(genesis), answer, marker }),
    pages.open({ ...common, name: 'page', model: MODEL }),
    pages.open({ ...common, name: 'lightPage', model: undefined }),
    openClientJudge({ ...common, name: 'miner', network, model: MODEL }),
  ]);
  return {
    judges,
    async stop() {
      await pages.stop();
      await seed.kill();
      removeData(seed);
    },
  };
}

/** A seed alone, for loads: a chain whose blocks are as easy as can be. */
export async function openSeedArena(
  network: ChainNetwork,
  forger: Forger,
  timeMs: number,
): Promise<Arena & { readonly seed: Seed }> {
  const { data, genesis } = await beginData(network, timeMs);
  const seed = await startSeed({ network: network.params.network, data });
  const { chainId } = network.params;
  const arena = await Arena.open(
    {
      network,
      genesis,
      forger,
      open: async (answer) => {
        const marker = (): Promise<Block> => Promise.reject(new Error('nobody lies here'));
        return [
          await SeedJudge.open({ seed, chainId, genesisId: blockId(genesis), answer, marker }),
        ];
      },
    },
    [],
  );
  return Object.assign(arena, { seed });
}

/** A full node and a client without the model, in this process: for runs without rules. */
export async function openTwo(
  network: ChainNetwork,
  genesis: Header,
  answer: AnswerOf,
  thread: MinerThread,
): Promise<Judge[]> {
  const hex = toHex(encode(Header, genesis));
  return [
    await openFullJudge({ network, genesis, answer, thread }),
    await openClientJudge({
      name: 'lightPage',
      network,
      genesis: hex,
      answer,
      model: undefined,
      settleMs: WEAK_SETTLE_MS,
    }),
  ];
}
