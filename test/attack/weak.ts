/**
 * One attack in a process of its own, with one module of the program replaced: a rule that has no code is left out so.
 * Prints its outcome as JSON. Usage: node weak.ts SEAM NAME
 */
import { registerHooks } from 'node:module';
import type { Seam } from './attack-type.ts';

/** Modules that are replaced, by the name of the file in seams/ that stands in for them. */
const SEAMS: Readonly<Record<Seam, string>> = {
  'any-lead': '/src/core/header/fork-choice.ts',
  'by-fee': '/src/chain/shared/fees.ts',
  'no-floor': '/src/chain/shared/fees.ts',
  'no-wait': '/src/core/header/header.ts',
  'half-of-head': '/src/core/header/fork-choice.ts',
  'any-place': '/src/core/light-safety.ts',
  'no-deep': '/src/core/header/fork-choice.ts',
  'no-rest': '/src/chain/full/follow.ts',
  'any-entry': '/src/client/wallet/history-proof.ts',
  'any-count': '/src/client/wallet/history-proof.ts',
};

function replace(seam: Seam): void {
  const own = new URL(`./seams/${seam}.ts`, import.meta.url).href;
  registerHooks({
    resolve(specifier, context, next) {
      const found = next(specifier, context);
      const isIts = found.url.endsWith(SEAMS[seam]) && context.parentURL !== own;
      return isIts ? { ...found, url: own } : found;
    },
  });
}

if (import.meta.main) {
  const [seam, name] = process.argv.slice(2);
  replace(seam as Seam);
  const { runAlone } = await import('./weakened.ts');
  console.log(JSON.stringify(await runAlone(name!)));
  process.exit(0);
}
