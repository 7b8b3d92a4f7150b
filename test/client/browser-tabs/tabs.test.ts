// Several tabs, one engine: real BroadcastChannels, Web Locks and ports; each engine behind a port.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { ClientApi, ClientEvent } from '../../../src/client/api.ts';
import { readMessage, type TabChannel } from '../../../src/client/browser-tabs/tab-messages.ts';
import { TRIES_MAX, type TabEngine } from '../../../src/client/browser-tabs/tab-engine.ts';
import { createTabs, type Tabs } from '../../../src/client/browser-tabs/tabs.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { holdLock } from '../../../src/lib/locks.ts';
import { connect, expose, type Port } from '../../../src/lib/rpc.ts';
import { MemoryEngine } from '../../ui/memory-engine.ts';

const hash = (n: number) => new Uint8Array(32).fill(n);
const code = (c: string) => expect.objectContaining({ code: c });
const OPTIONS = { model: 'tiny', backend: 'cpu' } as const;

/** A tab that can vanish without a word, as one that crashes. */
interface TestTab extends Tabs {
  readonly events: ClientEvent[];
  /** Engines it started, the last at the end. */
  readonly engines: MemoryEngine[];
  crash(): void;
}

let place: string;
let running: Set<MemoryEngine>;
let tabs: TestTab[];
/** The next starts fail with these. */
let failures: AppError[];
/** `pending` ends the engine. */
let poisoned = false;
const deaths = new Map<MemoryEngine, PromiseWithResolvers<AppError>>();

beforeEach(() => {
  place = crypto.randomUUID();
  [running, tabs, failures] = [new Set(), [], []];
});
afterEach(() => tabs.forEach((tab) => tab.leave()));

function startEngine(engines: MemoryEngine[]): TabEngine {
  const failure = failures.shift();
  if (failure) throw failure;
  const engine = new MemoryEngine();
  engines.push(engine);
  running.add(engine);
  expect(running.size, 'engines at once').toBe(1);
  const died = Promise.withResolvers<AppError>();
  deaths.set(engine, died);
  const { port1, port2 } = new MessageChannel();
  const pending = async () => {
    if (poisoned) died.resolve(new AppError('WORKER_DIED', 'an error of libp2p'));
    return poisoned ? await new Promise<never>(() => {}) : await engine.client.pending();
  };
  const { emit } = expose({ ...engine.client, pending }, port2 as Port);
  engine.on((event) => emit('event', event));
  let die: (reason: string) => void;
  const api = connect<ClientApi, { event: ClientEvent }>(port1, {
    failed: (fail) => (die = fail),
  });
  const stop = () => {
    running.delete(engine);
    port1.close();
    die('stopped');
  };
  // As a worker that ends by an error: its calls in flight fail first.
  void died.promise.then(stop, () => undefined);
  return { client: api, on: (hear) => api.on('event', hear), died: died.promise, stop };
}

const kill = (tab: TestTab): void =>
  deaths.get(engineOf(tab))!.resolve(new AppError('WORKER_DIED', 'an error of libp2p'));

function open(): TestTab {
  const engines: MemoryEngine[] = [];
  const held = new Set<() => void>();
  let stop: (() => void) | undefined;
  let channel: BroadcastChannel | undefined;
  let isDead = false;
  const tab = createTabs({
    tab: crypto.randomUUID(),
    openChannel() {
      const opened = (channel = new BroadcastChannel(place));
      const postMessage = (m: unknown) => void (isDead || opened.postMessage(m));
      const addEventListener: TabChannel['addEventListener'] = (type, hear) =>
        opened.addEventListener(type, (event) => void (isDead || hear(event)));
      return { postMessage, addEventListener, close: () => opened.close() };
    },
    async lock(name, signal) {
      const release = await holdLock(`${place} ${name}`, signal);
      if (isDead) release();
      held.add(release);
      return release;
    },
    async startEngine() {
      const engine = startEngine(engines);
      stop = () => engine.stop();
      return engine;
    },
  });
  const events: ClientEvent[] = [];
  tab.on((event) => void events.push(event));
  const crash = () => {
    isDead = true;
    channel?.close();
    stop?.();
    held.forEach((release) => release());
  };
  const opened = { ...tab, events, engines, crash };
  tabs.push(opened);
  return opened;
}

const miner = (tab: TestTab) =>
  tab.events.flatMap((e) => (e.type === 'miner' ? [e.status.state] : [])).at(-1);
/** Leader first. */
async function openThree(): Promise<[TestTab, TestTab, TestTab]> {
  const three = [open(), open(), open()] as [TestTab, TestTab, TestTab];
  for (const tab of three) await tab.client.status();
  return three;
}
const engineOf = (tab: TestTab) => tab.engines.at(-1)!;

describe('while a tab leads', () => {
  test('nothing runs before a call', async () => {
    open();
    await holdLock(`${place} leader`).then((release) => release());
    expect(running.size).toBe(0);
  });

  test('the others see and do everything through its engine', async () => {
    const [leader, follower, third] = await openThree();
    expect([leader, follower, third].map((tab) => tab.engines.length)).toEqual([1, 0, 0]);
    await follower.client.payTo(hash(1));
    await follower.client.startMining(OPTIONS);
    await vi.waitUntil(() => [leader, follower, third].every((tab) => miner(tab) === 'running'));
    await third.client.pauseMining();
    await vi.waitUntil(() => [leader, follower, third].every((tab) => miner(tab) === 'paused'));
    const { calls } = engineOf(leader);
    expect(calls.filter((c) => /payTo|Mining/.test(c))).toEqual([
      'client.payTo',
      'client.startMining',
      'client.pauseMining',
    ]);
  });

  test('errors cross with their code', async () => {
    const [leader, follower] = await openThree();
    engineOf(leader).fails = { 'client.submit': 'TX_REFUSED' };
    await expect(follower.client.submit(new Uint8Array(3))).rejects.toThrow(code('TX_REFUSED'));
  });

  test('calls that wait are bounded, here and for one follower', async () => {
    const [leader, follower] = await openThree();
    const never = new Promise<never>(() => {});
    engineOf(leader).client.pending = () => never;
    const outcomes = async (tab: TestTab, count: number) => {
      const refused: unknown[] = [];
      for (let i = 0; i < count; i++)
        tab.client.pending().catch((e: unknown) => refused.push(AppError.from(e).code));
      await new Promise((done) => setTimeout(done, 50));
      return refused;
    };
    expect(await outcomes(follower, 200)).toEqual([]);
    expect(await outcomes(follower, 2)).toEqual(['BUSY', 'BUSY']);
    expect(await outcomes(leader, 201)).toEqual(['BUSY']);
  });
});

describe('when the leader goes', () => {
  test.each(['leave', 'crash'] as const)(
    'by a %s, one of the others goes on, mining included',
    async (end) => {
      const [leader, follower, third] = await openThree();
      await leader.client.payTo(hash(1));
      await follower.client.payTo(hash(1));
      await follower.client.watch(hash(2));
      await third.client.startMining(OPTIONS);
      await vi.waitUntil(() => miner(third) === 'running');
      [follower, third].forEach((tab) => tab.events.splice(0));
      leader[end]();
      await vi.waitUntil(() => miner(follower) === 'running' && miner(third) === 'running');
      expect([follower, third].map((tab) => tab.engines.length)).toEqual([1, 0]);
      const { calls } = engineOf(follower);
      const asked = calls.filter((c) => /payTo|watch|Mining/.test(c));
      expect(asked).toEqual(['client.payTo', 'client.watch', 'client.startMining']);
      await third.client.finishMining();
      expect(miner(third)).toBe('off');
      follower[end]();
      await vi.waitUntil(() => third.engines.length === 1);
      await third.client.status();
      expect(engineOf(third).calls).not.toContain('client.startMining');
    },
  );

  test('the next engine is told how much it may work', async () => {
    const [leader, follower] = await openThree();
    await follower.client.throttleMining(0.5);
    leader.crash();
    await follower.client.status();
    expect(engineOf(follower).calls).toContain('client.throttleMining 0.5');
  });

  test('the next engine answers for whom the last one did, until it is told not to', async () => {
    const [leader, follower, third] = await openThree();
    await follower.client.provide({ payee: hash(1) });
    leader.crash();
    await follower.client.status();
    const next = [follower, third].find((tab) => tab.engines.length)!;
    expect(engineOf(follower).payees).toEqual([hash(1)]);
    expect(next).toBe(follower);
    await follower.client.provide(undefined);
    follower.leave();
    await third.client.status();
    expect(engineOf(third).payees).toEqual([]);
  });

  test('a pause for a time goes on there', async () => {
    const [leader, follower] = await openThree();
    await leader.client.payTo(hash(1));
    const fromMs = Date.now() + 3_600_000;
    await leader.client.startMining({ fromMs });
    leader.crash();
    await vi.waitUntil(() => engineOf(follower)?.miner.pausedUntilMs === fromMs);
    expect(engineOf(follower).miner.state).toBe('paused');
  });

  test('what was paused or has failed stays so', async () => {
    const [leader, follower] = await openThree();
    await leader.client.payTo(hash(1));
    await leader.client.startMining({});
    const failed = { ...engineOf(leader).miner, state: 'failed' as const };
    engineOf(leader).emit({ type: 'miner', status: failed });
    await vi.waitUntil(() => miner(follower) === 'failed');
    leader.crash();
    await follower.client.status();
    expect(engineOf(follower).calls).not.toContain('client.startMining');
  });

  test('calls in flight are made again', async () => {
    const [leader, follower, third] = await openThree();
    const stuck = new Promise<never>(() => {});
    engineOf(leader).client.pending = () => stuck;
    const waiting = [follower.client.pending(), third.client.pending()];
    await leader.client.status();
    leader.crash();
    expect(await Promise.all(waiting)).toEqual([[], []]);
  });

  test('and comes back, it follows; alone it leads again but does not mine', async () => {
    const [leader, follower, third] = await openThree();
    await leader.client.payTo(hash(1));
    await leader.client.startMining({});
    leader.leave();
    await vi.waitUntil(() => follower.engines.length === 1);
    leader.rejoin();
    await leader.client.status();
    expect(leader.engines.length).toBe(1);
    [follower, third].forEach((tab) => tab.leave());
    await vi.waitUntil(() => leader.engines.length === 2);
    leader.leave();
    leader.rejoin();
    await leader.client.status();
    expect(engineOf(leader).calls).not.toContain('client.startMining');
  });
});

test('an engine that does not start fails the calls; the next ones try again', async () => {
  const [tab, other] = [open(), open()];
  failures = [new AppError('STORE_FULL', 'no room'), new AppError('STORE_FAILED', 'no store')];
  await expect(tab.client.status()).rejects.toThrow(code('STORE_FULL'));
  await expect(other.client.status()).rejects.toThrow(code('STORE_FAILED'));
  expect((await other.client.status()).chain.height).toBe(8112);
  expect((await tab.client.status()).chain.height).toBe(8112);
  expect([tab.engines.length, other.engines.length]).toEqual([0, 1]);
});

test('an engine that dies leaves the lead: another tab goes on, and alone the next call does', async () => {
  const [tab, other] = [open(), open()];
  for (const one of [tab, other]) await one.client.status();
  await other.client.payTo(hash(1));
  await other.client.startMining(OPTIONS);
  kill(tab);
  await vi.waitUntil(() => other.engines.length === 1);
  await vi.waitUntil(() => engineOf(other).calls.includes('client.startMining'));
  expect((await tab.client.status()).chain.height).toBe(8112);
  expect([tab.engines.length, other.engines.length]).toEqual([1, 1]);
  tab.leave();
  kill(other);
  await vi.waitUntil(() => other.events.some((e) => e.type === 'problem'));
  expect((await other.client.status()).chain.height).toBe(8112);
  expect(other.engines.length).toBe(2);
});

test('a call that ends every engine is made to so many and no more', async () => {
  const tab = open();
  await tab.client.status();
  poisoned = true;
  await expect(tab.client.pending()).rejects.toThrow(code('WORKER_DIED'));
  expect(tab.engines.length).toBeLessThanOrEqual(TRIES_MAX);
  poisoned = false;
  expect(await tab.client.pending()).toEqual([]);
});

test('what is no message of this version is passed over', async () => {
  const rpc = { type: 'rpc', from: 'a', to: '', data: 1 };
  const leader = { type: 'leader', from: 'a', mining: { options: {}, payTo: hash(1) } };
  expect([rpc, leader, { ...leader, mining: undefined }].map(readMessage)).not.toContain(undefined);
  const bad = [
    ...[undefined, null, 7, 'hello', {}, { type: 'hello' }, { type: 'hello', from: '' }],
    ...[
      { type: 'bye', from: 'x'.repeat(65) },
      { ...rpc, to: 3 },
      { ...rpc, type: 'other' },
    ],
    ...[
      { ...leader, mining: 3 },
      { ...leader, mining: { options: { model: 3 } } },
    ],
    { ...leader, mining: { options: {}, payTo: new Uint8Array(31) } },
  ];
  expect(bad.filter((message) => readMessage(message))).toEqual([]);
  fc.assert(fc.property(fc.anything(), (x) => readMessage(x) === undefined));
  // On the channel too.
  const [lead, follower] = await openThree();
  const noise = new BroadcastChannel(place);
  for (const message of [...bad, { ...rpc, data: { id: 1, method: 'then' } }])
    noise.postMessage(message);
  noise.postMessage({ ...rpc, to: 'nobody', data: { id: 1, value: 0 } });
  noise.close();
  await follower.client.payTo(hash(1));
  expect(engineOf(lead).calls).toContain('client.payTo');
});
