/** Counts of the shape of folders, suppressions, documents, and functions. */
import { Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import type { Document } from '../docs/documents.ts';
import type { CodeFile } from './code.ts';

export const FILES_MAX = 20;
/** Columns. */
export const DOC_LINE_MAX = 120;

/** Folder → its own files, those of folders inside it not counted; the fullest first. */
export function filesPerFolder(files: readonly CodeFile[]): [folder: string, count: number][] {
  const counts = new Map<string, number>();
  for (const { path } of files) {
    const folder = path.slice(0, path.lastIndexOf('/'));
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return [...counts].sort(([, a], [, b]) => b - a);
}

export interface Suppression {
  /** `src/core/codec.ts:12`. */
  readonly place: string;
  readonly what: string;
  /** Empty when none is given. */
  readonly reason: string;
}

// Written in two parts, so that this file is no suppression itself.
const SUPPRESSION = new RegExp(
  '(?:\\/\\/|\\/\\*|<!--)\\s*(' +
    [
      'eslint-' + 'disable[\\w-]*',
      '@ts-' + '(?:expect-error|ignore|nocheck)',
      'svelte-' + 'ignore',
    ].join('|') +
    ')\\b([^\\n]*)',
  'g',
);

/** Comments that silence the linter or the compiler; the reason stands after ` -- `, or behind `@ts-…`. */
export const suppressions = (files: readonly CodeFile[]): Suppression[] =>
  files.flatMap(({ path, text }) =>
    [...text.matchAll(SUPPRESSION)].map((match) => {
      const line = text.slice(0, match.index).split('\n').length;
      const [, what, rest] = match;
      const words = rest!.replace(/(\*\/|-->)\s*$/, '');
      const [rules, reason] = what!.startsWith('@') ? ['', words] : words.split(' -- ');
      return {
        place: `${path}:${line}`,
        what: `${what}${rules}`.trim(),
        reason: reason?.replace(/^[\s:-]+/, '').trim() ?? '',
      };
    }),
  );

/** Lines of documents that are too wide to be reviewed; addresses and pictures can't be broken. */
export function docLines(documents: readonly Document[]): { place: string; columns: number }[] {
  return documents
    .flatMap(({ path, text }) =>
      text.split('\n').map((line, i) => ({ place: `${path}:${i + 1}`, columns: [...line].length })),
    )
    .sort((a, b) => b.columns - a.columns);
}

/** How often a pattern stands in src, and where most of them are. */
export function occurrences(files: readonly CodeFile[], pattern: RegExp): [string, number][] {
  return files
    .filter(({ path }) => path.startsWith('src/'))
    .map(({ path, text }): [string, number] => [path, text.match(pattern)?.length ?? 0])
    .filter(([, count]) => count > 0)
    .sort(([, a], [, b]) => b - a);
}

/** Cyclomatic complexity of every function of src, the highest first. */
export function complexities(files: readonly CodeFile[]): { place: string; complexity: number }[] {
  const linter = new Linter();
  return files
    .filter(({ path }) => path.startsWith('src/') && path.endsWith('.ts'))
    .flatMap(({ path, text }) =>
      linter
        .verify(
          text,
          {
            files: ['**/*.ts'],
            languageOptions: { parser: tseslint.parser },
            linterOptions: { noInlineConfig: true },
            rules: { complexity: ['error', 0] },
          },
          { filename: path },
        )
        // Another message says that comments are not obeyed here.
        .filter(({ ruleId }) => ruleId === 'complexity')
        .map(({ line, message }) => ({
          place: `${path}:${line}`,
          complexity: Number(/complexity of (\d+)/.exec(message)?.[1]),
        })),
    )
    .sort((a, b) => b.complexity - a.complexity);
}
