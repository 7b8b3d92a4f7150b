/** The project's code as text: which files there are, and what each of them imports. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';

export interface CodeFile {
  /** From the root of the project: `src/core/codec.ts`. */
  readonly path: string;
  readonly text: string;
  /** Paths of this project that it imports, types included. */
  readonly imports: readonly string[];
  /** Paths of this project that it starts as a worker or thread. */
  readonly starts: readonly string[];
  /** Packages, built-in modules, and modules of the build that it imports. */
  readonly packages: readonly string[];
}

const ROOMS = ['src', 'test', 'e2e', 'bench', 'models', 'examples'];
const CODE = /\.(ts|svelte|wgsl|css|py|js|mjs)$/;

const STATEMENT = /^\s*(?:import|export)\b(?:[^'";]*?\bfrom)?\s*['"]([^'"]+)['"]/gm;
const CALL = /\bimport\(\s*['"]([^'"]+)['"]/g;
const WORKER = /\bnew URL\(\s*['"](\.[^'"]+)['"]/g;
const named = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, name]) => name!);

/** Every module that a file imports: static, type-only, and dynamic. */
export const importsOf = (text: string): string[] => [
  ...named(text, STATEMENT),
  ...named(text, CALL),
];

/** Of what git tracks or would track, so that builds, caches, and weights are left out. */
export function readCode(root: string): CodeFile[] {
  const listed = execFileSync(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard', ...ROOMS],
    { cwd: root, encoding: 'utf8' },
  );
  const paths = new Set(listed.split('\0').filter((path) => CODE.test(path)));
  return [...paths].sort().flatMap((path) => {
    const text = readIfThere(join(root, path));
    return text === undefined ? [] : [codeFile(path, text)];
  });
}

export function codeFile(path: string, text: string): CodeFile {
  const names = importsOf(text);
  const isRelative = (name: string): boolean => name.startsWith('.');
  const resolve = (name: string): string => normalize(join(dirname(path), name));
  return {
    path,
    text,
    imports: names.filter(isRelative).map(resolve),
    starts: named(text, WORKER).map(resolve),
    packages: names.filter((name) => !isRelative(name) && !name.startsWith('/')),
  };
}

/** A file that was deleted and not yet committed is listed by git all the same. */
function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
