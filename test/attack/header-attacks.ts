/** Headers that lie, each with the real work of a whole block behind it. */
import { ZERO_HASH } from '../../src/core/hash.ts';
import type { HeaderCore } from '../../src/core/formats.ts';
import { Account } from '../../src/core/formats.ts';
import { encode } from '../../src/core/codec.ts';
import { headerWork } from '../../src/core/header/header.ts';
import { stateKey } from '../../src/core/tree/keys.ts';
import { FUTURE_MS_MAX, NANOVOLTS } from '../../src/core/params.ts';
import { bitsFromTarget } from '../../src/core/header/target.ts';
import { EMPTY_TREE, treeRoot, treeSet } from '../../src/core/tree/tree.ts';
import { networkOf } from '../../src/client/models/networks.ts';
import { THIEF, type Arena } from './arena.ts';
import type { Attack } from './attack-type.ts';

const mined =
  (forge: (arena: Arena) => HeaderCore | Promise<HeaderCore>): Attack['run'] =>
  async (arena) => {
    const won = await arena.forger.win(await forge(arena));
    return [await arena.announceBlock({ ...won, body: [] })];
  };

/** Blocks that came too fast have made the target harder; the thief goes on with the easiest. */
const easierBits = mined(async (arena) => {
  await arena.once('hurry', async () => {
    for (let i = 0; i < 4; i++) await arena.honest([], 1);
  });
  const core = arena.core(THIEF);
  const bits = bitsFromTarget(networkOf('e2e').params.targetMax);
  if (bits === core.bits) throw new Error('the target is the easiest still');
  const parentWork = core.totalWork - headerWork(core);
  return { ...core, bits, totalWork: parentWork + headerWork({ bits }) };
});

/** Work that nobody did: it would win every fork. */
const inventedWork = mined((arena) => {
  const core = arena.core(THIEF);
  return { ...core, totalWork: core.totalWork + (1n << 200n) };
});

/** Time that stands still, or runs back, keeps the target easy for those who mine fast. */
const pastTime = mined((arena) => {
  const core = arena.core(THIEF);
  return { ...core, time: arena.chain.head().header.time };
});

/** On `e2e` a block after a long gap has the easiest target: so say that the gap was long. */
const futureTime = mined((arena) => {
  const ahead = Date.now() + FUTURE_MS_MAX + 60_000 - arena.chain.head().header.time;
  return arena.core(THIEF, [], ahead);
});

/** A state in which the thief is rich: light clients would believe it. */
const richState = mined((arena) => {
  const account = { balance: 10n ** 6n * NANOVOLTS, nonce: 0, txCount: 1 };
  const leaf = encode(Account, { ...account, lastTx: { height: 1, index: 0 } });
  const tree = treeSet(EMPTY_TREE, stateKey.account(THIEF.address), leaf);
  return { ...arena.core(THIEF), stateRoot: treeRoot(tree) };
});

/** A history that never was, for those who check it by its root. */
const otherHistory = mined((arena) => ({ ...arena.core(THIEF), mmrRoot: ZERO_HASH }));

const attack = (name: string, rule: Attack['rule'], run: Attack['run']): Attack => ({
  name,
  rule,
  off: [rule],
  runs: 3,
  run,
});

export const HEADER_ATTACKS: readonly Attack[] = [
  attack('forged difficulty', 'header.bits', easierBits),
  attack('forged work', 'header.total-work', inventedWork),
  attack('forged time, in the past', 'header.time-order', pastTime),
  attack('forged time, in the future', 'header.time-future', futureTime),
  attack('forged state root', 'header.state-root', richState),
  attack('forged history', 'header.mmr-root', otherHistory),
];
