/** What a language model's package gives in Node, by its own steps: what a page must give too. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createChat } from '../../src/client/models/chat.ts';
import { createCpuBackend } from '../../src/miner/cpu/cpu.ts';
import { openLanguage } from '../../src/miner/generator/course.ts';
import { Generator } from '../../src/miner/generator/generate.ts';
import { optionsOf, seedFromText, type Choosing } from '../../src/miner/generator/options.ts';
import { loadPackage, TOKENIZER_FILE } from '../../src/miner/package/package.ts';

export interface Expected {
  readonly text: string;
  readonly tokens: number;
}

/** The answer to one question, with the options as a page's fields say them. */
export async function answerOf(
  folder: string,
  question: string,
  { seed, ...said }: Partial<Choosing> & { readonly seed: string },
): Promise<Expected> {
  const read = async (file: string) => new Uint8Array(await readFile(join(folder, file)));
  const model = await loadPackage(read);
  const generation = model.generation!;
  const chat = await createChat(model.manifest, await read(TOKENIZER_FILE), generation);
  const language = await openLanguage(model.manifest, model.tables, generation);
  const options = optionsOf(language.generation.defaults, { ...said, seed: seedFromText(seed) });
  const { tokens: input } = chat.encode([{ role: 'user', content: question }]);
  const cpu = await createCpuBackend(model);
  const steps = await cpu.steps!({ together: 8, conversations: 1 });
  const made: number[] = [];
  for await (const { token } of new Generator(language, steps).generate({ input, options }))
    made.push(token);
  await cpu.close();
  const text = new TextDecoder().decode(chat.bytesOf(Uint32Array.from(made)));
  return { text, tokens: made.length };
}
