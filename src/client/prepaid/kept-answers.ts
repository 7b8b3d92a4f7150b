/** Answers that were paid for, on this device: a bounded number and size, each with its receipt. */
import { encode, tryDecode } from '../../core/codec.ts';
import type { Store } from '../../chain/store/store.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import { SerialQueue } from '../../lib/queue.ts';
import { KeptAnswer } from './paid-answer.ts';

/** Answers kept; the oldest makes room. */
export const ANSWERS_MAX = 200;
/** Bytes of all of them: they are held in memory too. The newest is kept whatever its size. */
export const ANSWERS_BYTES_MAX = 8 * 1024 * 1024;
/** Writes that may wait. */
const WRITES_MAX = 64;

export interface KeptAnswers {
  /** The newest first. */
  all(): readonly KeptAnswer[];
  find(channel: Uint8Array, n: number): KeptAnswer | undefined;
  /** Writes an answer, in place of one of the same channel and number. */
  put(answer: KeptAnswer): Promise<void>;
}

interface Entry {
  readonly key: string;
  readonly answer: KeptAnswer;
  readonly size: number;
}

const isOf = ({ answer }: Entry, channel: Uint8Array, n: number): boolean =>
  answer.receipt.n === n && equal(answer.receipt.channel, channel);

export async function openKeptAnswers(store: Pick<Store, 'batch' | 'range'>): Promise<KeptAnswers> {
  const found = await store.range('prepaid/answers/', 'prepaid/answers0', ANSWERS_MAX);
  let entries: readonly Entry[] = found.flatMap(({ key, value }) => {
    const answer = tryDecode(KeptAnswer, value);
    return answer ? [{ key, answer, size: value.length }] : [];
  });
  // By time, which orders keys; of one channel by number where a clock went back.
  const keyOf = ({ timeMs, receipt: { channel, n } }: KeptAnswer): string =>
    ['prepaid/answers', hex(timeMs, 12), toHex(channel), hex(n, 8)].join('/');
  const queue = new SerialQueue(WRITES_MAX, 'BUSY');

  return {
    all: () => entries.map(({ answer }) => answer).reverse(),
    find: (channel, n) => entries.find((entry) => isOf(entry, channel, n))?.answer,
    put: (answer) =>
      queue.run(async () => {
        const { channel, n } = answer.receipt;
        const value = encode(KeptAnswer, answer);
        const entry = { key: keyOf(answer), answer, size: value.length };
        const others = entries.filter((each) => !isOf(each, channel, n));
        const after = bounded([...others, entry].sort(byKey));
        const gone = entries.filter((each) => !after.some(({ key }) => key === each.key));
        await store.batch([
          ...gone.map(({ key }) => ({ key, value: undefined })),
          ...(after.includes(entry) ? [{ key: entry.key, value }] : []),
        ]);
        entries = after;
      }),
  };
}

const hex = (n: number, digits: number): string => n.toString(16).padStart(digits, '0');
const byKey = (a: Entry, b: Entry): number => (a.key < b.key ? -1 : 1);

/** The newest that fit. */
function bounded(entries: readonly Entry[]): readonly Entry[] {
  let bytes = 0;
  let from = entries.length - 1;
  for (; from > 0; from--) {
    bytes += entries[from]!.size;
    const isFull = entries.length - from >= ANSWERS_MAX;
    if (isFull || bytes + entries[from - 1]!.size > ANSWERS_BYTES_MAX) break;
  }
  return entries.slice(Math.max(0, from));
}
