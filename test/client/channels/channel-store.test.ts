import { describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import { isWaiting, newAskerRecord } from '../../../src/client/channels/asker-record.ts';
import { ChannelRunner, EVENTS_MAX } from '../../../src/client/channels/channel-runner.ts';
import {
  CHANNELS_MAX,
  dropOtherChannels,
  openAskerStore,
  openProviderStore,
} from '../../../src/client/channels/channel-store.ts';
import { deliveredOf, newProviderRecord } from '../../../src/client/channels/provider-record.ts';
import { openPayerBook } from '../../../src/client/providing/payer-book.ts';
import { Question } from '../../../src/core/ask-messages.ts';
import { Receipt, REPLY_BYTES_MAX } from '../../../src/core/channel.ts';
import {
  blob,
  bytes as bytesOf,
  encode,
  hash32,
  optional,
  struct,
  u32,
  u64,
  u8,
} from '../../../src/core/codec.ts';
import { SignedOpening } from '../../../src/core/formats.ts';
import { Price } from '../../../src/core/price.ts';
import { txId } from '../../../src/core/tx/tx.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { filled, GENESIS, OPENING, Pair, UNIT_BYTES } from './pair.ts';

/** Only its id matters here. */
const opening = (n: number) => ({ ...OPENING, tx: { ...OPENING.tx, nonce: BigInt(n) } });

/** Records as both ends wrote them before tokens of a question were paid for. */
const OLD_ASKER = struct({
  channel: hash32,
  opening: SignedOpening,
  vouched: u64,
  before: u64,
  n: u32,
  current: optional(
    struct({
      question: Question,
      unitBytes: u32,
      answer: blob(REPLY_BYTES_MAX),
      receipt: optional(struct({ receipt: Receipt, signature: bytesOf(64) })),
    }),
  ),
  ended: u8,
});
const OLD_PROVIDER = struct({
  channel: hash32,
  opening: SignedOpening,
  amount: u64,
  voucher: bytesOf(64),
  before: u64,
  n: u32,
  current: optional(
    struct({
      question: hash32,
      salt: hash32,
      model: hash32,
      price: Price,
      most: u32,
      units: u32,
      answer: blob(REPLY_BYTES_MAX),
      done: u8,
    }),
  ),
  closing: u8,
});

describe('records of channels', () => {
  it('are there after a restart, of both ends apart, with what they held', async () => {
    const bytes = createMemoryStore();
    const [asked, served] = [await openAskerStore(bytes), await openProviderStore(bytes)];
    const pair = new Pair().connect().ask(300);
    await asked.put(pair.asker.record);
    await served.put(pair.provider.record);
    await served.put(newProviderRecord(GENESIS, opening(1)));
    await served.remove(txId(GENESIS, opening(1).tx));
    expect((await openAskerStore(bytes)).all()).toEqual([pair.asker.record]);
    expect((await openProviderStore(bytes)).all()).toEqual([pair.provider.record]);
    expect((await openProviderStore(bytes)).get(txId(GENESIS, opening(1).tx))).toBeUndefined();
  });

  it('are bounded; one that is there is still written', async () => {
    const store = await openAskerStore(createMemoryStore());
    const record = (n: number) => newAskerRecord(GENESIS, opening(n));
    for (let n = 0; n < CHANNELS_MAX; n++) await store.put(record(n));
    await expect(store.put(record(CHANNELS_MAX))).rejects.toMatchObject({ code: 'STORE_FULL' });
    await store.put({ ...record(5), vouched: 7n });
    expect(store.get(record(5).channel)).toMatchObject({ vouched: 7n });
  });

  it('of before language models were answered are read with all that is owed, and gone on with', async () => {
    const price: Price = { type: 'sequence', amount: 3n };
    const offer = { price, read: 0, unitBytes: UNIT_BYTES };
    const pair = new Pair({ providerEnd: { offerOf: () => offer } }).connect();
    pair.ask(4, { price, read: 0 });
    // The next one stops in its middle.
    pair.fromProvider = (frame) => (frame.type === 'part' && frame.units > 2 ? [] : [frame]);
    pair.ask(5, { price, read: 0 });
    const [asker, provider] = [pair.asker.record, pair.provider.record];
    expect([isWaiting(asker), asker.vouched, provider.amount]).toEqual([true, 18n, 18n]);

    const bytes = createMemoryStore();
    const name = toHex(asker.channel);
    await bytes.batch([
      { key: `channels/asked/${name}`, value: encode(OLD_ASKER, asker) },
      { key: `channels/served/${name}`, value: encode(OLD_PROVIDER, provider) },
    ]);
    expect((await openAskerStore(bytes)).all()).toEqual([asker]);
    const [read] = (await openProviderStore(bytes)).all();
    expect(read).toEqual(provider);
    expect(deliveredOf(read!)).toBe(21n);
    pair.fromProvider = (frame) => [frame];
    expect(pair.restart().connect().answers).toHaveLength(2);
    expect(pair.provider.record.amount).toBe(27n);
  });

  it('that cannot be read are left out, and left where they are', async () => {
    const bytes = createMemoryStore();
    await bytes.batch([{ key: 'channels/asked/00', value: Uint8Array.of(1) }]);
    expect((await openAskerStore(bytes)).all()).toEqual([]);
    expect(await bytes.get('channels/asked/00')).toEqual(Uint8Array.of(1));
  });

  it('of another chain go, with what was paid in them, also what cannot be read', async () => {
    const bytes = createMemoryStore();
    const [here, there] = [filled(1), filled(2)];
    expect(await dropOtherChannels(bytes, there)).toEqual([]);
    const pair = new Pair().connect().ask(300);
    const keep = async () => {
      await (await openAskerStore(bytes)).put(pair.asker.record);
      await (await openProviderStore(bytes)).put(pair.provider.record);
      await (await openPayerBook(bytes)).add(filled(3), 5n, 0n, []);
      await bytes.batch([{ key: `channels/asked/${toHex(filled(4))}`, value: filled(1) }]);
      await bytes.batch([{ key: 'prepaid/answers/1', value: filled(1) }]);
    };
    await keep();
    expect(await dropOtherChannels(bytes, there)).toEqual([]);
    expect((await openAskerStore(bytes)).all()).toEqual([pair.asker.record]);

    const gone = await dropOtherChannels(bytes, here);
    expect(gone.map(toHex).sort()).toEqual(
      [pair.asker.record.channel, filled(4)].map(toHex).sort(),
    );
    const rows = await bytes.range('', '\x7f', 10);
    expect(rows.map(({ key }) => key)).toEqual(['channels/chain', 'prepaid/answers/1']);
    await keep();
    expect(await dropOtherChannels(bytes, here)).toEqual([]);
    expect((await openProviderStore(bytes)).all()).toEqual([pair.provider.record]);
    expect((await openPayerBook(bytes)).paidBy(filled(3))).toBe(5n);
  });

  it('are found behind as many as another version left', async () => {
    const bytes = createMemoryStore();
    const left = Array.from({ length: CHANNELS_MAX }, (_, n) => n.toString(16).padStart(64, '0'));
    await bytes.batch(
      left.map((id) => ({ key: `channels/served/${id}`, value: Uint8Array.of(1) })),
    );
    const record = newProviderRecord(GENESIS, opening(1));
    await (await openProviderStore(bytes)).put(record);
    expect((await openProviderStore(bytes)).all()).toEqual([record]);
  });
});

describe('a runner', () => {
  const runner = (perform: (effect: string) => Promise<void>) =>
    new ChannelRunner<number, string, string>({
      state: 0,
      next: (state, event) => [state + 1, [`${event} store`, `${event} send`]],
      perform,
    });

  it('does one effect after the other, of one event after the other', async () => {
    const done: string[] = [];
    const run = runner(async (effect) => {
      await new Promise((r) => setTimeout(r));
      done.push(effect);
    });
    await Promise.all([run.enter('a'), run.enter('b')]);
    expect(done).toEqual(['a store', 'a send', 'b store', 'b send']);
    expect(run.state).toBe(2);
  });

  it('sends nothing after a write that failed, then or later', async () => {
    const done: string[] = [];
    const run = runner(async (effect) => {
      if (effect === 'b store') throw new Error('disk full');
      done.push(effect);
    });
    await run.enter('a');
    await expect(run.enter('b')).rejects.toThrow('disk full');
    await expect(run.enter('c')).rejects.toThrow('disk full');
    expect(done).toEqual(['a store', 'a send']);
  });

  it('lets a bounded number of events wait', async () => {
    let go = (): void => {};
    const held = new Promise<void>((resolve) => (go = resolve));
    const run = runner(() => held);
    const events = Array.from({ length: EVENTS_MAX }, (_, n) => run.enter(`${n}`));
    await expect(run.enter('one more')).rejects.toMatchObject({ code: 'BUSY' });
    go();
    await Promise.all(events);
  });
});
