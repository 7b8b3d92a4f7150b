/** The package store of the models that the project carries, with nothing fetched. */
import { openPackageStore, type PackageStore } from '../../../src/client/models/package-store.ts';
import type { ChainNetwork } from '../../../src/client/models/networks.ts';
import { createMemoryParts } from '../../../src/miner/package/part-store.ts';
import { createPackagedParts } from '../../../src/node/packaged-parts.ts';

export async function openPackaged({ models }: ChainNetwork): Promise<PackageStore> {
  const store = await createPackagedParts(models, createMemoryParts());
  return openPackageStore({ models, store, sources: () => [], onChange: () => undefined });
}
