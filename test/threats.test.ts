// docs/threats.md names tests, and mutants that these must kill: all must be there.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { isSource, parsePatch, patched, patchNames, readPatch } from './mutants/patch.ts';
import { readThreats, testsIn } from './mutants/threats.ts';

const root = join(import.meta.dirname, '..');
const threats = readThreats(root);
const mutants = threats.flatMap((threat) => threat.mutants);

test('every threat names what stands against it, at least one test and one mutant', () => {
  expect(threats.length).toBeGreaterThan(20);
  for (const { title, against, tests, mutants: own } of threats) {
    expect(title).not.toBe('');
    expect(against.length, title).toBeGreaterThan(5);
    expect(tests.length, title).toBeGreaterThan(0);
    expect(own.length, title).toBeGreaterThan(0);
  }
});

test.each(threats.flatMap(({ tests }) => tests))('$file: $name', ({ file, name }) => {
  const path = join(root, file);
  expect(existsSync(path), file).toBe(true);
  expect(testsIn(readFileSync(path, 'utf8')).filter((each) => each === name)).toHaveLength(1);
});

describe('mutants', () => {
  test('each is kept as a patch and named once', () => {
    expect(mutants.map(({ name }) => name).sort()).toEqual(patchNames(root).sort());
  });

  test('no two make the same change', () => {
    const changes = patchNames(root).map((name) => JSON.stringify(readPatch(root, name)));
    expect(new Set(changes).size).toBe(changes.length);
  });

  test.each(patchNames(root))('%s applies, and changes the source alone', (name) => {
    const patch = readPatch(root, name);
    expect(patch.length).toBeGreaterThan(0);
    for (const each of patch) {
      expect(isSource(each.file), each.file).toBe(true);
      const text = readFileSync(join(root, each.file), 'utf8');
      expect(patched(text, each)).not.toBe(text);
    }
  });

  /** What decides over keys, over what is signed, and over what a page may do. */
  const DECISIVE = [
    ...globSync('src/wallet/vault/*.ts'),
    ...['summary', 'kinds', 'build', 'channels'].map((name) => `src/wallet/${name}.ts`),
    'src/node/http/policies.ts',
    'src/sw.ts',
  ];
  const holdsCode = (file: string): boolean =>
    transformSync(readFileSync(join(root, file), 'utf8'), { loader: 'ts' }).code.trim() !== '';

  test.each(DECISIVE.filter(holdsCode))('%s has at least three', (file) => {
    const changing = patchNames(root).filter((name) =>
      readPatch(root, name).some((each) => each.file === file),
    );
    expect(changing.length, changing.join(', ')).toBeGreaterThanOrEqual(3);
  });

  test('a patch whose place is gone, or stands twice, does not apply', () => {
    const [patch] = parsePatch(
      'diff --git a/a.ts b/a.ts\n--- a/a.ts\n+++ b/a.ts\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n',
    );
    expect(patched('zero\none\ntwo\n', patch!)).toBe('zero\none\n2\n');
    for (const text of ['one\n', 'one\ntwo\none\ntwo\n', 'none\ntwo\n'])
      expect(() => patched(text, patch!)).toThrow('a.ts');
  });

  test('no test, no document and no new file is a mutant', () => {
    for (const file of [
      'test/a.ts',
      'e2e/a.spec.ts',
      'src/a.test.ts',
      'docs/threats.md',
      'vitest.config.ts',
    ])
      expect(isSource(file), file).toBe(false);
    expect(() =>
      parsePatch('diff --git a/a.ts b/a.ts\n--- /dev/null\n+++ b/a.ts\n@@ -0,0 +1 @@\n+a\n'),
    ).toThrow();
  });
});
