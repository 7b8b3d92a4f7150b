/**
 * JavaScript of the first route, brotli: the entry and all it imports statically. Exits 1 over the
 * budget. `node bench/size.mjs [dist]` after a build.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { brotliCompressSync } from 'node:zlib';

const BUDGET_BYTES = 60 * 1024;
const dist = resolve(process.argv[2] ?? 'dist');
const page = readFileSync(join(dist, 'index.html'), 'utf8');
const entries = [...page.matchAll(/<script[^>]+src="([^"]+)"/g)].map((m) => resolve(dist, m[1]));

const seen = new Map();
function visit(file) {
  if (seen.has(file)) return;
  const code = readFileSync(file);
  seen.set(file, { raw: code.length, brotli: brotliCompressSync(code).length });
  // Static imports of minified output: `import{a}from"./x.js"`, `import"./x.js"`, `export…from"…"`.
  for (const [, path] of code.toString().matchAll(/(?:from|import)\s*"(\.[^"]+\.js)"/g))
    visit(resolve(dirname(file), path));
}
entries.forEach(visit);

const kilobytes = (n) => `${(n / 1024).toFixed(1)} KB`.padStart(10);
const row = (name, { raw, brotli }) => console.log(kilobytes(raw), kilobytes(brotli), name);
console.log('       raw     brotli');
for (const [file, size] of seen) row(file.slice(dist.length + 1), size);
let total = 0;
for (const { brotli } of seen.values()) total += brotli;
console.log(`first route: ${kilobytes(total).trim()} brotli of ${kilobytes(BUDGET_BYTES).trim()}`);
console.log('\nloaded later:');
for (const name of readdirSync(join(dist, 'assets'))) {
  const file = join(dist, 'assets', name);
  if (!/\.m?js$/.test(name) || seen.has(file)) continue;
  const code = readFileSync(file);
  row(`assets/${name}`, { raw: code.length, brotli: brotliCompressSync(code).length });
}
process.exit(total > BUDGET_BYTES || seen.size === 0 ? 1 : 0);
