/**
 * `npm run -s channel:sim -- --seeds 1..200`: askers and providers of prepaid answers, liars among them, that die
 * between any two effects, over a chain that goes back to any depth up to 8: the real state machine, beside a plain
 * ledger that must agree after each block. The same seed gives the same run. Ends with what an honest end lost at
 * most, in steps that may be unpaid at that point (docs/protocol.md §9.1).
 */
import { registerHooks } from 'node:module';
import { parseArgs } from 'node:util';
import type { FaultCode } from '../../src/core/faults.ts';

// The same vouchers and receipts come again in each seed: signed and verified once in this process.
let isReplaced = false;
registerHooks({
  resolve(specifier, context, next) {
    const isCore = context.parentURL?.includes('/src/core/');
    if (!isCore || specifier !== '@noble/curves/secp256k1.js') return next(specifier, context);
    isReplaced = true;
    return next(new URL('./known-signatures.ts', import.meta.url).href, context);
  },
});
const { simulate, ASKER_LIARS, PROVIDER_LIARS } = await import('./world.ts');
const { WITHOUT } = await import('./rules.ts');
if (!isReplaced) throw new Error('core imports no secp256k1: each run would take far longer');

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1..20' },
    /** Kinds of liars, by commas. */
    askers: { type: 'string' },
    providers: { type: 'string' },
    /** The rule that honest ends leave out. */
    without: { type: 'string' },
    /** The rule of consensus that the state machine leaves out. */
    off: { type: 'string' },
    /** Ends at the first seed that costs more than a step, or whose coins are not where they should be. */
    bail: { type: 'boolean' },
    verbose: { type: 'boolean' },
  },
});
const without = values.without as keyof typeof WITHOUT | undefined;
if (without && !(without in WITHOUT))
  throw new Error(`--without: one of ${Object.keys(WITHOUT).join(', ')}`);
const named = <T extends string>(text: string | undefined, all: readonly T[]): readonly T[] =>
  text === undefined ? all : all.filter((name) => text.split(',').includes(name));
const options = {
  askers: named(values.askers, ASKER_LIARS),
  providers: named(values.providers, PROVIDER_LIARS),
  ...(without && { rules: WITHOUT[without] }),
  ...(values.off && { off: [values.off as FaultCode] }),
};
const [first = 1, last = first] = values.seeds.split('..').map(Number);
const totals: Record<string, number> = {};
let [worst, unbalanced] = [0, ''];
for (let seed = first; seed <= last; seed++) {
  const outcome = simulate(seed, options);
  const { worst: loss, worstWho } = outcome;
  worst = Math.max(worst, loss.steps);
  if (outcome.unbalanced) unbalanced ||= `seed ${seed}: ${outcome.unbalanced}`;
  for (const [name, value] of Object.entries(outcome))
    if (typeof value === 'number' && name !== 'seed') totals[name] = (totals[name] ?? 0) + value;
  if (values.verbose || loss.steps > 1 || outcome.unbalanced)
    console.log(`seed ${seed}: ${loss.steps} steps, ${loss.nV} nV by ${worstWho}`);
  if (values.bail && (loss.steps > 1 || outcome.unbalanced)) break;
}
const { answered, answeredHonestly, deaths, reorganisations, lies, provenLies, slanders } = totals;
console.log(
  `${answered} answers, ${answeredHonestly} of them between honest ends, ${deaths} deaths, ` +
    `${reorganisations} reorganisations, ${lies} wrong answers of which ${provenLies} receipts show it, ` +
    `${slanders} honest providers called liars`,
);
const money = unbalanced ? `not conserved (${unbalanced})` : 'conserved';
const steps = `${worst} ${worst === 1 ? 'step' : 'steps'}`;
console.log(
  `channel:sim: ${last - first + 1} seeds, ${money}, most lost by an honest party ${steps}`,
);
process.exitCode = worst > 1 || unbalanced || slanders || lies !== provenLies ? 1 : 0;
