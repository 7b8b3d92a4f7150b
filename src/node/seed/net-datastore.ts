/**
 * libp2p's datastore, which holds its certificate and what it remembers of peers, in one of our stores: then it
 * is watched as they are, and comes back by itself after a full disk as they do.
 */
import { LevelDatastore } from 'datastore-level';
import type { Store } from '../../chain/store/store.ts';
import { utf8 } from '../../lib/bytes.ts';

/** Entries read at once. */
const PAGE = 1000;
/** Keys are ASCII. */
const KEYS_END = '\x7f';

type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: string };
interface Span {
  /** All keys when absent. */
  readonly gte?: string;
  readonly lt?: string;
}

/** Closed with its store. */
export const createNetDatastore = (store: Store): LevelDatastore =>
  new LevelDatastore(levelOf(store) as unknown as LevelDatastore['db']);

/** As much of LevelDB's interface as the datastore calls. */
const levelOf = (store: Store) => ({
  open: async (): Promise<void> => undefined,
  close: () => store.close(),
  get: (key: string) => store.get(key),
  put: (key: string, value: Uint8Array) => store.batch([{ key, value }]),
  del: (key: string) => store.batch([{ key, value: undefined }]),
  batch: (operations: readonly Operation[]) =>
    store.batch(
      operations.map((one) => ({
        key: one.key,
        value: one.type === 'put' ? one.value : undefined,
      })),
    ),
  iterator: (span: Span) => ({
    [Symbol.asyncIterator]: () => entriesOf(store, span),
    close: async (): Promise<void> => undefined,
  }),
});

async function* entriesOf(store: Store, { gte = '', lt = KEYS_END }: Span) {
  for (let from = gte; ;) {
    const page = await store.range(from, lt, PAGE);
    for (const { key, value } of page) yield [utf8(key), value] as const;
    const last = page.at(-1);
    if (!last || page.length < PAGE) return;
    from = `${last.key}\0`;
  }
}
