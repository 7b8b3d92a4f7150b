/** When a chain's head is so old that perhaps nobody mines. */
/** Blocks come without memory: a healthy chain is as long without one every 160,000 blocks. */
const STALE_BLOCKS = 12;
const STALE_MS_MIN = 120_000;
/** A head this old says nothing about now. No head yet (time 0) is not stale. */
export const isStale = (headTimeMs: number, nowMs: number, blockTimeMs: number): boolean =>
  headTimeMs > 0 && nowMs - headTimeMs > Math.max(STALE_BLOCKS * blockTimeMs, STALE_MS_MIN);
