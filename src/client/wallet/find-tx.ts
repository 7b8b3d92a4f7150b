/** Where a transaction stands in the chain, by its id: from what is stored here, else from peers, whose word is checked. */
import type { LightChain } from '../../chain/light/light-chain.ts';
import type { Position, Tx } from '../../core/formats.ts';
import { txId } from '../../core/tx/tx.ts';
import { equal } from '../../lib/bytes.ts';
import type { ChainReader } from '../sync/chain-reader.ts';

export interface FoundTx {
  readonly tx: Tx;
  readonly height: number;
}

export type FindTx = (id: Uint8Array) => Promise<FoundTx | undefined>;

export function createFindTx(chain: LightChain, reader: ChainReader): FindTx {
  return async (id) => {
    const among = async (positions: readonly Position[]): Promise<FoundTx | undefined> => {
      for (const { height, index } of positions) {
        const header = await chain.headers.at(height);
        const there = header && (await reader.bodies.of(header))?.transactions[index]?.tx;
        if (there && equal(txId(chain.headers.genesis.id, there), id)) return { tx: there, height };
      }
      return undefined;
    };
    return (
      (await among(await chain.blocks.find(id))) ??
      (await reader.ask({ type: 'find', id }, ({ positions }) => among(positions)))
    );
  };
}
