import { describe, expect, it } from 'vitest';
import { addressOf, formatAddress } from '../../src/core/address.ts';
import { decode, encode } from '../../src/core/codec.ts';
import { HOLDING_ALL, type PendingTx } from '../../src/client/api.ts';
import { SignedTx, Tx, type TxOf } from '../../src/core/formats.ts';
import type { NetworkName } from '../../src/core/params.ts';
import { txId } from '../../src/core/tx/tx.ts';
import { toHex } from '../../src/lib/bytes.ts';
import { AppError } from '../../src/lib/errors.ts';
import { waitingLines } from '../../src/ui/wallet/history/activity.ts';
import { ledgerOf } from '../../src/ui/wallet/history/ledger.ts';
import { isConfig, lazyEngine, type PageConfig } from '../../src/ui/engine.ts';
import { WatchedList } from '../../src/ui/wallet/watched.svelte.ts';
import { Session } from '../../src/ui/session.svelte.ts';
import { checkTransfer, saysTheSame } from '../../src/ui/wallet/send/transfer.ts';
import { buildTransfer } from '../../src/wallet/build.ts';
import type { TxSummary } from '../../src/wallet/vault/vault-api.ts';
import {
  ADDRESS,
  BALANCE,
  CHAIN,
  FULL_VAULT,
  LINGUA,
  MemoryEngine,
  OTHER_ADDRESS,
} from './memory-engine.ts';

const CONFIG: PageConfig = {
  network: 'local',
  prefix: 'rpila',
  bootstrap: [],
  genesis: undefined,
};
const setUp = () => {
  const engine = new MemoryEngine();
  return { engine, session: new Session(engine, async () => CONFIG) };
};

describe('acts', () => {
  it('one at a time: another is refused, or waits for its turn where its screen needs it', async () => {
    const { session } = setUp();
    const first = Promise.withResolvers<void>();
    const ran: string[] = [];
    const acting = session.act('first', () => first.promise);
    expect(await session.act('second', async () => ran.push('second'))).toBe(false);
    const waiting = session.actNext('third', async () => ran.push('third'));
    const last = session.actNext('fourth', async () => ran.push('fourth'));
    expect(ran).toEqual([]);
    first.resolve();
    expect(await Promise.all([acting, waiting, last])).toEqual([true, true, true]);
    expect(ran).toEqual(['third', 'fourth']);
    expect(session.busy).toBeUndefined();
  });

  it('a pause goes before all: what waits comes after both', async () => {
    const { session } = setUp();
    const [first, pause] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const ran: string[] = [];
    const acting = session.act('first', () => first.promise);
    const pausing = session.act('pause', () => pause.promise);
    const waiting = session.actNext('next', async () => ran.push('next'));
    first.resolve();
    await acting;
    expect(ran).toEqual([]);
    pause.resolve();
    await Promise.all([pausing, waiting]);
    expect(ran).toEqual(['next']);
  });
});

describe('consent', () => {
  it('a first visit asks the vault only: nothing connects', async () => {
    const { engine, session } = setUp();
    await session.open();
    expect(engine.calls).toEqual(['vault.openFor', 'vault.status']);
  });

  describe('after a reload', () => {
    const reloaded = async (goesOn: boolean, left?: { fromMs: number }) => {
      const { engine, session } = setUp();
      engine.vaultStatus = FULL_VAULT;
      engine.left = left;
      await session.open();
      await session.takeUp(goesOn, { others: 'ask' });
      return { engine, session };
    };

    it('work goes on where the person chose that, and else is forgotten', async () => {
      const { engine } = await reloaded(true, { fromMs: 0 });
      expect([engine.miner.state, engine.others]).toEqual(['running', 'ask']);
      const off = await reloaded(false, { fromMs: 0 });
      expect(off.engine.calls).not.toContain('client.startMining');
      expect(off.engine.left).toBeUndefined();
    });

    it('what was paused stays so, and a pause for a time goes on until its end', async () => {
      const paused = await reloaded(true);
      expect(paused.engine.calls).not.toContain('client.startMining');
      const fromMs = Date.now() + 3_600_000;
      const { session } = await reloaded(true, { fromMs });
      expect(session.miner).toMatchObject({ state: 'paused', pausedUntilMs: fromMs });
    });

    it('without keys nothing is asked, made or begun', async () => {
      const { engine, session } = setUp();
      engine.left = { fromMs: 0 };
      await session.open();
      await session.takeUp(true);
      expect(engine.calls).toEqual(['vault.openFor', 'vault.status']);
    });

    it('nobody is paid by it whose address is not this vault’s', async () => {
      const { engine, session } = setUp();
      engine.vaultStatus = { ...FULL_VAULT, problem: 'VAULT_TAMPERED' };
      engine.left = { fromMs: 0 };
      await session.open();
      await session.takeUp(true);
      expect(engine.calls).not.toContain('client.startMining');
    });
  });

  it('a script’s click starts nothing', async () => {
    const { engine, session } = setUp();
    await session.start(false);
    expect(engine.calls).toEqual([]);
  });

  it('the first trusted click makes keys, watches them and starts', async () => {
    const { engine, session } = setUp();
    await session.open();
    await session.start(true);
    expect(engine.calls.slice(2)).toEqual([
      'vault.create',
      'client.payTo',
      'client.status',
      'client.throttleMining 1',
      'client.startMining',
    ]);
    expect(session.miner.state).toBe('running');
    expect(session.problem).toBeUndefined();
  });

  it('mines with the chosen model where the network has it, else with its default', async () => {
    for (const [model, mined] of [
      [LINGUA.name, LINGUA.name],
      ['gone', undefined],
    ] as const) {
      const { engine, session } = setUp();
      await session.start(true, { model });
      expect(engine.calls.at(-1)).toBe('client.startMining');
      expect(engine.minedWith).toBe(mined);
    }
  });

  it('the other mined models are fetched, asked about or declined as the person says, also while it works', async () => {
    const { engine, session } = setUp();
    await session.start(true);
    expect(engine.others).toBe('fetch');
    await session.fetchOthers(LINGUA.name, 'ask');
    expect([engine.others, engine.minedWith]).toEqual(['ask', LINGUA.name]);
    engine.emit({ type: 'holding', holding: { ...HOLDING_ALL, uncheckedMs: 0 } });
    expect(session.waits).toBe(true);
    engine.emit({ type: 'holding', holding: { ...HOLDING_ALL, uncheckedMs: 1000 } });
    expect(session.waits).toBe(false);
  });

  it('models are looked at and fetched only when a person asks', async () => {
    const { engine, session } = setUp();
    await session.open();
    await session.readStorage();
    const [model] = session.storage!.models;
    await session.fetchModel(model!, false);
    expect(engine.calls).not.toContain('client.fetchModel');
    await session.fetchModel(model!, true);
    expect(engine.calls).toContain('client.fetchModel');
    engine.emit({ type: 'model', model: { ...model!, state: 'stored' } });
    expect(session.storage!.models[0]!.state).toBe('stored');
    expect(session.arriving[model!.name]?.state).toBe('stored');
  });

  it('a download can be stopped while another act waits for it', async () => {
    const { engine, session } = setUp();
    await session.readStorage();
    session.busy = 'start';
    await session.stopModel(session.storage!.models[0]!);
    expect(engine.calls.at(-1)).toBe('client.stopModel');
  });

  it('a click before the page has read its keys is not lost, unless paused meanwhile', async () => {
    const { engine, session } = setUp();
    const opening = session.open();
    await session.start(true);
    await opening;
    expect(engine.calls.filter((c) => c === 'client.startMining')).toHaveLength(1);
    const again = setUp();
    void again.session.open();
    const started = again.session.start(true);
    expect(again.session.starting).toBe(true);
    await again.session.pause();
    await started;
    expect(again.engine.calls).not.toContain('client.startMining');
  });

  it('a pause holds, however far a start has come', async () => {
    const { engine, session } = setUp();
    await session.open();
    const created = Promise.withResolvers<void>();
    engine.creating = created.promise;
    const started = session.start(true);
    await expect.poll(() => engine.calls).toContain('vault.create');
    await session.pause();
    created.resolve();
    await started;
    expect(engine.calls).not.toContain('client.startMining');
    await session.start(true);
    expect(engine.calls).toContain('client.startMining');
  });

  it('a returning holder connects and sees the last proof, and never mines', async () => {
    const { engine, session } = setUp();
    engine.vaultStatus = FULL_VAULT;
    engine.known = BALANCE;
    await session.open();
    expect(session.balance).toEqual(BALANCE);
    expect(engine.calls).not.toContain('client.startMining');
  });
});

describe('acts', () => {
  it('no peer yet: the work starts all the same, and the history comes with the balance', async () => {
    const { engine, session } = setUp();
    engine.fails = { 'client.history': 'NO_PEERS' };
    await session.start(true);
    expect([session.miner.state, session.problem]).toEqual(['running', undefined]);
    engine.fails = {};
    engine.emit({ type: 'balance', balance: BALANCE });
    await expect.poll(() => session.history?.entries).toEqual([]);
  });

  it('a failure becomes a problem, and can be tried again', async () => {
    const { engine, session } = setUp();
    engine.fails = { 'vault.create': 'STORAGE_FAILED' };
    await session.start(true);
    expect(session.problem?.code).toBe('STORAGE_FAILED');
    expect(session.busy).toBeUndefined();
    engine.fails = {};
    await session.start(true);
    expect(session.problem).toBeUndefined();
    expect(engine.calls.filter((c) => c === 'client.startMining')).toHaveLength(1);
  });

  it('one at a time, but a pause is never refused', async () => {
    const { engine, session } = setUp();
    const slow = session.act('send', () => new Promise((done) => setTimeout(done, 20)));
    expect(await session.faucet()).toBeUndefined();
    expect(await session.act('other', async () => {})).toBe(false);
    expect(await session.pause()).toBe(true);
    await slow;
    expect(engine.calls).toEqual(['client.pauseMining']);
    expect(session.busy).toBeUndefined();
  });

  it('erasing keys stops the work first and forgets the balance', async () => {
    const { engine, session } = setUp();
    engine.known = BALANCE;
    await session.start(true);
    expect(await session.erase()).toBe(true);
    expect(engine.calls.slice(-2)).toEqual(['client.pauseMining', 'vault.erase']);
    expect([session.balance, session.history, session.vault?.exists]).toEqual([
      undefined,
      undefined,
      false,
    ]);
  });

  it('another’s balance is not ours', async () => {
    const { engine, session } = setUp();
    await session.start(true);
    engine.emit({ type: 'balance', balance: { ...BALANCE, address: new Uint8Array(32) } });
    expect(session.balance).toBeUndefined();
    engine.emit({ type: 'balance', balance: BALANCE });
    expect(session.balance).toEqual(BALANCE);
  });

  it('hears a lock that it did not ask for', async () => {
    const { engine, session } = setUp();
    engine.vaultStatus = FULL_VAULT;
    await session.open();
    engine.emitVault({ ...FULL_VAULT, locked: true });
    await Promise.resolve();
    expect(session.vault?.locked).toBe(true);
    engine.emit({ type: 'chain', status: { ...CHAIN, height: 9 } });
    expect(session.chain?.height).toBe(9);
  });

  it('hears another tab’s change during an act, and keeps the act’s problem', async () => {
    const { engine, session } = setUp();
    engine.vaultStatus = FULL_VAULT;
    await session.open();
    const failing = session.act('send', async () => {
      engine.emitVault({ ...FULL_VAULT, address: OTHER_ADDRESS });
      await Promise.resolve();
      throw new AppError('TX_REFUSED', 'tx.nonce');
    });
    await failing;
    await expect.poll(() => engine.calls.filter((c) => c === 'client.payTo').length).toBe(2);
    expect([session.vault?.address, session.problem?.code]).toEqual([OTHER_ADDRESS, 'TX_REFUSED']);
  });
});

describe('sending', () => {
  const other = addressOf(new Uint8Array(32).fill(9));
  const around = { prefix: 'rpila', locale: 'it-IT', spendable: 1_000_000_000n, leastFee: 1_000n };
  const form = { to: formatAddress(other, 'rpila'), amount: '0,5', fee: '0,0001' };

  it('takes an address in groups, and makes the bytes that were meant', async () => {
    const grouped = { ...form, to: form.to.match(/.{1,4}/g)!.join(' ') };
    const { transfer, faults } = checkTransfer(grouped, around);
    expect(faults).toEqual({});
    const fields = { chainId: 3, nonce: 4n, expiry: 500 };
    const { to, amount, fee } = transfer!;
    const from = FULL_VAULT.publicKey!;
    const bytes = buildTransfer({ ...fields, from, fee }, { to, amount });
    expect(decode(Tx, bytes)).toMatchObject({ ...fields, amount: 500_000_000n, to: other });
    const read = await new MemoryEngine().vault.describe(bytes);
    const isSame = (change: Partial<TxSummary>, network: NetworkName | undefined = 'local') =>
      saysTheSame({ ...read, ...change }, transfer!, network);
    expect(isSame({})).toBe(true);
    expect(isSame({ to: ADDRESS })).toBe(false);
    expect(isSame({ to: undefined })).toBe(false);
    expect(isSame({ amount: read.amount + 1n })).toBe(false);
    expect(isSame({ fee: read.fee + 1n })).toBe(false);
    expect(isSame({ type: 'close' })).toBe(false);
    // Bytes for another network, for one that nobody knows, and where the page does not know its own.
    expect(isSame({ network: 'main' })).toBe(false);
    expect(isSame({ network: undefined })).toBe(false);
    expect(isSame({ network: undefined }, undefined)).toBe(false);
  });

  it('sends all there is, less the fee, whatever is written', () => {
    const all = (fee: string, spendable = 1_000_000_000n) =>
      checkTransfer({ ...form, all: true, fee }, { ...around, spendable });
    expect(all('0,0001').transfer).toMatchObject({ amount: 999_900_000n, all: true });
    expect(all('0,2').transfer).toMatchObject({ amount: 800_000_000n });
    expect(all('1').faults).toEqual({ amount: 'AMOUNT_OVER' });
    expect(all('2').faults).toEqual({ amount: 'AMOUNT_OVER' });
  });

  it('does not leave what an account can’t hold', () => {
    const left = (amount: string, isFixed = false) =>
      checkTransfer({ ...form, amount }, { ...around, isFixed }).faults;
    expect(left('0,9999')).toEqual({});
    expect(left('0,99')).toEqual({ amount: 'AMOUNT_REST' });
    expect(left('0,9899')).toEqual({});
    expect(left('0,989900001')).toEqual({ amount: 'AMOUNT_REST' });
    // One that waits is what it is: raising its fee changes no amount.
    expect(left('0,99', true)).toEqual({});
  });

  it('tells what is wrong with each field', () => {
    const faultsOf = (change: Partial<typeof form>) =>
      checkTransfer({ ...form, ...change }, around).faults;
    expect(faultsOf({ to: '' })).toEqual({ to: 'ADDRESS_MISSING' });
    expect(faultsOf({ to: form.to.slice(0, -1) + 'q' }).to).toBe('ADDRESS_MALFORMED');
    expect(faultsOf({ to: formatAddress(other, 'pila') })).toEqual({ to: 'ADDRESS_NETWORK' });
    expect(faultsOf({ amount: '0' })).toEqual({ amount: 'AMOUNT_ZERO' });
    expect(faultsOf({ amount: '1' })).toEqual({ amount: 'AMOUNT_OVER' });
    expect(faultsOf({ amount: '0,9999' })).toEqual({});
    expect(faultsOf({ fee: '0,000001' })).toEqual({});
    expect(faultsOf({ fee: '0,000000999' })).toEqual({ fee: 'FEE_LOW' });
    expect(faultsOf({ amount: '1.5', fee: '' })).toEqual({
      amount: 'AMOUNT_MALFORMED',
      fee: 'FEE_MALFORMED',
    });
  });

  const tx = (
    from: Uint8Array,
    to: Uint8Array,
    change: Partial<TxOf<'transfer'>> = {},
  ): SignedTx => ({
    tx: {
      type: 'transfer',
      chainId: 3,
      from,
      nonce: 0n,
      expiry: 9,
      fee: 1n,
      to,
      amount: 10n,
      memo: new Uint8Array(),
      ...change,
    },
    signature: new Uint8Array(64),
  });

  it('history and waiting payments tell the direction and the whole loss', () => {
    const mine = FULL_VAULT.publicKey!;
    const theirs = new Uint8Array(32).fill(9);
    const at = { height: 5, index: 0 };
    const line = (signed: SignedTx) => {
      const entries = [{ id: other, position: at, timeMs: 0, tx: signed }];
      return ledgerOf({ entries, blocks: [] }, { mine: ADDRESS, balance: BALANCE })[0];
    };
    expect(line(tx(mine, other))).toMatchObject({ kind: 'sent', amount: -11n, other });
    expect(line(tx(theirs, ADDRESS))).toMatchObject({ kind: 'received', amount: 10n, other });
    expect(line(tx(mine, ADDRESS))).toMatchObject({ kind: 'toSelf', amount: -1n });
    const pending = { id: other, state: 'pending', height: undefined } as const;
    const bytes = encode(SignedTx, tx(mine, other));
    const [line0] = waitingLines([{ ...pending, bytes }], ADDRESS);
    expect(line0).toMatchObject({
      amount: -11n,
      expiry: 9,
      replaceable: { id: other, amount: 10n },
    });
    expect(waitingLines([{ ...pending, bytes: bytes.slice(1) }], ADDRESS)).toEqual([]);
    expect(waitingLines([{ ...pending, bytes }], OTHER_ADDRESS)).toEqual([]);
    expect(waitingLines([{ ...pending, bytes, state: 'confirmed' }], ADDRESS)).toEqual([]);
  });

  it('of two with one nonce only the dearer can be replaced again', () => {
    const mine = FULL_VAULT.publicKey!;
    const entry = (signed: SignedTx, state: PendingTx['state'] = 'pending'): PendingTx => ({
      id: txId(ADDRESS, signed.tx),
      bytes: encode(SignedTx, signed),
      state,
      height: undefined,
    });
    const paid = tx(mine, other);
    const cancelled = tx(mine, ADDRESS, { amount: 1n, fee: 2n });
    const lines = waitingLines([entry(cancelled), entry(paid)], ADDRESS);
    expect(lines.map((l) => [l.kind, l.isRival, l.replaceable !== undefined])).toEqual([
      ['cancellation', false, true],
      ['sent', true, false],
    ]);
    const after = waitingLines([entry(cancelled, 'confirmed'), entry(paid, 'replaced')], ADDRESS);
    expect(after.map((l) => [l.kind, l.state, l.replaceable])).toEqual([
      ['sent', 'replaced', undefined],
    ]);
  });
});

describe('other addresses', () => {
  it('are followed without keys, and told of until they are looked away from', async () => {
    const { engine, session } = setUp();
    await session.open();
    await session.look(OTHER_ADDRESS);
    expect(engine.calls.slice(-2)).toEqual(['client.status', 'client.watch']);
    const theirs = { ...BALANCE, address: OTHER_ADDRESS };
    engine.emit({ type: 'balance', balance: theirs });
    engine.emit({ type: 'balance', balance: { ...BALANCE, address: new Uint8Array(32) } });
    expect(session.others).toEqual({ [toHex(OTHER_ADDRESS)]: theirs });
    await session.lookAway(OTHER_ADDRESS);
    expect([session.others, engine.calls.at(-1)]).toEqual([{}, 'client.unwatch']);
  });

  it('an account left gives its place up, unless it is looked at', async () => {
    const { engine, session } = setUp();
    engine.vaultStatus = FULL_VAULT;
    await session.open();
    await session.change('add', (keys) => keys.addAccount('Savings'));
    expect(session.vault?.address).toEqual(OTHER_ADDRESS);
    expect(engine.calls.filter((c) => c === 'client.unwatch').length).toBe(1);
    await session.look(OTHER_ADDRESS);
    await session.change('use', (keys) => keys.useAccount(0));
    expect(engine.calls.filter((c) => c === 'client.unwatch').length).toBe(1);
    expect(engine.calls.filter((c) => c === 'client.payTo').length).toBe(3);
  });

  it('are kept, twelve at most, and what is no list counts as none', () => {
    const kept = new Map<string, string>();
    const storage = {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
    };
    const list = new WatchedList('rpila', storage);
    const text = (n: number) => formatAddress(new Uint8Array(32).fill(n), 'rpila');
    list.add(
      text(1)
        .match(/.{1,4}/g)!
        .join(' '),
      ' Ann\u202e ',
    );
    expect(() => list.add(text(1), '')).toThrow(expect.objectContaining({ code: 'WATCHED_KNOWN' }));
    expect(() => list.add('x', '')).toThrow(expect.objectContaining({ code: 'ADDRESS_MALFORMED' }));
    for (let n = 2; n <= 12; n++) list.add(text(n), '');
    expect(() => list.add(text(13), '')).toThrow(expect.objectContaining({ code: 'WATCHED_FULL' }));
    const again = new WatchedList('rpila', storage);
    expect(again.entries).toEqual(list.entries);
    expect(again.entries[0]).toMatchObject({ name: 'Ann\ufffd', key: '01'.repeat(32) });
    list.remove(list.entries[0]!.key);
    again.read();
    expect(again.entries.length).toBe(11);
    expect(new WatchedList('pila', storage).entries).toEqual([]);
    for (const bad of ['{', '7', '{"a":1}', '[1,null,{"address":3},{"address":"x"}]']) {
      kept.set(list.storageKey, bad);
      again.read();
      expect(again.entries).toEqual([]);
    }
  });
});

describe('the engine', () => {
  it('loads at the first call, hears from then on, and tries again after a failure', async () => {
    const real = new MemoryEngine();
    let loads = 0;
    const engine = lazyEngine(
      async () => {
        if (++loads === 1) throw new AppError('CONFIG_MISSING', 'offline');
        return { api: real.client, on: (hear) => real.on(hear) };
      },
      async () => ({ api: real.vault, on: (hear) => real.onVault(hear) }),
      real.passphrases,
    );
    const heard: string[] = [];
    engine.on((event) => heard.push(event.type));
    engine.onVault(() => heard.push('vault'));
    expect(loads).toBe(0);
    await expect(engine.client.status()).rejects.toMatchObject({ code: 'CONFIG_MISSING' });
    await Promise.all([engine.client.pending(), engine.client.status(), engine.vault.status()]);
    expect(loads).toBe(2);
    real.emit({ type: 'reorganised', depth: 2 });
    real.emitVault(FULL_VAULT);
    expect(heard).toEqual(['reorganised', 'vault']);
  });

  it('takes no configuration but its own', () => {
    expect(isConfig(CONFIG)).toBe(true);
    for (const bad of [
      undefined,
      null,
      'x',
      {},
      { ...CONFIG, bootstrap: [1] },
      { ...CONFIG, prefix: 2 },
      { ...CONFIG, network: 'moon' },
    ])
      expect(isConfig(bad)).toBe(false);
  });
});
