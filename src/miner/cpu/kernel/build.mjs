/** Compiles assembly/ to kernel-wasm.ts (base64, committed). Run: node src/miner/cpu/kernel/build.mjs */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const OPTIONS = ['-O3', '--enable', 'simd', '--runtime', 'stub', '--noAssert'];

/** Text of kernel-wasm.ts. */
export async function buildKernel() {
  let wasm;
  const baseDir = fileURLToPath(new URL('assembly', import.meta.url));
  const args = ['kernel.ts', '--baseDir', baseDir, '--outFile', 'kernel.wasm', ...OPTIONS];
  const { error, stderr } = await asc.main(args, {
    writeFile: (name, data) => {
      if (name === 'kernel.wasm') wasm = data;
    },
  });
  if (error) throw new Error(`${error.message}\n${stderr.toString()}`);
  const lines = Buffer.from(wasm)
    .toString('base64')
    .match(/.{1,92}/g);
  const head = '/** The kernel, compiled by build.mjs from assembly/: do not edit. */\n';
  return `${head}export const KERNEL_WASM = \`\n${lines.join('\n')}\n\`;\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(new URL('kernel-wasm.ts', import.meta.url), await buildKernel());
