/**
 * How texts and their rows lie in a store: a record and a text for each document, and its rows in chunks. Everything is
 * written in one batch or in order, so that whatever is there was whole when the program ended.
 */
import { RANGE_LIMIT } from '../../chain/store/store-limits.ts';
import type { Put, Store } from '../../chain/store/store.ts';
import { encode, hash32, list, optional, struct, text, tryDecode, u32 } from '../../core/codec.ts';
import { plainHash } from '../../core/hash.ts';
import { concat, toHex, utf8 } from '../../lib/bytes.ts';
import { DOCUMENTS_MAX, NAME_CHARS_MAX, PASSAGES_MAX } from './bounds.ts';
import type { Passage } from './cut.ts';
import type { NamedText } from './read-text.ts';

/** Rows that are written at once: about a second of work, which is lost when the program ends within it. */
export const CHUNK_ROWS = 64;
/** Bytes of a character in UTF-8. */
const UTF8_MAX = 4;

const DocumentRecord = struct({
  /** When it was added, in order. */
  n: u32,
  name: text(UTF8_MAX * NAME_CHARS_MAX),
  /** Bytes of its text. */
  bytes: u32,
  /** Where its passages end, and for which model it was cut. */
  cut: optional(struct({ model: hash32, ends: list(u32, PASSAGES_MAX) })),
});

export interface StoredDocument {
  /** Follows from name and text: what is given twice is there once. */
  readonly id: string;
  readonly n: number;
  readonly name: string;
  readonly bytes: number;
  /** Undefined before it is cut for the model. */
  readonly passages: readonly Passage[] | undefined;
  /** Rows of its first passages, as many as were made. */
  readonly values: Int8Array;
  /** Keys of all rows that are stored of it, also of another model's. */
  readonly rowKeys: readonly string[];
}

interface Entry {
  readonly key: string;
  readonly value: Uint8Array;
}

/** Digits of an id: 128 bits of a hash. */
const ID_DIGITS = 32;

export const idOf = ({ name, text: said }: NamedText): string =>
  toHex(plainHash(utf8(`${name}\0${said}`))).slice(0, ID_DIGITS);

const recordKey = (id: string): string => `document/${id}`;
const textKey = (id: string): string => `text/${id}`;
const rowsOf = (id: string): string => `rows/${id}/`;
/** In the order of keys. */
const rowsKey = (id: string, chunk: number): string =>
  rowsOf(id) + chunk.toString(16).padStart(4, '0');

/** Puts of a document that is new, or was cut. */
export function documentPuts(
  document: Pick<StoredDocument, 'id' | 'n' | 'name' | 'bytes'>,
  cut?: { readonly model: Uint8Array; readonly passages: readonly Passage[] },
): Put[] {
  const { id, n, name, bytes } = document;
  const ends = cut && { model: cut.model, ends: cut.passages.map(({ to }) => to) };
  return [
    { key: recordKey(id), value: encode(DocumentRecord, { n, name, bytes, cut: ends ?? null }) },
  ];
}

export const textPut = (id: string, said: string): Put => ({ key: textKey(id), value: utf8(said) });

export const rowsPut = (id: string, chunk: number, values: Int8Array): Put => ({
  key: rowsKey(id, chunk),
  value: new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
});

/** Puts that take away rows, and all of a document. */
export const withoutRows = ({ rowKeys }: Pick<StoredDocument, 'rowKeys'>): Put[] =>
  rowKeys.map((key) => ({ key, value: undefined }));

export const withoutDocument = (document: Pick<StoredDocument, 'id' | 'rowKeys'>): Put[] => [
  { key: recordKey(document.id), value: undefined },
  { key: textKey(document.id), value: undefined },
  ...withoutRows(document),
];

export async function readText(store: Pick<Store, 'get'>, id: string): Promise<string | undefined> {
  const bytes = await store.get(textKey(id));
  return bytes && new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

/** @param model for which documents are cut; what was cut for another waits to be cut anew */
export async function readDocuments(
  store: Pick<Store, 'range'>,
  model: Uint8Array,
  size: number,
): Promise<StoredDocument[]> {
  const chunks = new Map<string, Entry[]>();
  for await (const entry of allFrom(store, 'rows/', 'rows0')) {
    const [, id = ''] = entry.key.split('/');
    const known = chunks.get(id) ?? [];
    known.push(entry);
    chunks.set(id, known);
  }
  const documents: StoredDocument[] = [];
  for (const { key, value } of await store.range('document/', 'document0', DOCUMENTS_MAX)) {
    const record = tryDecode(DocumentRecord, value);
    if (!record) continue;
    const id = key.slice('document/'.length);
    const { n, name, bytes, cut } = record;
    const isOurs = cut !== null && toHex(cut.model) === toHex(model);
    const passages = isOurs ? passagesFrom(cut.ends) : undefined;
    const entries = chunks.get(id) ?? [];
    const rowKeys = entries.map((entry) => entry.key);
    const values = passages ? valuesOf(id, entries, passages.length * size) : new Int8Array();
    documents.push({ id, n, name, bytes, passages, values, rowKeys });
  }
  return documents.sort((a, b) => a.n - b.n);
}

/** Rows one after another from the first; what lies behind a gap has no place. */
function valuesOf(id: string, entries: readonly Entry[], most: number): Int8Array {
  const gap = entries.findIndex(({ key }, chunk) => key !== rowsKey(id, chunk));
  const whole = gap < 0 ? entries : entries.slice(0, gap);
  const rows = concat(...whole.map(({ value }) => value));
  return new Int8Array(rows.buffer).subarray(0, most);
}

const passagesFrom = (ends: readonly number[]): Passage[] =>
  ends.map((to, i) => ({ from: i ? ends[i - 1]! : 0, to }));

async function* allFrom(store: Pick<Store, 'range'>, from: string, to: string) {
  for (let at = from; ;) {
    const some = await store.range(at, to, RANGE_LIMIT);
    yield* some;
    if (some.length < RANGE_LIMIT) return;
    at = `${some.at(-1)!.key}\0`;
  }
}
