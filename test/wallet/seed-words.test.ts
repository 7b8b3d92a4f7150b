import { wordlist } from '@scure/bip39/wordlists/english.js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromHex, toHex } from '../../src/lib/bytes.ts';
import { AppError } from '../../src/lib/errors.ts';
import { formatWords, parseWords } from '../../src/wallet/seed-words.ts';
import { lookAtWords, splitWords, withWord } from '../../src/wallet/typed-words.ts';
import { WORD_LIST } from '../../src/wallet/word-list.ts';

/** From the reference vectors of BIP-39 (trezor/python-mnemonic). */
const VECTORS: [string, string][] = [
  ['00'.repeat(32), `${'abandon '.repeat(23)}art`],
  [
    '7f'.repeat(32),
    `${'legal winner thank year wave sausage worth useful '
      .repeat(3)
      .trim()
      .replace(/useful$/, '')}title`,
  ],
  [
    '80'.repeat(32),
    `${'letter advice cage absurd amount doctor acoustic avoid '
      .repeat(3)
      .trim()
      .replace(/avoid$/, '')}bless`,
  ],
  ['ff'.repeat(32), `${'zoo '.repeat(23)}vote`],
  [
    '68a79eaca2324873eacc50cb9c6eca8cc68ea5d936f98787c60c7ebc74e6ce7c',
    'hamster diagram private dutch cause delay private meat slide toddler razor book happy fancy gospel tennis maple dilemma loan word shrug inflict delay length',
  ],
];
const codeOf = (run: () => unknown) => {
  try {
    run();
  } catch (e) {
    return [(e as AppError).code, (e as AppError).message];
  }
  throw new Error('did not throw');
};

test.each(VECTORS)('BIP-39 vector %s', (hex, words) => {
  expect(formatWords(fromHex(hex)!)).toBe(words);
  expect(toHex(parseWords(words))).toBe(hex);
});

test('case, spacing and full-width letters do not matter', () => {
  const words = VECTORS[4]![1];
  const untidy = `\n  ${words.toUpperCase().replaceAll(' ', ' \t\u3000')}\u00a0`;
  expect(toHex(parseWords(untidy))).toBe(VECTORS[4]![0]);
  expect(toHex(parseWords(words.replace('hamster', 'ｈａｍｓｔｅｒ')))).toBe(VECTORS[4]![0]);
});

test('entropy makes the round trip', () => {
  const entropy = fc.uint8Array({ minLength: 32, maxLength: 32 });
  fc.assert(
    fc.property(entropy, (e) => {
      expect(parseWords(formatWords(e))).toEqual(e);
    }),
  );
});

test('faults have codes, and messages never hold a word', () => {
  const words = VECTORS[4]![1].split(' ');
  expect(codeOf(() => parseWords('zoo zoo'))[0]).toBe('WORDS_COUNT');
  expect(codeOf(() => parseWords(''))[0]).toBe('WORDS_COUNT');
  expect(codeOf(() => parseWords('a'.repeat(10_000)))[0]).toBe('WORDS_COUNT');
  const typos = words.with(2, 'privat').with(23, 'secretword').join(' ');
  expect(codeOf(() => parseWords(typos))).toEqual(['WORDS_UNKNOWN', '3, 24']);
  const swapped = words.with(0, words[1]!).with(1, words[0]!).join(' ');
  const [code, message] = codeOf(() => parseWords(swapped));
  expect(code).toBe('WORDS_CHECKSUM');
  expect(message).not.toMatch(/hamster|diagram|length/);
});

test('the list is the one BIP-39 names', () => {
  expect([WORD_LIST.length, WORD_LIST[0], WORD_LIST[2047]]).toEqual([2048, 'abandon', 'zoo']);
  expect(WORD_LIST).toEqual(wordlist);
});

test('any list of words is read: numbered, with commas, in lines', () => {
  const words = VECTORS[4]![1].split(' ');
  for (const list of [
    words.map((word, i) => `${i + 1}. ${word}`).join('\n'),
    words.join(', '),
    words.map((word, i) => `${i + 1}) ${word};`).join(' '),
  ])
    expect(splitWords(list)).toEqual(words);
});

test('a wrong word is named by its place, with the nearest of the list', () => {
  const wrongOf = (text: string) => lookAtWords(text).wrong;
  expect(wrongOf('hamster diagarm private ')).toEqual([{ place: 2, like: 'diagram' }]);
  expect(wrongOf('hamstr, privat, qqqqqq ')).toEqual([
    { place: 1, like: 'hamster' },
    { place: 2, like: 'private' },
    { place: 3, like: undefined },
  ]);
  // Each slip of one letter comes back to its word, or to one as near.
  fc.assert(
    fc.property(fc.constantFrom(...WORD_LIST), fc.nat(7), (word, at) => {
      const cut = word.slice(0, at) + word.slice(at + 1);
      if (cut === word || cut === '' || WORD_LIST.includes(cut)) return;
      expect(wrongOf(`${cut} `)[0]!.like).toBeDefined();
    }),
  );
});

test('what can still become a word is not wrong, and its endings are told', () => {
  expect(lookAtWords('hamster pri')).toMatchObject({
    wrong: [],
    endings: ['price', 'pride', 'primary', 'print'],
  });
  expect(lookAtWords('hamster pri ').wrong).toHaveLength(1);
  expect(lookAtWords('hamster prj').wrong).toHaveLength(1);
  expect(lookAtWords('h')).toMatchObject({ wrong: [], endings: [] });
  expect(lookAtWords('')).toEqual({ words: [], wrong: [], endings: [] });
  expect(withWord(['hamster', 'pri'], 2, 'price')).toBe('hamster price ');
});

test('a flood of text is looked at in part', () => {
  expect(lookAtWords('zzzzzzzz '.repeat(100_000)).words.length).toBeLessThan(300);
  // The list is searched for three wrong words, however many there are.
  const { wrong } = lookAtWords('hamstr '.repeat(24));
  expect(wrong).toHaveLength(24);
  expect(wrong.filter(({ like }) => like)).toHaveLength(3);
});
