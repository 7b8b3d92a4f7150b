/** What is said of a payment that is not final: how deep it is, and what it hangs on besides. */
import { expect, test } from 'vitest';
import { firstNonce } from '../../src/core/tx/nonce.ts';
import { doubtOf } from '../../src/ui/finality.ts';

const saying = {
  words: {
    notFinal: (_: number, have: string, need: string) => `${have} of ${need}`,
    youngPayer: 'young',
    neverFinal: 'never',
  },
  count: String,
};
const chain = { height: 100, finalBlocks: 6 };
const paid = (height: number, born: number, type: 'transfer' | 'close' = 'transfer') =>
  doubtOf(chain, { height, tx: { type, nonce: firstNonce(born) + 3n } }, saying);

test('a payment is final with as many blocks as the network needs, its own counted', () => {
  expect([paid(95, 40), paid(96, 40), paid(100, 40), paid(101, 40)]).toEqual([
    undefined,
    '5 of 6',
    '1 of 6',
    '0 of 6',
  ]);
  expect(doubtOf(undefined, { height: 1, tx: { type: 'transfer', nonce: 0n } }, saying)).toBe(
    'never',
  );
});

test('one from an account that is itself not final hangs on the account’s first block', () => {
  expect(paid(98, 96)).toBe('3 of 6; young');
  expect(paid(98, 95)).toBe('3 of 6');
  // Once it is final itself, so is the account, which is older.
  expect(paid(95, 95)).toBeUndefined();
  // Of genesis, or of a close, which no account's nonce signs.
  expect([paid(98, 0), paid(98, 97, 'close')]).toEqual(['3 of 6', '3 of 6']);
});
