/**
 * `npm run -s deploy:install -- DIR`: a seed that is built here, whole in a folder, for this machine or a copy to
 * another of the same kind: the program, the app, the models, the packages it runs with, and the Node it was tested
 * on. Nothing is fetched. Ends with its size, and fails over SIZE_MB_MAX.
 */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** 10^6 bytes. */
const SIZE_MB_MAX = 300;

const ROOT = resolve(import.meta.dirname, '..');
const PARTS = ['bin', 'deploy', 'dist', 'docs', 'models', 'src', 'stub'];
const FILES = ['package.json', 'package-lock.json', 'LICENSE', 'README.md'];

/** ONNX Runtime brings ten builds; Node loads one, and browsers have theirs in `dist`. */
const RUNTIME =
  /^node_modules\/onnxruntime-web\/dist\/(?!ort\.webgpu\.|ort-wasm-simd-threaded\.asyncify\.)/;
/** What a debugger reads. */
const SOURCE_MAP = /\.map$/;

interface Locked {
  readonly dev?: boolean;
  /** Of another system or processor: it may be missing. */
  readonly optional?: boolean;
}

/** Folders of the packages that are not for development alone. */
function packages(): string[] {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, Locked>;
  };
  return Object.entries(lock.packages)
    .filter(([path, { dev, optional }]) => {
      if (!path.startsWith('node_modules/') || dev) return false;
      const isThere = existsSync(join(ROOT, path));
      if (!isThere && !optional) throw new Error(`${path} is missing: npm ci`);
      return isThere;
    })
    .map(([path]) => path);
}

function copy(path: string, to: string, leaveOut: (path: string) => boolean = () => false): void {
  mkdirSync(dirname(join(to, path)), { recursive: true });
  cpSync(join(ROOT, path), join(to, path), {
    recursive: true,
    verbatimSymlinks: true,
    filter: (file) => !leaveOut(file.slice(ROOT.length + 1)),
  });
}

function sizeOf(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  const sizes = files
    .filter((file) => file.isFile())
    .map((file) => statSync(join(file.parentPath, file.name)).size);
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Whether a folder is this checkout or in it, links followed: what it has would be removed as an older version. */
function isInside(folder: string): boolean {
  let there = folder;
  while (!existsSync(there)) there = dirname(there);
  return `${realpathSync(there)}/`.startsWith(`${realpathSync(ROOT)}/`);
}

function install(to: string): void {
  if (!existsSync(join(ROOT, 'dist/index.html'))) throw new Error('no app: npm run build makes it');
  if (existsSync(to) && readdirSync(to).length && !existsSync(join(to, 'bin/pila')))
    throw new Error(`${to} is not empty, and no Pila`);
  if (isInside(to)) throw new Error(`${to} is in the folder that it is installed from`);
  // Before anything is taken away.
  const own = packages();
  // What an older version had must not stay.
  for (const old of [...PARTS, ...FILES, 'node_modules'])
    rmSync(join(to, old), { recursive: true, force: true });
  for (const part of [...PARTS, ...FILES]) copy(part, to);
  for (const path of own)
    copy(path, to, (file) => {
      // Packages inside a package are entries of their own.
      const inner = file.startsWith(`${path}/node_modules`);
      return inner || RUNTIME.test(file) || SOURCE_MAP.test(file);
    });
  cpSync(process.execPath, join(to, 'bin/node'));
  const megabytes = Math.ceil(sizeOf(to) / 1e6);
  const node = Math.ceil(statSync(process.execPath).size / 1e6);
  console.log(
    `${to}: ${own.length} packages, ${megabytes} MB of at most ${SIZE_MB_MAX}, Node's ${node} among them`,
  );
  if (megabytes > SIZE_MB_MAX) process.exitCode = 1;
}

const [to, ...more] = process.argv.slice(2);
if (!to || more.length) {
  console.error('npm run -s deploy:install -- DIR');
  process.exit(2);
}
try {
  install(resolve(to));
} catch (e) {
  console.error(`deploy:install: ${(e as Error).message}`);
  process.exit(1);
}
