/** What an attack is: the rule that must stop it, and what must be off for it to win. */
import type { FaultCode } from '../../src/core/faults.ts';
import type { Arena } from './arena.ts';
import type { Verdict } from './peer.ts';

export interface Attack {
  readonly name: string;
  /** The rule that refuses it. */
  readonly rule: FaultCode;
  /** Rules without which it wins, `rule` and what would catch it next. */
  readonly off: readonly FaultCode[];
  /** Runs of `run` with all rules on. */
  readonly runs: number;
  /** One or more tries and their verdicts. */
  run(arena: Arena): Promise<Verdict[]>;
  /** After a run without the rules: whether the attacker has what it was after, if that is more. */
  hasWon?(arena: Arena): Promise<boolean>;
}
