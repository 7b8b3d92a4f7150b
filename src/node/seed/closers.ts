/** What a running seed has open, and how it is closed. */

/** Functions that close one part each, in the order in which the parts were opened. */
export type Closers = (() => unknown)[];

/**
 * Closes the newest part first, and every part: one that fails holds up no other.
 * @throws what the first of them failed with
 */
export async function closeAll(closers: Closers): Promise<void> {
  const failures: unknown[] = [];
  for (const closer of closers.splice(0).reverse())
    try {
      await closer();
    } catch (e) {
      failures.push(e);
    }
  if (failures.length) throw failures[0];
}
