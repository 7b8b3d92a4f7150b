/**
 * The seams through which a rule is left out: parameters of a network that lacks it, and for the rule that a view
 * costs nothing, the table of faults.
 */
import { CONSENSUS } from '../../src/core/consensus.ts';
import { FAULTS, type FaultCode } from '../../src/core/faults.ts';
import type { NetworkRules } from '../../src/core/params.ts';

const RULES: ReadonlySet<FaultCode> = new Set(CONSENSUS.flatMap(({ codes }) => codes));

/** @throws Error for a code that is no rule of consensus */
export function rulesOf(codes: readonly string[]): FaultCode[] {
  for (const code of codes) if (!RULES.has(code as FaultCode)) throw new Error(`no rule '${code}'`);
  return codes as FaultCode[];
}

export const without = <P extends NetworkRules>(params: P, codes: readonly FaultCode[]): P => ({
  ...params,
  rules: params.rules.without(...codes),
});

/** Makes this process charge 20 points for faults that depend on its view. @returns what ends that */
export function chargeForViews(codes: readonly FaultCode[]): () => void {
  const rows = codes.map((code) => FAULTS[code]);
  for (const row of rows) {
    if (row.dependsOn !== 'view') throw new Error('only faults of a view');
    Object.assign(row, { penalty: 20 });
  }
  return () => rows.forEach((row) => Object.assign(row, { penalty: 0 }));
}
