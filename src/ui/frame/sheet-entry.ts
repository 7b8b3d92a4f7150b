/**
 * An open sheet is one entry of the browser's history, so that Back closes it and leaves the screen below as it is.
 * One sheet after another shares the entry; it goes with the last.
 */
type Page = Pick<Window, 'history' | 'addEventListener'>;

interface Marked {
  readonly sheet?: true;
}
const isMarked = ({ history }: Page): boolean => (history.state as Marked | null)?.sheet === true;

export class SheetEntry {
  readonly #page: Page;
  #close: (() => void) | undefined;
  /** Our own step back is on its way. */
  #isLeaving = false;

  constructor(page: Page) {
    this.#page = page;
    page.addEventListener('popstate', () => this.#onMove());
  }

  /** @returns to be called when the sheet is gone, however it was closed */
  open(close: () => void): () => void {
    this.#close = close;
    if (!this.#isLeaving) this.#mark();
    return () => {
      if (this.#close === close) this.#close = undefined;
      queueMicrotask(() => this.#leave());
    };
  }

  #mark(): void {
    const { history } = this.#page;
    const state: object = (history.state as object | null) ?? {};
    if (!isMarked(this.#page)) history.pushState({ ...state, sheet: true }, '');
  }

  /** A link on the sheet led elsewhere: then its entry lies below, and stays. */
  #leave(): void {
    if (this.#close || this.#isLeaving || !isMarked(this.#page)) return;
    this.#isLeaving = true;
    this.#page.history.back();
  }

  #onMove(): void {
    const isOwn = this.#isLeaving;
    this.#isLeaving = false;
    // A sheet was opened while the step back was on its way.
    if (isOwn && this.#close) this.#mark();
    else if (!isMarked(this.#page)) this.#close?.();
    // Back, or forward, to where a sheet was: there is none any more.
    else if (!this.#close) this.#leave();
  }
}

let entry: SheetEntry | undefined;

/** Of this page. */
export const sheetEntry = (): SheetEntry => (entry ??= new SheetEntry(window));
