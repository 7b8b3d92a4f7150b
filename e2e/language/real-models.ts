/**
 * The e2e of models with the real packages, where they are on this computer.
 * Usage: npm run -s e2e:models [-- part…], of which `minilm` and `smollm2` are the parts
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

interface Part {
  readonly model: string;
  readonly folder: string;
  /** What has this model asked. */
  readonly specs: readonly string[];
}
const PARTS: readonly Part[] = [
  { model: 'minilm', folder: join(ROOT, 'models/minilm'), specs: ['language/search'] },
  {
    model: 'smollm2',
    folder: join(ROOT, '.cache/models/smollm2'),
    specs: ['language/generate', 'prepaid/language'],
  },
];

const words = process.argv.slice(2);
const unknown = words.filter((word) => !PARTS.some(({ model }) => model === word));
if (unknown.length) {
  console.error(`no part ${unknown.join(', ')}; there are ${PARTS.map((p) => p.model).join(', ')}`);
  process.exit(2);
}
for (const { model, folder, specs } of PARTS) {
  if (words.length && !words.includes(model)) continue;
  if (!existsSync(join(folder, 'manifest.json'))) {
    console.log(`${model}: skipped, it is not here: npm run model:fetch -- ${model}`);
    continue;
  }
  const config = 'e2e/playwright.config.ts';
  // One after the other, and with patience: such a model takes all cores and gigabytes.
  const how = ['--reporter=list', '--workers=1', '--timeout=1800000', '--config', config];
  const args = ['playwright', 'test', ...how, ...specs];
  const env = { ...process.env, PILA_PACKAGE: folder };
  const { status } = spawnSync('npx', args, { stdio: 'inherit', env });
  if (status) process.exitCode = 1;
}
