// docs/threats.md names tests: they must be there.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const rows = readFileSync(join(root, 'docs/threats.md'), 'utf8')
  .split('## Threats')[1]!
  .split('\n## ')[0]!
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| threat '));

/** File and name of every test that a row points to. */
const testsOf = (row: string): [string, string][] =>
  row
    .split(' | ')
    .at(-1)!
    .replace(/ \|$/, '')
    .split(' · ')
    .map((text) => /^`([^`]+)`: (.+)$/.exec(text)!)
    .map(([, file, name]) => [file!, name!]);

test('every threat names what stands against it and at least one test', () => {
  expect(rows.length).toBeGreaterThan(20);
  for (const row of rows) {
    expect(row.split(' | ')).toHaveLength(3);
    expect(testsOf(row).length).toBeGreaterThan(0);
  }
});

test.each(rows.flatMap(testsOf))('%s: %s', (file, name) => {
  const path = join(root, file);
  expect(existsSync(path), file).toBe(true);
  const declared = [
    ...readFileSync(path, 'utf8').matchAll(
      /\b(?:test|it)(?:\.each\([^]*?\]\))?\(\s*(['"`])(.+?)\1,/g,
    ),
  ];
  expect(declared.map((m) => m[2])).toContain(name);
});
