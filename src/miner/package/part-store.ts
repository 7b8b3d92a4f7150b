/** Where fetched parts of packages are kept. One contract suite: test/contracts/part-store.contract.ts. */
import { AppError } from '../../lib/errors.ts';

/** `model`: an id in hex. A stored part is whole, but may be damaged since: it is checked when it is used. */
export interface PartStore {
  /** Bytes `from` to `to` (all by default), a copy; undefined when the part is not here. */
  read(model: string, part: number, from?: number, to?: number): Promise<Uint8Array | undefined>;
  /** Writes or replaces a part. @throws AppError MODEL_STORE_FULL, MODEL_STORE_FAILED; the part is then not stored */
  write(model: string, part: number, bytes: Uint8Array): Promise<void>;
  /** Bytes of each part that is here. */
  sizes(model: string): Promise<ReadonlyMap<number, number>>;
  models(): Promise<string[]>;
  /** Removes one part, or all parts of a model, if they are stored. @throws AppError MODEL_STORE_FAILED */
  remove(model: string, part?: number): Promise<void>;
}

/** The failure of a browser's storage or a file system as an error with a code that screens know. */
export function partStoreError(cause: unknown): AppError {
  if (cause instanceof AppError) return cause;
  const { name = '', code = '' } = (cause ?? {}) as { name?: string; code?: string };
  const isFull = name === 'QuotaExceededError' || code === 'ENOSPC' || code === 'EDQUOT';
  const what = isFull ? 'no room for a part of a model' : 'a part of a model cannot be kept';
  return new AppError(isFull ? 'MODEL_STORE_FULL' : 'MODEL_STORE_FAILED', what, { cause });
}

/** Parts in memory until the process ends: for tests, and where a browser stores nothing. */
export function createMemoryParts(): PartStore {
  const models = new Map<string, Map<number, Uint8Array>>();
  return {
    read: async (model, part, from = 0, to) => models.get(model)?.get(part)?.slice(from, to),
    async write(model, part, bytes) {
      models.set(
        model,
        (models.get(model) ?? new Map<number, Uint8Array>()).set(part, bytes.slice()),
      );
    },
    sizes: async (model) =>
      new Map([...(models.get(model) ?? [])].map(([part, bytes]) => [part, bytes.length])),
    models: async () => [...models.keys()],
    async remove(model, part) {
      const parts = models.get(model);
      if (part !== undefined) parts?.delete(part);
      if (part === undefined || !parts?.size) models.delete(model);
    },
  };
}
