/** Why nothing can be sent, and whether trial coins have come. */
import { describe, expect, it } from 'vitest';
import type { AccountEntry } from '../../../src/client/api.ts';
import { hasCome } from '../../../src/ui/wallet/gift.ts';
import { hindranceOf } from '../../../src/ui/wallet/send/hindrance.ts';
import { ADDRESS, BALANCE, OTHER_ADDRESS } from '../memory-engine.ts';

describe('what hinders a payment', () => {
  const of = (spendable: bigint, immature = 0n) => ({ ...BALANCE, spendable, immature });

  it('is said before anything is filled in', () => {
    expect(hindranceOf(false, of(5n))).toBe('words');
    expect(hindranceOf(true, of(0n))).toBe('nothing');
    expect(hindranceOf(true, of(0n, 5n))).toBe('locked');
    expect(hindranceOf(true, of(5n), 0n)).toBe('waiting');
  });

  it('is nothing where something can be spent, or nothing is known', () => {
    expect(hindranceOf(true, of(5n))).toBeUndefined();
    expect(hindranceOf(true, of(5n, 5n), 1n)).toBeUndefined();
    expect(hindranceOf(true, undefined)).toBeUndefined();
  });
});

describe('trial coins', () => {
  const entry = (height: number, to: Uint8Array, amount: bigint): AccountEntry => ({
    id: new Uint8Array(32),
    timeMs: 0,
    position: { height, index: 0 },
    tx: {
      tx: {
        type: 'transfer',
        chainId: 3,
        from: OTHER_ADDRESS,
        nonce: 0n,
        expiry: 9,
        fee: 1n,
        to,
        amount,
        memo: new Uint8Array(),
      },
      signature: new Uint8Array(64),
    },
  });
  const asked = { mining: true, amount: 7n, to: ADDRESS, above: 4 };

  it('have come with a later payment of that amount to whoever asked', () => {
    expect(hasCome(asked, [])).toBe(false);
    expect(hasCome(asked, [entry(4, ADDRESS, 7n)])).toBe(false);
    expect(hasCome(asked, [entry(5, ADDRESS, 6n), entry(5, OTHER_ADDRESS, 7n)])).toBe(false);
    expect(hasCome(asked, [entry(6, ADDRESS, 6n), entry(5, ADDRESS, 7n)])).toBe(true);
    expect(hasCome({ ...asked, amount: undefined }, [entry(5, ADDRESS, 6n)])).toBe(true);
  });
});
