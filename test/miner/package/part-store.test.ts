/** Stores of parts that need no browser. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createMemoryParts, partStoreError } from '../../../src/miner/package/part-store.ts';
import { createFileParts } from '../../../src/node/file-parts.ts';
import { partStoreContract } from '../../contracts/part-store.contract.ts';

const scratch = () => mkdtemp(join(tmpdir(), 'pila-parts-'));

partStoreContract({ name: 'memory', create: async () => ({ store: createMemoryParts() }) });
partStoreContract({
  name: 'file',
  async create() {
    const folder = await scratch();
    const open = async () => createFileParts(join(folder, 'models'));
    return { store: await open(), reopen: open, remove: () => rm(folder, { recursive: true }) };
  },
});

it('files: what cannot be written is told, and leaves nothing behind', async () => {
  const folder = await scratch();
  const model = 'aa'.repeat(32);
  await writeFile(join(folder, model), 'in the way');
  const store = createFileParts(folder);
  await expect(store.write(model, 1, new Uint8Array(1))).rejects.toMatchObject({
    code: 'MODEL_STORE_FAILED',
  });
  expect(await readdir(folder)).toEqual([model]);
  await rm(folder, { recursive: true });
});

it('a full store has a code of its own', () => {
  const quota = new DOMException('quota', 'QuotaExceededError');
  expect(partStoreError(quota).code).toBe('MODEL_STORE_FULL');
  const disk = Object.assign(new Error('no space'), { code: 'ENOSPC' });
  expect(partStoreError(disk).code).toBe('MODEL_STORE_FULL');
  expect(partStoreError(new Error('else')).code).toBe('MODEL_STORE_FAILED');
});
