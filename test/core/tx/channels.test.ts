/** Channels and their closes in blocks (docs/protocol.md §8.5), with real keys. */
import { describe, expect, test } from 'vitest';
import { decode, encode } from '../../../src/core/codec.ts';
import type { FaultCode } from '../../../src/core/faults.ts';
import { Account, Channel, ChannelList, type SignedTx } from '../../../src/core/formats.ts';
import {
  CHANNEL_LIFETIME_MAX,
  CHANNEL_LIFETIME_MIN,
  ACCOUNT_MIN,
  CHANNELS_PER_EXPIRY_MAX,
  SUBSIDY,
} from '../../../src/core/params.ts';
import { stateKey } from '../../../src/core/tree/keys.ts';
import { treeGet, treeSet } from '../../../src/core/tree/tree.ts';
import { U32_MAX, U64_MAX } from '../../../src/core/tx/state-tx.ts';
import { txId } from '../../../src/core/tx/tx.ts';
import {
  ALICE,
  BORN,
  BOB,
  bytes32,
  CAROL,
  channel,
  close,
  GENESIS_ID,
  paramsOf,
  person,
  SIGNER,
  transfer,
  voucher,
} from '../fixtures.ts';
import { CONTEXT, hexes, Ledger } from '../ledger.ts';

/** Enough for two accounts. */
const LIMIT = 3n * ACCOUNT_MIN;

/** Alice has opened a channel with Carol, in the newest block. */
function opened(
  fields: Parameters<typeof channel>[1] = {},
  off: FaultCode[] = [],
): { ledger: Ledger; id: Uint8Array } {
  const ledger = Ledger.rich(ALICE, 1, paramsOf('local', off));
  const opening = channel(ALICE, { limit: LIMIT, ...fields });
  ledger.add([opening]);
  return { ledger, id: txId(GENESIS_ID, opening.tx) };
}

const channelAt = ({ tree }: Ledger, id: Uint8Array): Channel | undefined => {
  const leaf = treeGet(tree, stateKey.channel(id));
  return leaf && decode(Channel, leaf);
};
const endingAt = ({ tree }: Ledger, height: number): string[] | undefined => {
  const leaf = treeGet(tree, stateKey.channelsEnding(height));
  return leaf && hexes(decode(ChannelList, leaf));
};
const give = (ledger: Ledger, who: { address: Uint8Array }, fields: Partial<Account>): void => {
  const lastTx = { height: 0, index: 0 };
  const account = { balance: 0n, nonce: 0n, txCount: 0, lastTx, ...fields };
  ledger.tree = treeSet(ledger.tree, stateKey.account(who.address), encode(Account, account));
};

describe('opening', () => {
  test('the limit leaves the asker and stands in a leaf until its height', () => {
    const { ledger, id } = opened();
    const expiry = ledger.height + CHANNEL_LIFETIME_MIN;
    expect(ledger.balance(ALICE)).toBe(SUBSIDY - LIMIT - 10n);
    expect(channelAt(ledger, id)).toEqual({
      asker: ALICE.address,
      signer: SIGNER.key,
      provider: CAROL.key,
      payee: CAROL.address,
      limit: LIMIT,
      expiry,
    });
    expect(endingAt(ledger, expiry)).toEqual(hexes([id]));
    expect(ledger.account(ALICE.address)).toMatchObject({ nonce: BORN + 1n, txCount: 1 });
    // Nobody else has anything of it yet.
    expect(ledger.account(CAROL.address)).toBeUndefined();
  });

  test.each<[FaultCode, Parameters<typeof channel>[1]]>([
    ['tx.channel-limit', { limit: ACCOUNT_MIN - 1n }],
    ['tx.channel-lifetime', { lifetime: CHANNEL_LIFETIME_MIN - 1 }],
    ['tx.channel-lifetime', { lifetime: CHANNEL_LIFETIME_MAX + 1 }],
    ['tx.balance', { limit: SUBSIDY - 9n }],
  ])('%s refuses, at the bound and not before', (code, fields) => {
    expect(Ledger.rich(ALICE).fault([channel(ALICE, fields)])).toBe(code);
    const off = Ledger.rich(ALICE, 1, paramsOf('local', [code]));
    expect(off.fault([channel(ALICE, fields)])).toBeUndefined();
  });

  test('the bounds themselves are valid, and keys that are no points too', () => {
    const noPoint = new Uint8Array(32).fill(255);
    for (const fields of [
      { lifetime: CHANNEL_LIFETIME_MAX },
      { limit: SUBSIDY - 10n },
      { provider: noPoint, signer: noPoint },
    ])
      expect(Ledger.rich(ALICE).fault([channel(ALICE, fields)])).toBeUndefined();
  });

  test('256 end at one height, the 257th is refused; a close makes room', () => {
    // Its 257 signatures would take ten seconds.
    const ledger = Ledger.rich(ALICE, 1, paramsOf(), { ...CONTEXT, signatureKnown: () => true });
    const open = (count: number, from: number, lifetime: number) =>
      Array.from({ length: count }, (_, i) => channel(ALICE, { nonce: from + i, lifetime }));
    const full = open(CHANNELS_PER_EXPIRY_MAX, 0, 61);
    ledger.add(full);
    const [more] = open(1, CHANNELS_PER_EXPIRY_MAX, 60);
    expect(ledger.fault([more!])).toBe('tx.channel-full');
    expect(ledger.fault(open(1, CHANNELS_PER_EXPIRY_MAX, 61))).toBeUndefined();
    const id = txId(GENESIS_ID, full[7]!.tx);
    expect(ledger.fault([close(CAROL, { channel: id, amount: 10n }), more!])).toBeUndefined();
  });
});

describe('closing', () => {
  test('the payee gets what was vouched for less the fee, the asker the rest', () => {
    const { ledger, id } = opened();
    const { expiry } = channelAt(ledger, id)!;
    const before = ledger.balance(ALICE);
    const amount = ACCOUNT_MIN + 1000n;
    const done = ledger.add([close(CAROL, { channel: id, amount, fee: 30n })]);
    const lastTx = { height: ledger.height, index: 0 };
    const nonce = BigInt(ledger.height) << 32n;
    expect(done.fees).toBe(30n);
    expect(ledger.account(CAROL.address)).toEqual({
      balance: ACCOUNT_MIN + 970n,
      nonce,
      txCount: 1,
      lastTx,
    });
    expect(ledger.balance(ALICE)).toBe(before + LIMIT - amount);
    expect(ledger.account(ALICE.address)).toMatchObject({ nonce: BORN + 1n, txCount: 2, lastTx });
    expect(channelAt(ledger, id)).toBeUndefined();
    expect(endingAt(ledger, expiry)).toBeUndefined();
    expect(done.parties.map(({ index }) => index)).toEqual([0, 0]);
  });

  test('its entry alone leaves the list of its height', () => {
    const ledger = Ledger.rich(ALICE);
    const openings = [0, 1, 2].map((nonce) => channel(ALICE, { nonce }));
    ledger.add(openings);
    const ids = openings.map(({ tx }) => txId(GENESIS_ID, tx));
    ledger.add([close(CAROL, { channel: ids[1]!, amount: 10n })]);
    expect(endingAt(ledger, ledger.height - 1 + CHANNEL_LIFETIME_MIN)).toEqual(
      hexes([ids[0]!, ids[2]!]),
    );
  });

  test('the least and the most that can be taken: the fee, and all', () => {
    const { ledger, id } = opened();
    expect(ledger.fault([close(CAROL, { channel: id, amount: 10n })])).toBeUndefined();
    expect(ledger.fault([close(CAROL, { channel: id, amount: LIMIT })])).toBeUndefined();
    const all = close(CAROL, { channel: id, amount: LIMIT, fee: LIMIT });
    expect(ledger.add([all]).fees).toBe(LIMIT);
    // Nothing came of it for Carol, who had no account, and so she has none.
    expect(ledger.account(CAROL.address)).toBeUndefined();
    expect(ledger.account(ALICE.address)).toMatchObject({ txCount: 2 });
  });

  test('who is payee and asker gets both parts, and counts it once', () => {
    const { ledger, id } = opened({ payee: ALICE.address });
    const before = ledger.balance(ALICE);
    const done = ledger.add([close(CAROL, { channel: id, amount: 1000n, fee: 30n })]);
    expect(ledger.balance(ALICE)).toBe(before + LIMIT - 30n);
    expect(ledger.account(ALICE.address)).toMatchObject({ txCount: 2 });
    expect(done.parties).toHaveLength(1);
  });

  test('the account of the provider’s key is neither read nor changed', () => {
    const provider = person(60);
    const { ledger, id } = opened({ provider: provider.key });
    ledger.add([transfer(ALICE, { nonce: 1n, to: provider.address })]);
    const before = ledger.account(provider.address);
    const done = ledger.add([close(provider, { channel: id, amount: 1000n })]);
    expect(ledger.account(provider.address)).toEqual(before);
    expect(hexes(done.touched)).not.toContain(hexes([stateKey.account(provider.address)])[0]);
  });

  test('an opening and its close may stand in one block, in this order', () => {
    const ledger = Ledger.rich(ALICE);
    const opening = channel(ALICE);
    const closing = close(CAROL, { channel: txId(GENESIS_ID, opening.tx), amount: 1000n });
    expect(ledger.fault([opening, closing])).toBeUndefined();
    expect(ledger.fault([closing, opening])).toBe('tx.close-unknown');
  });

  test('twice in one block is once', () => {
    const { ledger, id } = opened();
    const [low, high] = [1000n, 2000n].map((amount) => close(CAROL, { channel: id, amount }));
    expect(ledger.fault([low!, high!])).toBe('tx.close-unknown');
    expect(ledger.fault([high!, low!])).toBe('tx.close-unknown');
  });

  test('an undone opening takes its close with it; opened again it can be closed again', () => {
    const { ledger, id } = opened();
    const closing = close(CAROL, { channel: id, amount: 1000n });
    ledger.add([closing]);
    ledger.undo();
    expect(ledger.fault([closing])).toBeUndefined();
    ledger.undo();
    expect(ledger.fault([closing])).toBe('tx.close-unknown');
    ledger.add([channel(ALICE, { limit: LIMIT })]);
    expect(ledger.fault([closing])).toBeUndefined();
  });
});

describe('rules of a close', () => {
  const amount = 1000n;
  const other = person(61);
  type Make = (id: Uint8Array) => SignedTx;
  const cases: readonly [FaultCode, string, Make][] = [
    ['tx.close-nonce', 'a nonce', (id) => close(CAROL, { channel: id, amount, nonce: 1n })],
    [
      'tx.close-fee',
      'a fee over the amount',
      (id) => close(CAROL, { channel: id, amount, fee: 1001n }),
    ],
    ['tx.close-unknown', 'no such channel', () => close(CAROL, { channel: bytes32(9), amount })],
    ['tx.close-provider', 'the asker signs', (id) => close(ALICE, { channel: id, amount })],
    ['tx.close-provider', 'the payee signs', (id) => close(BOB, { channel: id, amount })],
    ['tx.close-provider', 'its signer signs', (id) => close(SIGNER, { channel: id, amount })],
    [
      'tx.close-amount',
      'over the limit',
      (id) => close(CAROL, { channel: id, amount: LIMIT + 1n }),
    ],
    [
      'tx.close-voucher',
      'a voucher for less',
      (id) => close(CAROL, { channel: id, amount, voucher: voucher(id, amount - 1n) }),
    ],
    [
      'tx.close-voucher',
      'of another channel',
      (id) => close(CAROL, { channel: id, amount, voucher: voucher(bytes32(9), amount) }),
    ],
    [
      'tx.close-voucher',
      'of another network',
      (id) =>
        close(CAROL, {
          channel: id,
          amount,
          voucher: voucher(id, amount, { genesis: bytes32(501) }),
        }),
    ],
    [
      'tx.close-voucher',
      'of another signer',
      (id) =>
        close(CAROL, { channel: id, amount, voucher: voucher(id, amount, { signer: other }) }),
    ],
    [
      'tx.signature',
      'unsigned',
      (id) => ({ ...close(CAROL, { channel: id, amount }), signature: new Uint8Array(64) }),
    ],
  ];

  test.each(cases)('%s: %s', (code, _what, make) => {
    const payee = { payee: BOB.address };
    const { ledger, id } = opened(payee);
    expect(ledger.fault([make(id)])).toBe(code);
    const off = opened(payee, [code]);
    expect(off.ledger.fault([make(off.id)])).toBeUndefined();
  });

  test('a voucher counts for the genesis that the machine knows', () => {
    // Transactions are for that genesis too: their signatures are taken for right.
    const context = { ...CONTEXT, genesis: bytes32(501), signatureKnown: () => true };
    const ledger = Ledger.rich(ALICE, 1, paramsOf(), context);
    const opening = channel(ALICE);
    ledger.add([opening]);
    const id = txId(bytes32(501), opening.tx);
    expect(ledger.fault([close(CAROL, { channel: id, amount: 10n })])).toBe('tx.close-voucher');
    const own = voucher(id, 10n, { genesis: bytes32(501) });
    expect(
      ledger.fault([close(CAROL, { channel: id, amount: 10n, voucher: own })]),
    ).toBeUndefined();
    expect(GENESIS_ID).not.toEqual(bytes32(501));
  });

  test('a key that is no point closes nothing', () => {
    const noPoint = new Uint8Array(32).fill(255);
    const { ledger, id } = opened({ signer: noPoint });
    expect(ledger.fault([close(CAROL, { channel: id, amount })])).toBe('tx.close-voucher');
  });

  test.each([
    ['payee', CAROL, { balance: U64_MAX - 990n }, { balance: U64_MAX - 989n }],
    ['payee', CAROL, { txCount: U32_MAX - 1 }, { txCount: U32_MAX }],
    ['asker', ALICE, { balance: U64_MAX - LIMIT + amount }, { balance: U64_MAX - LIMIT + 1001n }],
    ['asker', ALICE, { txCount: U32_MAX - 1 }, { txCount: U32_MAX }],
  ] as const)('what the %s can’t hold is refused', (_who, who, most, over) => {
    const { ledger, id } = opened();
    const closing = close(CAROL, { channel: id, amount });
    give(ledger, who, most);
    expect(ledger.fault([closing])).toBeUndefined();
    give(ledger, who, over);
    expect(ledger.fault([closing])).toBe('tx.overflow');
  });

  test('rules off, coins are made and nothing crashes', () => {
    const { ledger, id } = opened({}, ['tx.close-amount', 'tx.close-fee', 'tx.overflow']);
    ledger.add([close(CAROL, { channel: id, amount: U64_MAX, fee: 1n })]);
    expect(ledger.balance(CAROL)).toBe(U64_MAX - 1n);
  });
});

describe('the end', () => {
  test('a close is valid in the last block below the expiry, and not in that of the expiry', () => {
    const { ledger, id } = opened();
    const { expiry } = channelAt(ledger, id)!;
    const closing = close(CAROL, { channel: id, amount: 1000n });
    ledger.skip(expiry - 2 - ledger.height);
    expect(ledger.fault([closing])).toBeUndefined();
    ledger.skip(1);
    expect(ledger.height).toBe(expiry - 1);
    expect(ledger.fault([closing])).toBe('tx.close-unknown');
  });

  test('all goes back before that block’s transactions, once, and counts for nobody', () => {
    const { ledger, id } = opened();
    const { expiry } = channelAt(ledger, id)!;
    const before = ledger.account(ALICE.address)!;
    ledger.skip(expiry - 1 - ledger.height);
    // What comes back may be spent in the same block.
    const all = transfer(ALICE, { nonce: 1n, amount: before.balance + LIMIT - 10n });
    expect(ledger.fault([all])).toBeUndefined();
    ledger.skip(1);
    expect(ledger.account(ALICE.address)).toEqual({ ...before, balance: before.balance + LIMIT });
    expect(channelAt(ledger, id)).toBeUndefined();
    expect(endingAt(ledger, expiry)).toBeUndefined();
    ledger.skip(CHANNEL_LIFETIME_MIN);
    expect(ledger.balance(ALICE)).toBe(before.balance + LIMIT);
  });

  test('what was closed does not come back', () => {
    const { ledger, id } = opened();
    const { expiry } = channelAt(ledger, id)!;
    ledger.add([close(CAROL, { channel: id, amount: LIMIT })]);
    const before = ledger.balance(ALICE);
    ledger.skip(expiry + 1 - ledger.height);
    expect(ledger.balance(ALICE)).toBe(before);
  });
});
