/** Whose head is tried when: branches that nobody proves keep neither this client busy nor an honest peer out. */
import { beforeAll, expect, test } from 'vitest';
import type { FullChain } from '../../../src/chain/full/full-chain.ts';
import { PROBE_EVERY } from '../../../src/chain/light/audit.ts';
import { PATHS_MAX } from '../../../src/chain/light/records.ts';
import { answer as chainAnswer } from '../../../src/chain/shared/answer.ts';
import { createMemoryStore } from '../../../src/chain/store/memory-store.ts';
import { CatchUp } from '../../../src/client/sync/catch-up.ts';
import { createChainReader } from '../../../src/client/sync/chain-reader.ts';
import { FailedHeads, hostOf, WAIT_MS } from '../../../src/client/sync/failed-heads.ts';
import { inOrder } from '../../../src/client/sync/peer-order.ts';
import type { HeadSettler } from '../../../src/client/sync/settle-head.ts';
import type { PeerEvents } from '../../../src/client/peer-events.ts';
import type { Fault } from '../../../src/core/faults.ts';
import type { Header } from '../../../src/core/formats.ts';
import { blockId, extendPoint, genesisPoint } from '../../../src/core/header/header.ts';
import { HEADERS_MAX, type SyncRequest, type SyncResponse } from '../../../src/core/messages.ts';
import { PROOFS_KEPT } from '../../../src/core/params.ts';
import { toHex } from '../../../src/lib/bytes.ts';
import { AppError } from '../../../src/lib/errors.ts';
import { Emitter } from '../../../src/lib/events.ts';
import type { PeerInfo, Transport } from '../../../src/net/transport.ts';
import { mine, openChain, PARAMS, person, START_MS } from '../../chain/make-blocks.ts';
import { MadeBranch, makeHeaders } from '../../chain/make-headers.ts';
import { openLightChain } from '../../chain/open-light.ts';
import { MemoryNet, peerInfo } from '../memory-net.ts';
import { openFollower } from '../open-follower.ts';

const wait = { timeout: 50_000 };
/** Blocks of the honest chain, and those that all branches share with it. */
const [LENGTH, SHARED] = [160, 20];

let honest: FullChain;
let shared: Header[];
/** After the last block that they share. */
let stateRoot: Uint8Array;
beforeAll(async () => {
  honest = await longChain();
  await mine(honest, person(1), LENGTH);
  shared = await honest.headersAfter([], SHARED);
  ({ stateRoot } = (await honest.header(SHARED + 1))!);
});

/** A chain whose genesis lies far enough in the past for all that is mined on it. */
async function longChain(): Promise<FullChain> {
  const own = { ms: START_MS };
  const chain = await openChain(createMemoryStore(), own);
  own.ms = START_MS + 10_000_000;
  return chain;
}

const sharedTip = () =>
  shared.reduce((at, header) => extendPoint(PARAMS, at, header), genesisPoint(PARAMS, START_MS));

/** More work than the honest chain, of which only the last PROOFS_KEPT blocks were done, or none. */
function invented(salt: number, hasMined: boolean, count = 40): MadeBranch {
  const { headers } = makeHeaders(sharedTip(), count + PROOFS_KEPT, { salt, stateRoot });
  return new MadeBranch(
    [...shared, ...headers],
    (height) => height <= SHARED || (hasMined && height > SHARED + count),
  );
}

type Answer = (request: SyncRequest) => SyncResponse;
const answerOf =
  (branch: MadeBranch, claimedHeight?: number): Answer =>
  (request) => {
    if (request.type === 'headers')
      return { type: 'headers', headers: branch.after(request.locator, request.max) };
    if (request.type === 'blocks') return { type: 'blocks', blocks: branch.parts(request.ids) };
    if (request.type !== 'status') return { type: 'unavailable', reason: 'no' };
    const { tip } = branch;
    const genesis = genesisPoint(PARAMS, START_MS).header;
    const { totalWork } = tip;
    const height = claimedHeight ?? tip.height;
    return { type: 'status', genesis, head: blockId(tip), height, totalWork, agent: 'made' };
  };

interface Liar {
  readonly info?: Partial<PeerInfo>;
  /** What it claims as its height. */
  readonly height?: number;
  /** Whether the last hundred blocks of its branch were mined. */
  readonly hasMined?: boolean;
}

/** A newcomer among peers, and which of them were asked for headers, in order. */
async function setUp() {
  const net = new MemoryNet();
  const clock = { ms: START_MS + 40_000_000 };
  const tried: string[] = [];
  /** Whom proofs were asked of. */
  const proving: string[] = [];
  const branches: MadeBranch[] = [];
  const chain = await openLightChain({
    now: () => clock.ms,
    verifyProof: (_, header) => branches.map(({ check }) => check(header)).find(Boolean),
  });
  const transport = net.transport('me');
  const { follower } = openFollower(
    chain,
    {
      ...transport,
      request: (peer, request) => {
        if (request.type === 'headers') tried.push(peer);
        if (request.type === 'blocks') proving.push(peer);
        return transport.request(peer, request);
      },
    },
    { nowMs: () => clock.ms },
  );
  await transport.start({ ...never, onPeers: () => undefined });

  const join = (id: string, info: Partial<PeerInfo> = {}): void => {
    net.infos.set(id, info);
    net.link('me', id);
  };
  return {
    net,
    clock,
    tried,
    proving,
    chain,
    height: () => chain.headers.head().header.height,
    async liar(id: string, salt: number, { info, height, hasMined = true }: Liar = {}) {
      const branch = invented(salt, hasMined);
      branches.push(branch);
      const answer = answerOf(branch, height);
      await net.transport(id).start({ ...never, onRequest: async (_, asked) => answer(asked) });
      join(id, info);
    },
    async honest(id: string, info?: Partial<PeerInfo>) {
      await net.seed(id, honest);
      join(id, info);
    },
    /** Asks all peers once more, to the end. */
    async poll() {
      follower.poll();
      await expect.poll(() => follower.sync(), wait).toBe('synced');
    },
  };
}
const never = {
  onRequest: async () => ({ type: 'unavailable', reason: 'no' }) as const,
  onBlock: async () => 'ignore' as const,
  onTx: async () => 'ignore' as const,
  onOffer: async () => 'ignore' as const,
  onPeers: () => undefined,
};

test.each([8, 50])('%s invented heads keep nobody out', async (count) => {
  const made = await setUp();
  const hasMined = count < 10;
  for (let i = 0; i < count; i++) await made.liar(`liar${i}`, i + 1, { hasMined });
  await made.honest('honest');
  await made.poll();
  expect(made.height()).toBe(LENGTH);
  // Each was tried once, in the order in which they came.
  expect(new Set(made.tried.slice(0, -1)).size).toBe(count);
  expect(made.tried.at(-1)).toBe('honest');
  // Who gives the newest proofs alone does as anybody may.
  expect(new Set(made.net.faults.map(({ to }) => to)).size).toBe(hasMined ? 0 : count);
});

test('heads are tried as connections came about, never by what they claim', async () => {
  const made = await setUp();
  await made.liar('relayed', 1, {
    info: { address: '/dns4/seed.example/tcp/443/wss/p2p/x/p2p-circuit' },
  });
  await made.liar('came', 2, { info: { origin: 'inbound' } });
  await made.liar('dialled', 3);
  await made.honest('seed', { origin: 'configured' });
  await made.poll();
  expect([...new Set(made.tried)]).toEqual(['seed', 'dialled', 'came', 'relayed']);
  expect(made.height()).toBe(LENGTH);
});

test('a failed head makes its address wait for ten minutes, then others of it come first', async () => {
  const made = await setUp();
  const address = '/ip4/203.0.113.7/udp/1/webrtc-direct';
  await made.liar('liar', 1, { info: { address } });
  await made.honest('neighbour', { address });
  await made.poll();
  expect(made.tried).toEqual(['liar']);
  made.clock.ms += WAIT_MS - 1;
  await made.poll();
  expect(made.tried).toEqual(['liar']);
  // At most as far as an unbroken run of drawn blocks reaches.
  expect(made.height()).toBeLessThanOrEqual(SHARED);
  made.clock.ms += 1;
  await made.poll();
  expect(made.tried).toEqual(['liar', 'neighbour', 'liar']);
  expect(made.height()).toBe(LENGTH);
});

test('while an address waits, the next blocks of a chain that is followed still come from it', async () => {
  const made = await setUp();
  const address = '/p2p/x/p2p-circuit/webrtc';
  await made.honest('neighbour', { address });
  await made.poll();
  const next = await longChain();
  for (const id of (await honest.headersAfter([], HEADERS_MAX)).map(blockId))
    await next.importBlock((await honest.block(id))!);
  await made.liar('liar', 1, { info: { address } });
  await made.poll();
  expect(made.tried.at(-1)).toBe('liar');
  // It is heard of by none of the announcements.
  await mine(next, person(1), 3);
  made.net.cut('neighbour');
  await made.net.seed('neighbour', next);
  made.net.link('me', 'neighbour');
  await made.poll();
  expect(made.height()).toBe(LENGTH + 3);
  // A deep one of the same address is not looked at, whatever height it claims.
  const before = made.tried.length;
  await made.liar('other', 2, { info: { address }, height: LENGTH + 4 });
  await made.poll();
  expect(made.tried.slice(before)).toEqual(['other', 'liar']);
  expect(made.proving).not.toContain('other');
  expect(made.chain.headers.best().header.height).toBe(LENGTH + 3);
  expect(made.net.faults).toEqual([]);
});

test('one address is an IPv4 address, 56 bits of an IPv6 address, a name, or all that is behind relays', () => {
  const same = (a: string, b: string) => hostOf(a) === hostOf(b);
  expect(same('/ip4/192.0.2.1/tcp/1/ws', '/ip4/192.0.2.1/udp/2/webrtc-direct')).toBe(true);
  expect(same('/ip4/192.0.2.1/tcp/1/ws', '/ip4/192.0.2.2/tcp/1/ws')).toBe(false);
  expect(same('/ip6/2001:db8::1/tcp/1/ws', '/ip6/2001:db8:0:ff:5::2/tcp/1/ws')).toBe(true);
  expect(same('/ip6/2001:db8::1/tcp/1/ws', '/ip6/2001:db8:0:100::1/tcp/1/ws')).toBe(false);
  expect(same('/dns4/a.example/tcp/443/wss', '/dns4/b.example/tcp/443/wss')).toBe(false);
  const relayed = '/ip4/192.0.2.1/tcp/1/ws/p2p/x/p2p-circuit/webrtc/p2p/y';
  expect(same(relayed, '/p2p/z/p2p-circuit/webrtc/p2p/w')).toBe(true);
  expect(same(relayed, '/ip4/192.0.2.1/tcp/1/ws')).toBe(false);
});

test('proofs that a teller does not keep are asked of others', async () => {
  const made = await setUp();
  await made.honest('honest');
  const newest = (await honest.headersAfter([], HEADERS_MAX)).slice(-100).map(blockId).map(toHex);
  // Told first, by one that keeps the newest hundred alone.
  await made.net.transport('pruned').start({
    ...never,
    onRequest: async (_, asked) => {
      const answer = await chainAnswer(honest, asked, () => []);
      if (answer.type !== 'blocks') return answer;
      return {
        type: 'blocks',
        blocks: answer.blocks.filter(({ id }) => newest.includes(toHex(id))),
      };
    },
  });
  made.net.infos.set('pruned', { origin: 'configured' });
  made.net.link('me', 'pruned');
  await made.poll();
  expect([made.height(), made.tried]).toEqual([LENGTH, ['pruned']]);
  expect(made.net.faults).toEqual([]);
});

/**
 * Catching up with peers, as the queue does when each one's turn is over before it has answered.
 * @param branch of all of them but those that `others` names. It says which blocks were mined
 * @param gate what a peer's answer waits for
 */
async function openCatchUp(
  branch: MadeBranch,
  ids: readonly string[],
  others: Readonly<Record<string, MadeBranch>> = {},
  gate: SyncRequest['type'] = 'headers',
) {
  const clock = { ms: START_MS + 40_000_000 };
  const chain = await openLightChain({
    now: () => clock.ms,
    verifyProof: (_, h) => branch.check(h),
  });
  const asked: { peer: string; request: SyncRequest }[] = [];
  const charged: string[] = [];
  const gates = new Map<string, Promise<void>>();
  const failed = new FailedHeads(() => clock.ms);
  const made = {
    /** Before an answer. @returns how many blocks it may hold; undefined: all */
    onRequest: (_peer: string, _request: SyncRequest): number | undefined => undefined,
  };
  const transport = {
    peers: () => ids.map(peerInfo),
    charge: (peer: string, f: Fault) => void charged.push(`${peer} ${f.fault}`),
    async request(peer: string, request: SyncRequest) {
      asked.push({ peer, request });
      if (request.type === gate) await gates.get(peer);
      const blocksMax = made.onRequest(peer, request);
      const answer = answerOf(others[peer] ?? branch)(request);
      return answer.type === 'blocks'
        ? { ...answer, blocks: answer.blocks.slice(0, blocksMax) }
        : answer;
    },
  } as unknown as Transport;
  const events = new Emitter<PeerEvents>();
  const catchUp = new CatchUp({
    chain,
    transport,
    reader: createChainReader(chain, transport),
    // What is fetched is looked at, not executed.
    settler: { settle: async () => undefined } as HeadSettler,
    events,
    failed,
    nowMs: () => clock.ms,
  });
  const headersAsked = (peer?: string) =>
    asked.filter((one) => one.request.type === 'headers' && one.peer === (peer ?? one.peer)).length;
  return Object.assign(made, {
    chain,
    catchUp,
    asked,
    charged,
    failed,
    gates,
    clock,
    headersAsked,
  });
}

test('a peer that is too busy to prove its head is neither charged nor made to wait', async () => {
  const made = await setUp();
  let isBusy = true;
  await made.net.transport('seed').start({
    ...never,
    onRequest: async (_, asked) =>
      asked.type === 'blocks' && isBusy
        ? { type: 'unavailable', reason: 'busy' }
        : chainAnswer(honest, asked, () => []),
  });
  made.net.link('me', 'seed');
  await made.poll();
  expect([made.height(), made.net.faults]).toEqual([0, []]);
  isBusy = false;
  await made.poll();
  expect(made.height()).toBe(LENGTH);
});

test('of one branch one peer at a time is asked for headers, and the next one goes on with it', async () => {
  const { headers } = makeHeaders(genesisPoint(PARAMS, START_MS), 10 * HEADERS_MAX, firstRoot());
  const made = await openCatchUp(new MadeBranch(headers), ['slow', 'next', 'last']);
  const opened = ['slow', 'next'].map((peer) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    made.gates.set(peer, promise);
    return resolve;
  });
  const slow = made.catchUp.with('slow');
  await expect.poll(() => made.headersAsked('slow')).toBe(1);
  // Its first answer comes, its second does not.
  const second = Promise.withResolvers<void>();
  made.gates.set('slow', second.promise);
  opened[0]!();
  await expect.poll(() => made.headersAsked('slow')).toBe(2);
  const next = made.catchUp.with('next');
  await expect.poll(() => made.headersAsked('next')).toBe(1);
  opened[1]!();
  await next;
  expect(made.chain.headers.best().header).toEqual(headers.at(-1));
  second.resolve();
  expect(await slow).toBe('again');
  expect(await made.catchUp.with('slow')).toBeUndefined();
  expect(await made.catchUp.with('last')).toBeUndefined();
  // Ten pieces and the end of the branch; the one that the slow peer had not sent yet; nothing for those who come then.
  expect(made.headersAsked()).toBe(11 + 1);
  expect(made.charged).toEqual([]);
  expect(made.chain.headers.head().header).toEqual(headers.at(-1));
});

test('who gets headers of others put on its branch while it proves it is not to blame', async () => {
  const { headers, tip } = makeHeaders(genesisPoint(PARAMS, START_MS), 300, firstRoot());
  const { headers: above } = makeHeaders(tip, 2 * HEADERS_MAX, { salt: 9 });
  const longer = new MadeBranch([...headers, ...above], (height) => height <= headers.length);
  const made = await openCatchUp(
    longer,
    ['honest', 'liar'],
    { honest: new MadeBranch(headers) },
    'blocks',
  );
  const answers = Promise.withResolvers<void>();
  made.gates.set('honest', answers.promise);
  const isAsked = (peer: string) =>
    made.asked.some((one) => one.peer === peer && one.request.type === 'blocks');
  const honestly = made.catchUp.with('honest');
  await expect.poll(() => isAsked('honest')).toBe(true);
  const lying = made.catchUp.with('liar');
  await expect.poll(() => isAsked('liar')).toBe(true);
  answers.resolve();
  await Promise.all([honestly, lying]);
  expect(['honest', 'liar'].map((id) => made.failed.isWaiting(peerInfo(id)))).toEqual([
    false,
    true,
  ]);
  expect(made.charged.filter((one) => one.startsWith('honest'))).toEqual([]);
  expect(made.chain.headers.head().header).toEqual(headers.at(-1));
});

test('a branch that made room for others while it was proven is not its teller’s fault', async () => {
  const root = genesisPoint(PARAMS, START_MS);
  const { headers } = makeHeaders(root, 300, firstRoot());
  const made = await openCatchUp(new MadeBranch(headers), ['honest'], {}, 'blocks');
  const crowd = (salt: number) =>
    made.chain.headers.import(makeHeaders(root, 310, { ...firstRoot(), salt }).headers);
  // What goes on from the head is never left out.
  await crowd(PATHS_MAX + 1);
  const answers = Promise.withResolvers<void>();
  made.gates.set('honest', answers.promise);
  const honestly = made.catchUp.with('honest');
  await expect.poll(() => made.asked.at(-1)?.request.type).toBe('blocks');
  for (let salt = 1; salt <= PATHS_MAX; salt++) await crowd(salt);
  answers.resolve();
  await honestly;
  expect(made.chain.headers.head().header.height).toBe(0);
  expect(made.charged).toEqual([]);
  expect(made.failed.isWaiting(peerInfo('honest'))).toBe(false);
  // It may have made the others itself.
  expect(made.failed.has(peerInfo('honest'))).toBe(true);
  await made.catchUp.with('honest');
  expect(made.chain.headers.head().header).toEqual(headers.at(-1));
});

test('who tells a deep head and leaves before it is proven does not wait, and comes after all others', async () => {
  const { headers } = makeHeaders(genesisPoint(PARAMS, START_MS), 300, firstRoot());
  const made = await openCatchUp(new MadeBranch(headers), ['gone', 'late'], {}, 'blocks');
  const gone = Promise.reject(new AppError('NET_CLOSED', 'gone'));
  made.gates.set('gone', gone);
  await expect(made.catchUp.with('gone')).rejects.toBe(await gone.catch((e: unknown) => e));
  expect(made.failed.isWaiting(peerInfo('gone'))).toBe(false);
  const order = inOrder(['gone', 'late'].map(peerInfo), made.failed);
  expect(order.map(({ id }) => id)).toEqual(['late', 'gone']);
});

test('who gives proofs drop by drop is waited for 30 s in all, and charged for nothing', async () => {
  const { headers } = makeHeaders(genesisPoint(PARAMS, START_MS), 60, firstRoot());
  const made = await openCatchUp(new MadeBranch(headers), ['drips', 'honest']);
  made.onRequest = (peer, { type }) => {
    if (peer === 'drips' && type === 'blocks') made.clock.ms += 9_000;
    return peer === 'drips' ? 1 : undefined;
  };
  await expect(made.catchUp.with('drips')).rejects.toMatchObject({ code: 'NET_TIMEOUT' });
  // Three answers come within 30 s, and the fourth ends it.
  const drops = made.asked.filter(({ request }) => request.type === 'blocks');
  expect(drops).toHaveLength(4);
  expect([made.charged, made.failed.isWaiting(peerInfo('drips'))]).toEqual([[], false]);
  await made.catchUp.with('honest');
  expect(made.chain.headers.head().header).toEqual(headers.at(-1));
});

test.each([1, 88, 2 * HEADERS_MAX])(
  'who tells an honest head with %s headers on it, and proves nothing, keeps nobody from it',
  async (count) => {
    const { headers, tip } = makeHeaders(genesisPoint(PARAMS, START_MS), 300, firstRoot());
    const { headers: above } = makeHeaders(tip, count, { salt: 9 });
    const longer = new MadeBranch([...headers, ...above], (height) => height <= headers.length);
    const others = { honest: new MadeBranch(headers) };
    const made = await openCatchUp(longer, ['liar', 'honest'], others, 'blocks');
    const gone = Promise.reject(new AppError('NET_CLOSED', 'gone'));
    made.gates.set('liar', gone);
    await expect(made.catchUp.with('liar')).rejects.toBe(await gone.catch((e: unknown) => e));
    expect(made.chain.headers.best().header).toEqual(above.at(-1));
    await made.catchUp.with('honest');
    expect(made.chain.headers.head().header).toEqual(headers.at(-1));
    expect(made.charged).toEqual([]);
  },
);

test('headers without end are fetched in pieces, of which some blocks are proven', async () => {
  const count = PROBE_EVERY + 2 * HEADERS_MAX;
  const { headers } = makeHeaders(genesisPoint(PARAMS, START_MS), count, firstRoot());
  const made = await openCatchUp(new MadeBranch(headers, () => false), ['liar', 'other']);
  await made.catchUp.with('liar');
  expect(made.headersAsked()).toBe(PROBE_EVERY / HEADERS_MAX);
  expect(made.chain.headers.best().header.height).toBe(0);
  expect(made.charged).toEqual([]);
  // Its address waits.
  await made.catchUp.with('liar');
  expect(made.headersAsked('liar')).toBe(PROBE_EVERY / HEADERS_MAX);
  // Who proves what it is asked for goes on to the end.
  const sound = await openCatchUp(new MadeBranch(headers), ['honest']);
  await sound.catchUp.with('honest');
  expect(sound.chain.headers.head().header).toEqual(headers.at(-1));
});

const firstRoot = () => ({ stateRoot: genesisPoint(PARAMS, START_MS).header.stateRoot });
