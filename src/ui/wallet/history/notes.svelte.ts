/** The person's own notes on lines of the history, by transaction: kept in localStorage, shared by all tabs. */
import { shownName } from '../../../wallet/plain-text.ts';

type Storage = Pick<globalThis.Storage, 'getItem' | 'setItem'>;

/** The one that was written first makes room. */
export const NOTES_MAX = 500;
export const NOTE_CHARS_MAX = 140;

const cleaned = (text: string): string =>
  [...shownName(text)].slice(0, NOTE_CHARS_MAX).join('').trim();

export class Notes {
  /** By id in hex. */
  all = $state.raw<ReadonlyMap<string, string>>(new Map());
  readonly storageKey: string;
  readonly #storage: Storage | undefined;

  constructor(prefix: string, storage: Storage | undefined) {
    this.storageKey = `pila.notes.${prefix}`;
    this.#storage = storage;
    this.read();
  }

  of = (id: string): string => this.all.get(id) ?? '';

  /** What is stored, also by another tab; what are no notes of ours counts as none. */
  read(): void {
    const kept = this.#stored().slice(-NOTES_MAX);
    this.all = new Map(
      kept.flatMap((entry): [string, string][] => {
        const [id, text] = Array.isArray(entry) ? (entry as unknown[]) : [];
        const isNote = typeof id === 'string' && typeof text === 'string' && cleaned(text) !== '';
        return isNote ? [[id, cleaned(text)]] : [];
      }),
    );
  }

  /** @param text '': none any more */
  put(id: string, text: string): void {
    this.read();
    const rest = [...this.all].filter(([other]) => other !== id);
    const note = cleaned(text);
    const entries: [string, string][] = note ? [...rest, [id, note]] : rest;
    const kept = entries.slice(-NOTES_MAX);
    this.all = new Map(kept);
    try {
      this.#storage?.setItem(this.storageKey, JSON.stringify(kept));
    } catch {
      // Storage may be forbidden or full: then the note lasts as long as the page.
    }
  }

  #stored(): unknown[] {
    try {
      const kept: unknown = JSON.parse(this.#storage?.getItem(this.storageKey) ?? '[]');
      return Array.isArray(kept) ? kept : [];
    } catch {
      return [];
    }
  }
}
