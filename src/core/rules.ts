/**
 * Rules of consensus and the set of them that is in force. Each rule is a row of a list in the module of its
 * subject (HEADER_RULES, BODY_RULES, …; consensus.ts has all of them). Production has every rule; attack
 * runs leave some out, to show that an attack would win without the rule that refuses it.
 */
import { assert } from '../lib/errors.ts';
import { fault, type Fault, type FaultCode } from './faults.ts';

/** One rule, or a few rules that are checked together. */
export interface Rule<In> {
  readonly codes: readonly FaultCode[];
  /** Section of docs/protocol.md. */
  readonly section: string;
  /** Every fault found, in order; checking goes on after a fault where the later checks still have a meaning. */
  readonly faults: (input: In) => Iterable<Fault>;
}

/** @param broken says what is wrong, for the log; undefined where the input keeps the rule */
// Making a rule has no side effect, so the bundler drops the lists of rules where nothing is judged.
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

  /** These rules without the given ones. */
  without(...codes: FaultCode[]): Rules {
    return new Rules(new Set([...this.#absent, ...codes]));
  }

  /** The first fault that breaks a rule in force; later faults are not looked for. */
  first(faults: Iterable<Fault | undefined>): Fault | undefined {
    for (const found of faults) if (found && !this.#absent.has(found.fault)) return found;
    return undefined;
  }

  /** The first fault of the input by a list of rules, in the order of the list. */
  judge<In>(rules: readonly Rule<In>[], input: In): Fault | undefined {
    for (const { faults } of rules) {
      const found = this.first(faults(input));
      if (found) return found;
    }
    return undefined;
  }

  /**
   * A value that a rule has promised to be within bounds. With the rule in force a value outside is a bug;
   * without the rule the nearest value within the bounds is returned, so that it can be encoded.
   */
  promised<T extends number | bigint>(code: FaultCode, value: T, least: T, most: T): T {
    const nearest = value < least ? least : value > most ? most : value;
    assert(nearest === value || this.#absent.has(code), `the rule ${code} was judged before`);
    return nearest;
  }
}
