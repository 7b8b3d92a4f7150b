/** The bounds of `npm run house`, held. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { documents } from '../docs/documents.ts';
import { ADDITIONS, added, filesOf, PATCH } from './additions.ts';
import { codeFile, importsOf, readCode } from './code.ts';
import { importCircles, upwardImports } from './imports.ts';
import { DOC_LINE_MAX, docLines, FILES_MAX, filesPerFolder, suppressions } from './shape.ts';

const files = readCode(process.cwd());

test('imports are read in each of their forms', () => {
  expect(importsOf(`import 'a';\nimport type { B } from "b";\nawait import('./c.ts');`)).toEqual([
    'a',
    'b',
    './c.ts',
  ]);
});

test('no folder holds more than twenty files of its own', () => {
  expect(filesPerFolder(files).filter(([, count]) => count > FILES_MAX)).toEqual([]);
});

test('no file imports itself through others, types included', () => {
  expect(importCircles(files)).toEqual([]);

  const one = codeFile('src/a.ts', `import type { B } from './b.ts';`);
  const other = codeFile('src/b.ts', `import { c } from './c/c.ts';`);
  const third = codeFile('src/c/c.ts', `export * from '../a.ts';`);
  const outside = codeFile('src/d.ts', `import { a } from './a.ts';`);
  expect(importCircles([outside, one, other, third])).toEqual([
    ['src/a.ts', 'src/b.ts', 'src/c/c.ts'],
  ]);
  expect(importCircles([outside, one, other])).toEqual([]);
});

test('folders import only downwards', () => {
  expect(upwardImports(files)).toEqual([]);

  const up = codeFile('src/core/a.ts', `import { b } from '../chain/b.ts';`);
  const aside = codeFile('src/chain/full/a.ts', `import { b } from '../light/b.ts';`);
  const down = codeFile('src/client/a.ts', `import { b } from '../core/b.ts';`);
  expect(upwardImports([up, aside, down])).toHaveLength(2);
});

test('what silences the linter or the compiler says why', () => {
  expect(suppressions(files).filter(({ reason }) => !reason)).toEqual([]);

  const silenced = codeFile(
    'src/a.ts',
    ['// eslint-', 'disable-next-line complexity\n// @ts-', 'expect-error -- it is a test'].join(
      '',
    ),
  );
  expect(suppressions([silenced]).map(({ place, reason }) => [place, reason])).toEqual([
    ['src/a.ts:1', ''],
    ['src/a.ts:2', 'it is a test'],
  ]);
});

test('lines of the documents can be reviewed', () => {
  expect(docLines(documents).filter(({ columns }) => columns > DOC_LINE_MAX)).toEqual([]);
});

test('what `house -- note` and the others add still has its place', () => {
  for (const addition of Object.values(ADDITIONS)) {
    const text = added(process.cwd(), addition);
    expect(text.length).toBeGreaterThan(readFileSync(addition.file, 'utf8').length);
  }
});

test('the kept patch of a note applies, and brings one file', () => {
  execFileSync('git', ['apply', '--check', PATCH]);
  const patch = readFileSync(PATCH, 'utf8');
  expect(filesOf(patch)).toContain(ADDITIONS.note.file);
  expect(patch.match(/^new file mode/gm)).toHaveLength(1);
});
