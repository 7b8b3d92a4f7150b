/** The time in which a device may work on blocks that it has not checked in full: it is spent once. */
import { expect, test } from 'vitest';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import {
  UncheckedTime,
  UNCHECKED_MS_MAX,
  UNCHECKED_STEP_MS,
} from '../../../src/client/mining/unchecked-time.ts';

const id = (fill: number) => new Uint8Array(32).fill(fill);

function setUp() {
  const store = createMemoryStore();
  const clock = { ms: 1000 };
  const open = (genesisId = id(1)) =>
    UncheckedTime.open({ store, genesisId, steadyMs: () => clock.ms });
  return { store, clock, open };
}

/** Asks until what has to be written first is written. */
async function take(time: UncheckedTime, from: number, isWorking = true): Promise<boolean> {
  if (time.take(from, isWorking)) return true;
  await new Promise<void>((resolve) => {
    time.onMore = resolve;
    setTimeout(resolve);
  });
  return time.take(from, isWorking);
}

test('it runs while work goes on, ends after ten minutes, and is given back once all is checked', async () => {
  const { clock, open } = setUp();
  const time = await open();
  expect([time.leftMs, time.from]).toEqual([10 * 60_000, undefined]);
  // Nothing before it is written.
  expect(time.take(7, true)).toBe(false);
  for (let gone = 0; gone < UNCHECKED_MS_MAX; gone += 5000) {
    expect(await take(time, 7)).toBe(true);
    clock.ms += 5000;
  }
  expect([await take(time, 7), time.leftMs, time.from]).toEqual([false, 0, 7]);
  time.giveBack();
  expect([await take(time, 9), time.from]).toEqual([true, 9]);
  clock.ms += 1000;
  expect(time.leftMs).toBe(UNCHECKED_MS_MAX - 1000);
});

test('a pause, and work that waits, cost nothing', async () => {
  const { clock, open } = setUp();
  const time = await open();
  await take(time, 3);
  clock.ms += 2000;
  time.stop();
  clock.ms += 60_000;
  expect(time.leftMs).toBe(UNCHECKED_MS_MAX - 2000);
  await take(time, 3, false);
  clock.ms += 60_000;
  expect(time.leftMs).toBe(UNCHECKED_MS_MAX - 2000);
});

test('a page that is loaded again and again gets no more of it, and owes the same checks', async () => {
  const { clock, open } = setUp();
  let loads = 0;
  for (; loads < 1000; loads++) {
    const time = await open();
    if (!(await take(time, 40 + loads))) break;
    clock.ms += 1000;
  }
  expect(loads).toBe(UNCHECKED_MS_MAX / UNCHECKED_STEP_MS);
  const last = await open();
  expect([last.leftMs, last.from]).toEqual([0, 40]);
  // On another chain nothing was built.
  expect((await open(id(2))).leftMs).toBe(UNCHECKED_MS_MAX);
  last.giveBack();
  const after = await open();
  expect([after.leftMs, after.from]).toEqual([UNCHECKED_MS_MAX, undefined]);
});

test('where the store does not write there is none', async () => {
  const { store } = setUp();
  const failing = {
    ...store,
    get: store.get,
    batch: async () => Promise.reject(new Error('full')),
  };
  const time = await UncheckedTime.open({ store: failing, genesisId: id(1), steadyMs: () => 0 });
  expect([await take(time, 1), await take(time, 1)]).toEqual([false, false]);
});
