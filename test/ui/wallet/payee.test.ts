import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addressOf, formatAddress } from '../../../src/core/address.ts';
import { decode, encode } from '../../../src/core/codec.ts';
import { SignedTx, Tx } from '../../../src/core/formats.ts';
import type { Payees } from '../../../src/client/api.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { parseUri } from '../../../src/wallet/uri.ts';
import { buildTransfer } from '../../../src/wallet/build.ts';
import {
  groupsThatDiffer,
  judgePayee,
  knownOnes,
  looksAlike,
  toCompare,
  type Acquaintance,
} from '../../../src/ui/wallet/address/payee.ts';
import { Dealings } from '../../../src/ui/wallet/address/dealings.svelte.ts';
import { SEAL_SIDE, sealPath } from '../../../src/ui/wallet/address/seal.ts';
import { followLaunches } from '../../../src/ui/launches.ts';
import { placeOfShare } from '../../../src/ui/shared-link.ts';
import { locationOf } from '../../../src/ui/route.svelte.ts';

const PREFIX = 'rpila';
const hash = (n: number) => new Uint8Array(32).fill(n);
const textOf = (address: Uint8Array) => formatAddress(address, PREFIX);
const myKey = hash(1);
const mine = addressOf(myKey);
const signed = (from: Uint8Array, to: Uint8Array): SignedTx => {
  const base = { chainId: 3, from, nonce: 0n, expiry: 9, fee: 1n };
  const tx = decode(Tx, buildTransfer(base, { to, amount: 5n }));
  return { tx, signature: new Uint8Array(64) };
};
const nobody: Acquaintance = {
  accounts: [{ index: 0, name: '', address: mine, publicKey: myKey }],
  contacts: [],
  watched: [],
  dealings: [],
  pending: [],
};
const dealt = (about: Partial<Payees>): Acquaintance => {
  const { paid = [], sent = [], received = [] } = about;
  return { ...nobody, dealings: [{ paid, sent, received }] };
};
/** An address with the same first and last characters, as an attacker searches for. */
function imitate(address: Uint8Array): Uint8Array {
  const fake = address.slice();
  for (let i = 3; i < 29; i++) fake[i]! ^= 0x5a ^ i;
  return fake;
}

describe('a payee', () => {
  const friend = addressOf(hash(2));
  const judge = (to: Uint8Array, about: Acquaintance) => judgePayee(to, knownOnes(about), PREFIX);

  it('was never paid before until a payment of mine is known, also one that waits', () => {
    expect(judge(friend, nobody)).toEqual({
      known: undefined,
      isPaid: false,
      isAcquainted: false,
      alike: undefined,
    });
    expect(judge(friend, dealt({ paid: [friend] }))).toMatchObject({
      isPaid: true,
      isAcquainted: true,
    });
    const bytes = encode(SignedTx, signed(myKey, friend));
    const waiting = { id: hash(4), bytes, state: 'pending', height: undefined } as const;
    expect(judge(friend, { ...nobody, pending: [waiting] }).isPaid).toBe(true);
    const theirs = { ...waiting, bytes: encode(SignedTx, signed(hash(3), friend)) };
    expect(judge(friend, { ...nobody, pending: [theirs] }).isPaid).toBe(false);
  });

  it.each([
    ['pending', true],
    ['confirmed', true],
    ['replaced', false],
    ['refused', false],
    ['expired', false],
  ] as const)('a payment that is %s was one: %s; either way it was meant', (state, isPaid) => {
    const bytes = encode(SignedTx, signed(myKey, friend));
    const pending = [{ id: hash(4), bytes, state, height: undefined }];
    expect(judge(friend, { ...nobody, pending })).toMatchObject({ isPaid, isAcquainted: true });
  });

  it('who sent me coins is not known by that: dust comes from anybody', () => {
    const about = dealt({ received: [friend] });
    expect(judge(friend, about)).toMatchObject({ isPaid: false, isAcquainted: false });
  });

  it('that was compared with the address as given is still to be compared with whom it takes after', () => {
    const fake = imitate(friend);
    const before = judge(fake, nobody);
    expect(toCompare(before, true)).toBeUndefined();
    expect(toCompare(before, false)).toBe('all');
    // The history is read on while the person looks: whom it imitates comes with a later page.
    const other = fake.with(10, fake[10]! ^ 1);
    for (const victim of [friend, other])
      for (const isWhole of [false, true]) {
        const later = judge(fake, dealt({ paid: [victim] }));
        expect(toCompare(later, isWhole)).toBe(toHex(victim));
      }
    expect(toCompare(judge(friend, dealt({ paid: [friend] })), false)).toBeUndefined();
  });

  it('that takes after one who sent me coins is told, also where both did', () => {
    const fake = imitate(friend);
    expect(judge(fake, dealt({ received: [friend] })).alike).toMatchObject({ source: 'received' });
    // Which of the two is meant, only the person can say.
    const both = dealt({ received: [friend, fake] });
    expect(judge(fake, both).alike?.address).toEqual(friend);
    expect(judge(friend, both).alike?.address).toEqual(fake);
    // Dust from a look-alike makes it no more known, and the friend no less.
    const poisoned = dealt({ paid: [friend], received: [fake] });
    expect(judge(fake, poisoned).alike).toMatchObject({ source: 'paid' });
    expect(judge(friend, poisoned).alike).toBe(undefined);
  });

  it('is named by accounts, contacts, watched addresses, in this order', () => {
    const named = (name: string) => [{ address: friend, name }];
    const account = { index: 1, name: 'Savings', address: friend, publicKey: hash(2) };
    const about = { ...nobody, contacts: named('Ada'), watched: named('Fund') };
    const known = (a: Acquaintance) => judge(friend, a).known;
    expect(known({ ...about, accounts: [account] })).toMatchObject({ source: 'account' });
    expect(known(about)).toMatchObject({ source: 'contact', name: 'Ada' });
    expect(known({ ...about, contacts: [] })).toMatchObject({ source: 'watched', name: 'Fund' });
    expect(known(dealt({ paid: [friend], sent: [friend] }))).toBe(undefined);
  });

  it('that takes after a contact or one that was paid is told, the known one itself never', () => {
    const fake = imitate(friend);
    const [a, b] = [textOf(friend), textOf(fake)];
    expect(a.slice(0, 9)).toBe(b.slice(0, 9));
    const contact = { ...nobody, contacts: [{ address: friend, name: 'Ada' }] };
    expect(judge(fake, contact).alike).toMatchObject({ name: 'Ada' });
    for (const source of ['paid', 'sent'] as const)
      expect(judge(fake, dealt({ [source]: [friend] })).alike).toMatchObject({ source });
    const both = { ...dealt({ paid: [friend] }), contacts: [{ address: fake, name: 'Bob' }] };
    expect(judge(friend, both).alike).toBe(undefined);
  });
});

describe('the histories that are read for a payee', () => {
  const other = addressOf(hash(9));
  const page = (read: number, total: number | undefined): Payees => ({
    paid: [],
    sent: [],
    received: [],
    read,
    total,
    whole: read === total,
  });

  it('are all read to the end before anything is called whole', async () => {
    const asked: [string, number][] = [];
    const wholes: boolean[] = [];
    // One's own account was read before, the other was not.
    const at = new Map([
      [toHex(mine), 500],
      [toHex(other), 0],
    ]);
    const dealings = new Dealings({
      async payees(address, pages) {
        const key = toHex(address);
        asked.push([key, pages]);
        at.set(key, Math.min(500, at.get(key)! + pages * 49));
        wholes.push(dealings.whole);
        return page(at.get(key)!, 500);
      },
    });
    expect(dealings.whole).toBe(false);
    await dealings.follow([mine, other]);
    expect(dealings.whole).toBe(true);
    expect(wholes).not.toContain(true);
    expect([dealings.read, dealings.total]).toEqual([1000, 1000]);
    expect(asked.filter(([key]) => key === toHex(other)).length).toBeGreaterThan(3);
    dealings.doubt();
    expect(dealings.whole).toBe(false);
  });

  it('that no peer gives stay unknown, and the next try goes on', async () => {
    let fails = true;
    const dealings = new Dealings({
      async payees() {
        if (fails) throw new Error('no peers');
        return page(3, 3);
      },
    });
    await dealings.follow([mine]);
    expect(dealings.whole).toBe(false);
    fails = false;
    await dealings.follow([mine]);
    expect(dealings.whole).toBe(true);
  });

  it('where nothing more comes are left, and of an account that was never proven nothing is whole', async () => {
    for (const stuck of [page(7, 20), page(0, undefined)]) {
      let calls = 0;
      const dealings = new Dealings({
        async payees() {
          calls++;
          return stuck;
        },
      });
      await dealings.follow([mine]);
      expect(calls).toBe(3);
      expect(dealings.whole).toBe(false);
    }
  });

  it('are read once more where the chain changed meanwhile', async () => {
    let calls = 0;
    const dealings = new Dealings({
      async payees() {
        if (++calls === 2) dealings.doubt();
        return page(1, 1);
      },
    });
    await dealings.follow([mine]);
    expect(calls).toBe(4);
    expect(dealings.whole).toBe(true);
  });
});

it('two addresses by chance do not look alike', () => {
  const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
  let alike = 0;
  fc.assert(
    fc.property(bytes, bytes, (a, b) => {
      if (looksAlike(textOf(addressOf(a)), textOf(addressOf(b)))) alike++;
    }),
    { numRuns: 500, seed: 7 },
  );
  expect(alike).toBe(0);
});

it.each([
  ['three characters at each end', 'rpila1qqqaaaaaaaaaaaaqqq', 'rpila1qqqbbbbbbbbbbbbqqq', true],
  ['four at one end', 'rpila1qqqqaaaaaaaaaaaaaa', 'rpila1qqqqbbbbbbbbbbbbbb', true],
  ['three at one end', 'rpila1qqqaaaaaaaaaaaaaaa', 'rpila1qqqbbbbbbbbbbbbbbb', false],
  ['itself', 'rpila1qqqqaaaa', 'rpila1qqqqaaaa', false],
])('%s', (_, a, b, expected) => expect(looksAlike(a, b)).toBe(expected));

it('groups that differ are marked', () => {
  expect(groupsThatDiffer('abcdefghij', 'abcdxfghij')).toEqual([false, true, false]);
});

describe('a seal', () => {
  it('is the same for an address however it is written, and within its square', () => {
    const text = textOf(hash(7));
    expect(sealPath(text.toUpperCase().replace(/.{4}/g, '$& '))).toBe(sealPath(text));
    for (const [, x, y] of sealPath(text).matchAll(/M(\d+) (\d+)/g))
      for (const n of [x, y]) expect(Number(n) + 8).toBeLessThan(SEAL_SIDE);
  });

  it('differs where addresses look alike, and all shapes are used', () => {
    const seals = Array.from({ length: 200 }, (_, i) => sealPath(textOf(hash(i))));
    expect(new Set(seals).size).toBe(200);
    expect(sealPath(textOf(imitate(hash(7))))).not.toBe(sealPath(textOf(hash(7))));
    const shapes = new Set(seals.flatMap((seal) => seal.match(/(?<=M\d+ \d+)[a-z][^M]*/g)!));
    expect(shapes.size).toBe(16);
  });
});

it('ten thousand addresses have ten thousand seals', () => {
  const address = (i: number) => textOf(addressOf(Uint8Array.of(i & 255, i >> 8)));
  const seals = new Set(Array.from({ length: 10_000 }, (_, i) => sealPath(address(i))));
  // 16^9 seals: two of these alike once in some 1,400 such sets, and this set stays the same.
  expect(seals.size).toBe(10_000);
});

it('one letter changed makes another seal, in most of its nine cells', () => {
  const cells = (text: string) => sealPath(text).split('M').slice(1);
  const text = textOf(hash(7));
  for (let at = 6; at < text.length; at++) {
    const changed = text.slice(0, at) + (text[at] === 'q' ? 'p' : 'q') + text.slice(at + 1);
    const differing = cells(changed).filter((cell, i) => cell !== cells(text)[i]).length;
    expect(differing, `at ${at}`).toBeGreaterThanOrEqual(5);
  }
});

it('seals stay what people know them by', () => {
  expect(sealPath(textOf(hash(7)))).toBe(
    'M2 2m8 0v8h-8a8 8 0 0 1 8-8zM12 2h8a8 8 0 0 1-8 8zM22 2m3 0h2v3h3v2h-3v3h-2v-3h-3v-2h3zM2 12m8 0v8h-8zM12 12h8v8h-8zM22 12m4 0a4 4 0 1 1 0 8a4 4 0 1 1 0-8zm0 2a2 2 0 1 0 0 4a2 2 0 1 0 0-4zM2 22m3 0h2v8h-2zM12 22m3 3h2v2h-2zM22 22v8h8z',
  );
  expect(sealPath(textOf(hash(5)))).toBe(
    'M2 2m4 0l4 4l-4 4l-4-4zM12 2m3 3h2v2h-2zM22 2m4 0a4 4 0 1 1 0 8a4 4 0 1 1 0-8zM2 12h8v8a8 8 0 0 1-8-8zM12 12m4 0l4 4l-4 4l-4-4zM22 12h8v8h-8zM2 22h8v8zM12 22m0 3h8v2h-8zM22 22m3 3h2v2h-2z',
  );
});

describe('what is shared', () => {
  const address = textOf(hash(7));
  const shared = (fields: Record<string, string>) =>
    placeOfShare(`?${new URLSearchParams(fields).toString()}`);
  const requestOf = (place: string | undefined) => parseUri(locationOf(place!).about, PREFIX);

  it('leads to paying by a link or an address in it', () => {
    const text = `Please pay pila:${address}?amount=1.5&label=Ada%20L, thanks`;
    expect(requestOf(shared({ text }))).toMatchObject({ address: hash(7), amount: 1_500_000_000n });
    expect(requestOf(shared({ title: 'x', text: `to ${address}.` })).address).toEqual(hash(7));
    expect(requestOf(shared({ url: `web+pila:${address}` })).address).toEqual(hash(7));
  });

  it('without either is a text to ask about', () => {
    for (const text of [
      'hello',
      ' Quale lingua è?\n#/wallet ',
      'javascript:alert(1)',
      'x'.repeat(5000),
    ])
      expect(locationOf(shared({ text })!)).toEqual({
        place: 'ask',
        page: 'question',
        about: text.trim().slice(0, 4096),
      });
  });

  it('is cut between characters', () => {
    const { about } = locationOf(shared({ text: `${'x'.repeat(4095)}😀` })!);
    expect(about).toBe(`${'x'.repeat(4095)}\ufffd`);
  });

  it('with no text leads nowhere', () => {
    for (const fields of [{ text: ' ' }, { title: 'hello', url: 'https://pila.example/' }])
      expect(shared(fields as unknown as Record<string, string>)).toBe(undefined);
    expect(placeOfShare('')).toBe(undefined);
  });
});

describe('a launch of the installed app while it runs', () => {
  const page = 'https://pila.example/app/#/wallet';
  const link = `https://pila.example/app/#/pay/${encodeURIComponent(`web+pila:${textOf(hash(7))}`)}`;
  const start = (loaded = page) => {
    const went: string[] = [];
    let launch: ((params: { targetURL?: string }) => void) | undefined;
    const queue = { setConsumer: (consumer: typeof launch) => (launch = consumer) };
    followLaunches(queue, loaded, (place) => went.push(place));
    return { went, launch: (targetURL?: string) => launch!(targetURL ? { targetURL } : {}) };
  };

  it('goes where its link leads, as often as it is opened', () => {
    const { went, launch } = start();
    for (const target of [link, link]) launch(target);
    expect(went).toHaveLength(2);
    expect(parseUri(locationOf(went[0]!).about, PREFIX).address).toEqual(hash(7));
    launch(`https://pila.example/app/?${new URLSearchParams({ text: 'hello' }).toString()}`);
    expect(locationOf(went[2]!)).toMatchObject({ page: 'question', about: 'hello' });
  });

  it('that loaded the page is not followed twice, another one is', () => {
    const { went, launch } = start(link);
    launch(link);
    expect(went).toEqual([]);
    launch(link);
    expect(went).toHaveLength(1);
  });

  it('of another page, or with nothing in it, leads nowhere', () => {
    const { went, launch } = start();
    for (const target of [
      link.replace('pila.example', 'evil.example'),
      link.replace('/app/', '/other/'),
      'https://pila.example/app/',
      'not an address',
      undefined,
    ])
      launch(target);
    expect(went).toEqual([]);
    expect(() => followLaunches(undefined, page, () => undefined)).not.toThrow();
  });
});
