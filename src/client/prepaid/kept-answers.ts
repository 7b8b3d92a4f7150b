/** Answers that were paid for, on this device: a bounded number and size, each with its receipt. */
import { encode, tryDecode, u32 } from '../../core/codec.ts';
import type { Store } from '../../chain/store/store.ts';
import { equal, toHex } from '../../lib/bytes.ts';
import { SerialQueue } from '../../lib/queue.ts';
import { CHANNELS_MAX } from '../channels/channel-store.ts';
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
  /** Number of the last answer of a channel that was kept, whether or not it has made room since; 0: none. */
  kept(channel: Uint8Array): number;
  /** The channel is over: no more of its answers come. */
  forget(channel: Uint8Array): Promise<void>;
  /** Writes an answer, in place of one of the same channel and number. */
  put(answer: KeptAnswer): Promise<void>;
}

/** Numbers of the last answers, one for each channel of this device. */
const LAST = 'prepaid/last';
const lastOf = (channel: Uint8Array): string => `${LAST}/${toHex(channel)}`;

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
  const last = new Map<string, number>();
  for (const { key, value } of await store.range(`${LAST}/`, `${LAST}0`, CHANNELS_MAX)) {
    const n = tryDecode(u32, value);
    if (n !== undefined) last.set(key, n);
  }
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
        // A verdict is written in the place of what was there.
        const isNewest = others.length === entries.length && n > (last.get(lastOf(channel)) ?? 0);
        await store.batch([
          ...(isNewest ? [{ key: lastOf(channel), value: encode(u32, n) }] : []),
          ...gone.map(({ key }) => ({ key, value: undefined })),
          ...(after.includes(entry) ? [{ key: entry.key, value }] : []),
        ]);
        entries = after;
        if (isNewest) last.set(lastOf(channel), n);
      }),
    kept: (channel) => last.get(lastOf(channel)) ?? 0,
    forget: (channel) =>
      queue.run(async () => {
        await store.batch([{ key: lastOf(channel), value: undefined }]);
        last.delete(lastOf(channel));
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
