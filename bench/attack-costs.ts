/**
 * What small hostile inputs cost who gets them: `npm run -s bench:costs`. Processor time of this thread, the
 * least of a few runs, because other programs can only add to it. Bounds and prices: docs/limits.md.
 */
import { Links, walkBack } from '../src/chain/shared/links.ts';
import { createMemoryStore } from '../src/chain/store/memory-store.ts';
import { addressOf } from '../src/core/address.ts';
import { decode, encode, tryDecode, varint } from '../src/core/codec.ts';
import { Body, type Header, type SignedTx } from '../src/core/formats.ts';
import { isFault } from '../src/core/faults.ts';
import { plainHash } from '../src/core/hash.ts';
import {
  blockId,
  extendPoint,
  genesisPoint,
  genesisTree,
  templateCore,
} from '../src/core/header/header.ts';
import {
  BlockAnnounce,
  BLOCKS_MAX,
  HEADERS_MAX,
  PROOF_KEYS_MAX,
  STATE_PART_BYTES,
  SyncResponse,
  type Block,
  type SyncRequest,
} from '../src/core/messages.ts';
import { proveFrom, treeOf } from '../src/core/tree/tree-parts.ts';
import { proveKeys, treeFromProof, treeRoot, type Tree } from '../src/core/tree/tree.ts';
import { bodyOf, bodyRoot } from '../src/core/tx/body.ts';
import { compare, utf8 } from '../src/lib/bytes.ts';
import { silentLog } from '../src/lib/log.ts';
import type { Transport } from '../src/net/transport.ts';
import { createFullSync } from '../src/node/seed/full-sync.ts';
import { createHandlers } from '../src/node/seed/serve-peers.ts';
import {
  mine,
  nextBlock,
  openChain,
  PARAMS,
  person,
  PROOF,
  START_MS,
} from '../test/chain/make-blocks.ts';
import { openLightChain } from '../test/chain/open-light.ts';
import { openFollower } from '../test/client/open-follower.ts';
import { cpuMs } from './measure.ts';

async function leastMs(times: number, run: () => unknown): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < times; i++) {
    const start = cpuMs();
    await run();
    least = Math.min(least, cpuMs() - start);
  }
  return least;
}

const print = (input: string, bytes: number, ms: number): void =>
  console.log(`${input.padEnd(62)} ${String(bytes).padStart(8)} B ${ms.toFixed(2).padStart(9)} ms`);

const NONE = new Uint8Array(0);

/** Pairs of leaves that part at the last bit of their keys: two bytes of a proof for each branch above them. */
function deepProof(pairs: number): Uint8Array {
  const entries = Array.from({ length: pairs }, (_, i) => {
    const key = new Uint8Array(32);
    [key[0], key[1]] = [i >> 4, (i & 15) << 4];
    const twin = key.slice();
    twin[31] = 1;
    return [key, twin].map((one) => ({ key: one, value: NONE }));
  }).flat();
  const nodes: number[][] = [];
  const write = (tree: Tree): void => {
    if (tree.kind === 'leaf') nodes.push([2, ...tree.key, 0]);
    else nodes.push([tree.kind === 'branch' ? 3 : 0]);
    if (tree.kind !== 'branch') return;
    write(tree.left);
    write(tree.right);
  };
  write(treeOf(entries));
  // By hand: with more nodes than a proof may have the codec writes none.
  return Uint8Array.from([...encode(varint, nodes.length), ...nodes.flat()]);
}

async function measureProofs(): Promise<void> {
  for (const pairs of [200, 460, 1700]) {
    const proof = deepProof(pairs);
    const ms = await leastMs(3, () => {
      const tree = treeFromProof(proof);
      if (!('fault' in tree)) treeRoot(tree);
    });
    print('a tree proof of deep branches', proof.length, ms);
    const asked = Array.from({ length: PROOF_KEYS_MAX }, (_, i) => named(`key ${i}`));
    const keyed = await leastMs(3, () => treeFromProof(proof, asked));
    print(`the same, where ${PROOF_KEYS_MAX} keys were asked for`, proof.length, keyed);
  }
}

const named = (name: string): Uint8Array => plainHash(utf8(name));

const transfer = (from: Uint8Array, to: Uint8Array, nonce = 0n): SignedTx => ({
  tx: { type: 'transfer', chainId: 3, from, nonce, expiry: 1, fee: 0n, to, amount: 1n, memo: NONE },
  signature: new Uint8Array(64),
});

/** As many transfers as a block holds. */
const fullBody = (make: (i: number) => SignedTx): SignedTx[] =>
  Array.from({ length: 414 }, (_, i) => make(i));

async function measureHistory(): Promise<void> {
  const me = named('me');
  const mine = addressOf(me);
  const blocks = Array.from({ length: 51 }, (_, height) => {
    const body = fullBody((i) =>
      transfer(i === 413 ? me : named(`from ${height} ${i}`), named(`to ${height} ${i}`)),
    );
    const links = body
      .flatMap(({ tx }, index) =>
        [addressOf(tx.from), (tx as { to: Uint8Array }).to].map((address) => ({ address, index })),
      )
      .map(({ address, index }) => ({
        address,
        previous: { height: Math.max(0, height - 1), index: 413 },
        indices: [index],
      }));
    return { body: encode(Body, bodyOf(body)), links: encode(Links, links) };
  });
  let entries = 0;
  const ms = await leastMs(4, async () => {
    const found = await walkBack(mine, { height: 50, index: 413 }, 50, async (height) => {
      const { body, links } = blocks[height]!;
      return { body: decode(Body, body), bytes: body.length, links: decode(Links, links) };
    });
    entries = found.length;
  });
  print(`history of 50 entries in 50 full blocks; answered: ${entries}`, 80, ms);
}

function headersFrom(count: number): { genesis: Header; headers: Header[] } {
  let point = genesisPoint(PARAMS, START_MS);
  const genesis = point.header;
  const stateRoot = treeRoot(genesisTree(PARAMS));
  const headers: Header[] = [];
  for (let i = 0; i < count; i++) {
    const core = templateCore(PARAMS, point, {
      timeMs: point.header.time + PARAMS.blockTimeMs,
      miner: person(1).address,
      model: 0,
      bodyRoot: bodyRoot(bodyOf()),
      stateRoot,
    });
    const header = { ...core, proofDigest: new Uint8Array(32) };
    point = extendPoint(PARAMS, point, header);
    headers.push(header);
  }
  return { genesis, headers };
}

async function measureHeaders(): Promise<void> {
  const { genesis, headers } = headersFrom(2048);
  const now = () => START_MS + 10 ** 9;
  const ms = await leastMs(3, async () => {
    const light = await openLightChain({ now }, genesis);
    for (let i = 0; i < headers.length; i += 512)
      await light.headers.import(headers.slice(i, i + 512));
  });
  print('a free header, into a light client', 343, ms / headers.length);
}

const silent = {
  peers: () => [{ id: 'evil' }],
  request: () => Promise.reject(new Error('silent')),
  charge: () => undefined,
} as unknown as Transport;

/** Blocks on parents that nobody knows, each new to gossip; as they come over the wire. */
function orphans(head: Header, body: SignedTx[], rows: number, count: number): Uint8Array[] {
  const root = bodyRoot(bodyOf(body));
  return Array.from({ length: count }, (_, i) => {
    const header = {
      ...head,
      height: head.height + 1,
      prevHash: named('nobody'),
      nonce: BigInt(i),
      bodyRoot: root,
    };
    const totalWork = head.totalWork * 2n + 1n;
    const block: Block = {
      header: { ...header, totalWork },
      body: bodyOf(body),
      proof: { ...PROOF, rows: new Uint8Array(rows) },
    };
    return encode(BlockAnnounce, { block, sequence: i });
  });
}

async function measureOrphans(): Promise<void> {
  const clock = { ms: START_MS };
  const full = await openChain(createMemoryStore(), clock);
  await mine(full, person(1), 3);
  const light = await openLightChain({ now: () => START_MS + 1e7 }, await full.header(0));
  const sync = createFullSync(full, silent, silentLog);
  const onBlock = {
    seed: createHandlers(full, () => sync, silentLog).onBlock,
    'light client': openFollower(light, silent).follower.onBlock,
  };
  const body = fullBody((i) => transfer(new Uint8Array(32), new Uint8Array(32), BigInt(i)));
  for (const [who, handler] of Object.entries(onBlock))
    for (const [what, txs, rows] of [
      ['empty', [], 8],
      ['65 KB of rows', [], 65_000],
      ['full', body, 8],
    ] as const) {
      const told = orphans(full.head().header, [...txs], rows, 100);
      const ms = await leastMs(3, async () => {
        for (const data of told) await handler('evil', tryDecode(BlockAnnounce, data)!);
      });
      print(
        `a told block on an unknown parent, ${what}, at a ${who}`,
        told[0]!.length,
        ms / told.length,
      );
    }
}

/** Blocks of the chain that is asked: as many as one answer has headers. */
const BLOCKS = HEADERS_MAX;

/** What a seed spends on requests of peers, at their largest. */
async function measureRequests(): Promise<void> {
  const clock = { ms: START_MS };
  const full = await openChain(createMemoryStore(), clock);
  clock.ms += 10 ** 9;
  // Proofs of the usual size: they are read, decoded and written again.
  const proof = { ...PROOF, rows: new Uint8Array(20_000), columns: new Uint8Array(20_000) };
  for (let i = 0; i < BLOCKS; i++) await full.importBlock({ ...nextBlock(full, person(1)), proof });
  const handlers = createHandlers(full, () => createFullSync(full, silent, silentLog), silentLog);
  const { id } = full.head();
  const ids = (await full.headersAfter([], BLOCKS_MAX)).map(blockId);
  const keys = Array.from({ length: 256 }, (_, i) => named(`key ${i}`));
  const requests: readonly SyncRequest[] = [
    { type: 'status' },
    { type: 'headers', locator: [], max: HEADERS_MAX },
    { type: 'blocks', ids },
    { type: 'proof', block: id, keys },
    { type: 'state', block: id, from: new Uint8Array(32) },
    { type: 'witness', block: id },
  ];
  for (const request of requests) {
    let bytes = 0;
    const ms = await leastMs(5, async () => {
      const answer = await handlers.onRequest('peer', request);
      bytes = isFault(answer) ? 0 : encode(SyncResponse, answer).length;
    });
    print(`a request: ${request.type}`, bytes, ms);
  }
}

/** Proofs of a state of that many accounts. */
async function measureStates(accounts: number): Promise<void> {
  const value = new Uint8Array(24).fill(1);
  const keys = Array.from({ length: accounts }, (_, i) => named(`account ${i}`)).sort(compare);
  const tree = treeOf(keys.map((key) => ({ key, value })));
  treeRoot(tree);
  const some = keys.slice(0, PROOF_KEYS_MAX).map((_, i) => keys[(i * 7919) % accounts]!);
  const proofs = {
    [`a part of a state of ${accounts} accounts`]: () =>
      proveFrom(tree, new Uint8Array(32), STATE_PART_BYTES),
    [`a proof of ${PROOF_KEYS_MAX} keys of it`]: () => proveKeys(tree, some),
  };
  for (const [what, prove] of Object.entries(proofs)) {
    const proof = prove();
    print(`${what}, made`, proof.length, await leastMs(5, prove));
    const read = () => treeRoot(treeFromProof(proof) as Tree);
    print(`${what}, checked`, proof.length, await leastMs(5, read));
  }
}

await measureProofs();
await measureStates(100_000);
await measureHistory();
await measureHeaders();
await measureOrphans();
await measureRequests();
process.exit(0);
