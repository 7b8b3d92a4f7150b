/** The pile of a device: what it remembers, and what this page sees of it. */
import { expect, it } from 'vitest';
import type { Header } from '../../../src/core/formats.ts';
import { WorkLog } from '../../../src/ui/work/work-log.svelte.ts';

const [mine, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
const day = (units: number) => ({
  day: '2026-12-02',
  model: 'lingua',
  units,
  blocks: 1,
  ms: 1000,
  earned: 1n,
});
/** A device that has completed so many, on a chain with these miners by height. */
const clientOf = (units: number, chain: Readonly<Record<number, Uint8Array>>) => ({
  worked: async () => ({
    days: [day(units - 4), day(4)],
    hours: [],
    found: [
      { height: 7, units: 11 },
      { height: 9, units: 17 },
    ],
  }),
  header: async (height: number) =>
    chain[height] && ({ height, miner: chain[height] } as unknown as Header),
});

it('is rebuilt from what the device remembers, and goes on from there', async () => {
  const log = new WorkLog();
  await log.recall(clientOf(20, { 7: mine, 9: mine }), mine, () => 0);
  expect([log.had, log.paid]).toEqual([20, 17]);
  // Read again with units of this run in it.
  await log.recall(clientOf(23, { 7: mine, 9: mine }), mine, () => 3);
  expect(log.had).toBe(20);
  const time = Date.now() + 1000;
  const headers = async () => [{ height: 10, miner: mine, time } as unknown as Header];
  await log.seal({ headers }, 10, mine, 3);
  expect(log.paid).toBe(23);
});

it('is sealed up to the last block that the chain kept, of the account in use', async () => {
  const log = new WorkLog();
  await log.recall(clientOf(20, { 7: mine, 9: other }), mine, () => 0);
  expect(log.paid).toBe(11);
  // A chain that is not so far, or another account.
  await log.recall(clientOf(20, {}), mine, () => 0);
  expect(log.paid).toBe(0);
  await log.recall(clientOf(20, { 7: mine, 9: mine }), undefined, () => 0);
  expect(log.paid).toBe(0);
  await log.recall(clientOf(20, { 9: mine }), mine, () => 0);
  log.forget();
  expect([log.had, log.paid]).toEqual([20, 0]);
});
