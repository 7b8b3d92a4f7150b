/** A page with a language model, and what the model's package gives in Node, by its own steps: what the page must give. */
import { mkdtempSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, type Browser, type Page } from '@playwright/test';
import type { ChatMessage } from '../../src/client/api.ts';
import { createChat } from '../../src/client/models/chat.ts';
import { createCpuBackend } from '../../src/miner/cpu/cpu.ts';
import { openLanguage } from '../../src/miner/generator/course.ts';
import { Generator } from '../../src/miner/generator/generate.ts';
import { optionsOf, seedFromText, type Choosing } from '../../src/miner/generator/options.ts';
import { loadPackage, TOKENIZER_FILE } from '../../src/miner/package/package.ts';
import { models } from '../../src/ui/i18n/en/models.ts';
import { writeChatty } from '../../test/models/chatty.ts';
import { button } from './app.ts';
import { removeData, startSeed, type Seed } from './seed.ts';

export interface ChatPage {
  /** Of the generated model's package. */
  readonly folder: string;
  readonly name: string;
  readonly seed: Seed;
  readonly page: Page;
  close(): Promise<void>;
}

/** The Ask screen with the generated model on its device, which a seed of its own gave. */
export async function openChatPage(browser: Browser): Promise<ChatPage> {
  const folder = mkdtempSync(join(tmpdir(), 'pila-chatty-'));
  const { name } = writeChatty(folder).model.manifest;
  const seed = await startSeed({ network: 'e2e', args: ['--package', folder] });
  const context = await browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'] });
  const page = await context.newPage();
  await page.goto(`${seed.url}#/ask`);
  await button(page, models.fetch(name)).click();
  await expect(page.getByRole('option', { name, exact: true })).toBeAttached();
  const close = async (): Promise<void> => {
    await context.close();
    await seed.kill();
    removeData(seed);
    rmSync(folder, { recursive: true });
  };
  return { folder, name, seed, page, close };
}

export interface Expected {
  readonly text: string;
  readonly tokens: number;
}

/** The answer to a conversation's last question, with the options as a page's fields say them. */
export async function answerOf(
  folder: string,
  messages: readonly ChatMessage[],
  { seed, ...said }: Partial<Choosing> & { readonly seed: string },
): Promise<Expected> {
  const read = async (file: string) => new Uint8Array(await readFile(join(folder, file)));
  const model = await loadPackage(read);
  const generation = model.generation!;
  const chat = await createChat(model.manifest, await read(TOKENIZER_FILE), generation);
  const language = await openLanguage(model.manifest, model.tables, generation);
  const options = optionsOf(language.generation.defaults, { ...said, seed: seedFromText(seed) });
  const { tokens: input } = chat.encode(messages);
  const cpu = await createCpuBackend(model);
  const steps = await cpu.steps!({ together: 8, conversations: 1 });
  const made: number[] = [];
  for await (const { token } of new Generator(language, steps).generate({ input, options }))
    made.push(token);
  await cpu.close();
  const text = new TextDecoder().decode(chat.bytesOf(Uint32Array.from(made)));
  return { text, tokens: made.length };
}
