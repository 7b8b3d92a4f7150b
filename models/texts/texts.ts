/**
 * Makes the texts that imports are measured on, from files of Debian by their hashes and the project's own
 * sentences, into .cache/texts: sets.json of encoders, passages.json of language models.
 * Usage: npm run model:texts -- [--from FOLDER: where Debian's files may lie already]
 * The same files give the same sets on every machine. Needs python3, which unpacks bzip2 and xz.
 */
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { AppError } from '../../src/lib/errors.ts';
import { textFromBytes } from '../../src/lib/text-file.ts';
import { fetchFile, type Pinned } from '../fetch/source.ts';
import { debFiles, descriptions, glosses, manuals, unpack, type Described } from './debian.ts';
import { passagesFile, setsFile, textsFolder } from './files.ts';
import { drawPassages, type Passages } from './passages.ts';
import { DESCRIPTIONS, DOCUMENTS, MANUALS, WORDNET } from './pinned.ts';
import { drawSets, SEED, type Sets } from './sets.ts';

const LINGUA = join(import.meta.dirname, '../lingua');
const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean);

/** Sentences that lingua was trained on, by language; those that belong to none are left out. */
function trainedTalk(): Record<string, string[]> {
  const files = readdirSync(join(LINGUA, 'train')).filter((f) => /^[a-z]+\.txt$/.test(f));
  const named = files.map((file) => [file.slice(0, -4), join(LINGUA, 'train', file)] as const);
  return Object.fromEntries(
    named
      .filter(([lang]) => lang !== 'none')
      .map(([lang, path]) => [lang, linesOf(readFileSync(path, 'utf8'))]),
  );
}

const write = (path: string, value: unknown): void => {
  mkdirSync(textsFolder(), { recursive: true });
  writeFileSync(path, JSON.stringify(value));
};

type Get = (file: Pinned) => Promise<Uint8Array>;

async function makePassages(get: Get): Promise<Passages> {
  const { en } = DESCRIPTIONS;
  const packages = new Map([
    ['descriptions', new Map([['Translation-en', unpack(en.name, await get(en))]])],
  ]);
  for (const [name, file] of Object.entries(DOCUMENTS))
    packages.set(name, debFiles(await get(file)));
  const found = drawPassages(packages, SEED);
  write(passagesFile(), found);
  return found;
}

async function makeSets(get: Get): Promise<Sets> {
  const translated = async (lang: string, file: Pinned): Promise<Described[]> =>
    descriptions(lang, textFromBytes(unpack(file.name, await get(file))));
  const described: Record<string, Described[]> = {};
  for (const [lang, file] of Object.entries(DESCRIPTIONS))
    described[lang] = await translated(lang, file);
  const pages: Described[] = [];
  for (const file of MANUALS) pages.push(...manuals(await get(file)));
  const sets = drawSets({
    descriptions: described,
    manuals: pages,
    glosses: glosses(await get(WORDNET)),
    talk: trainedTalk(),
  });
  write(setsFile(), sets);
  return sets;
}

const { values } = parseArgs({ options: { from: { type: 'string' } } });
try {
  const fetching = {
    folder: join(textsFolder(), 'sources'),
    from: values.from,
    log: console.error,
  };
  const get: Get = async (file) => new Uint8Array(await readFile(await fetchFile(file, fetching)));
  const { seed, retrieval, groups } = await makeSets(get);
  console.log(`seed ${seed}`);
  for (const [name, { queries, documents }] of Object.entries(retrieval))
    console.log(`${name}: ${queries.length} queries, ${documents.length} documents`);
  for (const [name, texts] of Object.entries(groups)) console.log(`${name}: ${texts.length}`);
  const { passages } = await makePassages(get);
  for (const [name, own] of Map.groupBy(passages, (p) => `${p.kind}, ${p.tokens} tokens`))
    console.log(`${name}: ${own.length} passages`);
} catch (e) {
  const { code, message } = AppError.from(e);
  console.error(`${code}: ${message}`);
  process.exitCode = 1;
}
