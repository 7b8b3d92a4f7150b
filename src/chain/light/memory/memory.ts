/**
 * What a light client holds in memory, next to its store. Each part has an owner that alone changes it:
 * branches, kept blocks, known states, and the base.
 */
import type { ChainPoint } from '../../../core/header/header.ts';
import type { Models } from '../../../core/manifest.ts';
import type { NetworkRules, Params } from '../../../core/params.ts';
import type { VerifiedSignatures } from '../../shared/verified-signatures.ts';
import type { Store } from '../../store/store.ts';
import type { Base, HeaderRange } from '../records.ts';
import type { Branches } from './branches.ts';
import type { KeptBlocks } from './kept-blocks.ts';
import type { KnownState, KnownStates } from './known-states.ts';

export interface LightDeps {
  readonly store: Store;
  readonly params: NetworkRules;
  readonly models: Models;
  /** What this device's draws follow from (core's header/draws.ts). It is told to nobody. */
  readonly secret: Uint8Array;
  /** Leaves of a state that may be held as a whole. */
  readonly stateLeavesMax: number;
  /** Newest blocks kept with body and proof. */
  readonly blocksKept: number;
  /** Segments of a path that a start leaves as they are. */
  readonly segmentsLeft: number;
}

/** The newest block whose following state is stored whole. */
export class StoredBase {
  #at: Base | undefined;

  get at(): Base | undefined {
    return this.#at;
  }

  moveTo(base: Base | undefined): void {
    this.#at = base;
  }
}

export interface LightMemory extends LightDeps {
  readonly params: Params;
  readonly genesis: ChainPoint;
  readonly branches: Branches;
  readonly kept: KeptBlocks;
  readonly states: KnownStates;
  readonly base: StoredBase;
  readonly signatures: VerifiedSignatures;
  /** Headers that lie in another segment since a moment ago, and are still to be deleted here (compact.ts). */
  readonly outdated: HeaderRange[];
}

/** Remembers what is known of the state after a block. */
export function keepState(
  { states, branches, base }: LightMemory,
  id: Uint8Array,
  state: KnownState,
): void {
  states.keep(id, state, { head: branches.head, base: base.at?.height });
}
