/**
 * `npm run -s package:try [-- --offline]`: the package, packed and installed by npm into an empty program of Node and an
 * empty page of Vite, does what docs/package.md says. Ends with `passed N failed M`; exits 1 for any that failed.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { findChromium } from '../chromium.ts';
import {
  bundlePage,
  compile,
  ENTRY_BYTES_MAX,
  entryBytes,
  install,
  nodeModulesAsked,
  OFFLINE_FOLDER,
  pack,
  sh,
} from './installed.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const offline = process.argv.includes('--offline');
const scratch = offline ? OFFLINE_FOLDER : join(mkdtempSync(join(tmpdir(), 'pila-package-')), 'a');
const counts = { passed: 0, failed: 0 };

/** One check: passed where it throws nothing. */
async function check(name: string, run: () => unknown): Promise<void> {
  try {
    const told = await run();
    counts.passed++;
    console.log(`✓ ${name}${typeof told === 'string' && told ? `: ${told}` : ''}`);
  } catch (error) {
    counts.failed++;
    console.log(`✗ ${name}\n${error instanceof Error ? error.message : String(error)}`);
  }
}

function requireNone(found: readonly string[]): void {
  if (found.length) throw new Error(found.join(', '));
}

/** A command of this project, seen as it runs. */
function run(command: string, args: readonly string[], env: Record<string, string>): void {
  // By this Node: one that is installed may be older.
  const script = join(ROOT, 'node_modules/.bin', command);
  const { status } = spawnSync(process.execPath, [script, ...args], {
    cwd: ROOT,
    stdio: 'inherit',
    env: { ...process.env, ...env },
  });
  if (status !== 0) throw new Error(`${command} ended with ${status}`);
}

const packed = await pack(scratch);
const program = install(packed, 'program', { offline });
const page = install(packed, 'page', { offline });

await check('a page’s entry asks for nothing of Node', () => requireNone(nodeModulesAsked(page)));
await check('it is small', () => {
  const bytes = entryBytes(page);
  if (bytes > ENTRY_BYTES_MAX) throw new Error(`${bytes} bytes of ${ENTRY_BYTES_MAX}`);
  return `${(bytes / 1024).toFixed(1)} KB brotli of ${ENTRY_BYTES_MAX / 1024}`;
});
await check('types for Node', () => compile(program));
await check('types for a page', () => compile(page));
await check('Vite bundles the page with its workers', () =>
  bundlePage(page, join(offline ? ROOT : page, 'node_modules/vite')),
);
await check('examples in Node', () =>
  run('vitest', ['run', 'test/examples.test.ts'], { PILA_EXAMPLES: join(program, 'examples') }),
);
await check('examples in a page', () =>
  run(
    'playwright',
    ['test', '--reporter=list', '--config', 'e2e/playwright.config.ts', 'e2e/example.spec.ts'],
    { PILA_PAGES: page, CHROMIUM: findChromium() },
  ),
);
if (offline) console.log('- skipped: TypeDoc, which comes from a registry');
else
  await check('TypeDoc has no warning', () => {
    const docs = install(packed, 'docs', { offline });
    sh(docs, process.execPath, 'node_modules/typedoc/bin/typedoc');
  });

if (!offline) rmSync(resolve(scratch, '..'), { recursive: true });
console.log(`passed ${counts.passed} failed ${counts.failed}`);
process.exit(counts.failed ? 1 : 0);
