/** The conversations that this device keeps: read once, then held here; what makes room for others is named. */
import { createIdbStore } from '../../../../chain/store/idb-store.ts';
import type { Store } from '../../../../chain/store/store.ts';
import { encode } from '../../../../core/codec.ts';
import { toHex } from '../../../../lib/bytes.ts';
import { AppError } from '../../../../lib/errors.ts';
import { SerialQueue } from '../../../../lib/queue.ts';
import {
  CHAT_BYTES_MAX,
  CHATS_BYTES_MAX,
  CHATS_MAX,
  KeptChat,
  nameOf,
  readChat,
} from './kept-chat.ts';

/** Name of the store; all of ours begin alike, by which they are erased. */
export const CHATS_STORE = 'pila-chats';
/** Changes that wait for the one before. */
const CHANGES_MAX = 64;
const [FIRST, LAST] = ['chat/', 'chat0'];

export interface Entry {
  /** Under which it is kept. */
  readonly key: string;
  readonly chat: KeptChat;
  readonly bytes: number;
}

export class Chats {
  /** The newest first; undefined before they were read. */
  all = $state.raw<readonly Entry[]>();
  /** Why they cannot be kept. */
  failed = $state.raw<AppError>();
  /** Names of those that made room, since the page was opened. */
  gone = $state.raw<readonly string[]>([]);
  readonly #open: () => Promise<Store>;
  readonly #nowMs: () => number;
  #store: Promise<Store> | undefined;
  /** One change at a time. */
  readonly #queue = new SerialQueue(CHANGES_MAX, 'BUSY');

  /** @param open default: in this browser */
  constructor(open = () => createIdbStore(CHATS_STORE), nowMs: () => number = Date.now) {
    this.#open = open;
    this.#nowMs = nowMs;
  }

  get bytes(): number {
    return (this.all ?? []).reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** The one that goes when another comes; undefined while there is room. */
  get next(): Entry | undefined {
    const all = this.all ?? [];
    return all.length >= CHATS_MAX ? all.at(-1) : undefined;
  }

  /** What is kept, also by another tab. */
  read(): Promise<void> {
    return this.#change((store) => this.#read(store));
  }

  /**
   * Keeps a conversation, in place of what this tab last knew of it; where another tab has changed it since, beside it.
   * @returns what is kept now; undefined: nothing is, since it was deleted elsewhere, is too long, or `failed` says why
   */
  async put(key: string, chat: KeptChat): Promise<Entry | undefined> {
    let kept: Entry | undefined;
    await this.#change(async (store) => {
      const stored = await store.get(key);
      const known = stored && readChat(stored);
      // Deleted in another tab: it stays deleted.
      if (chat.revision > 0 && !stored) return;
      const isOther = known !== undefined && known.revision !== chat.revision;
      const at = isOther ? newKey() : key;
      const now = {
        ...chat,
        revision: isOther ? 1 : chat.revision + 1,
        changedMs: this.#nowMs(),
      };
      const value = encode(KeptChat, now);
      if (value.length > CHAT_BYTES_MAX) return;
      const entry = { key: at, chat: now, bytes: value.length };
      await this.#read(store);
      const others = this.all!.filter((one) => one.key !== at);
      const gone = tooMany(others, entry.bytes);
      await store.batch([
        ...gone.map((one) => ({ key: one.key, value: undefined })),
        { key: at, value },
      ]);
      this.all = [entry, ...others.filter((one) => !gone.includes(one))];
      this.gone = [...this.gone, ...gone.map((one) => nameOf(one.chat))].slice(-CHATS_MAX);
      kept = entry;
    });
    return kept;
  }

  remove(key: string): Promise<void> {
    return this.#change(async (store) => {
      await store.batch([{ key, value: undefined }]);
      this.all = (this.all ?? []).filter((one) => one.key !== key);
    });
  }

  async close(): Promise<void> {
    await this.#queue.idle();
    await (await this.#store)?.close();
  }

  async #change(work: (store: Store) => Promise<void>): Promise<void> {
    try {
      await this.#queue.run(async () => {
        this.#store ??= this.#open();
        await work(await this.#store);
        this.failed = undefined;
      });
    } catch (e) {
      this.failed = AppError.from(e);
      // Another try opens it anew.
      const store = this.#store;
      this.#store = undefined;
      void store?.then(
        (one) => one.close(),
        () => undefined,
      );
    }
  }

  async #read(store: Store): Promise<void> {
    const found = await store.range(FIRST, LAST, 2 * CHATS_MAX);
    const entries = found.flatMap(({ key, value }) => {
      const chat = readChat(value);
      return chat ? [{ key, chat, bytes: value.length }] : [];
    });
    this.all = entries.sort((a, b) => b.chat.changedMs - a.chat.changedMs);
  }
}

/** How many this device keeps, and their bytes, without making a place for them where there is none. */
export async function keptChats(): Promise<{ count: number; bytes: number }> {
  const places = await indexedDB.databases();
  if (!places.some(({ name }) => name === CHATS_STORE)) return { count: 0, bytes: 0 };
  const chats = new Chats();
  await chats.read();
  await chats.close();
  return { count: chats.all?.length ?? 0, bytes: chats.bytes };
}

/** Of those before it, the ones that a new one of so many bytes leaves no room for: the last ones. */
function tooMany(others: readonly Entry[], bytes: number): Entry[] {
  let sum = bytes;
  const fits = others.findIndex(
    (one, i) => (sum += one.bytes) > CHATS_BYTES_MAX || i + 1 >= CHATS_MAX,
  );
  return fits < 0 ? [] : others.slice(fits);
}

export const newKey = (): string => FIRST + toHex(crypto.getRandomValues(new Uint8Array(8)));
