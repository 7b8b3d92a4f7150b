/** The texts that measure lingua were never trained on. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cleanScreen } from '../../models/lingua/sources.ts';
import { gramsOf, overlaps, testGrams } from '../../models/lingua/overlap.ts';

const file = (name: string): string =>
  readFileSync(new URL(`../../models/lingua/${name}`, import.meta.url), 'utf8');
const json = <T>(name: string): T => JSON.parse(file(name)) as T;
const LABELS = 'cs de en es fr it ja ko pl pt ru tr zh zht'.split(' ');

describe('overlap', () => {
  it('is a whole text whatever its marks, or five words, or nine letters without spaces', () => {
    const test = new Set(
      ['One, two three four five six', '今日はとても良い天気ですね', 'Ja!'].flatMap(gramsOf),
    );
    for (const text of ['one two THREE four five', 'ja', 'ああ今日はとても良い天気'])
      expect(overlaps(text, test), text).toBe(true);
    for (const text of ['one two three four six', 'ja ja', '今日はとても良い'])
      expect(overlaps(text, test), text).toBe(false);
  });

  it('of the general test set with all texts written to train on is left out', () => {
    const test = testGrams();
    // The rule of own.ts leaves out few: no test text was written from the training texts.
    const lines = [...LABELS, 'none'].flatMap((l) => file(`train/${l}.txt`).split('\n'));
    const shared = lines.filter((line) => line && overlaps(line, test));
    expect(shared.length).toBeLessThanOrEqual(10);
    const grammars = json<Record<string, string[][]>>('train/grammar.json');
    const slots = Object.values(grammars).flat(2);
    expect(
      slots.filter((s) =>
        gramsOf(s)
          .slice(1)
          .some((g) => test.has(g)),
      ),
    ).toEqual([]);
  });
});

describe('the general test set', () => {
  const general = json<Record<string, string[]>>('test/general.json');
  it('has at least 40 texts of 5 to 120 characters in each language, none twice', () => {
    expect(Object.keys(general).sort()).toEqual(LABELS);
    const all = Object.values(general).flat();
    for (const [label, texts] of Object.entries(general))
      expect(texts.length, label).toBeGreaterThanOrEqual(40);
    for (const length of all.map((t) => [...t].length))
      expect(length >= 5 && length <= 120).toBe(true);
    expect(new Set(all).size).toBe(all.length);
  });
});

it('cleans screens of what is no language', () => {
  expect(cleanScreen('&Apri <b>"$1"</b> in una nuova finestra (&A)')).toBe(
    'Apri in una nuova finestra',
  );
  expect(cleanScreen('{COUNT,plural, =1{un file}other{# file}}')).toBe('');
});
