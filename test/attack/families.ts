/** All attacks, by family. */
import type { Attack } from './attack-type.ts';
import { BODY_ATTACKS } from './families/body-attacks.ts';
import { CHANNEL_ATTACKS } from './families/channel-attacks.ts';
import { DEEP_ATTACKS } from './families/deep-attacks.ts';
import { FORK_ATTACKS } from './families/fork-attacks.ts';
import { HISTORY_ATTACKS } from './families/history-attacks.ts';
import { HEADER_ATTACKS } from './families/header-attacks.ts';
import { MONEY_ATTACKS } from './families/money-attacks.ts';
import { PLACE_ATTACKS } from './families/place-attacks.ts';
import { POOL_ATTACKS } from './families/pool-attacks.ts';
import { PROOF_ATTACKS } from './families/proof-attacks.ts';
import { RELAY_ATTACKS } from './families/relay-attacks.ts';
import { SYNC_ATTACKS } from './families/sync-attacks.ts';
import { TIME_ATTACKS } from './families/time-attacks.ts';
import { TX_ATTACKS } from './families/tx-attacks.ts';

export const FAMILIES: readonly Attack[] = [
  ...PROOF_ATTACKS,
  ...HEADER_ATTACKS,
  ...BODY_ATTACKS,
  ...TX_ATTACKS,
  ...MONEY_ATTACKS,
  ...CHANNEL_ATTACKS,
  ...RELAY_ATTACKS,
  ...FORK_ATTACKS,
  ...DEEP_ATTACKS,
  ...PLACE_ATTACKS,
  ...POOL_ATTACKS,
  ...SYNC_ATTACKS,
  ...HISTORY_ATTACKS,
  // The last: the chain is then as old as the clock says.
  ...TIME_ATTACKS,
];
