/**
 * The texts written for `lingua` (train/): .cache/own.json { sentences, grammar, dev }. Every eighth
 * line of train/<label>.txt, the same in all languages, is for development; of grammar.json's slots
 * one of each makes a text. What a text of test/ has in common with these is left out (overlap.ts).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { overlaps, testGrams } from './overlap.ts';
import { LANGUAGES, NONE, type Row } from './sources.ts';

const here = import.meta.dirname;
const read = (name: string): string => readFileSync(join(here, name), 'utf8');
/** Texts of each grammar. */
const GRAMMAR = 3000;

/** A small generator (mulberry32), so that the same texts come on every machine. */
function random(seed: number): () => number {
  let a = seed;
  return () => {
    a = (a + 0x6d2b79f5) | 0;
    let t = Math.imul(a ^ (a >>> 15), 1 | a);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function grammarRows(): Row[] {
  const next = random(1);
  const grammars = JSON.parse(read('train/grammar.json')) as Record<string, string[][]>;
  return Object.entries(grammars).flatMap(([label, slots]) =>
    Array.from({ length: GRAMMAR }, (): Row => {
      const from = next() < 0.6 ? 1 : 0;
      const to = next() < 0.3 ? slots.length - 1 : slots.length;
      const parts = slots.slice(from, to).map((s) => s[Math.floor(next() * s.length)]!);
      const text = parts.join(/^(ja|ko|zht?)$/.test(label) ? '' : ' ').trim();
      return [label, text.charAt(0).toUpperCase() + text.slice(1) + (next() < 0.6 ? '.' : '')];
    }),
  );
}

const lines = [...Object.keys(LANGUAGES), NONE].flatMap((label) =>
  read(`train/${label}.txt`)
    .split('\n')
    .filter(Boolean)
    .map((text, i): [boolean, Row] => [i % 8 === 5, [label, text]]),
);
const test = testGrams();
const apart = (rows: readonly Row[]): Row[] => rows.filter(([, text]) => !overlaps(text, test));
const own = {
  sentences: apart(lines.filter(([dev]) => !dev).map(([, row]) => row)),
  grammar: apart(grammarRows()),
  dev: lines.filter(([dev]) => dev).map(([, row]) => row),
};
writeFileSync(join(here, '.cache/own.json'), JSON.stringify(own));
console.log(
  Object.entries(own)
    .map(([k, v]) => `${k} ${v.length}`)
    .join(', '),
);
