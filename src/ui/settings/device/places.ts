/** What lies where in this browser: the list before all of it is erased is made from this, and a test holds it whole. */
import { createIdbStore } from '../../../chain/store/idb-store.ts';

/** Lines of that list, each with the names of its databases, buckets, folders, caches and entries of localStorage. */
const PLACES = {
  keys: [/^pila-vault-\d+$/, /^pila\.keys$/],
  lists: [/^pila\.(contacts|watched|notes|search-accounts)\.\w+$/],
  chats: [/^pila-chats$/],
  texts: [/^pila-texts$/],
  // One database: what waits to be sent, proven balances, channels, answers, and the book of this device's work.
  records: [/^pila-\w+-outbox$/],
  chain: [/^pila-\w+-chain$/],
  models: [/^pila-\w+-models$/, /^pila-(tuning|exact)$/],
  app: [/^pila-(precache|runtime|config|build)\b/],
  // Last: what a person chose has a short name each.
  choices: [/^pila\.[a-z-]+$/],
} as const satisfies Record<string, readonly RegExp[]>;
export type Erased = keyof typeof PLACES;

export const ERASED = Object.keys(PLACES) as Erased[];

/** The line that names it; undefined: none does. */
export const lineOf = (place: string): Erased | undefined =>
  ERASED.find((line) => PLACES[line].some((name) => name.test(place)));

/** Entries that are added up at a time. */
const PAGE = 256;
/** Sorts behind every key. */
const END = '\uffff';

/** Bytes in the databases of a line; undefined where there are none, or the browser does not tell. */
export async function bytesOf(line: Erased): Promise<number | undefined> {
  try {
    const names = (await indexedDB.databases()).flatMap(({ name }) => name ?? []);
    const sizes = await Promise.all(names.filter((name) => lineOf(name) === line).map(bytesIn));
    return sizes.length ? sizes.reduce((sum, bytes) => sum + bytes, 0) : undefined;
  } catch {
    return undefined;
  }
}

/** Of the values alone, as they are kept. Nothing is held open: it would be in the way of erasing. */
async function bytesIn(name: string): Promise<number> {
  const store = await createIdbStore(name);
  try {
    let bytes = 0;
    for (let from = ''; ;) {
      const entries = await store.range(from, END, PAGE);
      for (const { value } of entries) bytes += value.length;
      if (entries.length < PAGE) return bytes;
      from = `${entries.at(-1)!.key}\0`;
    }
  } finally {
    await store.close();
  }
}
