/** The time in which a device may work on blocks that it has not checked in full: it is spent once. */
import { expect, test, vi } from 'vitest';
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
    time.onDue = resolve;
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
  const { store, clock } = setUp();
  let writes = 0;
  const failing = {
    ...store,
    get: store.get,
    batch: async () => (writes > 0 ? void writes-- : Promise.reject(new Error('full'))),
  };
  const steadyMs = () => clock.ms;
  const time = await UncheckedTime.open({ store: failing, genesisId: id(1), steadyMs });
  expect([await take(time, 1), await take(time, 1)]).toEqual([false, false]);
  await new Promise((r) => setTimeout(r));
  writes = 1;
  expect(await take(time, 1)).toBe(true);
  clock.ms += UNCHECKED_STEP_MS;
  expect([await take(time, 1), await take(time, 1)]).toEqual([false, false]);
});

test('it asks to be asked before what is written is used up, however rare heads and templates are', async () => {
  vi.useFakeTimers();
  try {
    const { clock, open } = setUp();
    const time = await open();
    let wanted = 1;
    time.onDue = () => void wanted++;
    const last: number[] = [];
    for (let gone = 0; gone < UNCHECKED_MS_MAX + 60_000; gone += 1000) {
      if (wanted) last.push(gone);
      if (wanted-- > 0) time.take(7, true);
      wanted = Math.max(0, wanted);
      await vi.advanceTimersByTimeAsync(1000);
      clock.ms += 1000;
      // A page that is loaded again now has no more of it than this one.
      const used = UNCHECKED_MS_MAX - time.leftMs;
      expect(UNCHECKED_MS_MAX - (await open()).leftMs).toBeGreaterThanOrEqual(used);
    }
    expect(time.leftMs).toBe(0);
    expect(last.at(-1)).toBeLessThan(UNCHECKED_MS_MAX + 5000);
  } finally {
    vi.useRealTimers();
  }
});

test('a lower block is owed in the store before anything is built on it', async () => {
  const { open } = setUp();
  const time = await open();
  expect(await take(time, 50)).toBe(true);
  expect(time.take(40, true)).toBe(false);
  expect(await take(time, 40)).toBe(true);
  expect((await open()).from).toBe(40);
});

test('what is given back while it is being written is not owed by the next load', async () => {
  const { open } = setUp();
  const time = await open();
  time.take(7, true);
  time.giveBack();
  await new Promise((r) => setTimeout(r));
  expect((await open()).from).toBeUndefined();
});
