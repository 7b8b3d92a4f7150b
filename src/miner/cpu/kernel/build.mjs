/** Compiles assembly/ to kernel-wasm.ts and relaxed-wasm.ts (base64, committed). Run: node src/miner/cpu/kernel/build.mjs */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

export const OPTIONS = ['-O3', '--enable', 'simd', '--runtime', 'stub', '--noAssert'];
/** The second module holds no data of its own and works in the first one's memory. */
const RELAXED_OPTIONS = [...OPTIONS, '--enable', 'relaxed-simd', '--importMemory'];

/** Base64 in lines of a module. */
export async function compile(source, options, folder = new URL('assembly', import.meta.url)) {
  let wasm;
  const baseDir = fileURLToPath(folder);
  const args = [source, '--baseDir', baseDir, '--outFile', 'module.wasm', ...options];
  const { error, stderr } = await asc.main(args, {
    writeFile: (name, data) => {
      if (name === 'module.wasm') wasm = data;
    },
  });
  if (error) throw new Error(`${error.message}\n${stderr.toString()}`);
  const lines = Buffer.from(wasm)
    .toString('base64')
    .match(/.{1,92}/g);
  return lines.join('\n');
}

/** Text of kernel-wasm.ts. */
export async function buildKernel() {
  const head = '/** The kernel, compiled by build.mjs from assembly/: do not edit. */\n';
  return `${head}export const KERNEL_WASM = \`\n${await compile('kernel.ts', OPTIONS)}\n\`;\n`;
}

/** Text of relaxed-wasm.ts. */
export async function buildRelaxed() {
  const head =
    '/** The module of relaxed SIMD, compiled by build.mjs from assembly/: do not edit. */\n';
  const text = await compile('relaxed/relaxed.ts', RELAXED_OPTIONS);
  return `${head}export const RELAXED_WASM = \`\n${text}\n\`;\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(new URL('kernel-wasm.ts', import.meta.url), await buildKernel());
  writeFileSync(new URL('relaxed-wasm.ts', import.meta.url), await buildRelaxed());
}
