/** Compiles assembly/ to arithmetic-wasm.ts (base64, committed). Run: node models/import/llama/kernel/build.mjs */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { compile, OPTIONS } from '../../../../src/miner/cpu/kernel/build.mjs';

/** Text of arithmetic-wasm.ts. */
export async function buildArithmetic() {
  const head =
    "/** The importer's arithmetic, compiled by build.mjs from assembly/: do not edit. */\n";
  const folder = new URL('assembly', import.meta.url);
  const text = await compile('arithmetic.ts', OPTIONS, folder);
  return `${head}export const ARITHMETIC_WASM = \`\n${text}\n\`;\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(new URL('arithmetic-wasm.ts', import.meta.url), await buildArithmetic());
