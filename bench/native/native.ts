/**
 * A native kernel beside the product's own: builds and runs gemm.c, where the processor has AVX-512 VNNI and a C
 * compiler stands.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface NativeShape {
  readonly m: number;
  readonly k: number;
  readonly n: number;
  readonly r: number;
}

const hasVnni = (): boolean => {
  try {
    return /\bavx512_vnni\b/.test(readFileSync('/proc/cpuinfo', 'utf8'));
  } catch {
    return false;
  }
};

/**
 * GMAC/s of one core for each shape, or why there are none.
 * @throws Error if a compiled kernel multiplies wrongly
 */
export function nativeRates(shapes: readonly NativeShape[]): number[] | string {
  if (!hasVnni()) return 'the processor has no AVX-512 VNNI';
  const folder = mkdtempSync(join(tmpdir(), 'pila-native-'));
  try {
    const program = join(folder, 'gemm');
    const source = join(import.meta.dirname, 'gemm.c');
    const flags = ['-O3', '-march=native', '-fno-strict-aliasing'];
    if (spawnSync('cc', [...flags, '-o', program, source]).status !== 0)
      return 'no C compiler that builds bench/native/gemm.c';
    return shapes.map(({ m, k, n, r }) => {
      const { stdout, status } = spawnSync(program, [m, k, n, r].map(String), { encoding: 'utf8' });
      if (status !== 0) throw new Error(`the native kernel is wrong at ${m}×${k}×${n}: ${stdout}`);
      return Number.parseFloat(stdout);
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
