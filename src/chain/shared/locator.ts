/** Where two chains part: the ids that one sends, and the headers that the other answers with. */
import type { Header } from '../../core/formats.ts';
import { HEADERS_MAX, LOCATOR_MAX } from '../../core/messages.ts';

/** Ids in a row at the newest end of a locator. */
const NEWEST = 10;

/**
 * Ids of a chain: the newest ten, then ever wider apart, genesis last.
 * @param idAt of the chain's block of that height; undefined when it left the chain meanwhile
 */
export async function locatorOf(
  tipHeight: number,
  idAt: (height: number) => Promise<Uint8Array | undefined>,
): Promise<Uint8Array[]> {
  const heights: number[] = [];
  for (let height = tipHeight, step = 1; height > 0; height -= step) {
    if (heights.length >= NEWEST) step *= 2;
    if (heights.length < LOCATOR_MAX - 1) heights.push(height);
  }
  heights.push(0);
  const ids = await Promise.all(heights.map(idAt));
  return ids.filter((id) => id !== undefined);
}

/** The headers of a chain up to its head. */
export interface HeaderReader {
  readonly headHeight: number;
  /** Height of a block that is on the chain. */
  heightOf(id: Uint8Array): Promise<number | undefined>;
  /** Headers of heights `from`..`to`, lowest first. */
  read(from: number, to: number): Promise<Header[]>;
}

/** Headers after the first id of a locator that is on the chain, or after genesis. */
export async function headersAfter(
  chain: HeaderReader,
  locator: readonly Uint8Array[],
  max: number,
): Promise<Header[]> {
  let from = 1;
  for (const id of locator.slice(0, LOCATOR_MAX)) {
    const height = await chain.heightOf(id);
    if (height === undefined) continue;
    from = height + 1;
    break;
  }
  const to = Math.min(chain.headHeight, from + Math.min(max, HEADERS_MAX) - 1);
  return to < from ? [] : chain.read(from, to);
}
