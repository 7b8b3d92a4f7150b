/** A package's parts in a store, all of them, from its files. */
import { concat } from '../../../src/lib/bytes.ts';
import { createMemoryParts, type PartStore } from '../../../src/miner/package/part-store.ts';
import {
  OUTLINE,
  valueOfPart,
  type Part,
  type PartPlan,
} from '../../../src/miner/package/parts.ts';

export const bytesOfPart = ({ file, end, at, size }: Part, files: readonly Uint8Array[]) =>
  concat(...files.slice(file, end)).slice(at, at + size);

export const outlineOf = ({ parts }: PartPlan, files: readonly Uint8Array[]): Uint8Array => {
  const cut = parts.filter(({ value }) => value !== undefined);
  return concat(...cut.map((part) => valueOfPart(part, bytesOfPart(part, files))));
};

/** Writes them, numbered from 1, and the outline where there is one. */
export async function keepParts(
  id: string,
  plan: PartPlan,
  files: readonly Uint8Array[],
  store = createMemoryParts(),
): Promise<PartStore> {
  if (plan.outlineBytes) await store.write(id, OUTLINE, outlineOf(plan, files));
  for (const [i, part] of plan.parts.entries())
    await store.write(id, i + 1, bytesOfPart(part, files));
  return store;
}

/** Keeps a part for each file, as the first versions did. */
export async function keepEachFile(
  id: string,
  files: readonly Uint8Array[],
  store: PartStore,
): Promise<void> {
  for (const [i, file] of files.entries()) await store.write(id, i + 1, file);
}
