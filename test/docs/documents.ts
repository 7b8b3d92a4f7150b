/** The project's documents as text, for the tests that hold them. */
import { globSync, readFileSync } from 'node:fs';

export interface Document {
  /** From the root of the project. */
  readonly path: string;
  readonly text: string;
}

/** What people wrote; results of measurements and reports of the importer are made by programs. */
const DOCUMENTS = [
  '*.md',
  'docs/**/*.md',
  'models/*.md',
  'models/*/README.md',
  '.github/**/*.md',
] as const;

export const read = (path: string): string => readFileSync(path, 'utf8');

export const documents: readonly Document[] = globSync(DOCUMENTS)
  .sort()
  .map((path) => ({ path, text: read(path) }));

/** Text between a heading and the next of its level or above. @throws where there is no such heading */
export function sectionOf(text: string, heading: string): string {
  const level = /^#+/.exec(heading)![0].length;
  const start = text.split('\n').indexOf(heading);
  if (start === -1) throw new Error(`no heading "${heading}"`);

  const after = text.split('\n').slice(start + 1);
  const end = after.findIndex((line) => new RegExp(`^#{1,${level}} `).test(line));
  return after.slice(0, end === -1 ? undefined : end).join('\n');
}

const withoutCode = (text: string): string =>
  text.replace(/^```[^]*?^```/gm, '').replace(/`[^`]*`/g, '');

/** Targets of links and pictures. */
export const linksOf = (text: string): string[] =>
  [...withoutCode(text).matchAll(/\]\(([^)\s]+)\)|\bsrc="([^"]+)"/g)].map((m) => (m[1] ?? m[2])!);

/** A document's anchors, as hosts make them of headings. */
export function anchorsOf(text: string): string[] {
  const headings = text.replace(/^```[^]*?^```/gm, '').matchAll(/^#{1,6} (.+)$/gm);
  return [...headings].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-'),
  );
}

/** All code of a document: spans and blocks. */
export const codeOf = (text: string): string[] =>
  [...text.matchAll(/^```[^\n]*\n([^]*?)^```|^ {4}(.+)$|`([^`]+)`/gm)].map(
    (m) => (m[1] ?? m[2] ?? m[3])!,
  );
