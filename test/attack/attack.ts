/**
 * One verdict: tells the same blocks and transactions to judges of four kinds over their real ports, and compares what
 * they say, what they charge and where they stand. Each attack forges one thing and must be refused by its rule; then
 * it is run without that rule and must win: so it is a real attack. Prints one line per attack; the last counts the
 * rules of docs/protocol.md that were attacked. Usage: node attack.ts [--all] [part of a name, or beginning of a rule]…
 */
import { readModel } from '../oracle/models.ts';
import { Arena, e2e } from './arena.ts';
import type { Attack } from './attack-type.ts';
import { isPaidByChannel } from './families/channel-attacks.ts';
import { FAMILIES } from './families.ts';
import { createForger } from './forger.ts';
import { beginData, MODEL, openFour, type Started } from './judges/open.ts';
import type { Block } from '../../src/core/messages.ts';
import { bodyOf } from '../../src/core/tx/body.ts';
import { begunMs, startReplays, Weakened, type Outcome } from './weakened.ts';
import type { Verdict } from './verdict.ts';

/** ms after which the whole run is aborted, and one with --all: far more than it needs, so that it cannot hang. */
const RUN_MS = 20 * 60_000;
const ALL_MS = 90 * 60_000;

async function withRules(arena: Arena, attack: Attack): Promise<Outcome> {
  const verdicts: Verdict[] = [];
  for (let i = 0; i < attack.runs; i++) verdicts.push(...(await attack.run(arena)));
  const refused = verdicts.filter((v) => !v.accepted);
  const accepted = verdicts.length - refused.length;
  const { says = attack.rule } = attack;
  const others = refused.filter((v) => (v.fault ?? 'accept') !== says).map((v) => v.fault);
  const differences = verdicts.flatMap((v) => v.differences);
  const problems = others.map((fault) => `refused by ${fault}, not ${says}`);
  if (accepted) problems.push('ACCEPTED');
  problems.push(...differences);
  return { tries: verdicts.length, accepted, problems, differences: differences.length };
}

/** After all attacks an honest close is still accepted, and paid. */
async function control(arena: Arena): Promise<void> {
  if (!(await isPaidByChannel(arena))) throw new Error('the honest provider was not paid');
}

function print(attack: Attack, on: Outcome, off: Outcome | undefined, seconds: number): void {
  const count = (n: number) => String(n).padEnd(3);
  console.log(
    `${attack.name.padEnd(33)} tries ${count(on.tries)} accepted ${count(on.accepted)}` +
      ` | ${off ? `check off: accepted ${off.accepted} of ${off.tries}` : attack.needed} | ${seconds.toFixed(1)} s`,
  );
  for (const problem of new Set([...on.problems, ...(off?.problems ?? [])]))
    console.log(`  ! ${problem}`);
}

async function main(isAll: boolean, parts: readonly string[]): Promise<boolean> {
  const isChosen = ({ name, rule }: Attack): boolean =>
    !parts.length || parts.some((part) => name.includes(part) || rule.startsWith(part));
  const attacks = FAMILIES.filter((a) => isChosen(a) && (isAll || !a.isLong));
  if (!attacks.length) throw new Error('no attack has such a name or rule');
  const forger = await createForger(await readModel(MODEL));
  const thread = await startReplays();
  const data = await beginData(e2e(), begunMs());
  let started: Started | undefined;
  let markers = 0n;
  /** A child of the head with a version that was never one: every judge refuses it, and for nothing else. */
  const marker = async ({ proof }: Block): Promise<Block> => {
    const { header, id } = arena.chain.head();
    const height = header.height + 1;
    const child = { ...header, version: 0, height, prevHash: id, nonce: markers++ };
    return { header: child, body: bodyOf(), proof };
  };
  const arena = await Arena.open(
    {
      network: e2e(),
      genesis: data.genesis,
      forger,
      async open(answer, network) {
        started = await openFour(network, data, answer, marker);
        return started.judges;
      },
    },
    [],
  );
  const weakened = new Weakened(forger, thread, data.genesis);
  let [tries, accepted, problems, differences] = [0, 0, 0, 0];
  /** Rules that an attack broke. */
  const failed: Attack['rule'][] = [];
  try {
    for (const attack of attacks) {
      const startedMs = performance.now();
      const on = await withRules(arena, attack);
      const off = attack.needed === undefined ? await weakened.attack(attack) : undefined;
      print(attack, on, off, (performance.now() - startedMs) / 1000);
      tries += on.tries;
      accepted += on.accepted;
      if (on.accepted) failed.push(attack.rule);
      differences += on.differences;
      problems += on.problems.length + (off?.problems.length ?? 0);
    }
    await control(arena);
  } finally {
    await weakened.close();
    await arena.close();
    await started?.stop();
    await thread.stop();
  }
  const rules = new Set(attacks.map(({ rule }) => rule));
  const broken = new Set(failed);
  console.log(`${attacks.length} attacks, ${tries} tries, accepted ${accepted}`);
  console.log(
    differences
      ? `verdicts differ ${differences} times`
      : `verdicts equal on ${arena.judges.length} kinds of judge`,
  );
  console.log(`accepted ${broken.size} of ${rules.size}`);
  return problems === 0;
}

const words = process.argv.slice(2);
const runMs = words.includes('--all') ? ALL_MS : RUN_MS;
const limit = setTimeout(() => {
  console.error(`the attacks did not end in ${runMs / 60_000} minutes`);
  process.exit(1);
}, runMs);
const parts = words.filter((word) => !word.startsWith('--'));
const done = await main(words.includes('--all'), parts).catch((e: unknown) => {
  console.error(e);
  return false;
});
clearTimeout(limit);
process.exit(done ? 0 : 1);
