/** The importer's arithmetic, and the package that it makes of a file, are the same in Node and in a real Chromium. */
import { join } from 'node:path';
import { chromium } from '@playwright/test';
import { expect, it } from 'vitest';
import { bundleWorker, CHROMIUM } from '../../browser/harness.ts';
import { arithmeticDigests, importedId } from './digests.ts';

it('Node and Chromium give the same bytes', async () => {
  const content = await bundleWorker(join(import.meta.dirname, 'digests.page.ts'));
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    await page.addScriptTag({ content, type: 'module' });
    await page.waitForFunction('globalThis.arithmeticDigests');
    const there = await page.evaluate<Record<string, string>>('arithmeticDigests()');
    const here = await arithmeticDigests();
    expect(Object.keys(here).length).toBeGreaterThan(10);
    expect(there).toEqual(here);
    expect(await page.evaluate('importedId()')).toBe(await importedId());
  } finally {
    await browser.close();
  }
});
