/** The texts that models are measured on: what is read of Debian's files, and what a seed draws of it. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { debFiles, descriptions, glosses, manuals, unpack } from '../../../models/texts/debian.ts';
import { ODD } from '../../../models/texts/odd.ts';
import { DESCRIPTIONS, DOCUMENTS, MANUALS, WORDNET } from '../../../models/texts/pinned.ts';
import { drawSets, type Read } from '../../../models/texts/sets.ts';
import { utf8 } from '../../../src/lib/bytes.ts';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
const padded = (bytes: Uint8Array, to: number): Buffer =>
  Buffer.concat([bytes, Buffer.alloc((to - (bytes.length % to)) % to)]);

/** A Debian package of these files. */
function debOf(files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const entry = (path: string, bytes: Uint8Array, kind: string) => {
    const head = Buffer.alloc(512);
    head.write(`./${path}`.slice(0, 100));
    head.write(bytes.length.toString(8).padStart(11, '0'), 124);
    head.write(kind, 156);
    return Buffer.concat([head, padded(bytes, 512)]);
  };
  const entries = Object.entries(files).flatMap(([path, bytes]) => [
    ...(path.length > 98 ? [entry('@LongLink', utf8(`./${path}\0`), 'L')] : []),
    entry(path, bytes, '0'),
  ]);
  const members: [string, Uint8Array][] = [
    ['debian-binary', utf8('2.0')],
    ['data.tar.gz', gzipSync(Buffer.concat([...entries, Buffer.alloc(1024)]))],
  ];
  const written = members.map(([name, bytes]) => {
    const head = Buffer.alloc(60, ' ');
    head.write(name);
    head.write(String(bytes.length), 48);
    return Buffer.concat([head, padded(bytes, 2)]);
  });
  return new Uint8Array(Buffer.concat([Buffer.from('!<arch>\n'), ...written]));
}

test('packed files, and files of a package', () => {
  const xz = Buffer.from(
    '/Td6WFoAAATm1rRGAgAhARYAAAB0L+WjAQADYWJjCgCHaS2POTPp2wABHARvLJzBH7bzfQEAAAAABFla',
    'base64',
  );
  const bz2 = Buffer.from('QlpoOTFBWSZTWergjesAAADBAAAQMAAgACGYGYRhdyRThQkOrgjesA==', 'base64');
  for (const [name, bytes] of [
    ['a.xz', xz],
    ['a.bz2', bz2],
  ] as const)
    expect(text(unpack(name, bytes)), name).toMatch(/^abc?\n$/);
  expect(() => unpack('a.xz', bz2)).toThrow('a.xz: ');
  const long = `${'deep/'.repeat(30)}file`;
  const files = { 'a/b': utf8('odd'), [long]: utf8('far down'), c: utf8('even') };
  expect([...debFiles(debOf(files))].map(([path, bytes]) => [path, text(bytes)])).toEqual([
    ['a/b', 'odd'],
    [long, 'far down'],
    ['c', 'even'],
  ]);
});

test('descriptions, pages and glosses lose their markup', () => {
  const translated =
    'Package: a\nDescription-md5: 1\nDescription-it: uno\n due\n .\n  tre\n\n' +
    'Package: b\nDescription-de: eins\n zwei\n';
  expect(descriptions('it', translated)).toEqual([{ short: 'uno', long: 'due tre' }]);
  const page =
    '.TH X 1\n.SH NAME\nx \\- do \\fBmany\\fP things\n' +
    '.SH DESCRIPTION\n.PP\nSee \\f(CWy\\fR\nand\n.BR z (1).\n.SH FILES\nnone\n';
  const pages = {
    'usr/share/man/man1/x.1.gz': gzipSync(page),
    'usr/share/man/man1/y.1.gz': gzipSync('.so man1/x.1\n'),
    'usr/share/doc/x.gz': gzipSync(page),
  };
  expect(manuals(debOf(pages))).toEqual([{ short: 'do many things', long: 'See y and z (1).' }]);
  const data = '  1 licence\n0001 03 n 02 big_cat 0 lion 0 000 | a large cat; "it roars"  \n';
  const dict = Object.fromEntries(
    ['noun', 'verb', 'adj', 'adv'].map((part) => [
      `usr/share/wordnet/data.${part}`,
      utf8(part === 'noun' ? data : ''),
    ]),
  );
  expect(glosses(debOf(dict))).toEqual([{ gloss: 'a large cat', words: 'big cat, lion' }]);
});

const described = (lang: string, count: number) =>
  Array.from({ length: count }, (_, i) => ({
    short: `${lang} number ${i} in short`,
    long: `${lang} number ${i} at length `.repeat(i % 3 ? 8 : 60).trim(),
  }));
const talk = Object.fromEntries(
  ['en', 'it', 'de'].map((lang) => [
    lang,
    Array.from({ length: 50 }, (_, i) => `sentence ${i} in ${lang}`),
  ]),
);
const READ: Read = {
  descriptions: { en: described('en', 6000), it: described('it', 200) },
  manuals: described('page', 1500),
  glosses: Array.from({ length: 4000 }, (_, i) => ({
    gloss: `what is meant by word ${i % 3900}`,
    words: i % 2 ? `word ${i}` : `word ${i}, name ${i}`,
  })),
  talk,
};

test('a seed draws the same sets, and no text is asked or searched twice', () => {
  const sets = drawSets(READ);
  expect(drawSets(READ)).toEqual(sets);
  expect(drawSets(READ, 1)).not.toEqual(sets);
  for (const [name, { queries, documents }] of Object.entries(sets.retrieval)) {
    expect(new Set(queries).size, name).toBe(queries.length);
    expect(new Set(documents).size, name).toBe(documents.length);
    expect(queries.length, name).toBe(documents.length);
    expect(documents.length, name).toBeGreaterThan(1000);
  }
  const { debian } = sets.retrieval;
  const number = (of: string): string => /number (\d+)/.exec(of)![1]!;
  expect(debian!.queries.map(number)).toEqual(debian!.documents.map(number));
  const { long, odd, words } = sets.groups;
  expect(long!.filter((one) => debian!.documents.includes(one))).toEqual([]);
  expect([long!.length, odd, words!.length]).toEqual([100, ODD, 150]);
  expect([sets.groups['debian-it']!.length, sets.groups['talk-it']!.length]).toEqual([60, 40]);
});

test('the text that imports are calibrated with holds none of those measured on', () => {
  const read = (path: string): string[] =>
    readFileSync(join(import.meta.dirname, '../../../models', path), 'utf8')
      .split('\n')
      .map((line) => line.trim().toLowerCase())
      .filter(Boolean);
  const sentences = readdirSync(join(import.meta.dirname, '../../../models/lingua/train'))
    .filter((file) => file.endsWith('.txt'))
    .flatMap((file) => read(`lingua/train/${file}`));
  const measured = new Set([...sentences, ...ODD.map((text) => text.trim().toLowerCase())]);
  const own = read('import/sample.txt');
  expect(own.length).toBeGreaterThan(200);
  expect(own.filter((line) => measured.has(line))).toEqual([]);
});

test('files that sets are drawn from are told apart', () => {
  const all = [...Object.values(DESCRIPTIONS), ...MANUALS, WORDNET, ...Object.values(DOCUMENTS)];
  for (const key of ['name', 'sha256'] as const)
    expect(new Set(all.map((file) => file[key])).size, key).toBe(all.length);
});
