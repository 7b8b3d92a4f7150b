/** What is known of a served model before it is fetched: whether the page's server gives it, whether it has room here. */
import type { ModelStorage, StoredModel } from '../../client/api.ts';

/** Ids in hex of the served models that the page's server said it gives; the client reads all that it said. */
export function heldByServer(told: unknown): ReadonlySet<unknown> {
  const models: unknown[] = Array.isArray(told) ? told : [];
  return new Set(models.map((model) => (model as { readonly id?: unknown } | null)?.id));
}

/** Bytes that are free and missing, where these are more than this browser allows; undefined where they fit. */
export function lacksRoom(
  { usedBytes, quotaBytes }: Pick<ModelStorage, 'usedBytes' | 'quotaBytes'>,
  { bytes, stored }: Pick<StoredModel, 'bytes' | 'stored'>,
): { readonly free: number; readonly missing: number } | undefined {
  if (usedBytes === undefined || quotaBytes === undefined) return undefined;
  const [free, missing] = [Math.max(0, quotaBytes - usedBytes), bytes - stored];
  return missing > free ? { free, missing } : undefined;
}
