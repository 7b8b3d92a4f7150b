/** What the parts of a peer report upwards; client.ts says what follows from each. */
import type { Block } from '../core/messages.ts';
import type { AnsweredJob, FoundBlock } from '../miner/engine/miner-api.ts';
import type { ClientEvent } from './api.ts';

export interface PeerEvents {
  /** For the client's user, as it is. */
  report: ClientEvent;
  /** Something that the chain's status shows may have changed. */
  statusChanged: void;
  /** A transaction was added to the pool; `isOwn`: it was submitted here. */
  poolGrew: { readonly isOwn: boolean };
  /** The miner's worker won: a header and its proof, without the body. */
  won: FoundBlock;
  /** The miner's worker ran a request. */
  answered: AnsweredJob;
  /** Another request than before is the next to work on, or none. */
  nextJobChanged: void;
  /** A whole block was found here. */
  blockFound: Block;
  /** That block is in the chain, or was refused. */
  blockAdopted: void;
}
