/**
 * The seams through which a rule is left out: parameters of a network that lacks it, and for the rule that a view
 * costs nothing, the table of faults of a weak seed's own process.
 */
import { CONSENSUS } from '../../src/core/consensus.ts';
import { FAULTS, type FaultCode } from '../../src/core/faults.ts';
import type { Params } from '../../src/core/params.ts';

const RULES: ReadonlySet<FaultCode> = new Set(CONSENSUS.flatMap(({ codes }) => codes));

/** @throws Error for a code that is no rule of consensus, or another network than `e2e` */
export function rulesOf(codes: readonly string[], network: string): FaultCode[] {
  if (codes.length && network !== 'e2e') throw new Error('--without is for the e2e network only');
  for (const code of codes)
    if (!RULES.has(code as FaultCode)) throw new Error(`--without: no rule '${code}'`);
  return codes as FaultCode[];
}

export const without = (params: Params, codes: readonly FaultCode[]): Params => ({
  ...params,
  rules: params.rules.without(...codes),
});

/** Makes this process charge 20 points for faults that depend on its view. */
export function chargeForViews(codes: readonly string[]): void {
  for (const code of codes) {
    const row = FAULTS[code as FaultCode];
    if (row?.dependsOn !== 'view') throw new Error(`--charge: no fault of a view '${code}'`);
    Object.assign(row, { penalty: 20 });
  }
}
