/** Whether the browser promised to keep what is stored, however little room is left. */

import type { StorageBuckets } from '../../../wallet/vault/vault-places.ts';

/** Undefined where the browser does not say. */
export const isKept = async (): Promise<boolean | undefined> =>
  navigator.storage?.persisted?.().catch(() => undefined);

/** Asks for the promise; some browsers then ask the person. */
export async function askToKeep(): Promise<boolean | undefined> {
  const kept = (await isKept()) || (await navigator.storage?.persist?.().catch(() => undefined));
  if (kept) await keepBuckets();
  return kept;
}

/** Each bucket is promised by itself. One that comes later asks as it is made. */
async function keepBuckets(): Promise<void> {
  const { storageBuckets } = navigator as { readonly storageBuckets?: StorageBuckets };
  for (const name of (await storageBuckets?.keys()) ?? []) {
    const bucket = await storageBuckets!.open(name);
    await bucket.persist?.().catch(() => undefined);
  }
}
