/** Whom an account has dealt with: kept when it pays, read from a real chain's history on another device, dust or not. */
import { beforeAll, describe, expect, it } from 'vitest';
import { answer } from '../../../src/chain/shared/answer.ts';
import type { FullChain } from '../../../src/chain/full/full-chain.ts';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import type { Store } from '../../../src/chain/store/store.ts';
import { createHistory } from '../../../src/client/wallet/history.ts';
import { createPayeeBook, SENDERS_MAX } from '../../../src/client/wallet/payees.ts';
import { createChainReader } from '../../../src/client/sync/chain-reader.ts';
import { formatAddress } from '../../../src/core/address.ts';
import { Account } from '../../../src/core/formats.ts';
import { decode } from '../../../src/core/codec.ts';
import { stateKey } from '../../../src/core/tree/keys.ts';
import type { SyncRequest, SyncResponse } from '../../../src/core/messages.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { judgePayee, knownOnes } from '../../../src/ui/wallet/address/payee.ts';
import { mine, openChain, person, START_MS, transfer } from '../../chain/make-blocks.ts';
import { openLightChain } from '../../chain/open-light.ts';

const [ann, friend, eve, dave] = [person(1), person(2), person(3), person(4)] as const;
const DUST = 1_000;
/** What a sender may have waiting. */
const AT_ONCE = 60;
const nowMs = START_MS + 10_000_000;
const PREFIX = 'rpila';

/** An address with the friend's first and last characters. */
const FAKE = friend.address.map((byte, i) => (i > 3 && i < 29 ? byte ^ 0x5a : byte));

type Lie = (request: SyncRequest, truth: SyncResponse) => SyncResponse;

/** Another device of Ann's, which has the headers, the head's state, and this store. */
async function deviceOf(peer: FullChain, store: Store = createMemoryStore(), lie?: Lie) {
  const chain = await openLightChain({ now: () => nowMs }, await peer.header(0));
  for (;;) {
    const more = await peer.headersAfter(await chain.headers.locator(), 512);
    if (!more.length) break;
    await chain.headers.import(more);
  }
  for (const { id } of chain.proofs.wanted()) {
    const [part] = await peer.parts([id]);
    await chain.proofs.import(id, part!.proof!, undefined);
  }
  const { id, header } = peer.head();
  const [part] = await peer.parts([id]);
  await chain.blocks.execute({ header, body: part!.body }, await peer.witness(id));
  const transport = {
    peers: () => [{ id: 'p', origin: 'outbound', link: 'websocket', address: '', penalty: 0 }],
    async request(_: string, request: SyncRequest) {
      const truth = await answer(peer, request, () => []);
      return lie ? lie(request, truth) : truth;
    },
    charge: () => undefined,
  };
  const reader = createChainReader(chain, transport as never);
  const leafOf = async (address: Uint8Array) => {
    const at = (await reader.state.newest())!;
    const [leaf] = (await reader.state.read(at, [stateKey.account(address)]))!.values;
    return leaf ? decode(Account, leaf) : { txCount: 0, nonce: 0n };
  };
  return createPayeeBook({ chain, history: createHistory(chain, reader), leaf: leafOf, store });
}

const judge = (to: Uint8Array, dealings: Awaited<ReturnType<typeof readAll>>) =>
  judgePayee(
    to,
    knownOnes({ accounts: [], contacts: [], watched: [], pending: [], dealings: [dealings] }),
    PREFIX,
  );

/** As a page reads: some pages at a time, until it is whole or nothing more comes. */
async function readAll(book: Awaited<ReturnType<typeof deviceOf>>, steps = 100) {
  let known = await book.read(ann.address, 0);
  for (let i = 0; i < steps && !known.whole; i++) {
    const { read } = known;
    known = await book.read(ann.address, 4);
    if (known.read <= read) break;
  }
  return known;
}

let peer: FullChain;
beforeAll(async () => {
  const own = { ms: START_MS };
  peer = await openChain(createMemoryStore(), own);
  own.ms = nowMs;
  await mine(peer, ann, 6);
  await mine(peer, eve, 8);
  expect(await peer.addTx(transfer(ann, 0, friend, 5n))).toBeUndefined();
  await mine(peer, eve, 1);
  const born = peer.account(eve.address)!.nonce;
  for (let sent = 0; sent < DUST;) {
    for (let i = 0; i < AT_ONCE && sent < DUST; i++)
      expect(await peer.addTx(transfer(eve, born + BigInt(sent++), ann, 1n))).toBeUndefined();
    await mine(peer, eve, 1);
  }
}, 120_000);

describe('after a thousand payments of dust', () => {
  it('another device finds whom was paid before them, and knows no sooner that it knows all', async () => {
    expect(toHex(FAKE)).not.toBe(toHex(friend.address));
    const book = await deviceOf(peer);
    const before = await book.read(ann.address, 0);
    expect(before).toMatchObject({ paid: [], read: 0, total: DUST + 1, whole: false });
    const first = await book.read(ann.address, 1);
    expect(first).toMatchObject({ paid: [], received: [eve.address], whole: false });
    expect(first.read).toBeGreaterThan(40);
    const all = await readAll(book);
    expect(all).toMatchObject({
      paid: [friend.address],
      received: [eve.address],
      read: DUST + 1,
      whole: true,
    });
    expect(judge(friend.address, all)).toMatchObject({ isPaid: true, alike: undefined });
    expect(judge(FAKE, all).alike).toMatchObject({ source: 'paid' });
    expect(formatAddress(FAKE, PREFIX).slice(0, 9)).toBe(
      formatAddress(friend.address, PREFIX).slice(0, 9),
    );
  });

  it('what was read stays on the device, and only what is new is read', async () => {
    const store = createMemoryStore();
    expect((await readAll(await deviceOf(peer, store))).whole).toBe(true);
    expect(await peer.addTx(transfer(ann, 1, dave, 5n))).toBeUndefined();
    await mine(peer, eve, 1);
    let asked = 0;
    const again = await deviceOf(peer, store, (request, truth) => {
      if (request.type === 'history') asked++;
      return truth;
    });
    const before = await again.read(ann.address, 0);
    expect(before).toMatchObject({ read: DUST + 1, total: DUST + 2, whole: false });
    const after = await again.read(ann.address, 1);
    expect(after).toMatchObject({ whole: true, received: [eve.address] });
    expect(after.paid).toHaveLength(2);
    expect(asked).toBe(1);
  });

  it('a peer that leaves one out makes nothing whole', async () => {
    const withoutOne: Lie = (request, truth) =>
      request.type === 'history' && truth.type === 'history'
        ? { type: 'history', entries: truth.entries.toSpliced(3, 1) }
        : truth;
    const known = await readAll(await deviceOf(peer, undefined, withoutOne));
    expect(known.whole).toBe(false);
  });
});

it('who was sent something from here is known at once, and for good', async () => {
  const store = createMemoryStore();
  const book = await deviceOf(peer, store);
  await book.noteSubmitted(transfer(ann, 7, dave, 1n).tx);
  for (const one of [book, await deviceOf(peer, store)]) {
    const known = await one.read(ann.address, 0);
    expect(known).toMatchObject({ sent: [dave.address], paid: [] });
    // A look-alike of an address that was sent something is told, though no block has it yet.
    const fake = dave.address.map((byte, i) => (i > 3 && i < 29 ? byte ^ 0x5a : byte));
    expect(judge(fake, known).alike).toMatchObject({ source: 'sent' });
    expect(judge(dave.address, known)).toMatchObject({ isPaid: false, alike: undefined });
  }
});

it('a mark of a block that is gone is void: a chain that changed is read anew', async () => {
  const store = createMemoryStore();
  expect((await readAll(await deviceOf(peer, store))).whole).toBe(true);
  // The same account on a chain with other blocks.
  const own = { ms: START_MS };
  const other = await openChain(createMemoryStore(), own);
  own.ms = nowMs;
  await mine(other, dave, 1);
  await mine(other, ann, 6);
  const { nonce } = other.account(ann.address)!;
  expect(await other.addTx(transfer(ann, nonce, dave, 5n))).toBeUndefined();
  // Just as high, so that the mark's height has a block there, too.
  await mine(other, eve, peer.head().header.height - other.head().header.height);
  const book = await deviceOf(other, store);
  expect((await book.read(ann.address, 0)).whole).toBe(false);
  const known = await readAll(book);
  expect(known).toMatchObject({ total: 1, whole: true });
  expect(known.paid.map(toHex).sort()).toContain(toHex(dave.address));
});

it('what was read of an account that was emptied says nothing of the one that comes after it', async () => {
  const store = createMemoryStore();
  const own = { ms: START_MS };
  const chain = await openChain(createMemoryStore(), own);
  own.ms = nowMs;
  await mine(chain, ann, 6);
  await mine(chain, eve, 4);
  const [first, next] = [0, 1].map((nonce) => transfer(ann, nonce, friend, 5n));
  await chain.addTx(first!);
  await chain.addTx(next!);
  await mine(chain, eve, 1);
  const { nonce, balance } = chain.account(ann.address)!;
  await chain.addTx(transfer(ann, nonce, eve, balance - 10_000n));
  expect(await readAll(await deviceOf(chain, store))).toMatchObject({ total: 2, whole: true });

  // Emptied; paid again, and then another device of hers pays somebody.
  await mine(chain, eve, 1);
  await chain.addTx(transfer(eve, chain.account(eve.address)!.nonce, ann, 9n));
  await mine(chain, eve, 1);
  await chain.addTx(transfer(ann, chain.account(ann.address)!.nonce, dave, 5n));
  await mine(chain, eve, 1);
  const book = await deviceOf(chain, store);
  expect(await book.read(ann.address, 0)).toMatchObject({ read: 0, total: 2, whole: false });
  const known = await readAll(book);
  expect(known).toMatchObject({ read: 2, whole: true });
  expect(known.paid.map(toHex).sort()).toEqual([friend, dave].map((p) => toHex(p.address)).sort());
});

it('over the bound of senders nothing is called whole, and one’s own payees are kept all the same', async () => {
  const store = createMemoryStore();
  const own = toHex(ann.address);
  const puts = Array.from({ length: SENDERS_MAX }, (_, i) => ({
    key: `payee/${own}/${i.toString(16).padStart(64, '0')}`,
    value: Uint8Array.of(2),
  }));
  await store.batch(puts);
  const book = await deviceOf(peer, store);
  const known = await readAll(book);
  expect(known.whole).toBe(false);
  expect(known.paid.map(toHex)).toContain(toHex(friend.address));
});
