/** The type of an attack: the rule that must stop it, and the rules without which it must win. */
import type { FaultCode } from '../../src/core/faults.ts';
import type { Arena } from './arena.ts';
import type { Verdict } from './peer.ts';

export interface Attack {
  readonly name: string;
  /** The rule that refuses the attack. */
  readonly rule: FaultCode;
  /** Rules without which the attack wins: `rule` and the rules that would refuse it next. */
  readonly off: readonly FaultCode[];
  /** Faults that the node without the rules charges for, though they depend on its view. */
  readonly charged?: readonly FaultCode[];
  /** Number of runs with all rules in force. */
  readonly runs: number;
  /** One or more tries and their verdicts. */
  run(arena: Arena): Promise<Verdict[]>;
  /** After a run without the rules: whether the attacker got its gain, if acceptance alone is not the gain. */
  hasWon?(arena: Arena): Promise<boolean>;
}
