/** What the newest blocks say: at the bounds of each rule, and over a reorganisation. */
import { expect, test } from 'vitest';
import {
  CALM,
  finalBlocks,
  followOutlook,
  outlookOf,
  OutlookWatch,
  type BlockFacts,
} from '../../../src/chain/shared/outlook.ts';
import type { Header } from '../../../src/core/formats.ts';
import { genesisPoint } from '../../../src/core/header/header.ts';
import { silentLog } from '../../../src/lib/log.ts';
import { PARAMS, START_MS } from '../make-blocks.ts';
import { makeHeaders } from '../make-headers.ts';

const T = PARAMS.blockTimeMs;
/** Blocks 0.. of a chain in step. */
const blocks = (count: number, change: (height: number) => Partial<BlockFacts> = () => ({})) =>
  Array.from({ length: count }, (_, height): BlockFacts => {
    return { height, knows: 2, time: height * T, target: 1000n, ...change(height) };
  });
const rulesOf = (facts: BlockFacts[], params = PARAMS) => outlookOf(params, facts).rules;
/** A thousand and one blocks, of which that many of the newest know more. */
const knowing = (more: number) =>
  blocks(1001, (height) => ({ knows: height > 1000 - more ? 3 : 2 }));

test('a chain in step is calm, and so is its genesis', () => {
  expect(outlookOf(PARAMS, blocks(1001))).toEqual(CALM);
  expect(outlookOf(PARAMS, blocks(1))).toEqual(CALM);
  expect(outlookOf(PARAMS, [])).toEqual(CALM);
});

test('a tenth that know more are told of, three quarters end the rules, and it is the newest thousand', () => {
  expect([knowing(99), knowing(100)].map((b) => rulesOf(b))).toEqual(['known', 'changing']);
  expect([knowing(749), knowing(750)].map((b) => rulesOf(b))).toEqual(['changing', 'ended']);
  const long = (from: number) => blocks(3001, (height) => ({ knows: height <= from ? 3 : 2 }));
  expect(rulesOf(long(2000).slice(-1001))).toBe('known');
  // Of a short chain they are over as many as there are, without genesis.
  expect(rulesOf(blocks(5, (height) => ({ knows: height > 1 ? 3 : 2 })))).toBe('ended');
  expect(rulesOf(blocks(2, () => ({ knows: 3 })))).toBe('ended');
});

test('a table that ends ends the rules from that height on', () => {
  const params = { ...PARAMS, rulesEnd: 50 };
  expect([rulesOf(blocks(50), params), rulesOf(blocks(51), params)]).toEqual(['known', 'ended']);
});

test('a hundred blocks that take over four times as long, or a target that rose eightfold, are weakness', () => {
  const slow = (ms: number) =>
    outlookOf(
      PARAMS,
      blocks(151, (height) => ({ time: height < 150 ? 0 : ms })),
    ).isWeak;
  expect([slow(400 * T), slow(400 * T + 1)]).toEqual([false, true]);
  // Fewer than a hundred say nothing.
  expect(
    outlookOf(
      PARAMS,
      blocks(100, (height) => ({ time: height * 100 * T })),
    ).isWeak,
  ).toBe(false);
  const rise = (to: bigint, since: number) =>
    outlookOf(
      PARAMS,
      blocks(300, (height) => ({ target: height < 299 - since ? 1000n : to })),
    ).isWeak;
  expect([rise(7999n, 10), rise(8000n, 10), rise(8000n, 200), rise(8000n, 199)]).toEqual([
    false,
    true,
    false,
    true,
  ]);
});

test('what counts as final: six blocks, sixty of a weak network, none where the rules may have ended', () => {
  expect(finalBlocks(CALM)).toBe(6);
  expect(finalBlocks({ rules: 'changing', isWeak: true })).toBe(60);
  expect(finalBlocks({ rules: 'ended', isWeak: false })).toBeUndefined();
});

/** A chain of headers that can be exchanged. */
function chainOf(first: readonly Header[]) {
  const genesis = genesisPoint(PARAMS, START_MS);
  let headers = [genesis.header, ...first];
  let read = 0;
  const listeners: (() => void)[] = [];
  return {
    genesis,
    params: PARAMS,
    head: () => headers.at(-1)!,
    headerAt: async (height: number) => (read++, headers[height]),
    subscribe: (listener: () => void) => (listeners.push(listener), () => undefined),
    become(next: readonly Header[]) {
      headers = [genesis.header, ...next];
      for (const listener of listeners) listener();
    },
    get read() {
      return read;
    },
  };
}

test('the watch reads each header once, and after a reorganisation what was replaced', async () => {
  const genesis = genesisPoint(PARAMS, START_MS);
  const old = makeHeaders(genesis, 40).headers;
  const chain = chainOf(old);
  const watch = new OutlookWatch(PARAMS, chain.headerAt);
  expect(await watch.at(chain.head())).toEqual(CALM);
  expect(chain.read).toBe(40);
  const more = makeHeaders(genesis, 41).headers;
  chain.become(more);
  expect(await watch.at(chain.head())).toEqual(CALM);
  expect(chain.read).toBe(40);

  chain.become(makeHeaders(genesis, 42, { salt: 1, knows: 3 }).headers);
  expect((await watch.at(chain.head())).rules).toBe('ended');
  // Genesis is the same.
  expect(chain.read).toBe(81);
  chain.become(more);
  expect(await watch.at(chain.head())).toEqual(CALM);
});

test('is known for the head of the beginning before anything depends on it', async () => {
  const newer = makeHeaders(genesisPoint(PARAMS, START_MS), 3, { knows: 3 }).headers;
  const outlook = followOutlook(chainOf(newer), silentLog);
  await outlook.ready;
  expect(outlook.now().rules).toBe('ended');
});

test('a change is told and logged once, and a store that fails is read again at the next head', async () => {
  const genesis = genesisPoint(PARAMS, START_MS);
  const newer = makeHeaders(genesis, 3, { knows: 3 }).headers;
  const chain = chainOf([]);
  const lines: string[] = [];
  let told = 0;
  const log = {
    ...silentLog,
    warn: (event: string) => void lines.push(event),
    info: (event: string) => void lines.push(event),
  };
  let broken = false;
  const headerAt = (height: number) =>
    broken ? Promise.reject(new Error('the disk')) : chain.headerAt(height);
  const outlook = followOutlook({ ...chain, head: chain.head, headerAt }, log, () => told++);
  await outlook.ready;
  expect(outlook.now()).toEqual(CALM);
  broken = true;
  chain.become(newer);
  await expect.poll(() => lines).toEqual(['outlook.unread']);
  broken = false;
  chain.become(newer);
  await expect.poll(() => outlook.now().rules).toBe('ended');
  chain.become(newer);
  await expect.poll(() => lines).toEqual(['outlook.unread', 'rules.ended']);
  chain.become(makeHeaders(genesis, 4, { salt: 2 }).headers);
  await expect.poll(() => lines.at(-1)).toBe('rules.known');
  expect(told).toBe(2);
});
