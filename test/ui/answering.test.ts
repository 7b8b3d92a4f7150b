/** Answering for pay from the page: who is paid, and when no more questions are taken. */
import { expect, test } from 'vitest';
import { Preferences } from '../../src/ui/preferences.svelte.ts';
import { Session } from '../../src/ui/session.svelte.ts';
import {
  ADDRESS,
  EMPTY_VAULT,
  FULL_VAULT,
  MemoryEngine,
  OTHER_ADDRESS,
  PASSPHRASE,
} from './memory-engine.ts';

const config = { network: 'local', prefix: 'rpila', bootstrap: [], genesis: undefined } as const;

function setUp(vault = FULL_VAULT) {
  const engine = new MemoryEngine();
  engine.vaultStatus = vault;
  return { engine, session: new Session(engine, async () => config) };
}

test('nobody is answered unless the person wants it', async () => {
  const { engine, session } = setUp();
  await session.open();
  await session.answerForPay(false);
  expect(engine.payees).toEqual([]);
  await session.answerForPay(true);
  expect(engine.payees).toEqual([ADDRESS]);
  expect(session.provided!.isOn).toBe(true);
  await session.answerForPay(false);
  expect(engine.payees).toEqual([ADDRESS, undefined]);
});

test('another price of tokens is told at once, and stays with the device', async () => {
  const { engine, session } = setUp();
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  } as Storage;
  const preferences = new Preferences(['en'], storage);
  await session.open();
  await session.answerForPay(true, preferences.tokenPrice);
  preferences.sellTokens(25_000_000n);
  await session.answerForPay(true, new Preferences(['en'], storage).tokenPrice);
  preferences.sellTokens(undefined);
  await session.answerForPay(true, new Preferences(['en'], storage).tokenPrice);
  expect(engine.tokenPrices).toEqual([undefined, 25_000_000n, undefined]);
});

test('who changes their mind at once has the last word', async () => {
  const { engine, session } = setUp();
  await session.open();
  const keys = Promise.withResolvers<void>();
  const { provide } = engine.client;
  engine.client.provide = async (how) => {
    if (how) await keys.promise;
    return provide(how);
  };
  const on = session.answerForPay(true);
  const off = session.answerForPay(false);
  keys.resolve();
  await Promise.all([on, off]);
  expect(engine.payees).toEqual([ADDRESS, undefined]);
  expect(engine.paidWork.isOn).toBe(false);
});

test('what was wanted before the page was opened begins with it, once', async () => {
  const { engine, session } = setUp();
  await session.answerForPay(true);
  expect(engine.calls).toEqual([]);
  await session.open();
  await session.answerForPay(true);
  expect(engine.payees).toEqual([ADDRESS]);
});

test('it goes on while the keys are locked, is paid to the account in use, and ends with them', async () => {
  const { engine, session } = setUp();
  await session.open();
  await session.answerForPay(true);
  await session.change('lock', (keys) => keys.lock());
  expect(engine.payees).toEqual([ADDRESS]);
  await session.change('account', (keys) => keys.addAccount('second'));
  expect(engine.payees).toEqual([ADDRESS, OTHER_ADDRESS]);
  await session.erase();
  expect(engine.payees).toEqual([ADDRESS, OTHER_ADDRESS, undefined]);
});

test('what fails is said, stops nothing, and is tried again when the keys change', async () => {
  const { engine, session } = setUp({ ...FULL_VAULT, locked: true, protected: true });
  engine.fails = { 'client.provide': 'SERVING_MISSING' };
  await session.answerForPay(true);
  await session.open();
  expect(session.problem).toBeUndefined();
  expect(session.unanswering!.code).toBe('SERVING_MISSING');
  engine.fails = {};
  await session.change('unlock', (keys) => keys.unlock(PASSPHRASE));
  expect(engine.payees).toEqual([ADDRESS]);
  expect(session.unanswering).toBeUndefined();
});

test('keys that somebody changed are not paid', async () => {
  const { engine, session } = setUp({ ...FULL_VAULT, problem: 'VAULT_TAMPERED' });
  await session.answerForPay(true);
  await session.open();
  expect(engine.payees).toEqual([]);
});

test('what answering came to is shown as it is told', async () => {
  const { engine, session } = setUp(EMPTY_VAULT);
  const work = { ...engine.paidWork, answers: 2, units: 3, earned: 9n };
  engine.emit({ type: 'provided', work });
  expect(session.provided).toEqual(work);
});

test('the wish is kept, and other tabs follow it', () => {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => void kept.set(key, value),
  };
  const [one, other] = [new Preferences(['en'], storage), new Preferences(['en'], storage)];
  expect(one.answers).toBe(false);
  one.answerForPay(true);
  other.readAnswers();
  expect(other.answers).toBe(true);
  expect(new Preferences(['en'], storage).answers).toBe(true);
  // So is what was said of the models that a miner lacks.
  expect(one.fetches).toBeUndefined();
  one.fetchModels('decline');
  other.readFetches();
  expect([other.fetches, new Preferences(['en'], storage).fetches]).toEqual(['decline', 'decline']);
  other.answerForPay(false);
  one.readAnswers();
  expect(one.answers).toBe(false);
});
