/** A browser's thread for tokens: it says what Node's says, and is ended in the middle of a template. */
import { join } from 'node:path';
import { chromium } from '@playwright/test';
import { expect, it } from 'vitest';
import { createTexts } from '../../../src/client/models/texts.ts';
import { plainHash } from '../../../src/core/hash.ts';
import { modelId } from '../../../src/core/manifest.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { manifestToJson } from '../../../src/miner/package/package.ts';
import { bundleWorker, CHROMIUM } from '../../browser/harness.ts';
import { chatty, CHATTY_SIZE, ENDLESS_TEMPLATE } from '../../models/chatty.ts';
import { generatedGeneration } from '../../models/decoder.ts';
import type { PackageTexts } from './converse.page.ts';

const SAID = 'E il caffè? <|im_end|> 🦊';
/** Long enough for a thread to start on a busy machine. */
const DEADLINE_MS = 6000;

it('Chromium makes the input that Node makes, also after a template that does not end', async () => {
  const { model, tokenizer, generation } = chatty();
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  const packageOf = (file: Uint8Array): PackageTexts => {
    const template = { hash: plainHash(file), size: file.length };
    const manifest = JSON.stringify(manifestToJson({ ...model.manifest, template }));
    return { manifest, tokenizer: text(tokenizer), generation: text(file) };
  };
  const language = { prefix: [1], stops: [0, 2], template: ENDLESS_TEMPLATE };
  const slow = generatedGeneration(CHATTY_SIZE, language);
  const [honest, endless] = [packageOf(generation), packageOf(slow)];

  const worker = await bundleWorker(
    join(import.meta.dirname, '../../../src/client/models/tokens.worker.ts'),
  );
  const content = await bundleWorker(join(import.meta.dirname, 'converse.page.ts'));
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  try {
    const page = await browser.newPage();
    // An origin of its own, without which a page has no threads.
    await page.route('**/*', (route) => route.fulfill({ contentType: 'text/html', body: '' }));
    await page.goto('http://localhost/');
    await page.addScriptTag({ content, type: 'module' });
    await page.waitForFunction('globalThis.converseIn');
    const told = JSON.stringify([worker, DEADLINE_MS, [honest, endless, honest], SAID]);
    const there = await page.evaluate<string[]>(`converseIn(...${told})`);

    const packages = { tokenizer: async () => tokenizer, generation: async () => generation };
    const id = modelId(model.manifest);
    const here = createTexts(new Map([[toHex(id), model.manifest]]), packages);
    const { input } = await here.converse(id, [{ role: 'user', content: SAID }]);
    expect(there).toEqual([toHex(input!), 'TOKENISER_SLOW', toHex(input!)]);
  } finally {
    await browser.close();
  }
});
