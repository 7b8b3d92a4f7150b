/** Which lines of a history are payments that have just arrived. */
import { expect, it } from 'vitest';
import type { AccountEntry } from '../../../src/client/api.ts';
import { addressOf } from '../../../src/core/address.ts';
import { Arrivals } from '../../../src/ui/attention/arrivals.ts';

const [myKey, otherKey] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
const [mine, other] = [addressOf(myKey), addressOf(otherKey)];
const entry = (n: number, amount: bigint, from = otherKey, to = mine): AccountEntry => ({
  id: new Uint8Array(32).fill(n),
  timeMs: n,
  position: { height: n, index: 0 },
  tx: {
    tx: {
      type: 'transfer',
      chainId: 1,
      nonce: 0n,
      fee: 1n,
      expiry: 9,
      memo: new Uint8Array(),
      from,
      to,
      amount,
    },
    signature: new Uint8Array(64),
  },
});
const amounts = (arrivals: Arrivals, entries: AccountEntry[], account = mine) =>
  arrivals.note(account, entries).map(({ amount }) => amount);

it('are those above what was known, whatever page of older ones comes', () => {
  const arrivals = new Arrivals();
  expect(amounts(arrivals, [entry(3, 30n)])).toEqual([]);
  expect(amounts(arrivals, [entry(5, 50n), entry(4, 40n), entry(3, 30n)])).toEqual([50n, 40n]);
  expect(amounts(arrivals, [entry(5, 50n), entry(4, 40n), entry(3, 30n), entry(2, 20n)])).toEqual(
    [],
  );
  expect(arrivals.note(mine, [entry(6, 60n), entry(5, 50n)])[0]!.from).toEqual(other);
});

it('are no payments of one’s own, and not those of an account that was chosen', () => {
  const arrivals = new Arrivals();
  expect(amounts(arrivals, [])).toEqual([]);
  expect(amounts(arrivals, [entry(2, 20n, myKey, mine), entry(1, 10n, myKey, other)])).toEqual([]);
  expect(amounts(arrivals, [entry(3, 30n, myKey, other)], other)).toEqual([]);
});

it('are told once, though a reorganisation took them out for a while', () => {
  const arrivals = new Arrivals();
  amounts(arrivals, [entry(1, 10n)]);
  expect(amounts(arrivals, [entry(2, 20n), entry(1, 10n)])).toEqual([20n]);
  amounts(arrivals, [entry(1, 10n)]);
  expect(amounts(arrivals, [entry(2, 20n), entry(1, 10n)])).toEqual([]);
});
