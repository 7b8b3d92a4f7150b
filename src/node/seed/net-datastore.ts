/**
 * libp2p's datastore of a seed. The WebRTC-direct certificate and its key lie in one of our stores: then that is
 * watched as they are, and comes back by itself after a full disk as they do. Records of peers are in memory:
 * browsers come with a new id at every start, and nobody asks for the records of those that have gone.
 */
import { LevelDatastore } from 'datastore-level';
import type { Store } from '../../chain/store/store.ts';
import { BoundedMap } from '../../lib/bounded.ts';
import { utf8 } from '../../lib/bytes.ts';
import { CONNECTIONS_MAX } from '../../net/host.ts';

type Key = Parameters<LevelDatastore['get']>[0];
type Value = Awaited<ReturnType<LevelDatastore['get']>>;
type Query = Parameters<LevelDatastore['query']>[0];

const PEERS = '/peers/';
/** Records in memory: of all that are connected, and as many again. */
const RECORDS_MAX = 2 * CONNECTIONS_MAX.seed;
/** Entries read at once. */
const PAGE = 1000;
/** Keys are ASCII. */
const KEYS_END = '\x7f';

const isPeer = (key: { toString(): string }): boolean => key.toString().startsWith(PEERS);

/** Closed with its store. */
export class NetDatastore extends LevelDatastore {
  readonly #peers = new BoundedMap<string, { key: Key; value: Value }>(RECORDS_MAX);

  constructor(store: Store) {
    super(levelOf(store) as unknown as LevelDatastore['db']);
  }

  /** Also drops records that earlier versions kept. */
  override async open(): Promise<void> {
    await super.open();
    for await (const key of super.queryKeys({ prefix: PEERS })) await super.delete(key);
  }

  override put(key: Key, value: Value): Promise<Key> {
    if (!isPeer(key)) return super.put(key, value);
    this.#peers.set(key.toString(), { key, value });
    return Promise.resolve(key);
  }

  override async get(key: Key): Promise<Value> {
    return this.#peers.get(key.toString())?.value ?? (await super.get(key));
  }

  override async has(key: Key): Promise<boolean> {
    return this.#peers.has(key.toString()) || (await super.has(key));
  }

  override async delete(key: Key): Promise<void> {
    if (isPeer(key)) this.#peers.delete(key.toString());
    else await super.delete(key);
  }

  /** As libp2p asks for peers: filters and orders, no limit. */
  override async *query(query: Query): ReturnType<LevelDatastore['query']> {
    if (!isPeer(query.prefix ?? '')) {
      yield* super.query(query);
      return;
    }
    const pairs = [...this.#peers]
      .map(([, pair]) => pair)
      .filter((pair) => query.filters?.every((holds) => holds(pair)) ?? true);
    yield* (query.orders ?? []).reduce((sorted, order) => sorted.toSorted(order), pairs);
  }
}

type Operation =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: string };
interface Span {
  /** All keys when absent. */
  readonly gte?: string;
  readonly lt?: string;
}

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
