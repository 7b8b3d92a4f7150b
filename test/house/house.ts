/**
 * `npm run -s house`: the shape of the code. Prints, and exits with 1 when one of the bounds is broken; the
 * same bounds are a unit test beside this file. With `note`, `fault`, `network` or `language`: what the compiler
 * asks for when one is added (additions.ts).
 */
import { documents } from '../docs/documents.ts';
import { ADDITIONS, isAddition, tryAddition } from './additions.ts';
import { readCode } from './code.ts';
import { importCircles, upwardImports } from './imports.ts';
import {
  complexities,
  DOC_LINE_MAX,
  docLines,
  FILES_MAX,
  filesPerFolder,
  occurrences,
  suppressions,
} from './shape.ts';

/** How many of a list are printed. */
const SHOWN = 5;

const [name] = process.argv.slice(2);
if (name === undefined) process.exitCode = printShape() ? 0 : 1;
else if (isAddition(name)) process.exitCode = tryAddition(process.cwd(), name) ? 0 : 1;
else {
  console.error(`house: ${Object.keys(ADDITIONS).join(', ')}, or nothing; not '${name}'`);
  process.exitCode = 2;
}

/** Prints it all; true when every bound is kept. */
function printShape(): boolean {
  const files = readCode(process.cwd());
  const broken: string[] = [];

  /** One bound: what is printed, and what breaks it. */
  function bound(line: string, over: readonly string[]): void {
    console.log(`${over.length ? '✗' : '✓'} ${line}`);
    for (const each of over) console.log(`    ${each}`);
    broken.push(...over);
  }

  const folders = filesPerFolder(files);
  bound(
    `files per folder: at most ${FILES_MAX}; the fullest of ${folders.length} folders has ${folders[0]![1]} (${folders[0]![0]})`,
    folders
      .filter(([, count]) => count > FILES_MAX)
      .map(([folder, count]) => `${folder}: ${count} files`),
  );

  const circles = importCircles(files);
  bound(
    `import circles, types included: ${circles.length}`,
    circles.map((circle) => circle.join(' ↔ ')),
  );

  const upward = upwardImports(files);
  bound(`imports upwards or aside: ${upward.length}`, upward);

  const silenced = suppressions(files);
  bound(
    `suppressions: ${silenced.length}, each with its reason`,
    silenced.filter(({ reason }) => !reason).map(({ place, what }) => `${place}: ${what}`),
  );
  for (const { place, what, reason } of silenced.filter((each) => each.reason))
    console.log(`    ${place}: ${what} — ${reason}`);

  const lines = docLines(documents);
  bound(
    `longest line of the documents: ${lines[0]!.columns} columns of ${DOC_LINE_MAX} (${lines[0]!.place})`,
    lines
      .filter(({ columns }) => columns > DOC_LINE_MAX)
      .map(({ place, columns }) => `${place}: ${columns} columns`),
  );

  console.log('\nWithout a bound:');
  const most = (found: readonly [string, number][]): string =>
    found
      .slice(0, SHOWN)
      .map(([path, count]) => `${path} ${count}`)
      .join(', ');
  const sum = (found: readonly [string, number][]): number =>
    found.reduce((total, [, count]) => total + count, 0);

  const starts = occurrences(files, /\bstartsWith\(['"]/g);
  console.log(`  startsWith('…') in src: ${sum(starts)} (${most(starts)})`);

  const kinds = occurrences(files, /\.type [!=]== /g).filter(([path]) => !/\bkinds?\b/.test(path));
  console.log(`  .type === in src, outside the tables of kinds: ${sum(kinds)} (${most(kinds)})`);

  const branches = complexities(files);
  const median = branches[Math.floor(branches.length / 2)]!.complexity;
  const highest = branches.slice(0, SHOWN).map((each) => `${each.place} ${each.complexity}`);
  console.log(
    `  complexity of ${branches.length} functions: median ${median}, highest ${highest.join(', ')}`,
  );
  return broken.length === 0;
}
