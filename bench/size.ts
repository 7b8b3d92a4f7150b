/**
 * JavaScript of the first route and of the keyring (the vault's worker), brotli: each entry and all it
 * imports statically. The executor, bundled alone. And what a first visit transfers up to the first unit of lingua on
 * the processor, with ONNX Runtime as well as without. Exits 1 when one is over its budget.
 * `node bench/size.ts [dist]` after a build.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { buildSync } from 'esbuild';

const FIRST_ROUTE_BYTES_MAX = 60 * 1024;
const KEYRING_BYTES_MAX = 35 * 1024;
const EXECUTOR_BYTES_MAX = 25 * 1024;
const dist = resolve(process.argv[2] ?? 'dist');
const assets = readdirSync(join(dist, 'assets'));
const page = readFileSync(join(dist, 'index.html'), 'utf8');
const entries = [...page.matchAll(/<script[^>]+src="([^"]+)"/g)].map((m) => resolve(dist, m[1]!));
const keyrings = assets.filter((name) => /^vault\.worker-.*\.js$/.test(name));

/** Bytes as they are and as the seed serves them. */
interface Size {
  readonly raw: number;
  readonly brotli: number;
}

function sizeOf(file: string): Size {
  const code = readFileSync(file);
  return { raw: code.length, brotli: brotliCompressSync(code).length };
}

/** Files of an entry, with their sizes. */
function visit(file: string, seen: Map<string, Size>): void {
  if (seen.has(file)) return;
  seen.set(file, sizeOf(file));
  // Static imports of minified output: `import{a}from"./x.js"`, `import"./x.js"`, `export…from"…"`.
  for (const [, path] of readFileSync(file, 'utf8').matchAll(/(?:from|import)\s*"(\.[^"]+\.js)"/g))
    visit(resolve(dirname(file), path!), seen);
}

const kilobytes = (n: number): string => `${(n / 1024).toFixed(1)} KB`.padStart(10);
const row = (name: string, { raw, brotli }: Size): void =>
  console.log(kilobytes(raw), kilobytes(brotli), name);

/** Whether it keeps within its budget. */
function report(name: string, files: ReadonlyMap<string, Size>, bytesMax: number): boolean {
  for (const [file, size] of files) row(file.slice(dist.length + 1), size);
  let total = 0;
  for (const { brotli } of files.values()) total += brotli;
  console.log(`${name}: ${kilobytes(total).trim()} brotli of ${kilobytes(bytesMax).trim()}\n`);
  return files.size > 0 && total <= bytesMax;
}

/** The executor with all it imports, as a bundle would hold it. */
function executor(): Size {
  const entryPoints = [join(import.meta.dirname, '../src/miner/executor/executor.ts')];
  const { outputFiles } = buildSync({
    entryPoints,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'esnext',
    write: false,
    external: ['protobufjs', 'hash-wasm'],
  });
  const [code] = outputFiles.map(({ contents }) => contents);
  return { raw: code!.length, brotli: brotliCompressSync(code!).length };
}

/** Sizes of the files below `assets` whose names match, as they are served, each with its static imports. */
function transferred(...names: readonly RegExp[]): number {
  const found = new Map<string, Size>();
  for (const name of assets.filter((asset) => names.some((one) => one.test(asset)))) {
    const file = join(dist, 'assets', name);
    // The runtime's wasm takes long to compress; the build has done it.
    if (name.endsWith('.wasm'))
      found.set(file, { raw: 0, brotli: readFileSync(`${file}.br`).length });
    else visit(file, found);
  }
  return [...found.values()].reduce((sum, { brotli }) => sum + brotli, 0);
}

/** What mining with lingua on the processor needs, and what ONNX Runtime would add. */
function firstUnit(route: number): void {
  const folder = join(import.meta.dirname, '../models/lingua');
  const files = readdirSync(folder).filter((name) =>
    /^(seg|table|weights).*\.(onnx|bin)$/.test(name),
  );
  const model = files.reduce((sum, name) => sum + readFileSync(join(folder, name)).length, 0);
  const parts: [string, number][] = [
    ['first route', route],
    ['client and transport', transferred(/^client\.worker-.*\.js$/, /^create-transport-.*\.js$/)],
    ['miner with the executor', transferred(/^miner\.worker-.*\.js$/)],
    ['lingua, as it is', model],
  ];
  const runtime = transferred(/^(runtime-segments|segments)-.*\.js$/, /^ort-.*\.wasm$/);
  console.log('a first visit up to the first unit of lingua:');
  for (const [name, bytes] of parts) console.log(kilobytes(bytes), name);
  const total = parts.reduce((sum, [, bytes]) => sum + bytes, 0);
  console.log(kilobytes(total), 'in all');
  console.log(kilobytes(total + runtime), 'with ONNX Runtime, as it was before the executor\n');
}

console.log('       raw     brotli');
const first = new Map<string, Size>();
entries.forEach((file) => visit(file, first));
const keyring = new Map<string, Size>();
keyrings.forEach((name) => visit(join(dist, 'assets', name), keyring));
const fits = [
  report('first route', first, FIRST_ROUTE_BYTES_MAX),
  report('keyring', keyring, KEYRING_BYTES_MAX),
  report('executor', new Map([[join(dist, 'executor'), executor()]]), EXECUTOR_BYTES_MAX),
];
firstUnit([...first.values()].reduce((sum, { brotli }) => sum + brotli, 0));
console.log('loaded later:');
for (const name of assets) {
  const file = join(dist, 'assets', name);
  if (!/\.m?js$/.test(name) || first.has(file) || keyring.has(file)) continue;
  row(`assets/${name}`, sizeOf(file));
}
process.exit(fits.every(Boolean) ? 0 : 1);
