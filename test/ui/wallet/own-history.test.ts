/** One's own history and balance, as the page keeps them between what the client tells. */
import { describe, expect, it } from 'vitest';
import type { AccountEntry, History } from '../../../src/client/api.ts';

import { joinHistory } from '../../../src/ui/wallet/history/history.ts';
import { Session } from '../../../src/ui/session.svelte.ts';
import { ADDRESS, BALANCE, FULL_VAULT, MemoryEngine, OTHER_ADDRESS } from '../memory-engine.ts';

const setUp = () => {
  const engine = new MemoryEngine();
  engine.vaultStatus = FULL_VAULT;
  const config = { network: 'local', prefix: 'rpila', bootstrap: [], genesis: undefined } as const;
  return { engine, session: new Session(engine, async () => config) };
};

describe('history', () => {
  const entry = (height: number): AccountEntry => ({
    id: new Uint8Array(32).fill(height),
    timeMs: 1000 * height,
    position: { height, index: 0 },
    tx: {
      tx: {
        type: 'transfer',
        chainId: 3,
        from: ADDRESS,
        nonce: BigInt(height),
        expiry: 9,
        fee: 1n,
        to: ADDRESS,
        amount: 1n,
        memo: new Uint8Array(),
      },
      signature: new Uint8Array(64),
    },
  });
  const heights = (session: Session) => session.history?.entries.map((e) => e.position.height);
  const range = (from: number, count: number) => Array.from({ length: count }, (_, i) => from - i);

  it('comes in pages, and keeps the older ones when a newer transaction comes', async () => {
    const { engine, session } = setUp();
    engine.entries = range(50, 45).map(entry);
    await session.open();
    await expect.poll(() => heights(session)).toEqual(range(50, 20));
    await session.older();
    expect(heights(session)).toEqual(range(50, 40));
    engine.entries = [entry(51), ...engine.entries];
    await session.refresh();
    expect(heights(session)).toEqual(range(51, 41));
    await session.older();
    await session.older();
    expect(heights(session)).toEqual(range(51, 46));
    expect(session.history).toMatchObject({ total: 46, linked: true, next: undefined });
    // More than a page is new: the older ones no longer join.
    engine.entries = [...range(99, 30).map(entry), ...engine.entries];
    await session.refresh();
    expect(heights(session)).toEqual(range(99, 20));
    engine.emit({ type: 'reorganised', depth: 1 });
    expect(session.history).toBeUndefined();
  });

  it('shows no transaction of an abandoned block that another took the place of', () => {
    const page = (entries: AccountEntry[]): History => ({
      entries,
      total: 30,
      linked: true,
      next: undefined,
    });
    const signature = new Uint8Array(64).fill(1);
    const abandoned = { ...entry(50), tx: { ...entry(50).tx, signature } };
    const older = range(49, 25).map(entry);
    const known = page([abandoned, ...older]);
    const newest = page([entry(50), ...older.slice(0, 19)]);
    expect(joinHistory(newest, known).entries).toEqual([entry(50), ...older]);
    const other = page([entry(51), abandoned]);
    expect(joinHistory(other, page([entry(50), ...older])).entries).toEqual(other.entries);
  });
});

describe('the balance kept from before', () => {
  it('comes neither over a newer one nor to another account', async () => {
    const { engine, session } = setUp();
    const newer = { ...BALANCE, spendable: 2n };
    engine.client.balance = async () => {
      engine.emit({ type: 'balance', balance: newer });
      return { ...BALANCE, spendable: 1n };
    };
    await session.open();
    expect(session.balance).toEqual(newer);
    engine.client.balance = async () => {
      session.vault = { ...FULL_VAULT, address: ADDRESS };
      return { ...BALANCE, address: OTHER_ADDRESS };
    };
    await session.change('add', (keys) => keys.addAccount('Savings'));
    expect(session.balance).toBeUndefined();
  });
});
