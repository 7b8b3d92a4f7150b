/**
 * Attacks a real node over the real protocol: each forges one thing and must be refused by its rule,
 * then is run once more on a node without that rule and must win: so it is a real attack.
 * Prints one line per attack; the last is `accepted 0 of N`. Usage: node attack.ts [part of a name]
 */
import { readModel } from '../oracle/models.ts';
import { openArena, type Arena } from './arena.ts';
import type { Attack } from './attack-type.ts';
import { CHANNEL_ATTACKS, isPaidByChannel } from './channel-attacks.ts';
import { createForger, type Forger } from './forger.ts';
import { HEADER_ATTACKS } from './header-attacks.ts';
import { PROOF_ATTACKS } from './proof-attacks.ts';
import { RELAY_ATTACKS } from './relay-attacks.ts';
import { TX_ATTACKS } from './tx-attacks.ts';
import type { Verdict } from './peer.ts';

/** ms after which the whole run is aborted: far more than it needs, so that it cannot hang. */
const RUN_MS = 15 * 60_000;

interface Outcome {
  readonly tries: number;
  readonly accepted: number;
  /** Deviations from the expected outcome. */
  readonly problems: readonly string[];
}

async function withRules(arena: Arena, attack: Attack): Promise<Outcome> {
  const verdicts: Verdict[] = [];
  for (let i = 0; i < attack.runs; i++) verdicts.push(...(await attack.run(arena)));
  const refused = verdicts.filter((v) => !v.accepted);
  const accepted = verdicts.length - refused.length;
  const others = refused.filter((v) => v.fault !== attack.rule).map((v) => v.fault);
  const problems = others.map((fault) => `refused by ${fault}, not ${attack.rule}`);
  if (accepted) problems.push('ACCEPTED');
  return { tries: verdicts.length, accepted, problems };
}

/** Nodes without rules: attacks that need the same ones off share a node, one lives at a time. */
class Weakened {
  readonly #forger: Forger;
  #key = '';
  #arena: Promise<Arena> | undefined;

  constructor(forger: Forger) {
    this.#forger = forger;
  }

  /** Starts the node without the rules that the attack wants off, if it is not the one that runs. */
  async prepare({ off, charged = [] }: Attack): Promise<void> {
    const key = [...off, ...charged].join(' ');
    if (this.#arena && this.#key === key) return;
    await this.close();
    this.#key = key;
    this.#arena = openArena(this.#forger, off, charged);
    // A failure is reported where the arena is awaited.
    this.#arena.catch(() => {});
  }

  async attack(attack: Attack): Promise<Outcome> {
    await this.prepare(attack);
    const arena = await this.#arena!;
    const verdicts = await attack.run(arena);
    const refused = verdicts.filter((v) => !v.accepted);
    const problems = refused.map((v) => `refused by ${v.fault} with ${this.#key} off`);
    if (!refused.length && attack.hasWon && !(await attack.hasWon(arena)))
      problems.push('accepted, but it won nothing');
    return { tries: verdicts.length, accepted: verdicts.length - refused.length, problems };
  }

  async close(): Promise<void> {
    const arena = await this.#arena?.catch(() => undefined);
    this.#arena = undefined;
    await arena?.close();
  }
}

/** After all attacks an honest close is still accepted, and paid. */
async function control(arena: Arena): Promise<void> {
  if (!(await isPaidByChannel(arena))) throw new Error('the honest provider was not paid');
}

function print(attack: Attack, on: Outcome, off: Outcome): void {
  const count = (n: number) => String(n).padEnd(3);
  console.log(
    `${attack.name.padEnd(33)} tries ${count(on.tries)} accepted ${count(on.accepted)}` +
      ` | check off: accepted ${off.accepted} of ${off.tries}`,
  );
  for (const problem of new Set([...on.problems, ...off.problems])) console.log(`  ! ${problem}`);
}

async function main(filter: string): Promise<boolean> {
  const attacks = [
    ...PROOF_ATTACKS,
    ...HEADER_ATTACKS,
    ...TX_ATTACKS,
    ...CHANNEL_ATTACKS,
    ...RELAY_ATTACKS,
  ].filter((attack) => attack.name.includes(filter));
  if (!attacks.length) throw new Error(`no attack has '${filter}' in its name`);
  const forger = await createForger(await readModel('tiny'));
  const arena = await openArena(forger, []);
  const weakened = new Weakened(forger);
  let [tries, accepted, problems] = [0, 0, 0];
  try {
    for (const attack of attacks) {
      // The weakened node starts while the attack is tried with all rules.
      await weakened.prepare(attack);
      const on = await withRules(arena, attack);
      const off = await weakened.attack(attack);
      print(attack, on, off);
      tries += on.tries;
      accepted += on.accepted;
      problems += on.problems.length + off.problems.length;
    }
    await control(arena);
  } finally {
    await weakened.close();
    await arena.close();
  }
  console.log(`accepted ${accepted} of ${tries}`);
  return problems === 0;
}

const limit = setTimeout(() => {
  console.error(`the attacks did not end in ${RUN_MS / 60_000} minutes`);
  process.exit(1);
}, RUN_MS);
const done = await main(process.argv[2] ?? '').catch((e: unknown) => {
  console.error(e);
  return false;
});
clearTimeout(limit);
process.exit(done ? 0 : 1);
