/** docs/architecture.md stays a way in: short, and its journeys name functions that are there. */
import { describe, expect, it } from 'vitest';
import { read, sectionOf } from './documents.ts';

const WORDS_MAX = 2000;
const GLOSSARY_MAX = 30;
const CHANGES = 10;

const text = read('docs/architecture.md');

interface Step {
  readonly file: string;
  readonly functions: readonly string[];
}

/** A step is `1. `path` `function` `function`: what happens`. */
const stepsOf = (journey: string): Step[] =>
  [...journey.matchAll(/^\d+\. `([^`]+)`((?: `[^`]+`)*)(.*)$/gm)].map(([, file, names]) => ({
    file: file!,
    functions: [...names!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!),
  }));

/** Functions, classes, constants and methods that a file declares, as far as its text shows. */
const declares = (source: string, name: string): boolean =>
  new RegExp(
    String.raw`\b(?:function\*?|class|const|let)\s+${name}\b` +
      String.raw`|^\s*(?:static |async |get |\*|#|readonly )*${name}(?:<[^>]*>)?\s*[(:=]`,
    'm',
  ).test(source);

it('is read in ten minutes', () => {
  expect(text.split(/\s+/).filter(Boolean).length).toBeLessThanOrEqual(WORDS_MAX);
  expect(text.match(/^```mermaid$/gm)).toHaveLength(1);
});

it('has a glossary of thirty words at most, each on a line of its own', () => {
  const lines = sectionOf(text, '## Glossary').trim().split('\n');
  for (const line of lines) expect(line).toMatch(/^- \*\*[^*]+\*\*.* — .+/);
  const words = lines.flatMap((line) => line.split(' — ')[0]!.match(/\*\*[^*]+\*\*/g)!);
  expect(words.length).toBeLessThanOrEqual(GLOSSARY_MAX);
  expect(new Set(words).size).toBe(words.length);
});

it('says where ten changes begin', () => {
  const changes = sectionOf(text, '## Where do I change …').match(/^- \*\*.+\*\*.*`[^`\n]+`/gm);
  expect(changes).toHaveLength(CHANGES);
});

describe.each(['### A block', '### A unit', '### A payment'])('%s', (heading) => {
  const steps = stepsOf(sectionOf(text, heading));

  it('has its steps in files of src', () => {
    expect(steps.length).toBeGreaterThan(4);
    for (const { file } of steps) expect(file).toMatch(/^src\/.+\.(ts|svelte)$/);
  });

  it.each(steps)('$file has $functions', ({ file, functions }) => {
    const source = read(file);
    expect(functions.length).toBeGreaterThan(0);
    expect(functions.filter((name) => !declares(source, name))).toEqual([]);
  });
});
