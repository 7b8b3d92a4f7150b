/** The repository's own model packages, and others that lie beside them. */
import { readFile } from 'node:fs/promises';
import type { ModelPackage } from '../../src/miner/engine/backend.ts';
import { loadPackage } from '../../src/miner/package/package.ts';

export const readModel = (name: string): Promise<ModelPackage> =>
  loadPackage(async (file) => {
    const url = new URL(`../../models/${name}/${file}`, import.meta.url);
    return new Uint8Array(await readFile(url));
  });
