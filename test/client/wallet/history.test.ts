/** Histories: complete or not, in pages, from what is held here or from peers that lie. */
import { beforeAll, describe, expect, it } from 'vitest';
import { answer } from '../../../src/chain/shared/answer.ts';
import type { FullChain } from '../../../src/chain/full/full-chain.ts';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import { createChainReader } from '../../../src/client/sync/chain-reader.ts';
import { createHistory, type ReadHistory } from '../../../src/client/wallet/history.ts';
import type { HistoryEntry, SyncRequest, SyncResponse } from '../../../src/core/messages.ts';
import type { Position } from '../../../src/core/formats.ts';
import { txId } from '../../../src/core/tx/tx.ts';
import {
  BORN,
  GENESIS_ID,
  close,
  mine,
  openChain,
  person,
  prepay,
  START_MS,
  transfer,
} from '../../chain/make-blocks.ts';
import { openLightChain } from '../../chain/open-light.ts';

const [ann, bob, cat, dan] = [person(1), person(2), person(3), person(4)] as const;
const TXS = 30;
const nowMs = START_MS + 10_000_000;

type Lie = (request: SyncRequest, truth: SyncResponse) => SyncResponse;

/** A client that follows the peer; `isHolding`: it has executed all blocks itself, else the head. */
async function readerOf(peer: FullChain, isHolding: boolean, lie: Lie = (_, truth) => truth) {
  const chain = await openLightChain({ now: () => nowMs }, await peer.header(0));
  await chain.headers.import(await peer.headersAfter(await chain.headers.locator(), 512));
  for (const { id } of chain.proofs.wanted()) {
    const [part] = await peer.parts([id]);
    await chain.proofs.import(id, part!.proof!, isHolding ? part!.body : undefined);
  }
  while (isHolding && (await chain.blocks.executeKept()));
  if (!isHolding) {
    const { id, header } = peer.head();
    const [part] = await peer.parts([id]);
    await chain.blocks.execute({ header, body: part!.body }, await peer.witness(id));
  }
  expect([chain.headers.head().id, chain.state.isWhole]).toEqual([peer.head().id, isHolding]);
  const transport = {
    peers: () => [{ id: 'p', origin: 'outbound', link: 'websocket', address: '', penalty: 0 }],
    request: async (_: string, request: SyncRequest) =>
      lie(request, await answer(peer, request, () => [])),
    charge: () => undefined,
  };
  return createHistory(chain, createChainReader(chain, transport as never));
}

async function pagesOf(read: ReadHistory, size: number) {
  const pages = [];
  let from: Position | undefined;
  do {
    const page = await read(ann.address, size, from);
    pages.push(page);
    from = page.next;
  } while (from && pages.length < 50);
  return pages;
}
const nonces = (entries: readonly HistoryEntry[]) =>
  entries.map(({ tx }) => Number(tx.tx.nonce - BORN));
const all = Array.from({ length: TXS }, (_, i) => TXS - 1 - i);

let peer: FullChain;
beforeAll(async () => {
  const own = { ms: START_MS };
  peer = await openChain(createMemoryStore(), own);
  own.ms = nowMs;
  await mine(peer, ann, 8);
  for (let i = 0; i < TXS; i++) {
    await peer.addTx(transfer(ann, i, i % 3 ? bob : ann, 5n));
    if (i % 4 === 3) await mine(peer, cat, 1);
  }
  await mine(peer, cat, 3);
});

describe.each([true, false])('with the state held: %s', (isHolding) => {
  it.each([49, 7, 1])('is complete and linked in pages of %i', async (size) => {
    const pages = await pagesOf(await readerOf(peer, isHolding), size);
    expect(pages.flatMap(({ entries }) => nonces(entries))).toEqual(all);
    expect(pages).toHaveLength(Math.ceil(TXS / size));
    for (const page of pages) expect([page.total, page.linked]).toEqual([TXS, true]);
  });

  it('of who did nothing is empty and complete', async () => {
    const read = await readerOf(peer, isHolding);
    const nobody = { entries: [], total: 0, linked: true, next: undefined };
    expect(await read(person(9).address, 5)).toEqual(nobody);
  });
});

describe('a peer that lies', () => {
  const tamper =
    (change: (entries: HistoryEntry[]) => HistoryEntry[]): Lie =>
    (request, truth) =>
      request.type === 'history' && truth.type === 'history'
        ? { type: 'history', entries: change([...truth.entries]) }
        : truth;

  it('about one in the middle is found out: the rest is not called complete', async () => {
    const read = await readerOf(
      peer,
      false,
      tamper((e) => e.toSpliced(3, 1)),
    );
    const pages = await pagesOf(read, 10);
    expect(nonces(pages[0]!.entries)).not.toContain(TXS - 4);
    expect(pages.map(({ linked }) => linked)).not.toContain(true);
  });

  it('a little at a time is asked on, for as many answers as full blocks make of one page', async () => {
    let asked = 0;
    const shortened = (count: number): Promise<ReadHistory> =>
      readerOf(
        peer,
        false,
        tamper((e) => (asked++, e.slice(0, count))),
      );
    const { entries, linked } = await (await shortened(7))(ann.address, 49);
    expect([nonces(entries), linked]).toEqual([all, true]);
    asked = 0;
    const some = await (await shortened(2))(ann.address, 49);
    expect([nonces(some.entries), asked]).toEqual([all.slice(0, 9), 8]);
  });

  it('about the order, the start or the owner is not followed', async () => {
    for (const change of [
      (e: HistoryEntry[]) => e.slice(1),
      (e: HistoryEntry[]) => e.map((entry) => ({ ...entry, tx: transfer(bob, 0, cat, 1n) })),
      () => [],
    ]) {
      const read = await readerOf(peer, false, tamper(change));
      await expect(read(ann.address, 10)).rejects.toMatchObject({ code: 'NO_PEERS' });
    }
    const twice = await readerOf(
      peer,
      false,
      tamper((e) => e.flatMap((entry) => [entry, entry])),
    );
    const page = await twice(ann.address, 10);
    expect(nonces(page.entries)).toEqual([TXS - 1]);
  });
});

describe('what was prepaid', () => {
  const opening = prepay(ann, 0, bob, { payee: cat.address });
  const closing = close(bob, txId(GENESIS_ID, opening.tx), 50_000_000n);
  let chain: FullChain;
  beforeAll(async () => {
    const genesisTimeMs = async () => START_MS;
    chain = await openChain(undefined, { ms: nowMs }, { genesisTimeMs });
    await mine(chain, ann, 8);
    for (const tx of [opening, closing]) {
      expect(await chain.addTx(tx)).toBeUndefined();
      await mine(chain, ann, 1);
    }
    expect(await chain.addTx(transfer(ann, 1, cat, 1n))).toBeUndefined();
    await mine(chain, ann, 3);
  });

  it.each([true, false])(
    'is in both histories with its opening; state held: %s',
    async (holding) => {
      const read = await readerOf(chain, holding);
      for (const [who, types] of [
        [ann, ['transfer', 'close', 'channel']],
        [cat, ['transfer', 'close']],
      ] as const) {
        const { entries, linked } = await read(who.address, 10);
        expect(entries.map(({ tx }) => tx.tx.type)).toEqual(types);
        expect(linked).toBe(true);
        const closed = entries.find(({ tx }) => tx.tx.type === 'close');
        expect(closed?.opening).toEqual(opening.tx);
        expect(entries.filter((entry) => entry.opening)).toHaveLength(1);
        // In pages, each proven by the leaf before its oldest entry.
        const pages = [];
        for (let from = undefined, page; pages.length < 5; from = page.next) {
          page = await read(who.address, 1, from);
          pages.push(page);
          if (!page.next) break;
        }
        expect(pages.map((page) => [page.entries[0]!.tx.tx.type, page.linked])).toEqual(
          types.map((type) => [type, true]),
        );
      }
      expect((await read(bob.address, 10)).entries).toEqual([]);
    },
  );

  it('by others is not taken for somebody’s, though a peer says so', async () => {
    const longer = await openChain(
      undefined,
      { ms: nowMs },
      { genesisTimeMs: async () => START_MS },
    );
    await mine(longer, ann, 8);
    const early = transfer(ann, 0, dan, 1n);
    const prepaid = prepay(ann, 1, bob, { payee: cat.address });
    const closed = close(bob, txId(GENESIS_ID, prepaid.tx), 50_000_000n);
    for (const tx of [early, prepaid, closed, transfer(ann, 2, dan, 1n)]) {
      expect(await longer.addTx(tx)).toBeUndefined();
      await mine(longer, ann, 1);
    }
    await mine(longer, ann, 2);
    const lie: Lie = (request, truth) => {
      if (request.type !== 'history' || truth.type !== 'history') return truth;
      const [newest, ...older] = truth.entries;
      const entry = { position: { height: 11, index: 0 }, tx: closed };
      return { type: 'history', entries: newest ? [newest, entry, ...older] : [] };
    };
    const honest = await (await readerOf(longer, false))(dan.address, 10);
    expect(honest.entries.map(({ position }) => position.height)).toEqual([12, 9]);
    const { entries } = await (await readerOf(longer, false, lie))(dan.address, 10);
    expect(entries.map(({ tx }) => tx.tx.type)).not.toContain('close');
  });
});
