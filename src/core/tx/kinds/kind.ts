/** The type of a row of the table in kinds.ts: everything that is specific to one kind of transaction. */
import type { Fault, FaultCode } from '../../faults.ts';
import type { Tx } from '../../formats.ts';
import type { Tree } from '../../tree/tree.ts';
import type { BlockState } from '../state-tx.ts';

/** Where a transaction is executed. */
export interface Place {
  readonly block: BlockState;
  /** Address of the sender. */
  readonly from: Uint8Array;
}

/** Where a transaction would be judged. */
export interface Prospect {
  /** Of the block. */
  readonly height: number;
  /** What is known of the state before it. */
  readonly tree: Tree | undefined;
  /** Id of the network's block 0. */
  readonly genesis: Uint8Array;
}

/**
 * Yields the faults of a transaction on the state that it is applied to, and returns its effects: a function
 * that the caller runs once there is no fault and an account that pays has paid. undefined: no effects.
 */
export type Effects = Generator<Fault, (() => void) | undefined>;

/** Every member is required, so that a new kind leaves nothing to a default. */
export interface TxKind<T extends Tx> {
  /** Addresses that the transaction itself says it pays, its sender's left out. */
  credits(tx: T): readonly Uint8Array[];
  /**
   * Keys of the state, without its line's leaf, that judging the transaction reads, as far as they follow from what
   * is known of the state.
   */
  reads(tx: T, prospect: Prospect): readonly Uint8Array[];
  /**
   * How many leaves it makes that stay, as far as the state is known: every full node keeps them, so pools ask for
   * them too.
   */
  makes(tx: T, prospect: Prospect): number;
  /** Fault codes of the rules of this kind alone (docs/protocol.md §8.4). */
  readonly codes: readonly FaultCode[];
  /** Faults that can be found without state. */
  faults(tx: T): Iterable<Fault>;
  effects(tx: T, place: Place): Effects;
  /** Whether any block may make it invalid while it waits, not only one that changes its sender's account. */
  isOpenToOthers(tx: T): boolean;
}
