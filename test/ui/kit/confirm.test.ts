/** What a person confirms: seen long enough, as it was shown, and a link's words only beside its address. */
import { describe, expect, it } from 'vitest';
import { formatAddress } from '../../../src/core/address.ts';
import { LIFETIME_BLOCKS, type Prepared } from '../../../src/client/api.ts';
import { Arming, isInSight, SEEN_MS, type After } from '../../../src/ui/kit/arming.svelte.ts';
import { stillAsks, withLink, withoutLink, type Asked } from '../../../src/ui/wallet/send/asked.ts';
import { changesOf } from '../../../src/ui/wallet/send/changes.ts';

/** A clock that goes when it is told. */
function createClock() {
  let nowMs = 0;
  let waiting: { at: number; act: () => void }[] = [];
  const after: After = (ms, act) => {
    const one = { at: nowMs + ms, act };
    waiting.push(one);
    return () => (waiting = waiting.filter((other) => other !== one));
  };
  const pass = (ms: number) => {
    nowMs += ms;
    const due = waiting.filter(({ at }) => at <= nowMs);
    waiting = waiting.filter(({ at }) => at > nowMs);
    for (const { act } of due) act();
  };
  return { after, pass };
}
const click = { detail: 1, isTrusted: true };

describe('a button that confirms', () => {
  const open = () => {
    const clock = createClock();
    return { arming: new Arming(clock.after), pass: clock.pass };
  };

  it('takes no click before its summary was in sight for 700 ms', () => {
    expect(SEEN_MS).toBe(700);
    const { arming, pass } = open();
    pass(10_000);
    expect(arming.takes(click)).toBe(false);
    arming.see(true);
    pass(699);
    expect(arming.takes(click)).toBe(false);
    pass(1);
    expect(arming.takes(click)).toBe(true);
  });

  it('counts no time in which nobody sees the page, and begins anew after it', () => {
    const { arming, pass } = open();
    arming.see(true);
    pass(600);
    arming.see(false);
    pass(10_000);
    expect(arming.takes(click)).toBe(false);
    arming.see(true);
    pass(600);
    expect(arming.takes(click)).toBe(false);
    pass(100);
    expect(arming.takes(click)).toBe(true);
    arming.see(false);
    expect(arming.takes(click)).toBe(false);
  });

  it('begins anew with another summary', () => {
    const { arming, pass } = open();
    arming.see(true);
    pass(700);
    arming.again();
    expect(arming.takes(click)).toBe(false);
    pass(699);
    expect(arming.takes(click)).toBe(false);
    pass(1);
    expect(arming.takes(click)).toBe(true);
  });

  it('takes keys and screen readers, but no second click of a double click and no script’s', () => {
    const { arming, pass } = open();
    arming.see(true);
    pass(700);
    expect(arming.takes({ detail: 0, isTrusted: true })).toBe(true);
    for (const detail of [2, 3]) expect(arming.takes({ detail, isTrusted: true })).toBe(false);
    expect(arming.takes({ detail: 0, isTrusted: false })).toBe(false);
  });

  it('counts a summary as in sight by its half, or by half a window where it is taller', () => {
    const sight = (ratio: number, height: number, isIntersecting = true) =>
      isInSight({
        isIntersecting,
        intersectionRatio: ratio,
        intersectionRect: { height },
        rootBounds: { height: 800 },
      } as IntersectionObserverEntry);
    expect(sight(0.5, 100)).toBe(true);
    expect(sight(0.49, 100)).toBe(false);
    expect(sight(0.2, 400)).toBe(true);
    expect(sight(0.2, 399)).toBe(false);
    expect(sight(1, 0, false)).toBe(false);
  });
});

describe('what is confirmed', () => {
  const fees = { slow: 1n, normal: 10n, fast: 100n };
  const shown: Prepared = { chainId: 3, nonce: 4n, expiry: 200, fees, spendable: 50n };
  it.each([
    ['the same', {}, []],
    ['another nonce', { nonce: 5n }, ['nonce']],
    ['another chain', { chainId: 1 }, ['nonce']],
    ['a dearer rival', { fees: { ...fees, slow: 2n } }, ['fee']],
    ['a proposal that more than doubled', { fees: { ...fees, normal: 21n } }, ['fee']],
    ['a proposal that moved less', { fees: { slow: 1n, normal: 20n, fast: 500n } }, []],
    ['half of its time gone', { expiry: 200 + LIFETIME_BLOCKS / 2 }, []],
    ['more than half of its time gone', { expiry: 201 + LIFETIME_BLOCKS / 2 }, ['expiry']],
    ['a chain that went back', { expiry: 199 - LIFETIME_BLOCKS / 2 }, ['expiry']],
    ['less to spend', { spendable: 49n }, ['spendable']],
    ['more to spend', { spendable: 51n }, []],
    ['two at once', { nonce: 5n, spendable: 1n }, ['nonce', 'spendable']],
  ])('is compared with what is so now: %s', (_, now, expected) =>
    expect(changesOf(shown, { ...shown, ...(now as Partial<Prepared>) })).toEqual(expected),
  );

  it('is all there is: more to spend is another amount', () => {
    const more = { ...shown, spendable: 51n };
    expect([changesOf(shown, more, true), changesOf(shown, shown, true)]).toEqual([
      ['spendable'],
      [],
    ]);
  });
});

describe('what a link said', () => {
  const PREFIX = 'rpila';
  const [address, other] = [7, 9].map((n) => new Uint8Array(32).fill(n)) as [
    Uint8Array,
    Uint8Array,
  ];
  const text = formatAddress(address, PREFIX);
  const asked: Asked = {
    request: { address, amount: 5n, label: 'Red Cross', message: 'Thanks' },
    amount: '5',
  };

  it('belongs to its address, however that is written', () => {
    const isTheirs = (to: string) => stillAsks(asked, to, PREFIX);
    expect(isTheirs(text)).toBe(true);
    expect(isTheirs(text.toUpperCase().replace(/.{4}/g, '$& '))).toBe(true);
    for (const to of [formatAddress(other, PREFIX), text.slice(0, -1), '', 'pila:'])
      expect(isTheirs(to)).toBe(false);
  });

  it('takes its amount along when it goes, but not one that the person wrote', () => {
    const form = { to: formatAddress(other, PREFIX), amount: '5', fee: '1' };
    expect(withoutLink(form, asked).amount).toBe('');
    expect(withoutLink({ ...form, amount: '6' }, asked).amount).toBe('6');
    expect(withoutLink(form, undefined).amount).toBe('5');
  });

  it('is not mixed with what another link said', () => {
    const before = { to: text, amount: '5', fee: '1' };
    const request = { ...asked.request, address: other, amount: undefined };
    const to = formatAddress(other, PREFIX);
    const after = withLink(before, asked, { request, amount: undefined }, to);
    expect(after).toEqual({ to, amount: '', fee: '1' });
    const own = withLink({ ...before, amount: '8' }, asked, { request, amount: undefined }, to);
    expect(own.amount).toBe('8');
  });
});
