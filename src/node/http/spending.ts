/**
 * What this node's own coins were spent on over HTTP. Each spending is stored before it is asked for, so that neither a
 * retry nor a restart pays twice, and the day's limit holds across both.
 */
import type { Store } from '../../chain/store/store.ts';
import { encode, hash32, struct, tryDecode, u32, u48, u64, type Value } from '../../core/codec.ts';
import { plainHash } from '../../core/hash.ts';
import { equal, toHex, utf8 } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';

/** ms for which a spending counts and its Idempotency-Key is remembered. */
export const DAY_MS = 24 * 60 * 60_000;
/** Most spendings of one day. */
export const SPENDINGS_MAX = 10_000;

/** `content`: hash of the call's content; the question's place in a channel, or n 0 of the channel's opening. */
const Spending = struct({ timeMs: u48, content: hash32, spent: u64, channel: hash32, n: u32 });
type Spending = Value<typeof Spending>;

/** A question over a channel: the `n`th in it. */
export interface AskedAt {
  readonly channel: Uint8Array;
  readonly n: number;
}

export interface Spendings {
  /** The question asked under this key in the last day. @throws AppError IDEMPOTENCY_REUSED when it was another */
  find(
    key: string,
    content: Uint8Array,
  ): Promise<(AskedAt & { readonly cost: bigint }) | undefined>;
  /** nV spent in the last day, without what is only set aside. */
  total(): bigint;
  /**
   * Sets so much of the day's limit aside, for what is about to be kept: several are asked at once.
   * @returns what gives it back, once
   * @throws AppError SPEND_LIMIT when `spent` more nV, or one more spending, would exceed the day's limit
   */
  reserve(spent: bigint): () => void;
  /** In place of what was kept under this key. */
  keep(key: string, content: Uint8Array, spent: bigint, asked: AskedAt): Promise<void>;
  /** Removes one that cost nothing. */
  drop(key: string): Promise<void>;
}

const PREFIX = 'answered';
const nameOf = (key: string): string => `${PREFIX}/${toHex(plainHash(utf8(key)))}`;

export async function openSpendings(
  store: Store,
  limit: bigint,
  now: () => number,
): Promise<Spendings> {
  const entries = new Map<string, Spending>();
  for (const { key, value } of await store.range(`${PREFIX}/`, `${PREFIX}0`, SPENDINGS_MAX)) {
    const entry = tryDecode(Spending, value);
    if (entry) entries.set(key, entry);
  }
  /** nV each, of what is not kept yet. */
  const reserved = new Set<{ readonly spent: bigint }>();

  const forgetOld = async (): Promise<void> => {
    const old = [...entries].filter(([, { timeMs }]) => timeMs <= now() - DAY_MS);
    if (old.length) await store.batch(old.map(([key]) => ({ key, value: undefined })));
    for (const [key] of old) entries.delete(key);
  };
  const total = (): bigint =>
    [...entries.values()]
      .filter(({ timeMs }) => timeMs > now() - DAY_MS)
      .reduce((sum, { spent }) => sum + spent, 0n);

  return {
    total,
    async find(key, content) {
      await forgetOld();
      const entry = entries.get(nameOf(key));
      if (entry && !equal(entry.content, content))
        throw new AppError('IDEMPOTENCY_REUSED', 'this Idempotency-Key came with another body');
      return entry && { channel: entry.channel, n: entry.n, cost: entry.spent };
    },
    reserve(spent) {
      if (entries.size + reserved.size >= SPENDINGS_MAX)
        throw new AppError('SPEND_LIMIT', `${SPENDINGS_MAX} questions were asked in 24 hours`);
      const aside = [...reserved].reduce((sum, each) => sum + each.spent, 0n);
      if (total() + aside + spent > limit)
        throw new AppError('SPEND_LIMIT', `--spend-max is ${limit} nV in 24 hours`);
      const one = { spent };
      reserved.add(one);
      return () => void reserved.delete(one);
    },
    async keep(key, content, spent, { channel, n }) {
      const entry = { timeMs: now(), content, spent, channel, n };
      const name = nameOf(key);
      await store.batch([{ key: name, value: encode(Spending, entry) }], true);
      entries.set(name, entry);
    },
    async drop(key) {
      const name = nameOf(key);
      await store.batch([{ key: name, value: undefined }], true);
      entries.delete(name);
    },
  };
}
