/**
 * JavaScript of the first route and of the keyring (the vault's worker), brotli: each entry and all it
 * imports statically. Exits 1 when one is over its budget. `node bench/size.ts [dist]` after a build.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { brotliCompressSync } from 'node:zlib';

const FIRST_ROUTE_BYTES_MAX = 60 * 1024;
const KEYRING_BYTES_MAX = 35 * 1024;
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

console.log('       raw     brotli');
const first = new Map<string, Size>();
entries.forEach((file) => visit(file, first));
const keyring = new Map<string, Size>();
keyrings.forEach((name) => visit(join(dist, 'assets', name), keyring));
const fits = [
  report('first route', first, FIRST_ROUTE_BYTES_MAX),
  report('keyring', keyring, KEYRING_BYTES_MAX),
];
console.log('loaded later:');
for (const name of assets) {
  const file = join(dist, 'assets', name);
  if (!/\.m?js$/.test(name) || first.has(file) || keyring.has(file)) continue;
  row(`assets/${name}`, sizeOf(file));
}
process.exit(fits.every(Boolean) ? 0 : 1);
