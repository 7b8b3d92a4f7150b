/**
 * The package as npm packs it, in an empty program of Node and in an empty page of Vite: installed by npm as their lock
 * files say, or, where there is no registry, unpacked below this project, whose own packages are then found.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { buildPackage } from '../../deploy/package/package.ts';

const ROOT = resolve(import.meta.dirname, '../..');
/** Below it everything finds this project's packages. */
export const OFFLINE_FOLDER = join(ROOT, '.cache/package-try');

/** JavaScript that a page loads with its first import of the package, brotli. */
export const ENTRY_BYTES_MAX = 50 * 1024;

/** @throws Error with what the command printed */
export function sh(cwd: string, command: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stdout}\n${stderr}`);
  return stdout;
}

/** Builds and packs it. @returns path of the file that npm would publish */
export async function pack(folder: string): Promise<string> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const built = await buildPackage(join(folder, 'package'));
  sh(built, 'npm', 'pack', '--silent', '--ignore-scripts', '--pack-destination', folder);
  const file = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  return join(folder, file!);
}

/** @returns the folder of the program or page, with the examples and with the package in its node_modules */
export function install(
  packed: string,
  kind: 'program' | 'page' | 'docs',
  { offline }: { offline: boolean },
): string {
  const folder = join(dirname(packed), kind);
  cpSync(join(import.meta.dirname, kind), folder, { recursive: true });
  cpSync(join(ROOT, 'examples'), join(folder, 'examples'), {
    recursive: true,
    // Each with the examples that are for it.
    filter: (path) =>
      kind === 'page' ? !/examples\/[^/]+\.ts$/.test(path) : !path.endsWith('examples/page'),
  });
  if (offline) {
    const to = join(folder, 'node_modules/pila');
    mkdirSync(to, { recursive: true });
    sh(folder, 'tar', '-xzf', packed, '-C', to, '--strip-components', '1');
  } else {
    const quiet = ['--ignore-scripts', '--no-audit', '--no-fund'];
    sh(folder, 'npm', 'ci', ...quiet);
    sh(folder, 'npm', 'install', packed, '--no-save', ...quiet);
  }
  return folder;
}

/** Modules of a page that ask for Node's. */
export function nodeModulesAsked(folder: string): string[] {
  const page = join(folder, 'node_modules/pila/page');
  return readdirSync(page).filter((name) =>
    /(?:from|import|require)\s*\(?\s*["']node:/.test(readFileSync(join(page, name), 'utf8')),
  );
}

/** Bytes, brotli, of the page's entry and all that it imports at once. */
export function entryBytes(folder: string): number {
  const page = join(folder, 'node_modules/pila/page');
  const seen = new Map<string, number>();
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    const code = readFileSync(join(page, name));
    seen.set(name, brotliCompressSync(code).length);
    for (const [, other] of String(code).matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g))
      visit(other!);
  };
  visit('page.js');
  return [...seen.values()].reduce((sum, bytes) => sum + bytes, 0);
}

/** @throws Error with what the compiler says */
export const compile = (folder: string): string =>
  sh(folder, join(ROOT, 'node_modules/.bin/tsc'), '-p', folder);

/** Builds the page by the Vite that it finds. @throws Error with what Vite says */
export const bundlePage = (folder: string, vite: string): string =>
  sh(folder, process.execPath, join(vite, 'bin/vite.js'), 'build', '--logLevel', 'warn');
