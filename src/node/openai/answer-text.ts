/** The text of an answer whose tokens come one by one: whole letters, and nothing of a string that ends it. */

export class AnswerText {
  readonly #letters = new TextDecoder('utf-8', { ignoreBOM: true });
  readonly #stops: readonly string[];
  /** What may yet turn out to be the beginning of such a string. */
  #held = '';
  #isStopped = false;

  /** @param stops none of them empty */
  constructor(stops: readonly string[]) {
    this.#stops = stops.map((stop) => stop.toWellFormed());
  }

  /** One of the strings has come: the answer ends before it. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** @param bytes of the next tokens, in UTF-8 @returns text that is certain now */
  add(bytes: Uint8Array): string {
    return this.#take(this.#letters.decode(bytes, { stream: true }), false);
  }

  /** Nothing more comes. @returns the rest; what is no whole letter is told as a mark */
  end(): string {
    return this.#take(this.#letters.decode(), true);
  }

  #take(fresh: string, isLast: boolean): string {
    if (this.#isStopped) return '';
    const text = this.#held + fresh;
    const cut = cutOf(text, this.#stops);
    this.#isStopped = cut !== undefined;
    const certain = cut ?? (isLast ? text.length : text.length - heldOf(text, this.#stops));
    this.#held = text.slice(certain);
    return text.slice(0, certain);
  }
}

/** Where the string begins that is whole first, of those that end together the longest: however the text comes in. */
function cutOf(text: string, stops: readonly string[]): number | undefined {
  const found = stops.flatMap((stop) => {
    const at = text.indexOf(stop);
    return at < 0 ? [] : [{ at, end: at + stop.length }];
  });
  return found.toSorted((a, b) => a.end - b.end || a.at - b.at)[0]?.at;
}

/** Characters at a text's end with which one of the strings may begin. */
function heldOf(text: string, stops: readonly string[]): number {
  let held = 0;
  for (const stop of stops)
    for (let n = Math.min(stop.length - 1, text.length); n > held; n--)
      if (text.endsWith(stop.slice(0, n))) held = n;
  return held;
}
