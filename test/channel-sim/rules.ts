/** What honest ends of the simulation obey, and the same with one rule left out. */
import { ASKER_POLICY, type AskerPolicy } from '../../src/client/channels/asker.ts';
import { UNIT } from './ledger.ts';
import { PROVIDER_POLICY, type ProviderPolicy } from '../../src/client/channels/provider.ts';

export interface SimRules {
  readonly asker: AskerPolicy;
  readonly provider: ProviderPolicy;
  /** Nothing is written, so that a death forgets it. */
  readonly isForgetful: boolean;
}
export const ALL_RULES: SimRules = {
  asker: ASKER_POLICY,
  provider: PROVIDER_POLICY,
  isForgetful: false,
};

const provider = (policy: Partial<ProviderPolicy>): SimRules => ({
  ...ALL_RULES,
  provider: { ...PROVIDER_POLICY, ...policy },
});

export const WITHOUT = {
  credit: provider({ creditOf: () => 10n ** 18n }),
  depth: provider({ countedOf: (amount) => amount }),
  ending: provider({ isEnding: () => false }),
  verify: provider({ verify: () => true }),
  store: { ...ALL_RULES, isForgetful: true },
  'own-count': {
    ...ALL_RULES,
    asker: {
      ...ASKER_POLICY,
      partFault: () => undefined,
      owed: ({ before }, units) => before + UNIT * BigInt(units),
    },
  },
} satisfies Record<string, SimRules>;
