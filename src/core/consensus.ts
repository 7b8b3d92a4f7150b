/** Every rule of consensus, in the order in which a block is judged, with its place in docs/protocol.md. */
import { HEADER_RULES } from './header/header.ts';
import { PROOF_RULES } from './pow/proof.ts';
import { REPLAY_RULES } from './pow/replay.ts';
import type { Rule } from './rules.ts';
import { STATE_ROOT_RULE } from './state.ts';
import { BODY_RULES } from './tx/body.ts';
import { TX_RULES } from './tx/apply.ts';
import { KINDS } from './tx/kinds.ts';

export const CONSENSUS: readonly Pick<Rule<never>, 'codes' | 'section'>[] = [
  ...HEADER_RULES,
  ...PROOF_RULES,
  ...BODY_RULES,
  STATE_ROOT_RULE,
  ...REPLAY_RULES,
  ...TX_RULES,
  ...Object.values(KINDS).map(({ codes }) => ({ codes, section: '8.4' })),
];
