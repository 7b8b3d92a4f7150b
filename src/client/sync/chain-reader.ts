/** Reads the chain: from what is stored here, else from peers, whose answers are checked. */
import type { LightChain } from '../../chain/light/light-chain.ts';
import type { Transport } from '../../net/transport.ts';
import { createAsk, type Ask } from './ask-peers.ts';
import { BlockBodies } from './block-bodies.ts';
import { PeerHeads } from './peer-heads.ts';
import { createStateReader, type StateReader } from './state-reader.ts';

export interface ChainReader {
  /** The heads that peers claim. */
  readonly heads: PeerHeads;
  readonly ask: Ask;
  readonly bodies: BlockBodies;
  readonly state: StateReader;
}

export function createChainReader(chain: LightChain, transport: Transport): ChainReader {
  const heads = new PeerHeads();
  const ask = createAsk(transport, heads);
  return {
    heads,
    ask,
    bodies: new BlockBodies(chain, ask),
    state: createStateReader(chain, ask),
  };
}
