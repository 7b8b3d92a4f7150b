/** The type of an attack: the rule that must stop it, and the rules without which it must win. */
import type { FaultCode } from '../../src/core/faults.ts';
import type { Arena } from './arena.ts';
import type { Verdict } from './verdict.ts';

/** Rules that no fault has a code for: of branches (docs/protocol.md §10.1) and of pools (§9). */
export type UncodedRule =
  | 'fork.half'
  | 'fork.room'
  | 'fork.pause'
  | 'fork.turn'
  | 'fork.deep'
  | 'fork.rest'
  | 'light.place'
  | 'history.there'
  | 'history.whole'
  | 'pool.bytes';

/** Modules of seams/. */
export type Seam =
  | 'any-lead'
  | 'any-place'
  | 'any-entry'
  | 'any-count'
  | 'by-fee'
  | 'half-of-head'
  | 'no-deep'
  | 'no-floor'
  | 'no-rest'
  | 'no-wait';

export interface Attack {
  readonly name: string;
  /** The rule that refuses the attack. */
  readonly rule: FaultCode | UncodedRule;
  /** What judges say in place of the rule's code, where they say nothing of it. */
  readonly says?: 'ignore' | 'accept';
  /** Rules without which the attack wins: `rule` and the rules that would refuse it next. */
  readonly off: readonly FaultCode[];
  /** A module of seams/ in whose place the run without the rule has another, in a process of its own. */
  readonly seam?: Seam;
  /** Why there is no run without the rule. */
  readonly needed?: string;
  /** Faults that the judges without the rules charge for, though they depend on their view. */
  readonly charged?: readonly FaultCode[];
  /** It takes minutes: run with --all only. */
  readonly isLong?: boolean;
  /** Number of runs with all rules in force. */
  readonly runs: number;
  /** One or more tries and their verdicts. */
  run(arena: Arena): Promise<Verdict[]>;
  /** After a run without the rules: whether the attacker got its gain, if acceptance alone is not the gain. */
  hasWon?(arena: Arena): Promise<boolean>;
}
