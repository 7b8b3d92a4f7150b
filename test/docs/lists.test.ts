/** Lists in the documents are whole: commands, dependencies, decisions. */
import { globSync } from 'node:fs';
import { expect, test } from 'vitest';
import { codeOf, documents, linksOf, read } from './documents.ts';

const packageJson = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
const { scripts, dependencies, devDependencies } = packageJson;
const named = (path: string): string[] => codeOf(read(path));

test('every script of package.json is among the commands, and no other', () => {
  const commands = named('docs/commands.md').flatMap((code) => {
    const [, script] = /^npm (?:run (?:-s )?)?([\w:]+)/.exec(code) ?? [];
    return script === undefined ? [] : [script];
  });
  expect([...new Set(commands)].sort()).toEqual(Object.keys(scripts!).sort());
});

test('commands in the documents are scripts of package.json', () => {
  const wrong = documents.flatMap(({ path, text }) =>
    codeOf(text)
      .flatMap((code) => [...code.matchAll(/\bnpm run (?:-s )?([\w:]+)/g)])
      .map(([, script]) => script!)
      .filter((script) => !(script in scripts!))
      .map((script) => `${path}: npm run ${script}`),
  );
  expect(wrong).toEqual([]);
});

test('every dependency has its reason, and no other is named', () => {
  const lines = read('docs/dependencies.md').match(/^- [^—]+—/gm)!;
  const packages = lines.flatMap(codeOf).filter((name) => !name.startsWith('stub/'));
  // Contestants have a lock file of their own.
  const contests = globSync('bench/**/package.json').map(
    (file) => (JSON.parse(read(file)) as typeof packageJson).dependencies ?? {},
  );
  const used = [dependencies, devDependencies, ...contests]
    .flatMap((list) => Object.entries(list ?? {}))
    .filter(([, version]) => !version.startsWith('file:'))
    .map(([name]) => name);
  expect(packages.sort()).toEqual(used.sort());
});

test('every stand-in has its reason', () => {
  const stubs = named('docs/dependencies.md').filter((name) => name.startsWith('stub/'));
  expect(stubs.sort()).toEqual(globSync('stub/*').sort());
});

test('every decision is in the list, with the four things that it must say', () => {
  const files = globSync('docs/decisions/[0-9]*.md').sort();
  const listed = linksOf(read('docs/decisions/README.md')).map((link) => `docs/decisions/${link}`);
  expect(listed).toEqual(files);

  files.forEach((file, i) => {
    const text = read(file);
    expect(text.split('\n')[0], file).toMatch(new RegExp(`^# ${i + 1}\\. `));
    expect(text.match(/^## .+$/gm), file).toEqual([
      '## Context',
      '## Decision',
      '## What was measured',
      '## What would change it',
    ]);
  });
});
