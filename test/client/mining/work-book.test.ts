/** What a device has worked: one count by day and model, kept over restarts. */
import { expect, test } from 'vitest';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import { MINER_OFF, type MinerStatus } from '../../../src/client/api.ts';
import { openWorkBook } from '../../../src/client/mining/work-book.ts';
import { subsidyAt } from '../../../src/core/state.ts';

const NOON = new Date(2026, 11, 2, 12).getTime();
const status = (units: number, more: Partial<MinerStatus> = {}): MinerStatus => ({
  ...MINER_OFF,
  state: 'running',
  model: 'lingua',
  units,
  ...more,
});

test('counts units, blocks, hours and pay, and is the same after a restart', async () => {
  const store = createMemoryStore();
  let ms = NOON;
  const book = await openWorkBook(store, () => ms);
  book.note(status(0));
  ms += 2000;
  book.note(status(1));
  ms += 500;
  // A word without a unit in it is no time lost.
  book.note(status(1));
  ms += 1500;
  book.note(status(3));
  book.noteFound(7);
  const row = { day: '2026-12-02', model: 'lingua', units: 3, blocks: 1, ms: 4000 };
  const expected = { ...row, earned: subsidyAt(7) };
  expect(book.all().days).toEqual([expected]);
  await expect
    .poll(async () => (await openWorkBook(store, () => ms)).all().days)
    .toEqual([expected]);
  // A new worker counts from 0; the night is no work; another model has a row of its own.
  const again = await openWorkBook(store, () => ms);
  ms += 86_400_000;
  again.note(status(2, { model: 'polyglot' }));
  expect(again.all().days).toEqual([
    expected,
    { day: '2026-12-03', model: 'polyglot', units: 2, blocks: 0, ms: 0, earned: 0n },
  ]);
});

test('counts units by hour of whatever model, of the last 48 hours, and over a restart', async () => {
  const store = createMemoryStore();
  let ms = NOON;
  const book = await openWorkBook(store, () => ms);
  book.note(status(0));
  book.note(status(2));
  ms += 59 * 60_000;
  book.note(status(3));
  ms += 60_000;
  book.note(status(4, { model: 'polyglot' }));
  const expected = [
    { hour: '2026-12-02T12', units: 3 },
    { hour: '2026-12-02T13', units: 1 },
  ];
  expect(book.all().hours).toEqual(expected);
  await expect
    .poll(async () => (await openWorkBook(store, () => ms)).all().hours)
    .toEqual(expected);
  for (let units = 5; units < 55; units++) {
    ms += 3_600_000;
    book.note(status(units));
  }
  expect(book.all().hours).toHaveLength(48);
  expect(book.all().hours[0]).toEqual({ hour: '2026-12-02T16', units: 1 });
  await expect
    .poll(async () => (await store.range('worked-hours/', 'worked-hours0')).length)
    .toBe(48);
  // The days are as they were.
  expect(book.all().days.reduce((sum, { units }) => sum + units, 0)).toBe(54);
});

test('a pause is no work, and what was begun before it is', async () => {
  let ms = NOON;
  const book = await openWorkBook(createMemoryStore(), () => ms);
  book.note(status(0));
  ms += 3000;
  book.note(status(0, { state: 'paused' }));
  ms += 60_000;
  book.note(status(0));
  ms += 600_000;
  book.note(status(1));
  expect(book.all().days).toMatchObject([{ units: 1, ms: 3000 }]);
});

test('the time of a unit counts whole, though it takes longer than a pause', async () => {
  let ms = NOON;
  const book = await openWorkBook(createMemoryStore(), () => ms);
  book.note(status(0));
  for (let units = 0; units < 2; units++) {
    for (let words = 0; words < 15; words++) {
      ms += 10_000;
      book.note(status(units));
    }
    book.note(status(units + 1));
  }
  expect(book.all().days).toMatchObject([{ units: 2, ms: 300_000 }]);
});

test('is written at most once in two seconds while units come, and at once when they stop', async () => {
  let ms = NOON;
  const memory = createMemoryStore();
  let writes = 0;
  const store = {
    ...memory,
    // Slower than units come.
    async batch(rows: Parameters<typeof memory.batch>[0]) {
      writes++;
      await new Promise((resolve) => setTimeout(resolve, 20));
      await memory.batch(rows);
    },
  };
  const book = await openWorkBook(store, () => ms);
  book.note(status(0));
  for (let units = 1; units <= 100; units++) {
    ms += 10;
    book.note(status(units));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(writes).toBe(1);
  book.note(status(100, { state: 'paused' }));
  await expect
    .poll(async () => (await openWorkBook(memory, () => ms)).all().days)
    .toMatchObject([{ units: 100 }]);
  expect(writes).toBe(2);
});

test('keeps 4,000 rows: the oldest goes first, also from the store', async () => {
  const store = createMemoryStore();
  let ms = NOON;
  const book = await openWorkBook(store, () => ms);
  for (let row = 0; row <= 4000; row++) {
    if (row % 10 === 0) ms += 86_400_000;
    book.note(status(row + 1, { model: `model-${row}` }));
  }
  expect(book.all().days).toHaveLength(4000);
  expect(book.all().days[0]!.model).toBe('model-1');
  book.note(status(4001, { state: 'paused' }));
  await expect.poll(async () => (await store.range('worked/', 'worked0')).length).toBe(4000);
});

test('remembers what was completed when each of the last blocks was found', async () => {
  const store = createMemoryStore();
  const book = await openWorkBook(store, () => NOON);
  book.note(status(5));
  book.noteFound(7);
  book.note(status(8, { model: 'polyglot' }));
  book.noteFound(8);
  const found = [
    { height: 7, units: 5 },
    { height: 8, units: 8 },
  ];
  expect(book.all().found).toEqual(found);
  await expect.poll(async () => (await openWorkBook(store, () => NOON)).all().found).toEqual(found);
  // After a reorganisation, at the same height.
  book.note(status(9, { model: 'polyglot' }));
  book.noteFound(8);
  expect(book.all().found).toEqual([found[0], { height: 8, units: 9 }]);
  for (let height = 9; height < 100; height++) book.noteFound(height);
  expect(book.all().found).toHaveLength(64);
  expect(book.all().found[0]!.height).toBe(36);
});
