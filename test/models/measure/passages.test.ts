/** Passages that language models are measured on: what is read of documents, and what a seed draws of them. */
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import {
  conversation,
  drawPassages,
  listed,
  paragraphs,
  PASSAGE_PACKAGES,
  type Packages,
} from '../../../models/texts/passages.ts';
import { DOCUMENTS } from '../../../models/texts/pinned.ts';
import { utf8 } from '../../../src/lib/bytes.ts';

test('paragraphs of a page, without markup and headings', () => {
  const long = 'A paragraph that has more than a few words in it, and so is taken for one. ';
  const page =
    `<h1>${long}</h1><p class="a">${long}<b>bold</b> &amp; &#233;&#x2014;\n  x</p>` +
    `<p>short</p><div class="para">${long}&unknown;</div><div>${long}</div>`;
  expect(paragraphs(page)).toBe(`${long}bold & é— x\n\n${long}&unknown;`);
});

test('what is said in a scenario, and by whom', () => {
  const scenario =
    '[event]\n[message]\n  speaker=narrator\n  message= _ "It was ""late""."\n[/message]\n' +
    '[message]\n  message=_"Who <i>goes</i>\n there?"\n  speaker=Garard II\n[/message]\n' +
    '#[message]\n#speaker=Nobody\n#message=_"left out"\n#[/message]\n' +
    '[message]\n  speaker=unit\n  message=_"I."\n[/message]\n[message]\n speaker=X\n[/message]\n';
  expect(conversation(scenario)).toBe('It was "late".\n\nGarard II: Who goes there?\n\nI.');
});

test('descriptions with a list keep their lines', () => {
  const items = ' * one\n * two\n   goes on\n * three\n  - four\n';
  const file =
    `Package: a\nDescription-md5: 1\nDescription-en: has a list\n These:\n .\n${items}\n` +
    'Package: b\nDescription-md5: 2\nDescription-en: has none\n Just text.\n';
  expect(listed(file)).toBe('a: has a list\nThese:\n\n* one\n* two\n  goes on\n* three\n - four');
});

/** Documents of numbered lines. */
const lines = (name: string, count: number, of = (i: number) => `${name} line ${i}`): string =>
  Array.from({ length: count }, (_, i) => of(i)).join('\n');
const scenario = (i: number): string =>
  `[message]\nspeaker=Somebody\nmessage=_"sentence ${i} of a conversation"\n[/message]`;
const paragraph = (i: number): string => `<p>${`paragraph ${i} `.repeat(12)}</p>`;
const entry = (i: number): string =>
  `Package: p${i}\nDescription-en: short\n${' * item\n'.repeat(5)}\n`;

function packages(): Packages {
  const file = (name: string, text: string): [string, Uint8Array] => [
    name,
    name.endsWith('.gz') ? new Uint8Array(gzipSync(text)) : utf8(text),
  ];
  const python = 'usr/lib/python3.11';
  const log = 'usr/share/doc/x/changelog.gz';
  const campaign = (name: string): [string, [string, Uint8Array][]] => [
    name,
    [file('data/scenarios/1.cfg', lines('', 900, scenario)), file(log, lines(name, 3000))],
  ];
  const all: [string, [string, Uint8Array][]][] = [
    ['anarchism', [file('usr/html/secA.html', lines('', 400, paragraph))]],
    [
      'harden-doc',
      [file('usr/html/en-US/ch1.html', lines('', 400, paragraph)), file(log, lines('h', 3000))],
    ],
    [
      'developers-reference',
      [file('usr/share/developers-reference/pkgs.html', lines('', 400, paragraph))],
    ],
    [
      'libpython3.11-stdlib',
      ['a', 'b', 'c'].flatMap((name) => [
        file(`${python}/${name}.py`, lines(name, 2000)),
        file(`${python}/sub/${name}.py`, lines(`sub ${name}`, 2000)),
      ]),
    ],
    ['node-underscore', [file('usr/underscore-esm.js', lines('js', 3000))]],
    ...['wesnoth-1.16-dm', 'wesnoth-1.16-dw', 'wesnoth-1.16-l'].map(campaign),
    ['fortunes', [file('games/fortunes/definitions', lines('f', 3000))]],
    ['descriptions', [file('Translation-en', lines('', 2000, entry))]],
    ['miscfiles', [file('share/us-constitution.gz', lines('c', 3000))]],
  ];
  return new Map(all.map(([name, files]) => [name, new Map(files)]));
}

test('a seed draws the same passages, disjoint, of every kind, from packages that are pinned', () => {
  const drawn = drawPassages(packages(), 1);
  expect(drawPassages(packages(), 1)).toEqual(drawn);
  expect(drawPassages(packages(), 2)).not.toEqual(drawn);
  const reversed = [...packages()].map(([name, files]) => [name, new Map([...files].reverse())]);
  expect(drawPassages(new Map(reversed as [string, Map<string, Uint8Array>][]), 1)).toEqual(drawn);
  const count = (tokens: number) =>
    Object.fromEntries(
      [
        ...Map.groupBy(
          drawn.passages.filter((p) => p.tokens === tokens),
          (p) => p.kind,
        ),
      ].map(([kind, own]) => [kind, own.length]),
    );
  expect(count(512)).toEqual({ prose: 16, code: 16, dialogue: 16, lists: 16, known: 4 });
  expect(count(2048)).toEqual({ prose: 4, code: 4, dialogue: 3, lists: 3 });
  for (const tokens of [512, 2048]) {
    const own = drawn.passages.filter((p) => p.tokens === tokens);
    // Of English a token has 4 characters or so, of code and numbers 3.
    expect(Math.min(...own.map(({ text }) => text.length))).toBeGreaterThan(5 * tokens);
    expect(new Set(own.map(({ name, text }) => name + text.slice(0, 100))).size).toBe(own.length);
  }
  const python = drawn.passages.filter(({ name }) => name.startsWith('libpython'));
  // Each document is asked before one is asked again.
  expect(new Set(python.slice(0, 3).map(({ name }) => name)).size).toBe(3);
  expect([...PASSAGE_PACKAGES].filter((name) => !DOCUMENTS[name])).toEqual(['descriptions']);
});

test('too little of a package is an error with its name', () => {
  const few = new Map(packages()).set('fortunes', new Map());
  expect(() => drawPassages(few, 1)).toThrow('fortunes has 0 passages, not 3');
});
