/** Blocks for the faucet's gifts where nobody else mines. */
import { schnorr } from '@noble/curves/secp256k1.js';
import { afterEach, expect, it, vi } from 'vitest';
import { removeData, startSeed, type Seed } from '../../../e2e/support/seed.ts';
import type { ClientConfig, ClientEvent } from '../../../src/client/api.ts';
import { createClient } from '../../../src/client/client.ts';
import { addressOf, formatAddress } from '../../../src/core/address.ts';
import { NANOVOLTS } from '../../../src/core/params.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { createNodePlatform } from '../../../src/node/client-platform.ts';
import { createGiftMiner, WORK_MS_MAX, WORK_SHARE } from '../../../src/node/http/gift-miner.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
const stranger = (): Uint8Array => addressOf(schnorr.getPublicKey(schnorr.utils.randomSecretKey()));

async function seedWith(...args: string[]): Promise<Seed> {
  const seed = await startSeed({ network: 'e2e', args });
  closers.push(
    () => removeData(seed),
    () => seed.stop(),
  );
  return seed;
}

it(
  'a seed mines a gift into a block where nobody else does: its balance is proven, and the seed rests',
  { timeout: 200_000 },
  async () => {
    const seed = await seedWith('--gift-blocks', 'yes');
    const config = (await (await fetch(`${seed.url}config.json`)).json()) as ClientConfig;
    const platform = createNodePlatform({ network: 'e2e', seedUrl: seed.url });
    closers.push(() => platform.close());
    const client = await createClient(platform, config);
    closers.push(() => client.stop());
    const to = stranger();
    await client.api.watch(to);
    const proven = new Promise<void>((resolve) => {
      client.on((event: ClientEvent) => {
        if (event.type !== 'balance') return;
        void client.api.balance(to).then((b) => b?.spendable === 100n * NANOVOLTS && resolve());
      });
    });
    expect(await client.api.faucet(to)).toEqual({ mining: true, amount: 100n * NANOVOLTS });
    await proven;
    const { height } = await seed.rpc('status');
    expect(height).toBeGreaterThan(0);
    // Its engine has stopped once it says so; what was found then is in the chain.
    const rested = () => seed.log.some((line) => line.includes('gift.rests'));
    await vi.waitUntil(rested, { timeout: 60_000 });
    expect((await seed.rpc('getMempool')).length ?? 0).toBe(0);
  },
);

it('a seed that does not mine says that nobody does', { timeout: 200_000 }, async () => {
  const seed = await seedWith();
  const body = JSON.stringify({ address: formatAddress(stranger(), 'rpila') });
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${seed.url}faucet`, { method: 'POST', headers, body });
  expect(await answer.json()).toEqual({ amount: '100000000000', mining: false });
});

it('gifts without end get a share of the time', async () => {
  vi.useFakeTimers();
  closers.push(() => vi.useRealTimers());
  let now = 0;
  let worked = 0;
  let since: number | undefined;
  const gifts = createGiftMiner({
    isForAll: false,
    // A gift always waits, and no block ever comes.
    chain: { mempool: { of: () => [{}] }, subscribe: () => () => undefined } as never,
    miner: {
      start: async () => void (since = now),
      async stop() {
        if (since !== undefined) worked += now - since;
        since = undefined;
      },
    },
    log: silentLog,
    steadyMs: () => now,
  });
  const hours = 10 * 3_600_000;
  for (; now < hours; now += 1000) {
    gifts.wake();
    await vi.advanceTimersByTimeAsync(1000);
  }
  await gifts.stop();
  expect(worked).toBeGreaterThan(hours * WORK_SHARE * 0.9);
  expect(worked).toBeLessThan(hours * WORK_SHARE + WORK_MS_MAX + 10_000);
});

it.each([true, false])(
  'somebody’s transaction has its block where all have: %s',
  async (isForAll) => {
    const told: string[] = [];
    let waiting: readonly object[] = [];
    let tell = (_event: { type: 'tx' | 'head' }): void => undefined;
    const gifts = createGiftMiner({
      isForAll,
      chain: {
        mempool: {
          of: () => [],
          get size() {
            return waiting.length;
          },
        },
        subscribe: (listener: typeof tell) => ((tell = listener), () => undefined),
      } as never,
      miner: {
        start: async () => void told.push('start'),
        stop: async () => void told.push('stop'),
      },
      log: silentLog,
      steadyMs: () => 0,
    });
    waiting = [{}];
    tell({ type: 'tx' });
    // A block without it.
    tell({ type: 'head' });
    waiting = [];
    tell({ type: 'head' });
    await gifts.stop();
    expect(told).toEqual(isForAll ? ['start', 'stop'] : []);
  },
);
