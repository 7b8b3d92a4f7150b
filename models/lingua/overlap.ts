/** Whether a text to train on has too much in common with one that measures (test/). */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const GRAM = 5;
/** Letters of a script without spaces count as words, in longer runs. */
const GRAM_CJK = 9;

const folded = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, ' ')
    .trim();

/** The text as a whole, and its runs of five words (nine letters of Chinese or Japanese). */
export function gramsOf(text: string): string[] {
  const whole = folded(text);
  const cjk = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u.test(whole);
  const units = cjk ? [...whole.replaceAll(' ', '')] : whole.split(' ');
  const size = cjk ? GRAM_CJK : GRAM;
  const runs = Array.from({ length: Math.max(0, units.length - size + 1) }, (_, i) =>
    units.slice(i, i + size).join(cjk ? '' : ' '),
  );
  return [`=${whole}`, ...runs];
}

/** Grams of all test texts, of every label. */
export function testGrams(): ReadonlySet<string> {
  const all = ['general', 'none'].flatMap((name) => {
    const path = join(import.meta.dirname, 'test', `${name}.json`);
    const read = existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as unknown) : {};
    return Object.values(read as Record<string, string[]>).flat();
  });
  return new Set(all.flatMap(gramsOf));
}

export const overlaps = (text: string, test: ReadonlySet<string>): boolean =>
  gramsOf(text).some((g) => test.has(g));
