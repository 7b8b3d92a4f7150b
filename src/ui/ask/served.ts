/** What is known of a served model before it is fetched: whether the page's server gives it, whether it has room here. */
import type { ModelStorage, StoredModel } from '../../client/api.ts';

/** Ids in hex of the served models that the page's server said it gives; the client reads all that it said. */
export function heldByServer(told: unknown): ReadonlySet<unknown> {
  const models: unknown[] = Array.isArray(told) ? told : [];
  return new Set(models.map((model) => (model as { readonly id?: unknown } | null)?.id));
}

/** A model that runs holds its weights and half as much again, and the program a hundred MB (bench/results, memory). */
const memoryOf = (bytes: number): number => 1.5 * bytes + 100e6;
/** Of a device's memory one page gets no more than a part: phones end pages that take it. */
const PAGE_SHARE = 4;
const GIB = 2 ** 30;

/** Bytes of memory that a model takes, and all there are, where a page hardly gets that many; undefined: it fits. */
export function lacksMemory(
  { bytes }: Pick<StoredModel, 'bytes'>,
  { deviceMemory }: { readonly deviceMemory?: number },
): { readonly needed: number; readonly all: number } | undefined {
  if (deviceMemory === undefined) return undefined;
  const [needed, all] = [memoryOf(bytes), deviceMemory * GIB];
  return needed > all / PAGE_SHARE ? { needed, all } : undefined;
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
