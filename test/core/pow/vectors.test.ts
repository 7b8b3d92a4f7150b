/** Fixed values of seed, tokens, credit, known steps and one linear, for other implementations: test/vectors/pow. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { powVectors } from '../../vectors/make-pow.ts';

it.each(Object.entries(powVectors()))('%s has its fixed values', (name, made) => {
  const file = new URL(`../../vectors/pow/${name}.json`, import.meta.url);
  expect(made).toEqual(JSON.parse(readFileSync(file, 'utf8')));
});
