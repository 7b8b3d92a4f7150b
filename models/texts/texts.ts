/**
 * Makes the texts that imports are measured on, from files of Debian by their hashes and the project's own
 * sentences, into .cache/texts/sets.json.
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
import { descriptions, glosses, manuals, unpack, type Described } from './debian.ts';
import { setsFile, textsFolder } from './files.ts';
import { DESCRIPTIONS, MANUALS, WORDNET } from './pinned.ts';
import { drawSets, type Sets } from './sets.ts';

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

async function make(from: string | undefined): Promise<Sets> {
  const fetching = { folder: join(textsFolder(), 'sources'), from, log: console.error };
  const get = async (file: Pinned): Promise<Uint8Array> =>
    new Uint8Array(await readFile(await fetchFile(file, fetching)));
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
  mkdirSync(textsFolder(), { recursive: true });
  writeFileSync(setsFile(), JSON.stringify(sets));
  return sets;
}

const { values } = parseArgs({ options: { from: { type: 'string' } } });
try {
  const { seed, retrieval, groups } = await make(values.from);
  console.log(`seed ${seed}`);
  for (const [name, { queries, documents }] of Object.entries(retrieval))
    console.log(`${name}: ${queries.length} queries, ${documents.length} documents`);
  for (const [name, texts] of Object.entries(groups)) console.log(`${name}: ${texts.length}`);
} catch (e) {
  const { code, message } = AppError.from(e);
  console.error(`${code}: ${message}`);
  process.exitCode = 1;
}
