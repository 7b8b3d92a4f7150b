/** Rows that say something on one chain alone, in a store that outlives it. */
import { equal } from '../../lib/bytes.ts';
import type { Store } from './store.ts';

const PAGE = 1024;

export interface RowsOfChain {
  /** Key under which the id of the chain's genesis block stands. */
  readonly marker: string;
  /** What the rows' keys begin with. */
  readonly prefixes: readonly string[];
}

/**
 * Drops such rows where they are of another chain, also those that this version cannot read. The marker is written
 * last: a start that was cut is gone on with at the next.
 * @returns keys that went; undefined where the rows are of this chain @throws AppError STORE_FAILED, STORE_CLOSED
 */
export async function dropOtherChain(
  store: Pick<Store, 'batch' | 'get' | 'range'>,
  { marker, prefixes }: RowsOfChain,
  genesisId: Uint8Array,
): Promise<readonly string[] | undefined> {
  const stored = await store.get(marker);
  if (stored && equal(stored, genesisId)) return undefined;
  const gone: string[] = [];
  for (const prefix of prefixes)
    for (;;) {
      const rows = await store.range(prefix, `${prefix}\x7f`, PAGE);
      if (!rows.length) break;
      await store.batch(
        rows.map(({ key }) => ({ key, value: undefined })),
        true,
      );
      gone.push(...rows.map(({ key }) => key));
    }
  await store.batch([{ key: marker, value: genesisId }], true);
  return gone;
}
