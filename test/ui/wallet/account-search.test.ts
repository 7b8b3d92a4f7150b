import { expect, test } from 'vitest';
import { AccountSearch, countUsed } from '../../../src/ui/wallet/account-search.svelte.ts';
import { Session } from '../../../src/ui/session.svelte.ts';
import { BALANCE, FULL_VAULT, MemoryEngine, OTHER_ADDRESS } from '../memory-engine.ts';

/** Accounts ahead of the first, by their index among them. */
const ahead = (count: number) => Array.from({ length: count }, (_, n) => Uint8Array.of(n));

test.each([
  { what: 'none was used', count: 15, used: [], found: 0, asked: 2 },
  { what: 'one unused account lies between', count: 15, used: [1, 3], found: 4, asked: 6 },
  { what: 'two unused ones in a row end it', count: 15, used: [0, 3], found: 1, asked: 3 },
  { what: 'all were used', count: 3, used: [0, 1, 2], found: 3, asked: 3 },
  { what: 'there is no account ahead', count: 0, used: [], found: 0, asked: 0 },
])('$what', async ({ count, used, found, asked }) => {
  let calls = 0;
  const isUsed = async ([n]: Uint8Array) => (calls++, used.some((one) => one === n));
  expect(await countUsed(ahead(count), isUsed)).toBe(found);
  expect(calls).toBe(asked);
});

const UNUSED = { ...BALANCE, spendable: 0n, immature: 0n, txCount: 0 };
async function restored(balance = UNUSED) {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
  const engine = new MemoryEngine();
  engine.vaultStatus = FULL_VAULT;
  engine.client.account = async () => balance;
  const config = { network: 'local', prefix: 'rpila', bootstrap: [], genesis: undefined } as const;
  const session = new Session(engine, async () => config);
  await session.open();
  const search = () => new AccountSearch('rpila', storage);
  search().begin();
  return { engine, session, search };
}

test.each([{ spendable: 1n }, { immature: 1n }, { txCount: 1 }])(
  'an account that has or did something is made again, and the first stays in use: %o',
  async (something) => {
    const { session, search } = await restored({ ...UNUSED, ...something });
    const one = search();
    expect(one.state).toBe('waiting');
    await one.run(session, (index) => `Account ${index + 1}`);
    expect(one.state).toEqual({ found: 1 });
    expect(session.vault).toMatchObject({
      current: 0,
      accounts: [{ name: '' }, { name: 'Account 2', address: OTHER_ADDRESS }],
    });
    // Found once.
    expect(search().state).toBe('none');
  },
);

test('where nobody proves an account, it says so, and a reload looks again', async () => {
  const { engine, session, search } = await restored();
  engine.client.account = async () => Promise.reject(new Error('nobody'));
  const one = search();
  await one.run(session, String);
  expect(one.state).toBe('failed');
  expect(search().state).toBe('waiting');
  engine.client.account = async () => UNUSED;
  await one.run(session, String);
  expect(one.state).toBe('none');
  expect(session.vault?.accounts).toHaveLength(1);
  expect(search().state).toBe('none');
});

test('what fails on the way is said, and the account in use stays', async () => {
  const { engine, session, search } = await restored(BALANCE);
  engine.fails['vault.addAccount'] = 'STORE_FULL';
  const one = search();
  await one.run(session, String);
  expect(one.state).toBe('failed');
  expect(session.vault?.current).toBe(0);
});
