/** The person's own texts on this device, as the screen shows them: given, made findable, searched, removed. */
import { createIdbStore } from '../../../chain/store/idb-store.ts';
import type { Store } from '../../../chain/store/store.ts';
import type { ModelInfo } from '../../../client/api.ts';
import { FILE_BYTES_MAX } from '../../../client/texts-index/bounds.ts';
import type { Passage } from '../../../client/texts-index/cut.ts';
import { createEmbedder, type Embedder } from '../../../client/texts-index/embedder.ts';
import { bestSentences } from '../../../client/texts-index/highlight.ts';
import { textOfFile, type NamedText } from '../../../client/texts-index/read-text.ts';
import { TextsIndex, type Hit, type IndexedText } from '../../../client/texts-index/texts-index.ts';
import { AppError } from '../../../lib/errors.ts';
import { SerialQueue } from '../../../lib/queue.ts';
import type { Session } from '../../session.svelte.ts';
import { askToKeep } from '../../settings/device/keep.ts';
import type { Given } from './given-files.ts';
import { SharedLock } from './shared-lock.ts';

/** Passages that a search shows. */
export const HITS_MAX = 20;
/** What is given at once: drops, choices, pasted texts that are being taken, or wait for it. */
export const GIVEN_MAX = 8;
/** Files that were refused and are told by name. */
const REFUSED_MAX = 20;
/** The name begins as all that is erased with everything. */
const NAME = 'pila-texts';

export interface ShownHit extends Hit {
  /** The sentence that is most like the question, within the passage. */
  readonly best: Passage | undefined;
}

export interface Found {
  readonly query: string;
  readonly row: Int8Array;
  readonly hits: readonly ShownHit[];
}

export class OwnTexts {
  readonly model: ModelInfo;
  texts = $state.raw<readonly IndexedText[]>([]);
  isOpen = $state(false);
  /** Texts are read, cut, or their rows made. */
  isWorking = $state(false);
  isSearching = $state(false);
  found = $state.raw<Found>();
  /** Why the last search or removal went wrong, or the texts could not be opened. */
  failed = $state.raw<AppError>();
  /** Why what was given last is not taken, or not read to its end. */
  stuck = $state.raw<AppError>();
  /** Files that were not taken, the newest; and how many. */
  refused = $state.raw<readonly { readonly name: string; readonly error: AppError }[]>([]);
  refusals = $state(0);
  /** Of the last files: taken, there already, and no texts by their names. */
  taken = $state.raw<{ added: number; known: number; skipped: number }>();
  readonly #session: Session;
  readonly #embedder: Embedder;
  readonly #tabs = new BroadcastChannel(NAME);
  #store: Promise<Store> | undefined;
  #index: TextsIndex | undefined;
  #reading: Promise<TextsIndex> | undefined;
  /** What another tab has changed is read before this one changes anything: its word may come late. */
  readonly #lock = new SharedLock(NAME, 'TEXTS_BUSY', async () => {
    // What is being read now may be older than that.
    await this.#reading?.catch(() => undefined);
    await this.#read();
  });
  readonly #takes = new SerialQueue(GIVEN_MAX);
  /** One works; another waits, for what was taken too late for the first. */
  readonly #works = new SerialQueue(2);
  #stop = new AbortController();
  /** Of the newest search. */
  #search = 0;

  constructor(session: Session, model: ModelInfo) {
    this.model = model;
    this.#session = session;
    this.#embedder = createEmbedder(session.peer, model);
    // Another tab has changed it.
    this.#tabs.onmessage = () => {
      if (!this.isWorking) void this.open();
    };
  }

  /** Reads what is on this device. */
  async open(): Promise<void> {
    await this.#try('failed', () => this.#read());
  }

  close(): void {
    this.#stop.abort();
    this.#tabs.close();
    void this.#store?.then((store) => store.close()).catch(() => undefined);
  }

  get passages(): number {
    return this.texts.reduce((sum, { passages = 0 }) => sum + passages, 0);
  }

  get done(): number {
    return this.texts.reduce((sum, { done }) => sum + done, 0);
  }

  /** Texts that are not cut yet: how many passages they have is not known. */
  get waiting(): number {
    return this.texts.filter(({ passages }) => passages === undefined).length;
  }

  get bytes(): number {
    return this.texts.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  get isUnfinished(): boolean {
    return this.waiting > 0 || this.done < this.passages;
  }

  /** Takes files one after another, then makes them findable. @returns whether they were taken */
  async addFiles(given: Promise<Given> | Given): Promise<boolean> {
    return this.#give(async (index, signal) => {
      const { files, skipped } = await given;
      this.#count({ skipped });
      for (const { name, file } of files) {
        signal.throwIfAborted();
        await this.#take(index, name, async () => {
          const found = await file();
          if (found.size > FILE_BYTES_MAX) throw new AppError('TEXT_LARGE', `${found.size} bytes`);
          return textOfFile(name, new Uint8Array(await found.arrayBuffer()));
        });
      }
    });
  }

  /** As `addFiles`. */
  async addText(text: () => NamedText): Promise<boolean> {
    return this.#give(async (index, signal) => {
      signal.throwIfAborted();
      const added = text();
      await this.#take(index, added.name, async () => added);
    });
  }

  /** Goes on with what is unfinished. */
  async resume(): Promise<void> {
    await this.#alone('stuck', (index, signal) => this.#work(index, signal));
  }

  /** What is done stays; what is given from now on is taken. */
  stop(): void {
    this.#stop.abort();
    this.#stop = new AbortController();
  }

  async remove(id: string): Promise<void> {
    await this.#alone('failed', async (index) => {
      await index.remove(id);
      this.found = undefined;
      this.#show();
    });
  }

  async search(query: string): Promise<Found | undefined> {
    const turn = ++this.#search;
    const isOver = (): boolean => turn !== this.#search;
    this.found = undefined;
    this.isSearching = true;
    await this.#try('failed', async () => {
      const { row, hits } = await this.find(query);
      if (isOver()) return;
      this.found = { query, row, hits: hits.map((hit) => ({ ...hit, best: undefined })) };
    });
    if (!isOver()) this.isSearching = false;
    const { found } = this;
    if (found && !isOver()) void this.#mark(found);
    return isOver() ? undefined : found;
  }

  /** @param of id of the text that is searched; absent: all @throws AppError as Embedder.embed, STORE_* */
  async find(query: string, of?: string): Promise<{ row: Int8Array; hits: readonly Hit[] }> {
    const [row] = await this.#embedder.embed([query]);
    const index = await this.#current();
    return { row: row!, hits: await index.search(row!, HITS_MAX, of) };
  }

  /** All texts with their passages. */
  async whole(): Promise<
    { name: string; passages: Awaited<ReturnType<TextsIndex['passages']>> }[]
  > {
    const all = [];
    for (const { id, name } of this.texts)
      all.push({ name, passages: await this.#index!.passages(id) });
    return all;
  }

  /** Marks the best sentences, a passage after another: the first are read first. */
  async #mark(found: Found): Promise<void> {
    const marked: ShownHit[] = [...found.hits];
    for (const [i, hit] of found.hits.entries()) {
      const [best] = await bestSentences(this.#embedder, found.row, [hit.text]).catch(() => []);
      if (this.found?.row !== found.row) return;
      marked[i] = { ...hit, best };
      this.found = { ...found, hits: [...marked] };
    }
  }

  /**
   * Takes what is given, at once even while texts are read: they are read by the same work, or after it.
   * @throws nothing @returns whether it was taken
   */
  #give(take: (index: TextsIndex, signal: AbortSignal) => Promise<void>): Promise<boolean> {
    // What comes while another is being taken counts with it.
    if (!this.#takes.size) {
      [this.refused, this.refusals] = [[], 0];
      this.taken = { added: 0, known: 0, skipped: 0 };
    }
    return this.#alone('stuck', async (index, signal) => {
      await this.#takes.run(() => take(index, signal));
      // Whoever gave it need not wait for that.
      void this.#alone('stuck', (now) => this.#work(now, signal));
    });
  }

  #count(more: { readonly added?: number; readonly known?: number; readonly skipped?: number }) {
    const { added, known, skipped } = this.taken!;
    this.taken = {
      added: added + (more.added ?? 0),
      known: known + (more.known ?? 0),
      skipped: skipped + (more.skipped ?? 0),
    };
  }

  /** A file that is refused does not keep others out; a full index or store does. */
  async #take(index: TextsIndex, name: string, read: () => Promise<NamedText>): Promise<void> {
    try {
      const isNew = await index.add(await read());
      this.#count(isNew ? { added: 1 } : { known: 1 });
      this.#show();
    } catch (e) {
      // A file that has gone since it was chosen throws the browser's own error.
      const error = e instanceof DOMException ? new AppError('TEXT_GONE', name) : AppError.from(e);
      if (!error.code.startsWith('TEXT_')) throw error;
      this.refusals++;
      this.refused = [...this.refused, { name, error }].slice(0, REFUSED_MAX);
    }
  }

  /** One that waits reads all that was taken before it begins: a third would find nothing. */
  async #work(index: TextsIndex, signal: AbortSignal): Promise<void> {
    if (this.#works.size > 1) return;
    void askToKeep();
    await this.#works.run(() => index.work(this.#embedder, () => this.#show(), signal));
  }

  /** Reads what is on this device, once for all who ask meanwhile. @throws AppError STORE_* */
  #read(): Promise<TextsIndex> {
    return (this.#reading ??= this.#readAnew().finally(() => (this.#reading = undefined)));
  }

  async #readAnew(): Promise<TextsIndex> {
    const store = await (this.#store ??= createIdbStore(NAME));
    this.#index = await TextsIndex.open(store, this.#embedder);
    this.isOpen = true;
    this.#show();
    return this.#index;
  }

  /** What was read, or is being read. @throws AppError STORE_* */
  async #current(): Promise<TextsIndex> {
    return this.#reading ?? this.#index ?? this.#read();
  }

  #show(): void {
    this.texts = this.#index?.documents ?? [];
    if (this.texts.length) this.#session.hasTexts = true;
  }

  /** One tab at a time changes the texts; what this one does at once shares its turn. @returns whether it went well */
  async #alone(
    place: 'failed' | 'stuck',
    task: (index: TextsIndex, signal: AbortSignal) => Promise<void>,
  ): Promise<boolean> {
    this.isWorking = true;
    const { signal } = this.#stop;
    const done = await this.#try(place, () =>
      this.#lock.run(async () => task(await this.#current(), signal)),
    );
    if (!this.#lock.isUsed) {
      this.isWorking = false;
      this.#tabs.postMessage('changed');
    }
    return done;
  }

  /** A stop is no failure. */
  async #try(place: 'failed' | 'stuck', task: () => Promise<unknown>): Promise<boolean> {
    this[place] = undefined;
    try {
      await task();
      return true;
    } catch (e) {
      const isStop = e instanceof DOMException && e.name === 'AbortError';
      if (!isStop) this[place] = AppError.from(e);
      return false;
    }
  }
}
