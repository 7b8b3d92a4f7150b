/**
 * What this node's own coins were spent on over HTTP. Each spending is stored before it is announced, so that
 * neither a retry nor a restart pays twice, and the day's limit holds across both.
 */
import type { Store } from '../../chain/store/store.ts';
import { encode, hash32, struct, tryDecode, u32, u48, u64 } from '../../core/codec.ts';
import { SignedTx, type TxOf } from '../../core/formats.ts';
import { plainHash } from '../../core/hash.ts';
import { txId } from '../../core/tx/tx.ts';
import { equal, toHex, utf8 } from '../../lib/bytes.ts';
import { AppError } from '../../lib/errors.ts';

/** ms for which a spending counts and its Idempotency-Key is remembered. */
export const DAY_MS = 24 * 60 * 60_000;
/** Most spendings of one day. */
export const SPENDINGS_MAX = 10_000;

/** `content`: hash of the call's content. */
const Spending = struct({ timeMs: u48, content: hash32, spent: u64, tx: SignedTx });
/** Of an answer over a channel: the question's place in it. */
const PaidSpending = struct({
  timeMs: u48,
  content: hash32,
  spent: u64,
  channel: hash32,
  n: u32,
});

interface Entry {
  readonly timeMs: number;
  readonly content: Uint8Array;
  readonly spent: bigint;
  /** Id of the request; undefined for an answer over a channel. */
  readonly id: Uint8Array | undefined;
  readonly asked?: AskedAt;
}

/** A question over a channel: the `n`th in it. */
export interface AskedAt {
  readonly channel: Uint8Array;
  readonly n: number;
}

export interface Spendings {
  /**
   * The request sent under this key in the last day. @throws AppError IDEMPOTENCY_REUSED when its content
   * was another
   */
  find(key: string, content: Uint8Array): Promise<SignedTx | undefined>;
  /** The request with that id, if it was sent in the last day. */
  sent(id: Uint8Array): Promise<TxOf<'request'> | undefined>;
  /** All requests of the last day, in order of their nonces. */
  all(): Promise<SignedTx[]>;
  /** nV spent in the last day. */
  total(): bigint;
  /** @throws AppError SPEND_LIMIT when `spent` more nV, or one more spending, would exceed the day's limit */
  allow(spent: bigint): void;
  keep(key: string, content: Uint8Array, spent: bigint, tx: SignedTx): Promise<void>;
  /** Removes a spending that was never announced. */
  drop(key: string): Promise<void>;
  /** The question asked over a channel under this key in the last day. @throws AppError IDEMPOTENCY_REUSED */
  findAnswer(
    key: string,
    content: Uint8Array,
  ): Promise<(AskedAt & { readonly cost: bigint }) | undefined>;
  keepAnswer(key: string, content: Uint8Array, spent: bigint, asked: AskedAt): Promise<void>;
  /** Removes one that cost nothing. */
  dropAnswer(key: string): Promise<void>;
}

const hashOf = (key: string): string => toHex(plainHash(utf8(key)));
const recordOf = (key: string): string => `spent/${hashOf(key)}`;
const answerOf = (key: string): string => `answered/${hashOf(key)}`;

export async function openSpendings(
  store: Store,
  limit: bigint,
  now: () => number,
): Promise<Spendings> {
  const entries = new Map<string, Entry>();
  for (const { key, value } of await store.range('spent/', 'spent0', SPENDINGS_MAX)) {
    const entry = tryDecode(Spending, value);
    if (entry) entries.set(key, { ...entry, id: txId(entry.tx.tx) });
  }
  for (const { key, value } of await store.range('answered/', 'answered0', SPENDINGS_MAX)) {
    const entry = tryDecode(PaidSpending, value);
    if (entry) entries.set(key, { ...entry, id: undefined, asked: entry });
  }

  const forgetOld = async (): Promise<void> => {
    const old = [...entries].filter(([, { timeMs }]) => timeMs <= now() - DAY_MS);
    if (old.length) await store.batch(old.map(([key]) => ({ key, value: undefined })));
    for (const [key] of old) entries.delete(key);
  };
  const read = async (name: string): Promise<SignedTx | undefined> => {
    const stored = await store.get(name);
    return stored && tryDecode(Spending, stored)?.tx;
  };
  const total = (): bigint =>
    [...entries.values()]
      .filter(({ timeMs }) => timeMs > now() - DAY_MS)
      .reduce((sum, { spent }) => sum + spent, 0n);

  /** What was spent under a key in the last day, on a request or an answer. @throws AppError IDEMPOTENCY_REUSED */
  async function entryOf(key: string, content: Uint8Array): Promise<Entry | undefined> {
    await forgetOld();
    const entry = entries.get(recordOf(key)) ?? entries.get(answerOf(key));
    if (entry && !equal(entry.content, content))
      throw new AppError('IDEMPOTENCY_REUSED', 'this Idempotency-Key came with another body');
    return entry;
  }

  return {
    total,
    async sent(id) {
      const [name] = [...entries].find(([, entry]) => entry.id && equal(entry.id, id)) ?? [];
      const tx = name === undefined ? undefined : (await read(name))?.tx;
      return tx?.type === 'request' ? tx : undefined;
    },
    async all() {
      const requests = [...entries].filter(([, { id }]) => id);
      const all = await Promise.all(requests.map(([name]) => read(name)));
      return all.filter((x) => x !== undefined).sort((a, b) => a.tx.nonce - b.tx.nonce);
    },
    async find(key, content) {
      return (await entryOf(key, content)) && read(recordOf(key));
    },
    async findAnswer(key, content) {
      const entry = await entryOf(key, content);
      return entry?.asked && { ...entry.asked, cost: entry.spent };
    },
    async keepAnswer(key, content, spent, { channel, n }) {
      const entry = { timeMs: now(), content, spent, channel, n };
      const name = answerOf(key);
      await store.batch([{ key: name, value: encode(PaidSpending, entry) }], true);
      entries.set(name, { ...entry, id: undefined, asked: { channel, n } });
    },
    async dropAnswer(key) {
      await store.batch([{ key: answerOf(key), value: undefined }], true);
      entries.delete(answerOf(key));
    },
    allow(spent) {
      if (entries.size >= SPENDINGS_MAX)
        throw new AppError('SPEND_LIMIT', `${SPENDINGS_MAX} requests were sent in 24 hours`);
      if (total() + spent > limit)
        throw new AppError('SPEND_LIMIT', `--spend-max is ${limit} nV in 24 hours`);
    },
    async keep(key, content, spent, tx) {
      const entry = { timeMs: now(), content, spent, id: txId(tx.tx) };
      const name = recordOf(key);
      await store.batch([{ key: name, value: encode(Spending, { ...entry, tx }) }], true);
      entries.set(name, entry);
    },
    async drop(key) {
      await store.batch([{ key: recordOf(key), value: undefined }], true);
      entries.delete(recordOf(key));
    },
  };
}
