/**
 * Blocks that nobody worked for, on a network whose light check takes them: for attacks that need thousands, where it
 * is not the proof that is attacked.
 */
import type { FullChain } from '../../src/chain/full/full-chain.ts';
import type { ChainNetwork } from '../../src/client/models/networks.ts';
import { isFault } from '../../src/core/faults.ts';
import type { Proof } from '../../src/core/formats.ts';
import { ZERO_HASH } from '../../src/core/hash.ts';
import type { Block } from '../../src/core/messages.ts';
import type { Arena, Person } from './arena.ts';

/** Stands for all proofs. */
const NO_WORK: Proof = {
  linear: 2,
  tile: 0,
  x: [ZERO_HASH],
  t: [ZERO_HASH],
  a: ZERO_HASH,
  y: ZERO_HASH,
  rows: new Uint8Array(),
  rowPath: [],
  columns: new Uint8Array(),
  columnPath: [],
};

export const withoutWork = (network: ChainNetwork): ChainNetwork => ({
  ...network,
  verifyProof: () => undefined,
});

export interface Growth {
  readonly miner: Person;
  readonly upTo: number;
  /** Height of a block whose state is false. */
  readonly falseAt?: number | undefined;
}

/**
 * Grows a chain with what waits in its pool, on schedule, so that each block has as much work.
 * @returns its last block, of height `upTo`, which is not imported yet
 */
export async function grow(
  { modelId }: Arena,
  chain: FullChain,
  { miner, upTo, falseAt }: Growth,
): Promise<Block> {
  const { genesis, lagMs } = chain.params;
  for (;;) {
    const { header } = chain.head();
    const nowMs = Math.max(header.time, genesis.timeMs + lagMs) + 2000;
    const { core, body } = chain.template({ miner: miner.address, modelId, nowMs });
    const stateRoot = core.height === falseAt ? ZERO_HASH : core.stateRoot;
    const block = { header: { ...core, stateRoot, proofDigest: ZERO_HASH }, body, proof: NO_WORK };
    if (core.height === upTo) return block;
    const imported = await chain.importBlock(block);
    if (isFault(imported)) throw new Error(imported.fault);
  }
}
