/**
 * What this node's own coins were spent on over HTTP. Each spending is stored before it is asked for, so that neither a
 * retry nor a restart pays twice, and the day's limit holds across both.
 */
import type { Store } from '../../chain/store/store.ts';
import { encode, hash32, struct, tryDecode, u32, u48, u64, type Value } from '../../core/codec.ts';
import { plainHash } from '../../core/hash.ts';
import { concat, equal, toHex, utf8 } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';

/** ms for which a spending counts and its Idempotency-Key is remembered. */
export const DAY_MS = 24 * 60 * 60_000;
/** Most spendings of one day; one key takes at most half of what the others leave. */
export const SPENDINGS_MAX = 10_000;

/**
 * `content`: hash of the call's content; the question's place in a channel, or n 0 of the channel's opening; `by`: whose
 * key it was.
 */
const Spending = struct({
  timeMs: u48,
  content: hash32,
  spent: u64,
  channel: hash32,
  n: u32,
  by: hash32,
});
type Spending = Value<typeof Spending>;

/** For whom this node spends. */
export interface Spender {
  /** 32 bytes that tell it from others. */
  readonly id: Uint8Array;
  /** nV in 24 hours, within what all may spend together; undefined: as much as they. */
  readonly spendMax: bigint | undefined;
}

/** Who runs this node, and needs no key. */
export const OPERATOR: Spender = { id: new Uint8Array(32), spendMax: undefined };

/**
 * Whether one more place is a spender's: whoever has a key of its own takes at most half of what the others leave, so
 * that no key shuts another out; who runs the node may take all.
 * @param taken ids of the spenders whose places are taken
 */
export function hasShare(taken: readonly Uint8Array[], { id }: Spender, most: number): boolean {
  if (taken.length >= most) return false;
  if (equal(id, OPERATOR.id)) return true;
  const own = taken.filter((by) => equal(by, id)).length;
  return own < Math.ceil((most - (taken.length - own)) / 2);
}

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
    by?: Spender,
  ): Promise<(AskedAt & { readonly cost: bigint }) | undefined>;
  /** nV spent in the last day, without what is only set aside. */
  total(): bigint;
  /**
   * Sets so much of the day's limit aside, for what is about to be kept: several are asked at once.
   * @returns what gives it back, once
   * @throws AppError SPEND_LIMIT when `spent` more nV, or one more spending, would exceed the day's limit, or that of
   * this spender
   */
  reserve(spent: bigint, by?: Spender): () => void;
  /** In place of what was kept under this key. */
  keep(
    key: string,
    content: Uint8Array,
    spent: bigint,
    asked: AskedAt & { readonly by?: Spender },
  ): Promise<void>;
  /** Removes one that cost nothing. */
  drop(key: string, by?: Spender): Promise<void>;
}

const PREFIX = 'answered';
/** Two spenders may choose the same key. */
const nameOf = (key: string, { id }: Spender): string =>
  `${PREFIX}/${toHex(plainHash(concat(id, utf8(key))))}`;

export async function openSpendings(
  store: Store,
  limit: bigint,
  now: () => number,
): Promise<Spendings> {
  const entries = new Map<string, Spending>();
  for (const { key, value } of await store.range(`${PREFIX}/`, `${PREFIX}0`, SPENDINGS_MAX)) {
    const entry = tryDecode(Spending, value);
    if (entry) entries.set(key, entry);
    // Of an older form.
    else await store.batch([{ key, value: undefined }]);
  }
  /** nV each, of what is not kept yet. */
  const reserved = new Set<{ readonly spent: bigint; readonly by: Uint8Array }>();

  const forgetOld = async (): Promise<void> => {
    const old = [...entries].filter(([, { timeMs }]) => timeMs <= now() - DAY_MS);
    if (old.length) await store.batch(old.map(([key]) => ({ key, value: undefined })));
    for (const [key] of old) entries.delete(key);
  };
  const lately = (): Spending[] =>
    [...entries.values()].filter(({ timeMs }) => timeMs > now() - DAY_MS);
  const total = (): bigint => sumOf(lately());

  return {
    total,
    async find(key, content, by = OPERATOR) {
      await forgetOld();
      const entry = entries.get(nameOf(key, by));
      if (entry && !equal(entry.content, content))
        throw new AppError('IDEMPOTENCY_REUSED', 'this Idempotency-Key came with another body');
      return entry && { channel: entry.channel, n: entry.n, cost: entry.spent };
    },
    reserve(spent, by = OPERATOR) {
      const { id, spendMax } = by;
      const taken = [...entries.values(), ...reserved].map((each) => each.by);
      if (!hasShare(taken, by, SPENDINGS_MAX))
        throw new AppError('SPEND_LIMIT', 'too many questions were asked in 24 hours');
      const counted = [...lately(), ...reserved];
      if (sumOf(counted) + spent > limit)
        throw new AppError('SPEND_LIMIT', `--spend-max is ${limit} nV in 24 hours`);
      const own = counted.filter((each) => equal(each.by, id));
      if (spendMax !== undefined && sumOf(own) + spent > spendMax)
        throw new AppError('SPEND_LIMIT', `this key may spend ${spendMax} nV in 24 hours`);
      const one = { spent, by: id };
      reserved.add(one);
      return () => void reserved.delete(one);
    },
    async keep(key, content, spent, { channel, n, by = OPERATOR }) {
      const entry = { timeMs: now(), content, spent, channel, n, by: by.id };
      const name = nameOf(key, by);
      await store.batch([{ key: name, value: encode(Spending, entry) }], true);
      entries.set(name, entry);
    },
    async drop(key, by = OPERATOR) {
      const name = nameOf(key, by);
      await store.batch([{ key: name, value: undefined }], true);
      entries.delete(name);
    },
  };
}

const sumOf = (spendings: readonly { readonly spent: bigint }[]): bigint =>
  spendings.reduce((sum, { spent }) => sum + spent, 0n);
