/** Text of an answer however its bytes come: letters whole, and nothing of a string that ends it. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { utf8 } from '../../../src/lib/bytes.ts';
import { AnswerText } from '../../../src/node/openai/answer-text.ts';

/** Lines of many scripts, and what is easily broken: emoji of several code points, marks, a byte order mark. */
const LINES = [
  ...readFileSync(new URL('../../../models/import/sample.txt', import.meta.url), 'utf8')
    .split('\n')
    .filter((line) => /[^ -~]/.test(line))
    .slice(0, 200),
  '👩‍👩‍👧‍👦 family, 🇮🇹 flag, é as two, \ufeff in front',
  '漢字かな交じり文、한국어 문장입니다. עברית العربية हिन्दी ไทย',
  '\ufeffbegins with a mark',
];
const line = fc.constantFrom(...LINES);

/** The pieces between cuts, in order. */
function piecesOf(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length];
  const sorted = places.toSorted((a, b) => a - b);
  return sorted.slice(1).map((to, i) => bytes.subarray(sorted[i], to));
}

function read(pieces: readonly Uint8Array[], stops: readonly string[] = []) {
  const text = new AnswerText(stops);
  const told: string[] = [];
  for (const piece of pieces) told.push(text.add(piece));
  told.push(text.end());
  return { told, text: told.join(''), isStopped: text.isStopped };
}

it('has all letters whole, for every way in which they are cut', () => {
  const cuts = fc.array(fc.nat(), { maxLength: 40 });
  fc.assert(
    fc.property(line, cuts, (said, places) => {
      const { told, text } = read(piecesOf(utf8(said), places));
      expect(text).toBe(said);
      for (const piece of told)
        expect(piece.isWellFormed() && !piece.includes('\ufffd')).toBe(true);
    }),
    { numRuns: 2000 },
  );
  for (const said of LINES)
    expect(read(Array.from(utf8(said), (b) => Uint8Array.of(b))).text).toBe(said);
});

it('tells what is no whole letter at its end as one mark', () => {
  expect(read([utf8('a👩').subarray(0, 3)])).toMatchObject({ text: 'a\ufffd' });
  expect(read([Uint8Array.of(0xf0), Uint8Array.of(0x9f), Uint8Array.of(0x91)]).text).toBe('\ufffd');
});

/** The place of the first string that is whole, found letter by letter. */
function oracle(said: string, stops: readonly string[]): string {
  for (let end = 1; end <= said.length; end++) {
    const ended = stops.filter((stop) => said.slice(0, end).endsWith(stop));
    if (ended.length) return said.slice(0, end - Math.max(...ended.map(({ length }) => length)));
  }
  return said;
}

it('ends before the first string that is whole, and tells nothing of it, however it is cut', () => {
  // Few letters, so that strings begin often and end seldom.
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'è', '👩'), maxLength: 24 });
  const stop = fc.string({
    unit: fc.constantFrom('a', 'b', 'è', '👩'),
    minLength: 1,
    maxLength: 4,
  });
  const stops = fc.array(stop, { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(letters, stops, fc.array(fc.nat(), { maxLength: 12 }), (said, ends, places) => {
      const { told, text, isStopped } = read(piecesOf(utf8(said), places), ends);
      expect(text).toBe(oracle(said, ends));
      expect(isStopped).toBe(text !== said);
      for (let i = 0; i < told.length; i++)
        for (const end of ends) expect(told.slice(0, i + 1).join('')).not.toContain(end);
    }),
    { numRuns: 5000 },
  );
});

it('keeps half a letter of a string out of it', () => {
  expect(read([utf8('a👩b')], ['\udc69']).text).toBe('a👩b');
});
