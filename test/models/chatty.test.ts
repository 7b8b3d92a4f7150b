import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTokeniser } from '../../src/client/models/tokeniser.ts';
import { createCpuBackend } from '../../src/miner/cpu/cpu.ts';
import type { Backend } from '../../src/miner/engine/backend.ts';
import { openLanguage } from '../../src/miner/generator/course.ts';
import { Generator } from '../../src/miner/generator/generate.ts';
import { optionsOf } from '../../src/miner/generator/options.ts';
import { verify } from '../../src/miner/generator/verify.ts';
import { loadPackage } from '../../src/miner/package/package.ts';
import { planParts } from '../../src/miner/package/parts.ts';
import { PassStepper } from '../miner/generator/pass-stepper.ts';
import { chatty, CHATTY_SIZE, writeChatty, type Chatty } from './chatty.ts';

let made: Chatty;
let backend: Backend;
let folder: string;
beforeAll(async () => {
  made = chatty();
  backend = await createCpuBackend(made.model);
  folder = await mkdtemp(join(tmpdir(), 'pila-chatty-'));
});
afterAll(async () => {
  await backend?.close();
  await rm(folder, { recursive: true });
});

const words =
  'system\nYou are Chatty.<|im_end|>\n<|im_start|>user\nHow deep is the snow?<|im_end|>\n';

it('is a small package that lies on disk as it is in memory', async () => {
  const bytes = planParts(made.model.manifest).parts.reduce((sum, { size }) => sum + size, 0);
  expect(bytes).toBeLessThan(2e6);
  writeChatty(folder, made);
  const file = async (name: string) => new Uint8Array(await readFile(join(folder, name)));
  expect((await loadPackage(file)).id).toEqual(made.model.id);
  const { tokenizer, template } = made.model.manifest;
  expect((await file('tokenizer.json')).length).toBe(tokenizer!.size);
  expect((await file('generation.json')).length).toBe(template!.size);
});

it('has a token for each byte, and for its words and control words', async () => {
  const tokeniser = await createTokeniser(made.tokenizer);
  const text = `${words}caffè, 42 🦊 \u0000\u{10ffff}\r\n\t`;
  const ids = tokeniser.encode(text);
  expect(Math.max(...ids)).toBeLessThan(CHATTY_SIZE.vocabulary);
  expect(tokeniser.decode(ids)).toBe(text);
  expect([...ids].filter((id) => id === 2)).toHaveLength(2);
  expect(ids.length).toBeLessThan(text.length);
});

it('answers at length, with what it says following from the package alone', async () => {
  const tokeniser = await createTokeniser(made.tokenizer);
  const input = tokeniser.encode(`${words}<|im_start|>assistant\n`);
  const language = await openLanguage(made.model.manifest, made.model.tables, made.generation);
  for (const said of [{}, { maxTokens: 150 }, { temperature: 0 }]) {
    const options = optionsOf(language.generation.defaults, said);
    const generator = new Generator(language, new PassStepper(made.model, backend));
    const answer: number[] = [];
    for await (const { token } of generator.generate({ input, options })) answer.push(token);
    expect(answer.length).toBeGreaterThan(30);
    const claim = { input, options, answer: Uint32Array.from(answer) };
    expect(await verify(language, backend, claim)).toEqual({ right: true });
    expect(tokeniser.decode(claim.answer)).toMatch(/\p{L}{4}/u);
  }
});
