/** The type of a row of the table in kinds.ts: everything that is specific to one kind of transaction. */
import type { Fault, FaultCode } from '../../faults.ts';
import type { Position, Tx } from '../../formats.ts';
import type { Tree } from '../../tree/tree.ts';
import type { Params } from '../../params.ts';
import type { Models } from '../tx.ts';
import type { BlockState } from '../state-tx.ts';

/** What the rules that need no state know besides the transaction. */
export interface Admitted {
  readonly params: Params;
  /** Manifests of the admitted models. */
  readonly models: Models;
}

/** Where a transaction is executed. */
export interface Place {
  readonly block: BlockState;
  /** Address of the sender. */
  readonly from: Uint8Array;
  readonly position: Position;
}

/** Where a transaction would be judged. */
export interface Prospect {
  /** Address of the sender. */
  readonly from: Uint8Array;
  /** Of the block. */
  readonly height: number;
  /** What is known of the state before it. */
  readonly tree: Tree | undefined;
}

/**
 * Yields the faults of a transaction on the state that it is applied to, and returns its effects: a function
 * that the caller runs once there is no fault and an account that pays has paid. undefined: no effects.
 */
export type Effects = Generator<Fault, (() => void) | undefined>;

/** Every member is required, so that a new kind leaves nothing to a default. */
export interface TxKind<T extends Tx> {
  /** Most transactions of this kind in one block: bounds what the block must execute or hold. */
  readonly perBlock: number;
  /** nV that the transaction destroys, part of what it spends. */
  burns(tx: T): bigint;
  /** Addresses that the transaction itself says it pays, its sender's left out. */
  credits(tx: T): readonly Uint8Array[];
  /**
   * Keys of the state, without its line's leaf, that judging the transaction reads, as far as they follow from what
   * is known of the state; also the keys for the next block, where it may have to wait for an earlier transaction
   * (`needsBefore`).
   */
  reads(tx: T, prospect: Prospect): readonly Uint8Array[];
  /** Fault codes of the rules of this kind alone (docs/protocol.md §8.4). */
  readonly codes: readonly FaultCode[];
  /** Faults that can be found without state. */
  faults(tx: T, admitted: Admitted): Iterable<Fault>;
  effects(tx: T, place: Place): Effects;

  /** Whether any block may make it invalid while it waits, not only one that changes its sender's account. */
  readonly isOpenToOthers: boolean;
  /** Whether a pool keeps it whatever its fee, because an earlier transaction has paid for it. */
  readonly isPrepaid: boolean;
  /** Whether `earlier`, a waiting transaction of the same sender, must be in an earlier block than `tx`. */
  needsBefore(tx: T, earlier: Tx): boolean;

  /** Id of the request that the transaction makes, claims or answers. */
  requestOf(tx: T): Uint8Array | undefined;
  /** Id of the request whose model must be run to check the transaction. */
  runOf(tx: T): Uint8Array | undefined;
}
