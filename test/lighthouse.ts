/**
 * Lighthouse on the built app, from a real seed, as a phone and as a desktop: `npm run -s lighthouse`.
 * Exits 1 unless accessibility and best practices are 100. Performance is reported: it is of this machine.
 */
import { chromium } from '@playwright/test';
import lighthouse, { desktopConfig, type Result } from 'lighthouse';
import { freePort, removeData, startSeed } from '../e2e/support/seed.ts';
import { CHROMIUM_FLAGS, findChromium } from './chromium.ts';

/** Categories, and the score, of 100, that each must have. */
const LEAST = { accessibility: 100, 'best-practices': 100, performance: 0 };

/** On a busy machine the browser's trace may lack its beginning: that says nothing of the app. */
const TRIES_MAX = 3;

const seed = await startSeed({ network: 'e2e' });
const port = await freePort();
const browser = await chromium.launch({
  executablePath: findChromium(),
  args: [...CHROMIUM_FLAGS, `--remote-debugging-port=${port}`],
});
let faults = 0;
for (const [device, config] of [['phone'], ['desktop', desktopConfig]] as const) {
  const onlyCategories = Object.keys(LEAST);
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
  const scores = Object.entries(LEAST).map(([name, least]) => {
    const { score, auditRefs } = categories[name]!;
    const points = Math.round((score ?? 0) * 100);
    if (points < least) {
      faults++;
      for (const { id, weight } of auditRefs) {
        const audit = audits[id]!;
        if (!weight || audit.score === null || audit.score === 1) continue;
        console.log(`  ${name}: ${audit.title}`, JSON.stringify(audit.details, undefined, 1));
      }
    }
    return `${name} ${points}`;
  });
  console.log(`${device}: ${scores.join(', ')}`);
}
await browser.close();
await seed.kill();
removeData(seed);
process.exit(faults ? 1 : 0);
