/**
 * The e2e of language models with the real packages, where they are on this computer.
 * Usage: npm run -s e2e:models
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** Served models, and the specs that ask them. */
const MODELS = ['smollm2'];
const SPECS = ['generate'];

for (const name of MODELS) {
  const folder = join(import.meta.dirname, '../../.cache/models', name);
  if (!existsSync(join(folder, 'manifest.json'))) {
    console.log(`${name}: skipped, it is not here: npm run model:fetch -- ${name}`);
    continue;
  }
  const config = 'e2e/playwright.config.ts';
  const args = ['playwright', 'test', '--reporter=list', '--config', config, ...SPECS];
  const env = { ...process.env, PILA_PACKAGE: folder };
  const { status } = spawnSync('npx', args, { stdio: 'inherit', env });
  if (status) process.exitCode = 1;
}
