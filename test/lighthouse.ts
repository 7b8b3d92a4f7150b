/**
 * Lighthouse on the built app, from a real seed, as a phone and as a desktop: `npm run -s lighthouse`. Words after it
 * choose among these.
 * Exits 1 unless every audit of accessibility and best practices passes, save that the console may tell of what the
 * keys' worker tried at its start, to see it refused. Performance is reported: it is of this machine.
 */
import { chromium } from '@playwright/test';
import lighthouse, { desktopConfig, type Result } from 'lighthouse';
import { freePort, removeData, startSeed } from '../e2e/support/seed.ts';
import { CHROMIUM_FLAGS, findChromium } from './chromium.ts';

/** Categories, and whether every audit of them must pass. */
const CATEGORIES = { accessibility: true, 'best-practices': true, performance: false };

/** On a busy machine the browser's trace may lack its beginning: that says nothing of the app. */
const TRIES_MAX = 3;

const seed = await startSeed({ network: 'e2e' });
const port = await freePort();
const browser = await chromium.launch({
  executablePath: findChromium(),
  args: [...CHROMIUM_FLAGS, `--remote-debugging-port=${port}`],
});
let faults = 0;

/** Whether all that the console told are refusals that the worker of the keys provoked (wallet/vault/cage.ts). */
function isOfTheCage({ id, details }: Result['audits'][string]): boolean {
  if (id !== 'errors-in-console' || details?.type !== 'table') return false;
  return details.items.every(({ description, sourceLocation }) => {
    const { url } = Object(sourceLocation) as { url?: string };
    const isRefusal = /Content Security Policy|'TrustedScript' assignment/.test(
      JSON.stringify(description),
    );
    return isRefusal && /\/assets\/vault\.worker-[\w-]+\.js$/.test(url ?? '');
  });
}

const words = process.argv.slice(2);

for (const [device, config] of [['phone'], ['desktop', desktopConfig]] as const) {
  if (words.length && !words.includes(device)) continue;
  const onlyCategories = Object.keys(CATEGORIES);
  const flags = { port, onlyCategories, logLevel: 'error' } as const;
  let lhr: Result | undefined;
  let problem = '';
  for (let tries = 0; !lhr && tries < TRIES_MAX; tries++) {
    const result = await lighthouse(seed.url, flags, config);
    problem = result?.lhr.runtimeError?.message ?? '';
    if (!problem) lhr = result?.lhr;
  }
  if (!lhr) throw new Error(problem);
  const { categories, audits } = lhr;
  const scores = Object.entries(CATEGORIES).map(([name, isHeld]) => {
    const { score, auditRefs } = categories[name]!;
    const failed = auditRefs
      .filter(({ weight }) => weight > 0)
      .map(({ id }) => audits[id]!)
      .filter((audit) => audit.score !== null && audit.score < 1 && !isOfTheCage(audit));
    if (isHeld) {
      faults += failed.length;
      for (const { title, details } of failed)
        console.log(`  ${name}: ${title}`, JSON.stringify(details, undefined, 1));
    }
    return `${name} ${Math.round((score ?? 0) * 100)}`;
  });
  console.log(`${device}: ${scores.join(', ')}`);
}
await browser.close();
await seed.kill();
removeData(seed);
process.exit(faults ? 1 : 0);
