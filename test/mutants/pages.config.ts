/** As the end-to-end tests are set up; but with a mutant a test waits for what never comes, and need not do so for long. */
import { join } from 'node:path';
import { defineConfig } from '@playwright/test';
import config from '../../e2e/playwright.config.ts';

const e2e = join(import.meta.dirname, '../../e2e');

export default defineConfig(config, {
  testDir: e2e,
  outputDir: join(e2e, '../test-results'),
  expect: { timeout: 30_000 },
});
