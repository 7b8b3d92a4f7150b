/**
 * One's own texts on this device, searched by meaning: cut into passages, of which each has a row of an embedding
 * model. A text is stored before anything is made of it, and each step is written as one: whenever the program ends,
 * what was there is whole, and the rest is gone on with.
 */
import type { Store } from '../../chain/store/store.ts';
import { utf8 } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';
import { SerialQueue } from '../../lib/queue.ts';
import { DOCUMENTS_MAX, PASSAGES_MAX, TEXTS_BYTES_MAX } from './bounds.ts';
import { cut, type Passage } from './cut.ts';
import type { Embedder } from './embedder.ts';
import { nearest, rowsFrom } from './nearest.ts';
import type { NamedText } from './read-text.ts';
import {
  CHUNK_ROWS,
  documentPuts,
  idOf,
  readDocuments,
  readText,
  rowsPut,
  textPut,
  withoutDocument,
  withoutRows,
  type StoredDocument,
} from './records.ts';

/** Writes that may wait. */
const WRITES_MAX = 64;

/** A text as screens show it. */
export interface IndexedText {
  readonly id: string;
  readonly name: string;
  /** Bytes of all that is stored of it. */
  readonly bytes: number;
  /** Undefined: it waits to be cut. */
  readonly passages: number | undefined;
  /** Of these how many are found by a search. */
  readonly done: number;
}

/** A passage that was found. */
export interface Hit {
  readonly document: string;
  readonly name: string;
  /** Place of the passage among those of its text, from 0. */
  readonly at: number;
  readonly passage: Passage;
  readonly text: string;
  /** −1 to 1. */
  readonly cosine: number;
}

interface Document extends StoredDocument {
  readonly scales: Float64Array;
}

export class TextsIndex {
  readonly #store: Store;
  readonly #model: Uint8Array;
  readonly #size: number;
  readonly #writes = new SerialQueue(WRITES_MAX, 'BUSY');
  /** In the order in which they were added. */
  #documents: readonly Document[];
  /** The text that was read last: its chunks are made one after another. */
  #last: { readonly id: string; readonly text: string } | undefined;

  private constructor(
    store: Store,
    { model, size }: Pick<Embedder, 'model' | 'size'>,
    documents: readonly Document[],
  ) {
    this.#store = store;
    this.#model = model;
    this.#size = size;
    this.#documents = documents;
  }

  /** @throws AppError STORE_* */
  static async open(store: Store, of: Pick<Embedder, 'model' | 'size'>): Promise<TextsIndex> {
    const stored = await readDocuments(store, of.model, of.size);
    const documents = stored.map((each) => ({ ...each, ...rowsFrom(each.values, of.size) }));
    return new TextsIndex(store, of, documents);
  }

  get documents(): readonly IndexedText[] {
    return this.#documents.map(({ id, name, bytes, passages, values, scales }) => ({
      id,
      name,
      bytes: bytes + values.length,
      passages: passages?.length,
      done: scales.length,
    }));
  }

  /** Something is to be cut, or has no rows yet. */
  get isUnfinished(): boolean {
    return this.#documents.some(isUnfinished);
  }

  /**
   * Keeps a text; `work` makes it findable. One of the same name makes room for it.
   * @returns false: it is there already
   * @throws AppError TEXTS_FULL over the bounds, STORE_*
   */
  add(added: NamedText): Promise<boolean> {
    return this.#writes.run(async () => {
      const id = idOf(added);
      if (this.#find(id)) return false;
      const replaced = this.#documents.filter(({ name }) => name === added.name);
      const others = this.#documents.filter((each) => !replaced.includes(each));
      const bytes = utf8(added.text).length;
      const all = others.reduce((sum, each) => sum + each.bytes, bytes);
      if (all > TEXTS_BYTES_MAX || others.length >= DOCUMENTS_MAX)
        throw new AppError('TEXTS_FULL', `${others.length + 1} texts, ${all} bytes`);
      const n = Math.max(0, ...others.map((each) => each.n)) + 1;
      const document = { id, n, name: added.name, bytes };
      await this.#store.batch(
        [...replaced.flatMap(withoutDocument), textPut(id, added.text), ...documentPuts(document)],
        true,
      );
      const none = { passages: undefined, rowKeys: [], ...rowsFrom(new Int8Array(), this.#size) };
      this.#documents = [...others, { ...document, ...none }];
      return true;
    });
  }

  /** @throws AppError STORE_* */
  remove(id: string): Promise<void> {
    return this.#writes.run(async () => {
      const document = this.#find(id);
      if (!document) return;
      await this.#store.batch(withoutDocument(document), true);
      this.#documents = this.#documents.filter((each) => each.id !== id);
    });
  }

  /** The whole text. @throws AppError STORE_CORRUPT where it has gone */
  async text(id: string): Promise<string> {
    if (this.#last?.id === id) return this.#last.text;
    const text = await readText(this.#store, id);
    if (text === undefined) throw new AppError('STORE_CORRUPT', `no text ${id}`);
    this.#last = { id, text };
    return text;
  }

  /** Passages of a text with their places; none before it is cut. @throws AppError STORE_* */
  async passages(id: string): Promise<{ passage: Passage; text: string }[]> {
    const whole = await this.text(id);
    const passages = this.#find(id)?.passages ?? [];
    return passages.map((passage) => ({ passage, text: whole.slice(passage.from, passage.to) }));
  }

  /**
   * Cuts what waits and makes the rows that are missing, until nothing is left. `onStep` is told after each step.
   * A text whose passages have no room keeps no other one from being found.
   * @throws AppError TEXTS_FULL where one has none, once all others are done, STORE_*, the embedder's; the signal's
   * reason
   */
  async work(embedder: Embedder, onStep: () => void, signal: AbortSignal): Promise<void> {
    const large = new Map<string, AppError>();
    for (;;) {
      signal.throwIfAborted();
      const waiting = this.#documents.filter((each) => isUnfinished(each) && !large.has(each.id));
      const [next = waiting[0]] = waiting.filter(({ passages }) => !passages);
      if (!next) break;
      try {
        await (next.passages
          ? this.#embed(next, embedder, signal)
          : this.#cut(next, embedder, signal));
      } catch (e) {
        const error = AppError.from(e);
        if (error.code !== 'TEXTS_FULL') throw e;
        large.set(next.id, error);
      }
      onStep();
    }
    // One that was removed meanwhile is not missed.
    const left = this.#documents.find(({ id }) => large.has(id));
    if (left) throw large.get(left.id)!;
  }

  /** Those most like a row of the model, the most alike first; of one text alone by its id. @throws AppError STORE_* */
  async search(query: Int8Array, max: number, of?: string): Promise<Hit[]> {
    const documents = this.#documents.filter(({ id }) => of === undefined || id === of);
    const texts = new Map<string, string>();
    const hits: Hit[] = [];
    for (const { document: at, row, cosine } of nearest(documents, query, max)) {
      const { id, name, passages } = documents[at]!;
      const whole = texts.get(id) ?? (await readText(this.#store, id));
      // Another tab has removed it.
      if (whole === undefined) continue;
      texts.set(id, whole);
      const passage = passages![row]!;
      const text = whole.slice(passage.from, passage.to);
      hits.push({ document: id, name, at: row, passage, text, cosine });
    }
    return hits;
  }

  #find(id: string): Document | undefined {
    return this.#documents.find((each) => each.id === id);
  }

  async #cut(document: Document, embedder: Embedder, signal: AbortSignal): Promise<void> {
    const whole = await this.text(document.id);
    const passages = await cut(whole, embedder.limit, embedder.count, signal);
    const others = this.#documents.filter(({ id }) => id !== document.id);
    const all = others.reduce((sum, each) => sum + (each.passages?.length ?? 0), passages.length);
    if (all > PASSAGES_MAX) throw new AppError('TEXTS_FULL', `${all} passages`);
    const puts = [
      ...withoutRows(document),
      ...documentPuts(document, { model: this.#model, passages }),
    ];
    await this.#change(document.id, puts, () => ({ passages, rowKeys: [] }));
  }

  async #embed(document: Document, embedder: Embedder, signal: AbortSignal): Promise<void> {
    const { id, passages = [], scales } = document;
    const from = scales.length;
    const whole = await this.text(id);
    // Chunks are whole: one that ended early is made again.
    const first = from - (from % CHUNK_ROWS);
    const texts = passages
      .slice(first, first + CHUNK_ROWS)
      .map((passage) => whole.slice(passage.from, passage.to));
    const rows = await embedder.embed(texts, signal);
    const chunk = new Int8Array(rows.length * this.#size);
    for (const [i, row] of rows.entries()) chunk.set(row, i * this.#size);
    const put = rowsPut(id, first / CHUNK_ROWS, chunk);
    await this.#change(id, [put], (now) => {
      const values = new Int8Array(first * this.#size + chunk.length);
      values.set(now.values.subarray(0, first * this.#size));
      values.set(chunk, first * this.#size);
      const rowKeys = [...new Set([...now.rowKeys, put.key])];
      return { ...rowsFrom(values, this.#size), rowKeys };
    });
  }

  /** Writes what became of a document, unless it was removed meanwhile. */
  #change(
    id: string,
    puts: Parameters<Store['batch']>[0],
    next: (now: Document) => Partial<Document>,
  ): Promise<void> {
    return this.#writes.run(async () => {
      if (!this.#find(id)) return;
      await this.#store.batch(puts);
      this.#documents = this.#documents.map((each) =>
        each.id === id ? { ...each, ...next(each) } : each,
      );
    });
  }
}

const isUnfinished = ({ passages, scales }: Document): boolean =>
  !passages || scales.length < passages.length;
