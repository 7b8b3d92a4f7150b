/** A scratch copy of the project in which a mutant lives: the working tree is never touched. */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { patched, type FilePatch } from './patch.ts';

/** What is made by installing, building and testing, at the root of the project. */
const MADE = ['node_modules', 'dist', '.git', '.data', 'test-results', 'playwright-report'];

export interface Copy {
  readonly root: string;
  /** Applies a patch, acts, and takes it back. */
  during<T>(patch: readonly FilePatch[], act: () => Promise<T>): Promise<T>;
  remove(): void;
}

export function createCopy(from: string): Copy {
  const root = mkdtempSync(join(tmpdir(), 'pila-mutants-'));
  cpSync(from, root, {
    recursive: true,
    filter: (path) => path === from || !MADE.includes(path.slice(from.length + 1)),
  });
  linkPackages(from, root);

  return {
    root,
    async during(patch, act) {
      const whole = patch.map(
        ({ file }) => [file, readFileSync(join(root, file), 'utf8')] as const,
      );
      try {
        patch.forEach((each, i) =>
          writeFileSync(join(root, each.file), patched(whole[i]![1], each)),
        );
        return await act();
      } finally {
        for (const [file, text] of whole) writeFileSync(join(root, file), text);
      }
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Each package by itself: caches that tools keep beside the packages are the copy's own. */
function linkPackages(from: string, root: string): void {
  const packages = join(root, 'node_modules');
  mkdirSync(packages);
  for (const name of readdirSync(join(from, 'node_modules')))
    if (name === '.bin' || !name.startsWith('.'))
      symlinkSync(join(from, 'node_modules', name), join(packages, name));
}
