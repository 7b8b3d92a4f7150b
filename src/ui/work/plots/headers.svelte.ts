/** The newest checked headers, kept up with the head: only what is new is asked for. */
import { HEADERS_READ_MAX, type ChainApi } from '../../../client/api.ts';
import type { Header } from '../../../core/formats.ts';
import { blockId } from '../../../core/header/header.ts';
import { equal } from '../../../lib/bytes.ts';

/** Read again beneath the last known: a reorganisation is seldom deeper. */
const AGAIN = 16;

export class NewestHeaders {
  value = $state.raw<readonly Header[]>([]);
  /** An answer came. */
  known = $state.raw(false);
  #turn = 0;

  async follow(chain: Pick<ChainApi, 'headers'>, height: number): Promise<void> {
    const turn = ++this.#turn;
    try {
      const last = this.value.at(-1)?.height ?? -HEADERS_READ_MAX;
      const wanted = Math.max(AGAIN, height - last + AGAIN);
      const found = await chain.headers(height, Math.min(HEADERS_READ_MAX, wanted));
      const joined = join(this.value, found) ?? (await chain.headers(height, HEADERS_READ_MAX));
      if (turn !== this.#turn) return;
      this.value = joined.slice(-HEADERS_READ_MAX);
      this.known = true;
    } catch {
      // What is drawn stays; the next head asks again.
    }
  }
}

/** undefined where the new ones do not build on those before. */
function join(known: readonly Header[], found: readonly Header[]): readonly Header[] | undefined {
  const first = found[0];
  if (!first || !known.length) return found;
  const before = known.filter(({ height }) => height < first.height);
  const parent = before.at(-1);
  if (!parent) return found;
  const isNext = parent.height === first.height - 1;
  return isNext && equal(blockId(parent), first.prevHash) ? [...before, ...found] : undefined;
}
