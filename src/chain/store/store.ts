/**
 * Where a chain keeps its bytes: an ordered key-value store with atomic batches. Three
 * implementations, one contract suite: memory, IndexedDB (idb), LevelDB (classic-level).
 */
export interface Put {
  readonly key: string;
  /** undefined deletes. */
  readonly value: Uint8Array | undefined;
}

export interface Store {
  get(key: string): Promise<Uint8Array | undefined>;
  /**
   * All or nothing, also when the process dies inside it. `durable` waits until it would
   * survive power loss. @throws AppError STORE_FULL, STORE_FAILED, STORE_CLOSED
   */
  batch(puts: readonly Put[], durable?: boolean): Promise<void>;
  /** Entries with `from` ≤ key < `to` in key order, at most `limit` (default 10,000). */
  range(from: string, to: string, limit?: number): Promise<{ key: string; value: Uint8Array }[]>;
  /** Deletes everything. */
  clear(): Promise<void>;
  close(): Promise<void>;
}
