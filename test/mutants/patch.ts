/** Mutants are kept as unified diffs of the source. A hunk finds its place by its text, not by its line's number. */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

export const PATCHES = 'test/mutants/patches';

interface Hunk {
  readonly before: string;
  readonly after: string;
}

/** A file, from the root of the project, and what is changed in it. */
export interface FilePatch {
  readonly file: string;
  readonly hunks: readonly Hunk[];
}

/** Tests, what runs them, and what says which of them there are: a mutant changes none of it. */
const NO_SOURCE = /^(test|e2e|bench|docs|\.ci|\.github)\/|\.(test|spec)\.ts$|^vitest\.config\.ts$/;

export const isSource = (file: string): boolean => !NO_SOURCE.test(file);

/** Names of all patches that are kept. */
export const patchNames = (root: string): string[] =>
  readdirSync(join(root, PATCHES))
    .filter((file) => file.endsWith('.patch'))
    .map((file) => file.slice(0, -'.patch'.length));

export const readPatch = (root: string, name: string): FilePatch[] =>
  parsePatch(readFileSync(join(root, PATCHES, `${name}.patch`), 'utf8'));

/** @throws on what makes, deletes or renames a file */
export function parsePatch(text: string): FilePatch[] {
  return text
    .split(/^diff --git .*\n/m)
    .slice(1)
    .map((part) => {
      const [head, ...hunks] = part.split(/^@@ .*\n/m);
      const [, from] = /^--- a\/(.+)$/m.exec(head!) ?? [];
      const [, to] = /^\+\+\+ b\/(.+)$/m.exec(head!) ?? [];
      if (from === undefined || from !== to || !hunks.length)
        throw new Error('a mutant changes files that there are, and nothing else');
      return { file: to, hunks: hunks.map(parseHunk) };
    });
}

function parseHunk(text: string): Hunk {
  const lines = text.split('\n').filter((line) => /^[ +-]/.test(line));
  const without = (mark: string): string =>
    lines
      .filter((line) => !line.startsWith(mark))
      .map((line) => `${line.slice(1)}\n`)
      .join('');
  return { before: without('+'), after: without('-') };
}

/** The text with all hunks applied. @throws where one's place is gone or there are two */
export function patched(text: string, { file, hunks }: FilePatch): string {
  return hunks.reduce((now, { before, after }) => {
    // Lines are whole ones, also the first.
    const lines = `\n${now}`;
    const at = lines.indexOf(`\n${before}`);
    if (at < 0) throw new Error(`${file} does not hold:\n${before}`);
    if (lines.includes(`\n${before}`, at + 1)) throw new Error(`${file} holds twice:\n${before}`);
    return now.slice(0, at) + after + now.slice(at + before.length);
  }, text);
}
