/**
 * Training data of `lingua`: .cache/data.json { labels, diagnostics, screens, locale }, each part with
 * the rows [label, text] to train on and those held out. Needs fetch.sh; see README.md.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LANGUAGES, NONE, diagnosticRows, localeRows, screenRows } from './sources.ts';

const cache = join(import.meta.dirname, '.cache');
mkdirSync(cache, { recursive: true });
const data = {
  labels: [...Object.keys(LANGUAGES), NONE],
  diagnostics: diagnosticRows(),
  screens: screenRows(),
  locale: { train: localeRows(), held: [] },
};
writeFileSync(join(cache, 'data.json'), JSON.stringify(data));
for (const name of ['diagnostics', 'screens', 'locale'] as const)
  console.log(`${name}: train ${data[name].train.length}, held out ${data[name].held.length}`);
