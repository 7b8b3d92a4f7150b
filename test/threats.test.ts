// docs/threats.md names tests: they must be there.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');

interface Threat {
  threat: string;
  /** What stands against it. */
  against: string;
  /** File and name of every test that holds it. */
  tests: [string, string][];
}

/**
 * A threat is a section: its title, a paragraph of what stands against it, and a list of files with
 * the names of their tests under them. Lines of another form are refused.
 */
function parseThreat(section: string): Threat {
  const [title, ...lines] = section.split('\n');
  const found: Threat = { threat: title!.trim(), against: '', tests: [] };
  let file: string | undefined;

  for (const line of lines.filter((text) => text.trim() !== '')) {
    const named = /^- `([^`]+)`$/.exec(line)?.[1];
    const test = /^ {2}- (.+)$/.exec(line)?.[1];
    if (named !== undefined) file = named;
    else if (test !== undefined && file !== undefined) found.tests.push([file, test]);
    else if (file === undefined && /^\S/.test(line)) found.against += `${line} `;
    else throw new Error(`${found.threat}: "${line}" is neither a file nor a test`);
  }
  return found;
}

const threats = readFileSync(join(root, 'docs/threats.md'), 'utf8')
  .split('\n## Threats\n')[1]!
  .split('\n## ')[0]!
  .split('\n### ')
  .slice(1)
  .map(parseThreat);

test('every threat names what stands against it and at least one test', () => {
  expect(threats.length).toBeGreaterThan(20);
  for (const { threat, against, tests } of threats) {
    expect(threat).not.toBe('');
    expect(against.length, threat).toBeGreaterThan(5);
    expect(tests.length, threat).toBeGreaterThan(0);
  }
});

test.each(threats.flatMap(({ tests }) => tests))('%s: %s', (file, name) => {
  const path = join(root, file);
  expect(existsSync(path), file).toBe(true);
  const declared = [
    ...readFileSync(path, 'utf8').matchAll(
      /\b(?:test|it)(?:\.each\([^]*?\]\))?\(\s*(['"`])(.+?)\1,/g,
    ),
  ];
  expect(declared.map((m) => m[2])).toContain(name);
});
