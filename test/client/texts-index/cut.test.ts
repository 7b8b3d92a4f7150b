/** Passages of texts: they lie side by side, are the whole text, and keep to the model's limit of tokens. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cut, PASSAGE_CHARS_MAX, sentencesOf } from '../../../src/client/texts-index/cut.ts';
import { isReadable } from '../../../src/client/texts-index/read-text.ts';

/** Words, and one for each mark; a long word has several. */
const tokensOf = (text: string): number =>
  [...text.matchAll(/[\p{L}\p{N}]{1,8}|[\p{P}\p{S}]/gu)].length;
const count = async (texts: readonly string[]) => texts.map(tokensOf);
const cutTexts = async (text: string, limit: number) =>
  (await cut(text, limit, count)).map(({ from, to }) => text.slice(from, to));

const PARTS = [
  ...['A word. ', 'Two of them! ', 'Is it so? ', 'e.g. this. ', '\n', '\n\n', '\r\n', '   ', '\t'],
  ...[
    '# Title\n',
    '## Part\n\n',
    '- item\n',
    '1. first\n',
    '```\n',
    '# no title in code\n',
    '> said\n',
  ],
  ...[
    'è un testo, «così». ',
    '日本語の文章です。',
    'これも。',
    'Привет, мир. ',
    'שלום. ',
    '😀',
    '👩‍👩‍👧‍👦',
    'é',
  ],
  ...[
    '\u200b',
    '\ufeff',
    '\u0301',
    'x'.repeat(90),
    'no blank at all,'.repeat(9).replaceAll(' ', '_'),
  ],
];
const texts = fc.oneof(
  fc.array(fc.constantFrom(...PARTS), { maxLength: 60 }).map((parts) => parts.join('')),
  fc.string({ unit: 'grapheme', maxLength: 400 }),
);

test('passages joined are the text, whatever it is; none begins within a character', async () => {
  await fc.assert(
    fc.asyncProperty(texts, fc.integer({ min: 1, max: 40 }), async (text, limit) => {
      const passages = await cut(text, limit, count);
      if (!isReadable(text)) return void expect(passages).toEqual([]);
      expect(passages.map(({ from, to }) => text.slice(from, to)).join('')).toBe(text);
      expect(passages[0]!.from).toBe(0);
      for (const [i, { from, to }] of passages.entries()) {
        const said = text.slice(from, to);
        expect(to).toBeGreaterThan(from);
        if (i) expect(from).toBe(passages[i - 1]!.to);
        expect(said.isWellFormed()).toBe(true);
        expect(isReadable(said)).toBe(true);
        expect(tokensOf(said)).toBeLessThanOrEqual(Math.max(limit, 1));
      }
    }),
    { numRuns: 400 },
  );
});

test('a paragraph begins a passage where there is enough before it; a heading always does', async () => {
  const text = [
    '# Cells\n\nVolta stacked discs of zinc and copper. Between them lay cloth with brine.\n\n',
    'Short.\n\n',
    'A second paragraph, which goes with the short one before it, and is longer.\n\n',
    '## Frogs\nGalvani saw legs move.\n',
  ];
  expect(await cutTexts(text.join(''), 24)).toEqual([text[0], text[1]! + text[2]!, text[3]]);
});

test('lines that a program broke are one sentence; items, code and headings are not', async () => {
  const text = 'A sentence that goes\non in the next line. Another\none.\n- an item\n- one more\n';
  expect(sentencesOf('A sentence that goes\non in the next line. Another\none.').length).toBe(2);
  expect(await cutTexts(text, 12)).toEqual([
    'A sentence that goes\non in the next line. ',
    'Another\none.\n- an item\n- one more\n',
  ]);
  expect(sentencesOf('# Of cells\n\nOne. Two.\n- three\n').length).toBe(4);
  // Too long for one passage, it is halved where a word begins.
  expect((await cutTexts(text, 8)).slice(0, 2)).toEqual([
    'A sentence that goes\n',
    'on in the next line. ',
  ]);
  const code = '```\n# no heading\nlet a = 1;\n```\nAfter.\n';
  expect(await cutTexts(code, 100)).toEqual([code]);
});

test('what has no end of a sentence is cut at words, what has no words between characters', async () => {
  const words = 'word '.repeat(5_000);
  for (const passage of await cutTexts(words, 64)) expect(passage).toMatch(/^(?:word )+$/);
  const hearts = '❤️'.repeat(3_000);
  for (const passage of await cutTexts(hearts, 32)) expect(passage).toMatch(/^(?:❤️)+$/u);
  const faces = '😀'.repeat(30_000);
  const cutFaces = await cutTexts(faces, 32);
  expect(cutFaces.join('')).toBe(faces);
  for (const passage of cutFaces) expect(passage.isWellFormed()).toBe(true);
});

test('long words make no endless passage, and counting asks for a bounded text at once', async () => {
  const asked: number[] = [];
  const text = `${'y'.repeat(70_000)}\n\n${'z '.repeat(40_000)}`;
  const one = async (all: readonly string[]) => {
    asked.push(all.reduce((sum, { length }) => sum + length, 0));
    return all.map(() => 1);
  };
  const passages = await cut(text, 128, one);
  for (const { from, to } of passages) expect(to - from).toBeLessThanOrEqual(PASSAGE_CHARS_MAX);
  expect(Math.max(...asked)).toBeLessThanOrEqual(33_000);
});

test('it stops between two counts', async () => {
  const stop = new AbortController();
  const text = 'One sentence of many. '.repeat(5_000);
  let calls = 0;
  const counting = async (all: readonly string[]) => {
    if (++calls === 2) stop.abort();
    return count(all);
  };
  await expect(cut(text, 64, counting, stop.signal)).rejects.toMatchObject({ name: 'AbortError' });
  expect(calls).toBe(2);
});
