/** Links, anchors and paths in the documents lead somewhere. */
import { existsSync, globSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { anchorsOf, codeOf, documents, linksOf, read, sectionOf } from './documents.ts';

/** What a path in code begins with when it is one of this project. */
const PATH = /^(src|test|e2e|docs|bench|models|examples|deploy|stub|public|\.ci|\.github)\//;

/** Undefined where the link leads to something. */
function brokenLink(path: string, link: string): string | undefined {
  const [file, anchor] = link.split('#') as [string, string | undefined];
  const target = file === '' ? path : normalize(join(dirname(path), file));
  if (!existsSync(target)) return `${path}: ${link} is not there`;

  if (anchor === undefined) return undefined;
  const found = anchorsOf(read(target)).includes(decodeURIComponent(anchor));
  return found ? undefined : `${path}: ${link} names no heading of ${target}`;
}

/** Paths in code: words that begin as paths do, without what commands and sentences add to them. */
const pathsIn = (code: string): string[] =>
  code
    .split(/[\s'",;()]+/)
    .map((word) => word.replace(/[.:…]+$/, ''))
    .filter((word) => PATH.test(word) && !/[<>$…]/.test(word));

/** A path may stand for several: `a/{b,c}.ts`, `a/*.ts`. */
const isThere = (path: string): boolean =>
  existsSync(path) || (/[{*]/.test(path) && globSync(path).length > 0);

/** Made by a command that the document names beside it. */
const MADE = /^models\/import\/\.cache\//;

test('the tests know a broken link and path', () => {
  expect(brokenLink('docs/api.md', 'nowhere.md')).toMatch('is not there');
  expect(brokenLink('docs/api.md', 'models.md#nowhere')).toMatch('names no heading');
  expect(brokenLink('docs/api.md', '#nowhere')).toMatch('names no heading');
  expect(brokenLink('docs/api.md', '../README.md')).toBeUndefined();
  expect(pathsIn('npx vitest run test/core, src/a.ts:')).toEqual(['test/core', 'src/a.ts']);
  expect(isThere('src/nowhere.ts')).toBe(false);
});

describe.each(documents)('$path', ({ path, text }) => {
  it('has links that lead somewhere', () => {
    const own = linksOf(text).filter((link) => !/^[a-z]+:/.test(link));
    expect(own.map((link) => brokenLink(path, link)).filter(Boolean)).toEqual([]);
  });

  it('names paths that are there', () => {
    const named = codeOf(text).flatMap(pathsIn);
    expect(named.filter((name) => !MADE.test(name) && !isThere(name))).toEqual([]);
  });
});

test('comments of the code name documents, sections and decisions that are there', () => {
  const files = globSync('{src,test,e2e,bench,models,examples}/**/*.{ts,svelte,mjs,py}');
  const sections = [...read('docs/protocol.md').matchAll(/^##+ ([\d.]+?)\.? /gm)].map((m) => m[1]);
  const named = files.flatMap((path) =>
    [...read(path).matchAll(/\b((?:docs|models)\/[\w./-]+\.md)(?: §([\d.]*\d))?/g)].map(
      ([, file, section]) => ({ path, file: file!, section }),
    ),
  );
  expect(named.length).toBeGreaterThan(40);
  const lost = named.filter(
    ({ file, section }) => !existsSync(file) || (section && !sections.includes(section)),
  );
  expect(lost).toEqual([]);
});

test('a newcomer’s questions are ten, and each has one link', () => {
  const questions = sectionOf(read('docs/questions.md'), '# Questions of a newcomer')
    .split(/^\d+\. /m)
    .slice(1);
  expect(questions).toHaveLength(10);
  for (const question of questions) {
    expect(question).toMatch(/^\*\*.+\?\*\*/);
    expect(linksOf(question), question).toHaveLength(1);
  }
});
