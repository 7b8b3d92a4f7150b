/**
 * Reads leaves of the state after a block: from the part held here if it opens them, else with a proof from a
 * peer, which is then held too. Either way every value is proven.
 */
import type { LightChain } from '../../chain/light/light-chain.ts';
import { isFault } from '../../core/faults.ts';
import type { Header } from '../../core/formats.ts';
import { blockId } from '../../core/header/header.ts';
import { PROOF_KEYS_MAX } from '../../core/messages.ts';
import { MissingNode, proveKeys, treeGet } from '../../core/tree/tree.ts';
import type { Ask } from './ask-peers.ts';

export interface Leaves {
  /** Values in the order of the keys; undefined where there is no leaf. */
  readonly values: (Uint8Array | undefined)[];
  /** Bytes of the proofs that open the leaves. */
  readonly proofBytes: number;
}

export interface StateReader {
  /**
   * The newest block after which state can be read: the head if the state after it is known, else the
   * newest block below it that was executed here. A root that only a child's header claims is backed by no
   * more than that child's work, one block. If no block was executed yet, it is the head's parent.
   */
  newest(): Promise<Header | undefined>;
  /** The leaves of these keys; undefined when they are not held here and no peer proves them. */
  read(header: Header, keys: readonly Uint8Array[]): Promise<Leaves | undefined>;
}

export function createStateReader(chain: LightChain, ask: Ask): StateReader {
  const { headers, state } = chain;

  function held(block: Uint8Array, keys: readonly Uint8Array[]): Leaves | undefined {
    const tree = state.after(block);
    if (!tree) return undefined;
    try {
      const values = keys.map((key) => treeGet(tree, key));
      return { values, proofBytes: proveKeys(tree, keys).length };
    } catch (e) {
      if (e instanceof MissingNode) return undefined;
      throw e;
    }
  }

  const proven = (block: Uint8Array, keys: Uint8Array[]): Promise<Leaves | undefined> =>
    ask({ type: 'proof', block, keys }, async ({ proof }) => {
      // A reorganisation may have come while the peer answered.
      if (!state.rootAfter(block)) return undefined;
      const values = state.verify(block, keys, proof);
      if (isFault(values)) return values;
      await state.learn(block, proof);
      return { values, proofBytes: proof.length };
    });

  return {
    async newest() {
      const head = headers.head();
      if (state.rootAfter(head.id)) return head.header;
      return state.newestExecuted() ?? (await headers.at(head.header.height - 1));
    },
    async read(header, keys) {
      const block = blockId(header);
      const values: Leaves['values'] = [];
      let proofBytes = 0;
      for (let at = 0; at < keys.length; at += PROOF_KEYS_MAX) {
        const some = keys.slice(at, at + PROOF_KEYS_MAX);
        if (!state.rootAfter(block)) return undefined;
        const leaves = held(block, some) ?? (await proven(block, some));
        if (!leaves) return undefined;
        values.push(...leaves.values);
        proofBytes += leaves.proofBytes;
      }
      return { values, proofBytes };
    },
  };
}
