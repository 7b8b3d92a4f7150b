/** The one seam through which a rule is left out: parameters of a network that lacks it. */
import { CONSENSUS } from '../../src/core/consensus.ts';
import type { FaultCode } from '../../src/core/faults.ts';
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
