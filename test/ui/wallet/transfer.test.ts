/** What a payment leaves behind, where another fee takes the place of the first. */
import { expect, test } from 'vitest';
import { ACCOUNT_MIN } from '../../../src/core/params.ts';
import { lostBy } from '../../../src/ui/wallet/send/transfer.ts';

test('a rest that no account can hold is told, all or enough is not', () => {
  const payment = { amount: 5n * ACCOUNT_MIN, fee: 1_000n };
  const whole = payment.amount + payment.fee;
  expect(lostBy(whole, payment)).toBeUndefined();
  expect(lostBy(whole + 1n, payment)).toBe(1n);
  expect(lostBy(whole + ACCOUNT_MIN - 1n, payment)).toBe(ACCOUNT_MIN - 1n);
  expect(lostBy(whole + ACCOUNT_MIN, payment)).toBeUndefined();
  expect(lostBy(whole - 1n, payment)).toBeUndefined();
});
