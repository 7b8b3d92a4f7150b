/**
 * What the compiler asks for when the project is extended: `npm run -s house -- note` (a kind of transaction),
 * `fault`, `network`, `language`. One line is added to a scratch copy, and each place that does not compile then
 * is printed. For the note a kept patch fills exactly these places, and a test sees it signed, mined and shown.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

interface Addition {
  readonly what: string;
  readonly file: string;
  /** Text of the file, and what stands there instead once the line is added. */
  readonly find: string;
  readonly replace: string;
}

const CLOSE =
  '  close: [2, struct({ ...signedBy, channel: hash32, amount: u64, voucher: bytes(64) })],\n';

export const ADDITIONS: Readonly<Record<'note' | 'fault' | 'network' | 'language', Addition>> = {
  note: {
    what: 'a kind of transaction, note {text}',
    file: 'src/core/formats.ts',
    find: CLOSE,
    replace: `${CLOSE}  note: [3, struct({ ...signedBy, text: blob(64) })],\n`,
  },
  fault: {
    what: "a fault, 'tx.stale', without its meaning",
    file: 'src/core/faults.ts',
    find: 'export const FAULTS = {\n',
    replace: "export const FAULTS = {\n  'tx.stale': {},\n",
  },
  network: {
    what: "a network, 'stage'",
    file: 'src/core/params.ts',
    find: "'main' | 'test' | 'local' | 'e2e';",
    replace: "'main' | 'test' | 'local' | 'e2e' | 'stage';",
  },
  language: {
    what: "a language, 'de', without a text",
    file: 'src/ui/i18n/languages.ts',
    find: "export type Language = 'en' | 'it';",
    replace: "export type Language = 'en' | 'it' | 'de';",
  },
};

export const isAddition = (name: string): name is keyof typeof ADDITIONS => name in ADDITIONS;

export const PATCH = 'test/house/note.patch';
/** The one test that the patch brings. */
const PATCH_TEST = 'test/house/note.test.ts';
/** Characters of a message that are printed. */
const MESSAGE_CHARS_MAX = 160;

/** The first line of a message, without the types that it compares: they are long, and the place says them. */
const shortened = (message: string): string =>
  message
    .split('\n')[0]!
    .replace(/ (?:in|on|from) type '.*$/, '')
    .slice(0, MESSAGE_CHARS_MAX);

/** The text of a file with an addition made. @throws where the file no longer has the place for it */
export function added(root: string, { file, find, replace }: Addition): string {
  const text = readFileSync(join(root, file), 'utf8');
  if (text.split(find).length !== 2)
    throw new Error(`${file} holds "${find.trim()}" not just once`);
  return text.replace(find, replace);
}

/** Files that a patch changes or makes. */
export const filesOf = (patch: string): string[] =>
  [...patch.matchAll(/^\+\+\+ b\/(.+)$/gm)].map(([, file]) => file!);

/** A copy of what git tracks or would track, with the installed packages of this one. */
function copyProject(root: string): string {
  const copy = mkdtempSync(join(tmpdir(), 'pila-house-'));
  const listed = execFileSync('git', ['ls-files', '-z', '-co', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const file of new Set(listed.split('\0').filter(Boolean))) {
    mkdirSync(join(copy, dirname(file)), { recursive: true });
    cpSync(join(root, file), join(copy, file), { force: true });
  }
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return copy;
}

interface Asked {
  /** `src/core/tx.ts:30`. */
  readonly place: string;
  readonly file: string;
  readonly message: string;
}

/** Every error of the compiler in all of the project, Svelte's templates included. */
function compile(copy: string): Asked[] {
  const { stdout } = spawnSync(
    process.execPath,
    [
      'node_modules/svelte-check/bin/svelte-check',
      '--tsconfig',
      'tsconfig.json',
      '--output',
      'machine',
    ],
    { cwd: copy, encoding: 'utf8', maxBuffer: 1 << 26 },
  );
  if (!/ COMPLETED /.test(stdout)) throw new Error('svelte-check did not come to its end');

  return [
    ...stdout.matchAll(/^\d+ ERROR ("(?:[^"\\]|\\.)*") (\d+):\d+ ("(?:[^"\\]|\\.)*")$/gm),
  ].map(([, path, line, message]) => {
    const file = JSON.parse(path!) as string;
    return { file, place: `${file}:${line}`, message: shortened(JSON.parse(message!) as string) };
  });
}

/** Adds it to a copy, prints what the compiler asks for, and fills it in where a patch is kept. True: all is well. */
export function tryAddition(root: string, name: keyof typeof ADDITIONS): boolean {
  const addition = ADDITIONS[name];
  const copy = copyProject(root);
  try {
    writeFileSync(join(copy, addition.file), added(root, addition));
    const asked = compile(copy);
    const files = [...new Set(asked.map(({ file }) => file))].sort();
    console.log(`${addition.what}: one line in ${addition.file}.`);
    console.log(`The compiler asks for ${asked.length} places in ${files.length} files:`);
    for (const { place, message } of asked) console.log(`  ${place}: ${message}`);

    if (name !== 'note') return asked.length > 0;
    return fill(copy, [...files, addition.file]);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** Applies the kept patch in place of the line, and sees that it fills these files and no other. */
function fill(copy: string, files: readonly string[]): boolean {
  const patch = readFileSync(join(copy, PATCH), 'utf8');
  const touched = filesOf(patch);
  const unasked = touched.filter((file) => !files.includes(file) && file !== PATCH_TEST);
  const unfilled = files.filter((file) => !touched.includes(file));
  console.log(`\n${PATCH} touches ${touched.length} files: those, and its test.`);
  for (const file of unasked) console.log(`  ✗ not asked for: ${file}`);
  for (const file of unfilled) console.log(`  ✗ not filled: ${file}`);

  // The patch holds the line, too.
  cpSync(join(process.cwd(), ADDITIONS.note.file), join(copy, ADDITIONS.note.file));
  execFileSync('git', ['apply', PATCH], { cwd: copy });
  const left = compile(copy);
  console.log(`With it the compiler asks for ${left.length} places.`);
  for (const { place, message } of left) console.log(`  ✗ ${place}: ${message}`);

  const tests = [PATCH_TEST, 'test/core/tx/kinds.test.ts', 'test/core/state-random.test.ts'];
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', ...tests];
  const { status } = spawnSync(process.execPath, vitest, { cwd: copy, stdio: 'inherit' });
  return !unasked.length && !unfilled.length && !left.length && status === 0;
}
