/** What records cost in a network that grows: `npm run sim -- --peers 1000` runs a larger one for longer. */
import { expect, test } from 'vitest';
import {
  ANNOUNCE_MS,
  RecordPolicy,
  type RecordVerdict,
} from '../../src/net/records/record-policy.ts';
import { OFFER_BYTES_PER_SECOND, RECORD_BYTES_PER_SECOND, simulateRecords } from './records.ts';

const worstOf = (peers: number, newPolicy?: () => RecordPolicy): number => {
  const minutes = simulateRecords({ peers, minutes: 4, seed: 1, ...(newPolicy && { newPolicy }) });
  return Math.max(...minutes.map((minute) => minute.recordBytesPerSecond));
};

test('records cost a peer no more in a larger network, and everybody is met', () => {
  expect(worstOf(30)).toBeLessThan(RECORD_BYTES_PER_SECOND);
  expect(worstOf(200)).toBeLessThan(RECORD_BYTES_PER_SECOND);
  const last = simulateRecords({ peers: 200, minutes: 4, seed: 2 }).at(-1)!;
  expect(last.alone).toBe(0);
  expect(last.neighbours).toBeGreaterThan(4);
});

test('offers cost a peer no more in a larger network, and reach everybody', () => {
  for (const [peers, known] of [
    [30, 20],
    [200, 150],
  ] as const) {
    const minutes = simulateRecords({ peers, minutes: 4, seed: 1, offers: true });
    const most = Math.max(...minutes.map((minute) => minute.offerBytesPerSecond));
    expect(most).toBeLessThan(OFFER_BYTES_PER_SECOND);
    expect(minutes.at(-1)!.offersKnown).toBeGreaterThan(known);
  }
});

test('the simulation sees records that everybody tells at a fixed rate and passes on', () => {
  class Unbounded extends RecordPolicy {
    override mayCome = (): boolean => true;
    override announceMs = (): number => ANNOUNCE_MS;
    override judge = (): RecordVerdict => 'relay';
  }
  const newPolicy = (): RecordPolicy => new Unbounded();
  expect(worstOf(30, newPolicy)).toBeGreaterThan(RECORD_BYTES_PER_SECOND);
  expect(worstOf(100, newPolicy)).toBeGreaterThan(4 * RECORD_BYTES_PER_SECOND);
});
