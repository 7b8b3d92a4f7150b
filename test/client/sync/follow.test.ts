/** Following peers: who is charged for a branch that is not proven, and who is not. */
import { bodyOf } from '../../../src/core/tx/body.ts';
import { expect, test } from 'vitest';
import type { UnitReplay } from '../../../src/client/sync/full-check.ts';
import type { FullChain } from '../../../src/chain/full/full-chain.ts';
import type { LightStoreOptions } from '../../../src/chain/light/light-store.ts';
import { without } from '../../attack/without.ts';
import { fault, FAULTS, isFault, type Fault, type FaultCode } from '../../../src/core/faults.ts';
import type { Body, Header } from '../../../src/core/formats.ts';
import { blockId } from '../../../src/core/header/header.ts';
import { PROOFS_KEPT } from '../../../src/core/params.ts';
import { BLOCKS_MAX, type SyncRequest, type SyncResponse } from '../../../src/core/messages.ts';
import { proveFrom } from '../../../src/core/tree/tree-parts.ts';
import { equal, toHex } from '../../../src/lib/bytes.ts';
import { createLog, silentLog } from '../../../src/lib/log.ts';
import { Penalties } from '../../../src/net/penalties.ts';
import type { Transport } from '../../../src/net/transport.ts';
import { createHandlers } from '../../../src/node/seed/serve-peers.ts';
import {
  idOf,
  mine,
  nextBlock,
  openChain,
  PARAMS,
  person,
  PROOF,
  START_MS,
  transfer,
} from '../../chain/make-blocks.ts';
import { openLightChain } from '../../chain/open-light.ts';
import { peerInfo } from '../memory-net.ts';
import { openFollower } from '../open-follower.ts';
import { WAIT_MS } from '../../../src/client/sync/failed-heads.ts';

const [ann, bob] = [person(1), person(2)] as const;

/** A follower of one peer, a full chain with one block; `meanwhile` happens to each answer. */
async function setUp(
  meanwhile: (answer: SyncResponse, peer: string, request: SyncRequest) => Promise<SyncResponse>,
  full?: FullChain,
  light: Partial<LightStoreOptions> = {},
  replay?: UnitReplay['replay'],
) {
  const mined = full !== undefined;
  full ??= await openChain();
  const chain = await openLightChain(light, await full.header(0));
  const rival = nextBlock(full, bob);
  const told = nextBlock(full, ann);
  if (!mined) await full.importBlock(told);
  const never = (): never => {
    throw new Error('a full chain with one block has nothing to follow');
  };
  const handlers = createHandlers(
    full,
    never,
    createLog(() => undefined),
  );
  const peers = ['peer'];
  const charged: string[] = [];
  const asked: string[] = [];
  const clock = { ms: START_MS };
  const heads: (Body | undefined)[] = [];
  const transport = {
    peers: () => peers.map(peerInfo),
    charge: (_peer: string, f: Fault) => void charged.push(f.fault),
    async request(peer: string, request: SyncRequest) {
      asked.push(request.type);
      const answer = await handlers.onRequest('me', request);
      if (isFault(answer)) throw new Error(answer.fault);
      return await meanwhile(answer, peer, request);
    },
  } as unknown as Transport;
  const { follower, reader } = openFollower(chain, transport, {
    replay,
    turnMs: 50,
    nowMs: () => clock.ms,
    onHead: async (_head, body) => void heads.push(body),
  });
  return { follower, reader, chain, clock, peers, charged, asked, heads, rival, told };
}

test.each<[FaultCode, 'block' | 'sender']>([
  ['proof.activations', 'block'],
  ['proof.transcript', 'block'],
  ['proof.rows', 'sender'],
])('a full check that ends in %s blames the %s', async (code, blamed) => {
  const checkFully = async () => [fault(code)];
  const made = await setUp(async (answer) => answer, undefined, undefined, checkFully);
  expect(await made.follower.onBlock('peer', { block: made.told, sequence: 1 })).toMatchObject({
    fault: code,
  });
  // Of a block that is to blame the id is remembered; another peer may send a better proof of any other.
  const again = await made.chain.headers.import([made.told.header]);
  if (blamed === 'block') expect(again).toMatchObject({ fault: 'header.known-invalid' });
  else expect(isFault(again)).toBe(false);
});

test('a peer whose branch is outrun by one of equal work while it proves it is not charged', async () => {
  const made = await setUp(async (answer) => {
    if (answer.type === 'blocks' && headOf() !== idOf(made.rival))
      await made.follower.onBlock('other', { block: made.rival, sequence: 1 });
    return answer;
  });
  const headOf = () => toHex(made.chain.headers.head().id);
  made.follower.poll();
  await expect.poll(() => made.chain.proofs.checked).toBe(2);
  await expect.poll(() => made.follower.sync()).toBe('synced');
  expect(headOf()).toBe(idOf(made.rival));
  expect(made.charged).toEqual([]);
});

test('a peer that does not prove its branch is charged, and the branch is dropped', async () => {
  const made = await setUp(async (answer) =>
    answer.type === 'blocks' ? { type: 'blocks', blocks: [] } : answer,
  );
  made.follower.poll();
  await expect.poll(() => made.charged).toEqual(['wire.unproven']);
  expect(made.chain.headers.best().header.height).toBe(0);
});

test('a branch without proofs is dropped and charged though another claims more', async () => {
  const [first, second] = [await openChain(), await openChain()];
  await mine(first, ann, 9);
  await mine(second, bob, 5);
  let told: FullChain = first;
  let isSilent = true;
  const made = await setUp(async (answer) => {
    if (answer.type === 'blocks') {
      // One that is not charged: the connection was lost.
      if (isSilent) throw new Error('closed');
      return { type: 'blocks', blocks: [] };
    }
    if (answer.type === 'status') return { ...answer, totalWork: told.head().header.totalWork };
    return answer.type === 'headers'
      ? { type: 'headers', headers: await told.headersAfter([], 512) }
      : answer;
  }, first);
  made.follower.poll();
  await expect.poll(() => made.chain.headers.best().header.height).toBe(9);
  await expect.poll(() => made.follower.sync()).toBe('synced');
  told = second;
  isSilent = false;
  made.follower.poll();
  await expect.poll(() => made.charged).toEqual(['wire.unproven']);
  expect(new Set(made.chain.proofs.wanted().map(({ id }) => toHex(id)))).not.toContain(
    toHex(second.head().id),
  );
});

test('a peer whose answers are cut at a megabyte proves its branch, and is not charged', async () => {
  const full = await openChain();
  // As large as those of the largest models: seven make a megabyte.
  const proof = { ...PROOF, rows: new Uint8Array(65_536), columns: new Uint8Array(65_536) };
  for (let i = 0; i < 24; i++) await full.importBlock({ ...nextBlock(full, ann), proof });
  const given: number[] = [];
  const made = await setUp(async (answer) => {
    if (answer.type === 'blocks') given.push(answer.blocks.length);
    return answer;
  }, full);
  made.follower.poll();
  await expect.poll(() => made.follower.sync()).toBe('synced');
  expect(Math.max(...given)).toBeLessThan(BLOCKS_MAX);
  expect(made.charged).toEqual([]);
  expect(made.chain.headers.head().header.height).toBe(24);
});

let made513: Promise<FullChain> | undefined;
/** A chain of 513 blocks of several miners, so that its state has leaves that no one block touches. */
const longChain = () =>
  (made513 ??= (async () => {
    const own = { ms: START_MS };
    const full = await openChain(undefined, own);
    own.ms = START_MS + 10_000_000;
    for (let i = 0; i < 513; i++) await mine(full, person(1 + (i % 9)));
    return full;
  })());

test('a peer that keeps the newest blocks alone is not charged for older ones', async () => {
  const full = await longChain();
  const kept = { from: 0 };
  const heights = new Map<string, number>();
  for (let height = 1; height <= 513; height++)
    heights.set(toHex(blockId((await full.header(height))!)), height);
  const made = await setUp(async (answer) => {
    if (answer.type !== 'blocks') return answer;
    const blocks = answer.blocks.filter(({ id }) => heights.get(toHex(id))! >= kept.from);
    return { type: 'blocks', blocks };
  }, full);
  const newest = 513 - PROOFS_KEPT + 1;
  for (const [from, height] of [
    [newest + 1, 0],
    [newest, 0],
    [0, 513],
  ] as const) {
    kept.from = from;
    made.clock.ms += WAIT_MS;
    made.follower.poll();
    await expect.poll(() => made.follower.sync()).toBe('synced');
    // For the first answers alone, which lacked a new one.
    expect(made.charged).toEqual(['wire.unproven']);
    expect(made.chain.headers.head().header.height).toBe(height);
  }
});

test('a part of a state that was let go while it came is not charged to who sent it', async () => {
  const long = await longChain();
  const own = { ms: START_MS };
  const short = await openChain(undefined, own);
  own.ms = START_MS + 10_000_000;
  for (let height = 1; height <= 300; height++)
    await short.importBlock((await long.block(blockId((await long.header(height))!)))!);
  const { id } = short.head();
  const tree = short.headState();
  const grown = createHandlers(long, () => undefined as never, silentLog);
  const parts: Uint8Array[] = [];
  const made = await setUp(
    async (answer, _peer, request) => {
      if (request.type === 'state' && equal(request.block, id)) {
        parts.push(request.from);
        // Here the client wakes: it catches up, and keeps the state of the new head instead.
        if (parts.length === 2) {
          made.follower.poll();
          await expect.poll(headHeight, { timeout: 20_000 }).toBe(513);
          await expect.poll(() => made.heads.length, { timeout: 20_000 }).toBeGreaterThan(1);
        }
        return { type: 'state', proof: proveFrom(tree, request.from, 1) };
      }
      return parts.length < 2 ? answer : ((await grown.onRequest('me', request)) as SyncResponse);
    },
    short,
    { blocksKept: 100 },
  );
  const headHeight = () => made.chain.headers.head().header.height;
  made.follower.poll();
  await expect
    .poll(() => made.charged[0] ?? (made.chain.state.isWhole && headHeight()), { timeout: 20_000 })
    .toBe(513);
});

test('a part of a state that opens nothing that was asked for is charged', async () => {
  const full = await longChain();
  const tree = full.headState();
  const made = await setUp(
    async (answer, _peer, request) => {
      if (request.type !== 'state') return answer;
      // Always the first leaf.
      return { type: 'state', proof: proveFrom(tree, new Uint8Array(32), 1) };
    },
    full,
    { blocksKept: 100 },
  );
  made.follower.poll();
  await expect.poll(() => made.charged, { timeout: 20_000 }).toContain('state.proof');
});

test('headers that do not go on where they were asked to end the question', async () => {
  const full = await longChain();
  const headers = await full.headersAfter([], 512);
  const later = await full.headersAfter([blockId(headers[0]!)], 512);
  let asked = 0;
  const made = await setUp(async (answer) => {
    if (answer.type === 'status')
      return { ...answer, height: 513, totalWork: full.head().header.totalWork };
    if (answer.type !== 'headers') return answer;
    if (++asked > 20) throw new Error('asked for ever');
    return { type: 'headers', headers: asked % 2 ? headers : later };
  }, full);
  made.follower.poll();
  await expect.poll(() => made.follower.sync()).toBe('synced');
  expect(asked).toBe(2);
});

test('a body that nobody looked at is told to nobody', async () => {
  const lie = bodyOf([transfer(ann, 0, bob, 1n)]);
  const made = await setUp(async (answer) => {
    if (answer.type !== 'blocks') return answer;
    // While it is asked, another tells of the block: the proof then is known.
    await made.follower.onBlock('other', { block: made.told, sequence: 1 });
    return { type: 'blocks', blocks: answer.blocks.map((block) => ({ ...block, body: lie })) };
  });
  made.follower.poll();
  await expect.poll(() => made.heads.length).toBeGreaterThan(1);
  await expect.poll(() => made.follower.sync()).toBe('synced');
  expect(toHex(made.chain.headers.head().id)).toBe(idOf(made.told));
  expect(made.heads.flatMap((body) => body?.transactions ?? [])).toEqual([]);
});

test('a block that nobody executed is not believed for the root that its child tells', async () => {
  const honest = await openChain();
  const shared = await mine(honest, bob, 5);
  const fraud = await openChain(undefined, undefined, { params: without(PARAMS, ['tx.nonce']) });
  for (const block of shared) await fraud.importBlock(block);
  // Too much state to hold: each block is executed on a witness.
  const made = await setUp(async (answer) => answer, fraud, { stateLeavesMax: 1 });
  made.follower.poll();
  await expect.poll(() => made.heads.length).toBe(1);
  // Two at once, so that the upper one is the head when it is first looked into.
  expect(await fraud.addTx(transfer(bob, 7, ann, 1n))).toBeUndefined();
  const [spent] = await mine(fraud, bob, 2);
  expect(spent!.body.transactions).toHaveLength(1);
  made.follower.poll();
  await expect.poll(() => made.follower.sync()).toBe('synced');
  expect(toHex(made.chain.headers.head().id)).toBe(idOf(shared[4]!));
  expect((await made.reader.state.newest())!.height).toBe(5);
});

test('a block that the model shows to be forged is no head, whichever way it comes', async () => {
  const honest = await openChain();
  const shared = await mine(honest, bob, 3);
  const forger = await openChain();
  for (const block of shared) await forger.importBlock(block);
  const [forged] = await mine(forger, ann, 2, { salt: 5 });
  let replays = 0;
  const made = await setUp(
    async (answer) => answer,
    forger,
    {},
    async ({ header }) => {
      replays++;
      return header.nonce === 5n ? [fault('proof.activations')] : [];
    },
  );
  // Told by nobody: headers and proofs are asked for, as by one who was away.
  made.follower.poll();
  await expect.poll(() => toHex(made.chain.headers.head().id)).toBe(idOf(shared[2]!));
  await expect.poll(() => made.heads.length).toBe(1);
  const before = replays;
  const asked = made.asked.length;
  made.follower.poll();
  await expect.poll(() => made.asked.slice(asked)).toContain('headers');
  expect(await made.follower.onBlock('other', { block: forged!, sequence: 1 })).toBe('ignore');
  expect(replays).toBe(before);
  const [next] = await mine(honest, bob, 1);
  expect(await made.follower.onBlock('other', { block: next!, sequence: 2 })).toBe('accept');
  await expect.poll(() => made.heads.length).toBe(2);
  expect(toHex(made.chain.headers.head().id)).toBe(idOf(next!));
});

test('an honest peer without the model is not banned for a head that it follows in good faith', async () => {
  const honest = await openChain();
  const shared = await mine(honest, bob, 3);
  const forger = await openChain();
  for (const block of shared) await forger.importBlock(block);
  await mine(forger, ann, 2, { salt: 5 });
  const made = await setUp(
    async (answer) => answer,
    forger,
    {},
    async ({ header }) => (header.nonce === 5n ? [fault('proof.activations')] : []),
  );
  const penalties = new Penalties();
  made.follower.poll();
  await expect.poll(() => made.heads.length, { timeout: 5000 }).toBe(1);
  // For the ten minutes in which it may build on that head it is asked for it as often as any other.
  for (let ms = 0; ms < 10 * 60_000; ms += 15_000) {
    const before = made.asked.length;
    made.follower.poll();
    await expect.poll(() => made.asked.slice(before), { interval: 5 }).toContain('headers');
    await new Promise((r) => setTimeout(r, 10));
    for (const code of made.charged.splice(0))
      penalties.charge('peer', FAULTS[code as FaultCode].penalty, START_MS + ms);
    expect(penalties.isBanned('peer', START_MS + ms)).toBe(false);
  }
  expect(made.chain.headers.head().header.height).toBe(3);
});

test('a forged block that was told is not taken from the next peer that has it', async () => {
  const forger = await openChain();
  const [forged] = await mine(forger, ann, 1, { salt: 5 });
  const made = await setUp(
    async (answer) => answer,
    forger,
    {},
    async () => [fault('proof.transcript')],
  );
  const told = await made.follower.onBlock('other', { block: forged!, sequence: 1 });
  expect(told).toMatchObject({ fault: 'proof.transcript' });
  made.follower.poll();
  await expect.poll(() => made.asked).toContain('headers');
  await expect.poll(() => made.follower.sync()).toBe('synced');
  expect(made.charged).toEqual([]);
  expect(made.chain.headers.head().header.height).toBe(0);
});

test('an old and easy block that is told anew is neither kept nor passed on', async () => {
  const full = await openChain();
  const stale = nextBlock(full, bob, { salt: 3 });
  const late = nextBlock(full, bob, { salt: 4 });
  await mine(full, ann, 1);
  const made = await setUp(async (answer) => answer, full);
  made.follower.poll();
  await expect.poll(() => made.chain.headers.head().header.height).toBe(1);
  expect(await made.follower.onBlock('other', { block: late, sequence: 1 })).toBe('accept');
  await mine(full, ann, 30);
  made.follower.poll();
  await expect.poll(() => made.chain.headers.head().header.height).toBe(31);
  expect(await made.follower.onBlock('other', { block: stale, sequence: 2 })).toBe('ignore');
  expect(await made.chain.blocks.body(blockId(stale.header))).toBeUndefined();
});

test('a peer that tells of orphans without end, and is slow, keeps nobody else waiting', async () => {
  const full = await openChain();
  const far = await openChain();
  await mine(far, bob, 2);
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  let asked = 0;
  const made = await setUp(async (answer, peer) => {
    if (peer === 'slow') {
      asked++;
      await gate;
    }
    return answer;
  }, full);
  await mine(full, ann, 1);
  for (let salt = 0; salt < 100; salt++) {
    const block = nextBlock(far, bob, { salt });
    expect(await made.follower.onBlock('slow', { block, sequence: salt })).toBe('ignore');
  }
  made.follower.poll();
  await expect.poll(() => made.chain.headers.head().header.height).toBe(1);
  open();
  await expect.poll(() => made.follower.sync()).toBe('synced');
  expect(asked).toBeLessThan(10);
});

test('a peer that gives nothing is not asked first again, however high it claims to be', async () => {
  const asked: string[] = [];
  const made = await setUp(async (answer, peer) => {
    if (answer.type === 'status' && peer === 'liar')
      return { ...answer, height: 2 ** 31, totalWork: 1n };
    if (answer.type !== 'find') return answer;
    asked.push(peer);
    if (peer === 'liar') throw new Error('no answer');
    return answer;
  });
  made.peers.push('liar');
  made.follower.poll();
  await expect.poll(() => made.reader.heads.countAt(made.chain.headers.head().id)).toBe(2);
  const find = () => made.reader.ask({ type: 'find', id: bob.address }, () => true);
  for (let i = 0; i < 3; i++) expect(await find()).toBe(true);
  expect(asked).toEqual(['liar', 'peer', 'peer', 'peer']);
});

test('a block that is told again under another number is neither replayed nor passed on', async () => {
  const full = await openChain();
  const [block] = await mine(full, ann, 1);
  let replays = 0;
  const made = await setUp(
    async (answer) => answer,
    full,
    {},
    async () => {
      replays++;
      return [];
    },
  );
  const tell = (sequence: number) => made.follower.onBlock('other', { block: block!, sequence });
  expect(await tell(1)).toBe('accept');
  expect(await tell(2)).toBe('ignore');
  expect(await tell(3)).toBe('ignore');
  expect(replays).toBe(1);
});

test('a known block with another proof is not passed on: whoever does not know it would blame us', async () => {
  const full = await openChain();
  const [block] = await mine(full, ann, 1);
  const made = await setUp(async (answer) => answer, full);
  const junk = { ...block!, proof: { ...block!.proof, rows: new Uint8Array(16) } };
  const told = [block!, block!, junk].map((one, sequence) =>
    made.follower.onBlock('other', { block: one, sequence }),
  );
  expect(await Promise.all(told)).toEqual(['accept', 'ignore', 'ignore']);
});

test('the body of a told block is not looked at before its header is right', async () => {
  const made = await setUp(async (answer) => answer);
  const looks: string[] = [];
  const tell = (header: Header) => {
    const block = { ...made.told, header };
    const body = made.told.body;
    Object.defineProperty(block, 'body', { get: () => (looks.push('body'), body) });
    return made.follower.onBlock('peer', { block, sequence: 1 });
  };
  const { header } = made.told;
  expect(await tell({ ...header, prevHash: new Uint8Array(32).fill(7) })).toBe('ignore');
  expect(await tell({ ...header, slip: 1 })).toMatchObject({ fault: 'header.slip' });
  expect(looks).toEqual([]);
  expect(await tell(header)).toBe('accept');
  expect(looks).not.toEqual([]);
});
