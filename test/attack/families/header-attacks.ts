/** Headers that lie, each with the real work of a whole block behind it. */
import type { FaultCode } from '../../../src/core/faults.ts';
import { bodyOf } from '../../../src/core/tx/body.ts';
import { plainHash, ZERO_HASH } from '../../../src/core/hash.ts';
import type { HeaderCore } from '../../../src/core/formats.ts';
import { Account } from '../../../src/core/formats.ts';
import { encode } from '../../../src/core/codec.ts';
import { stateKey } from '../../../src/core/tree/keys.ts';
import { NANOVOLTS } from '../../../src/core/params.ts';
import { headerWork } from '../../../src/core/header/target.ts';
import { EMPTY_TREE, treeRoot, treeSet } from '../../../src/core/tree/tree.ts';
import { utf8 } from '../../../src/lib/bytes.ts';
import { THIEF, type Arena } from '../arena.ts';
import type { Attack } from '../attack-type.ts';

const mined =
  (forge: (arena: Arena) => HeaderCore | Promise<HeaderCore>): Attack['run'] =>
  async (arena) => {
    const won = await arena.forger.win(await forge(arena));
    return [await arena.announceBlock({ ...won, body: bodyOf() })];
  };

/** Lateness that nobody had, forgiven for good: every later block is harder to find. */
const forgedSlip = mined((arena) => {
  const core = arena.core(THIEF);
  const { params } = arena.chain;
  const forged = { ...core, slip: core.slip + params.halfLifeMs };
  const parentWork = core.totalWork - headerWork(params, core);
  return { ...forged, totalWork: parentWork + headerWork(params, forged) };
});

/** Work that nobody did: it would win every fork. */
const inventedWork = mined((arena) => {
  const core = arena.core(THIEF);
  return { ...core, totalWork: core.totalWork + (1n << 200n) };
});

/** Time that stands still, or runs back, keeps the target easy for those who mine fast. */
const pastTime = mined(async (arena) => {
  await arena.coins();
  const core = arena.core(THIEF);
  const { params } = arena.chain;
  const forged = { ...core, time: arena.chain.head().header.time };
  const parentWork = core.totalWork - headerWork(params, core);
  return { ...forged, totalWork: parentWork + headerWork(params, forged) };
});

/** A block that is late has an easy target: so say that it is later than it is, by far more than clocks differ. */
const futureTime = mined(async (arena) => {
  await arena.coins();
  const yearMs = 365 * 24 * 3600_000;
  return arena.core(THIEF, [], yearMs);
});

/** A state in which the thief is rich: light clients would believe it. */
const richState = mined((arena) => {
  const account = { balance: 10n ** 6n * NANOVOLTS, nonce: 0n, txCount: 1 };
  const leaf = encode(Account, { ...account, lastTx: { height: 1, index: 0 } });
  const tree = treeSet(EMPTY_TREE, stateKey.account(THIEF.address), leaf);
  return { ...arena.core(THIEF), stateRoot: treeRoot(tree) };
});

/** A history that never was, for those who check it by its root. */
const otherHistory = mined((arena) => ({ ...arena.core(THIEF), mmrRoot: ZERO_HASH }));

/** Rules that hold no more, or not yet: whoever still follows them would be cut off without a word. */
const lowerVersion = mined((arena) => ({ ...arena.core(THIEF), version: 1 }));
const knowsLess = mined((arena) => ({ ...arena.core(THIEF), knows: 1 }));

/** A step of the coins' halving for nothing. */
const otherHeight = mined((arena) => {
  const core = arena.core(THIEF);
  return { ...core, height: core.height + 1 };
});

/** Work on a block that nobody has: whoever stored it would store anything. */
const noParent = mined((arena) => {
  const core = arena.core(THIEF);
  return { ...core, prevHash: plainHash(utf8(`no parent ${core.nonce}`)) };
});

/** A model that no network has admitted. */
const otherModel = mined((arena) => ({ ...arena.core(THIEF), model: 200 }));

const attack = (name: string, rule: FaultCode, run: Attack['run'], more = {}): Attack => ({
  name,
  rule,
  off: [rule],
  runs: 2,
  run,
  ...more,
});

export const HEADER_ATTACKS: readonly Attack[] = [
  attack('version that holds no more', 'header.version', lowerVersion),
  attack('maker that knows less than it follows', 'header.knows', knowsLess),
  attack('block on an unknown parent', 'header.parent-unknown', noParent, {
    says: 'ignore',
    off: [],
    needed: 'without a parent nothing else can be judged',
  }),
  attack('forged height', 'header.height', otherHeight, {
    off: [],
    needed: 'heights are where blocks are stored',
  }),
  attack('model that nobody admitted', 'header.model', otherModel, {
    off: [],
    needed: 'without its manifest no proof can be judged',
  }),
  attack('forged lateness', 'header.slip', forgedSlip),
  attack('forged work', 'header.total-work', inventedWork),
  attack('forged time, in the past', 'header.time-order', pastTime),
  attack('forged time, in the future', 'header.time-future', futureTime),
  attack('forged state root', 'header.state-root', richState),
  attack('forged history', 'header.mmr-root', otherHistory),
];
