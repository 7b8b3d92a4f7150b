/** What a page out of sight tells: a notification of each kind at most, rarely, with all that came meanwhile. */

export const NEWS = ['payment', 'answer', 'block'] as const;
export type News = (typeof NEWS)[number];

/** ms between two notifications of a kind, however much happens. */
export const APART_MS = 60_000;

/** What has come of a kind since the page was seen last. */
export interface Heap {
  readonly count: number;
  /** nV, of payments. */
  readonly amount: bigint;
  /** Who sent it; undefined where it came from several. */
  readonly from: string | undefined;
}

export interface Told {
  readonly amount: bigint;
  readonly from: string;
}

/** Where notifications appear: one of each kind, a later one in the place of the one before. */
export interface Board {
  show(news: News, heap: Heap): void;
  clear(news: News): void;
}

interface Line {
  heap: Heap | undefined;
  shownMs: number;
  waiting: ReturnType<typeof setTimeout> | undefined;
}

export class Notifier {
  readonly #board: Board;
  readonly #lines: Readonly<Record<News, Line>>;

  constructor(board: Board) {
    this.#board = board;
    const line = (): Line => ({ heap: undefined, shownMs: -Infinity, waiting: undefined });
    this.#lines = { payment: line(), answer: line(), block: line() };
  }

  /** To be called while the page is hidden. */
  tell(news: News, { amount, from }: Told = { amount: 0n, from: '' }): void {
    const line = this.#lines[news];
    const { heap } = line;
    line.heap = {
      count: (heap?.count ?? 0) + 1,
      amount: (heap?.amount ?? 0n) + amount,
      from: heap && heap.from !== from ? undefined : from,
    };
    if (line.waiting !== undefined) return;
    const waitMs = line.shownMs + APART_MS - Date.now();
    if (waitMs <= 0) this.#show(news);
    else line.waiting = setTimeout(() => this.#show(news), waitMs);
  }

  /** Somebody looks at the page: nothing of it is news any more. */
  seen(): void {
    for (const news of NEWS) {
      const line = this.#lines[news];
      clearTimeout(line.waiting);
      if (line.heap) this.#board.clear(news);
      [line.heap, line.waiting] = [undefined, undefined];
    }
  }

  #show(news: News): void {
    const line = this.#lines[news];
    [line.waiting, line.shownMs] = [undefined, Date.now()];
    if (line.heap) this.#board.show(news, line.heap);
  }
}
