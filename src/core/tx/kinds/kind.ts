/** What there is to say about one kind of transaction: a row of the table in kinds.ts. */
import type { Fault, FaultCode } from '../../faults.ts';
import type { Position, Tx } from '../../formats.ts';
import type { Params } from '../../params.ts';
import type { Models } from '../tx.ts';
import type { BlockState } from '../state-tx.ts';

/** What the rules that need no state know beside the transaction. */
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

/**
 * The faults of a transaction on the state that it meets; what it returns are its effects, which the
 * caller runs once no fault stands and the sender has paid. undefined: it has none.
 */
export type Effects = Generator<Fault, (() => void) | undefined>;

/** Every member is required, so that a new kind leaves no question to a default. */
export interface TxKind<T extends Tx> {
  /** Most of them in one block: bounds what the block must execute or hold. */
  readonly perBlock: number;
  /** nV of what it spends that it destroys. */
  burns(tx: T): bigint;
  /** Addresses other than the sender's whose history the transaction is part of. */
  credits(tx: T): readonly Uint8Array[];
  /**
   * Keys of the state that judging it for a block of `height` reads, but for the sender's account: those
   * of the next block, too, where it may have to come after another (`needsBefore`).
   */
  reads(tx: T, from: Uint8Array, height: number): readonly Uint8Array[];
  /** Of the rules that are this kind's own (docs/protocol.md §8.4). */
  readonly codes: readonly FaultCode[];
  /** Faults that show without state. */
  faults(tx: T, admitted: Admitted): Iterable<Fault>;
  effects(tx: T, place: Place): Effects;

  /** Any block may make it invalid while it waits, not only one that changes its sender's account. */
  readonly isOpenToOthers: boolean;
  /** A pool keeps it whatever its fee, for a transaction before it has paid. */
  readonly isPrepaid: boolean;
  /** Whether an earlier waiting one of its sender must be in a block before its own. */
  needsBefore(tx: T, earlier: Tx): boolean;

  /** Id of the request that it makes, claims or answers. */
  requestOf(tx: T): Uint8Array | undefined;
  /** Id of the request whose model must be run to check it. */
  runOf(tx: T): Uint8Array | undefined;
}
