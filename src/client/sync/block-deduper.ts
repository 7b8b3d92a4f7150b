/**
 * Blocks that peers tell. A number makes each telling new to gossip, so that anybody can tell a block
 * again for ever: one that is known here is not judged and passed on again, nor is a second copy of one
 * in judgement. Another witness of the same block waits: the first may be the bad one.
 */
import type { LightChain } from '../../chain/light/light-chain.ts';
import { encode } from '../../core/codec.ts';
import { blockId } from '../../core/header/header.ts';
import { Block } from '../../core/messages.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import type { Verdict } from '../../net/transport.ts';

/** @returns what judges a block that was told, with `judge` where that is needed */
export function createBlockDeduper(
  chain: LightChain,
  judge: (block: Block) => Promise<Verdict>,
): (block: Block) => Promise<Verdict> {
  const judging = new Map<
    string,
    { readonly bytes: Uint8Array; readonly done: Promise<unknown> }
  >();

  return async (block) => {
    const id = blockId(block.header);
    const hex = toHex(id);
    const bytes = encode(Block, block);
    for (let other = judging.get(hex); other; other = judging.get(hex)) {
      if (equal(other.bytes, bytes)) return 'ignore';
      await other.done.catch(() => undefined);
    }
    const verdict = (async () =>
      (await chain.proofs.of(id)) && (await chain.blocks.body(id))
        ? 'ignore'
        : await judge(block))();
    const done = verdict.finally(() => judging.delete(hex));
    judging.set(hex, { bytes, done });
    return await done;
  };
}
