/**
 * Rules of consensus and the set of them that is in force. A rule is a row of a list beside what it is
 * about (HEADER_RULES, BODY_RULES, …; all of them: consensus.ts). Production has every rule; attack
 * runs leave some out, to show that an attack would win without the rule that refuses it.
 */
import { assert } from '../lib/errors.ts';
import { fault, type Fault, type FaultCode } from './faults.ts';

/** One rule, or a few that are found together. */
export interface Rule<In> {
  readonly codes: readonly FaultCode[];
  /** Of docs/protocol.md. */
  readonly section: string;
  /** Every fault that it sees, in order; it goes on behind a fault where what follows has a meaning. */
  readonly faults: (input: In) => Iterable<Fault>;
}

/** @param broken what is wrong, for the log; undefined where the rule is kept */
// A bundle that judges nothing leaves the lists out: making a rule does nothing else.
/* @__NO_SIDE_EFFECTS__ */
export function rule<In>(
  code: FaultCode,
  section: string,
  broken: (input: In) => Record<string, unknown> | undefined,
): Rule<In> {
  return {
    codes: [code],
    section,
    *faults(input) {
      const context = broken(input);
      if (context) yield fault(code, context);
    },
  };
}

export class Rules {
  readonly #absent: ReadonlySet<FaultCode>;

  private constructor(absent: ReadonlySet<FaultCode>) {
    this.#absent = absent;
  }

  static readonly all = new Rules(new Set());

  /** A set without these, whatever else is left out. */
  without(...codes: FaultCode[]): Rules {
    return new Rules(new Set([...this.#absent, ...codes]));
  }

  /** The first fault that breaks a rule in force; what comes after it is not looked at. */
  first(faults: Iterable<Fault | undefined>): Fault | undefined {
    for (const found of faults) if (found && !this.#absent.has(found.fault)) return found;
    return undefined;
  }

  /** The verdict of a list of rules, in its order. */
  judge<In>(rules: readonly Rule<In>[], input: In): Fault | undefined {
    for (const { faults } of rules) {
      const found = this.first(faults(input));
      if (found) return found;
    }
    return undefined;
  }

  /**
   * A value that a rule has promised to be within bounds. With the rule in force anything else is a bug;
   * a set without it gets the nearest value that can be written.
   */
  promised<T extends number | bigint>(code: FaultCode, value: T, least: T, most: T): T {
    const nearest = value < least ? least : value > most ? most : value;
    assert(nearest === value || this.#absent.has(code), `the rule ${code} was judged before`);
    return nearest;
  }
}
