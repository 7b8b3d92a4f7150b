/** What the parts of a peer report upwards; client.ts says what follows from each. */
import type { Block } from '../core/messages.ts';
import type { FoundBlock } from '../miner/engine/miner-api.ts';
import type { AppError } from '../lib/errors.ts';
import type { ClientEvent } from './api.ts';

export interface PeerEvents {
  /** An event that is passed on unchanged to the client's user. */
  report: ClientEvent;
  /** The device's storage stopped working, or (undefined) works again. */
  storeFailing: AppError | undefined;
  /** Something that the chain's status shows may have changed. */
  statusChanged: void;
  /** A transaction was added to the pool; `isOwn`: it was submitted here. */
  poolGrew: { readonly isOwn: boolean };
  /** The miner's worker won: a header and its proof, without the body. */
  won: FoundBlock;
  /** What answering for pay came to has changed. */
  providedChanged: void;
  /** The state after a new head is known, and everything below has followed it. */
  headSettled: void;
  /** An offer of this provider was heard. */
  offerHeard: { readonly provider: Uint8Array };
  /** The miner's worker has models that blocks may have waited for. */
  modelsHeld: void;
  /** A block was false on which this device had built before it could check it; its branch was left. */
  builtOnFalse: void;
  /** A whole block was found here. */
  blockFound: Block;
  /** The block found here is in the chain, or was refused. */
  blockAdopted: void;
}
