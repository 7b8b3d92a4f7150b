/**
 * How long one query of an index of one's texts takes, over made rows of the size that `minilm` has:
 * `node bench/texts-search.ts [passages]`. A search goes through all rows, whatever they say.
 */
import { nearest, rowsFrom } from '../src/client/texts-index/nearest.ts';

/** Values of a row of minilm. */
const SIZE = 384;
const DOCUMENTS = 200;
const QUERIES = 50;
/** As many as a screen asks for. */
const HITS = 20;

export interface SearchTimes {
  readonly passages: number;
  /** ms of a query: in the middle, and the slowest of them. */
  readonly medianMs: number;
  readonly mostMs: number;
}

export function measureSearch(passages = 10_000): SearchTimes {
  let state = 1;
  const made = (): number => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0) >> 24;
  const each = Math.ceil(passages / DOCUMENTS);
  const documents = Array.from({ length: DOCUMENTS }, (_, i) => {
    const rows = Math.max(0, Math.min(each, passages - i * each));
    return rowsFrom(Int8Array.from({ length: rows * SIZE }, made), SIZE);
  });
  const times = Array.from({ length: QUERIES }, () => {
    const query = Int8Array.from({ length: SIZE }, made);
    const startMs = performance.now();
    nearest(documents, query, HITS);
    return performance.now() - startMs;
  }).sort((a, b) => a - b);
  return { passages, medianMs: times[QUERIES >> 1]!, mostMs: times.at(-1)! };
}

if (import.meta.main) {
  const { passages, medianMs, mostMs } = measureSearch(Number(process.argv[2] ?? 10_000));
  console.log(
    `${passages} passages: a query ${medianMs.toFixed(1)} ms (median of ${QUERIES}), ${mostMs.toFixed(1)} ms at most`,
  );
}
